"""The list of public statistics: each name is found where it is defined, and using one loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hpsearch.analysis as analysis


def test_every_listed_name_is_the_object_that_its_module_defines() -> None:
    found = {name: getattr(analysis, name) for name in analysis.__all__}
    classes_and_functions = {name: each for name, each in found.items() if name != "FAMILIES"}
    assert [name for name, each in classes_and_functions.items() if each.__name__ != name] == []
    assert [name for name, each in classes_and_functions.items() if not each.__module__.startswith("hpsearch.analysis.")] == []
    assert [name for name, each in classes_and_functions.items() if not each.__doc__] == []


def test_the_lists_in_the_package_name_the_same() -> None:
    assert sorted(analysis.__all__) == sorted(name for names in analysis._HOMES.values() for name in names)
    with pytest.raises(AttributeError, match=r"'hpsearch\.analysis' has no attribute 'expected_bets'"):
        _ = analysis.expected_bets


def test_the_names_come_without_the_libraries_behind_them() -> None:
    """Every module is imported; those that need a forest, a sampler or a band load it when they are called."""
    heavy = {"mlflow", "matplotlib", "opda", "optuna", "pandas", "scipy.stats", "sklearn"}
    code = f"from hpsearch.analysis import *; import sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
