"""The known values in the docstrings of the analysis hold."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import hpsearch.analysis

MODULES = sorted(module.name for module in pkgutil.iter_modules(hpsearch.analysis.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(f"hpsearch.analysis.{name}")).failed == 0


def test_there_are_examples() -> None:
    """Else the test above would pass on nothing."""
    found = [doctest.testmod(import_module(f"hpsearch.analysis.{name}")).attempted for name in MODULES]
    assert sum(found) >= 30
