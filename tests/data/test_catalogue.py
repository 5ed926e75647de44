"""The names of the command line, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch import data
from hpsearch.errors import DataError


def test_digits_by_name() -> None:
    assert data.named("digits") == data.digits()


def test_an_unknown_name_is_met_with_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"Data set must be 'digits' or 'mnist', got 'minst'.*Did you mean 'mnist'\?"):
        data.named("minst")


def test_the_list_matches_what_is_loaded() -> None:
    entry = data.available()[0]
    digits = data.digits(validation=0.2, test=0)
    assert (entry.name, entry.features, entry.classes) == ("digits", digits.features, digits.classes)
    assert entry.rows == len(digits.train) + len(digits.validation)


def test_the_list_says_how_to_get_what_is_missing(no_mnist: Path) -> None:
    entry = data.available()[1]
    assert (entry.name, entry.found) == ("mnist", False)
    assert "HPSEARCH_DATA_HOME" in entry.where
    assert str(no_mnist) in entry.where


def test_the_list_says_where_a_set_was_found(tiny: Path, no_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_DATA_HOME", str(tiny))
    assert data.available()[1].where == str(tiny.resolve())


def test_importing_loads_neither_sklearn_nor_mlflow() -> None:
    program = "import sys, hpsearch.data; print([m for m in ('sklearn', 'mlflow', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout.strip() == b"[]"


def test_the_public_names_are_sorted_and_there() -> None:
    assert data.__all__ == sorted(data.__all__)
    assert all(hasattr(data, name) for name in data.__all__)
