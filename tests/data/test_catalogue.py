"""Built-in data sets: the digits against scikit-learn's own, the names of the command line, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hpsearch import data
from hpsearch.data.vault import open_test
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


def test_all_digits_are_there_once() -> None:
    digits, source = data.digits(), load_digits()
    assert digits.test is not None
    parts = [digits.train, digits.validation, open_test(digits.test)]
    assert [len(part) for part in parts] == [1079, 359, 359]
    x = np.concatenate([part.x for part in parts])
    y = np.concatenate([part.y for part in parts])
    expected = np.column_stack([source.data / 16, source.target])
    found = np.column_stack([x, y])
    np.testing.assert_array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


def test_pixels_are_float32_in_the_unit_interval() -> None:
    x = data.digits().train.x
    assert (x.dtype, x.min(), x.max()) == (np.float32, 0.0, 1.0)


def test_the_split_is_seeded() -> None:
    assert data.digits(seed=3) == data.digits(seed=3)
    assert data.digits(seed=3) != data.digits()


def test_sizes_are_passed_on() -> None:
    digits = data.digits(validation=100, test=0)
    assert repr(digits) == "digits(train=1697, validation=100)"
    assert digits.test is None
