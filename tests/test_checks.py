"""Argument checks: what each lets through, and the sentence for what it does not.

Expectations: the rules are written anew below in another way than in the module (intervals by `numpy`, kinds by exact types).
"""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hpsearch
from hpsearch import checks
from hpsearch.errors import DataError, InputError, SettingError, SpaceError, StudyError, TrackingError

PACKAGE = Path(hpsearch.__file__).parent
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(width=16), st.text(max_size=3), st.just([1]), st.just(np.int64(3))
)
ENDS = st.integers(-4, 4)


def passes(check: Any, *args: Any, **options: Any) -> bool:
    """Return whether a check returns the value itself; it must raise otherwise."""
    try:
        assert check("x", *args, **options) is args[0]
    except InputError:
        return False
    return True


@given(SCALARS, ENDS, st.integers(0, 4))
def test_a_whole_number_is_an_int_in_its_range(value: Any, least: int, width: int) -> None:
    inside = type(value) is int and value in range(least, least + width + 1)
    assert passes(checks.integer, value, least, most=least + width) == inside
    assert passes(checks.integer, value, least) == (type(value) is int and value >= least)
    assert passes(checks.integer, value) == (type(value) is int)


@given(SCALARS, ENDS, st.integers(1, 4), st.booleans(), st.booleans())
def test_a_number_lies_in_its_interval(value: Any, low: int, width: int, open_low: bool, open_high: bool) -> None:
    high = float(low + width)
    found = passes(checks.number, value, low, high, open_low=open_low, open_high=open_high)
    real = type(value) in (int, float) and bool(np.isfinite(value))
    # An open end is a closed one at the next float.
    first = np.nextafter(low, math.inf) if open_low else low
    last = np.nextafter(high, -math.inf) if open_high else high
    assert found == (real and first <= float(value) <= last)
    assert passes(checks.number, value) == real


@given(SCALARS)
def test_kinds_of_values(value: Any) -> None:
    assert checks.is_integer(value) == (type(value) is int)
    assert checks.is_number(value) == (type(value) in (int, float))
    assert checks.is_finite(value) == (type(value) in (int, float) and value - value == 0)
    assert passes(checks.boolean, value, "Leave it out.") == (type(value) is bool)
    assert passes(checks.text, value, "Leave it out.") == (type(value) is str)
    assert passes(checks.choice, value, ("a", "b")) == (value in ("a", "b"))


@given(st.lists(st.integers(-9, 9)), st.lists(st.floats(allow_nan=False, width=32)))
def test_numpy_scalars_become_python_values_of_the_same_size(whole: list[int], real: list[float]) -> None:
    found = checks.to_python([*map(np.int16, whole), *map(np.float32, real), np.bool_(True), np.str_("a"), None])
    assert found == (*whole, *real, True, "a", None)
    assert {type(item) for item in found} <= {int, float, bool, str, type(None)}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: checks.integer("x", True, 1, "Try 2."), "x must be a whole number >= 1, got True. Try 2."),
        (lambda: checks.integer("x", 1.0, 1, "Try 2."), "x must be a whole number >= 1, got 1.0. Try 2."),
        (lambda: checks.integer("x", 9, 1, "Try 2.", most=3), "x must be a whole number in [1, 3], got 9. Try 2."),
        (lambda: checks.integer("x", "a", None, "Try 2."), "x must be a whole number, got 'a'. Try 2."),
        (
            lambda: checks.integer("x", 0, 2, "Try 2.", other="'loo'"),
            "x must be a whole number >= 2, or 'loo', got 0. Try 2.",
        ),
        (lambda: checks.number("x", math.nan, advice="Try 2."), "x must be a finite number, got nan. Try 2."),
        (lambda: checks.number("x", 0, 0, advice="Try 2.", open_low=True), "x must be a number in (0, inf), got 0. Try 2."),
        (lambda: checks.number("x", 2, high=1, advice="Try 0."), "x must be a number in (-inf, 1], got 2. Try 0."),
        (lambda: checks.number("x", 2, 0.5, 1, "Try 1.", open_high=True), "x must be a number in [0.5, 1), got 2. Try 1."),
        (lambda: checks.choice("x", 3, ("a", "b"), "Try 'a'."), "x must be one of 'a', 'b', got 3. Try 'a'."),
        (
            lambda: checks.choice("x", "ac", {"abc": 1}),
            "x must be one of 'abc', got 'ac'. Take one of these. Did you mean 'abc'?",
        ),
        (lambda: checks.boolean("x", 1, "Try True."), "x must be True or False, got 1. Try True."),
        (lambda: checks.text("x", 1, "Try ''."), "x must be a text, got 1. Try ''."),
        (lambda: checks.text("x", "", "Try 'a'.", constraint="a name"), "x must be a name, got ''. Try 'a'."),
    ],
)
def test_the_sentence_names_the_constraint_the_value_and_what_to_do(call: Any, sentence: str) -> None:
    with pytest.raises(SettingError) as raised:
        call()
    assert str(raised.value) == sentence


@pytest.mark.parametrize("error", [SettingError, SpaceError, StudyError, DataError, TrackingError])
def test_the_class_of_the_error_is_the_callers(error: Any) -> None:
    calls = (
        lambda: checks.integer("x", None, error=error),
        lambda: checks.number("x", None, error=error),
        lambda: checks.choice("x", None, ("a",), error=error),
        lambda: checks.boolean("x", None, "", error=error),
        lambda: checks.text("x", None, "", error=error),
    )
    for call in calls:
        with pytest.raises(error):
            call()


def test_an_int_beyond_all_floats_is_a_whole_number_and_not_a_finite_one() -> None:
    assert checks.integer("x", 10**400) == 10**400
    assert not checks.is_finite(10**400)
    with pytest.raises(SpaceError, match="Float high must be a finite number, got 1000"):
        hpsearch.Float(0, 10**400)


def guards(tree: ast.Module) -> list[int]:
    """Return the lines on which a value is compared with bool alone, as only the check of an argument does."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    kinds = [node for node in calls if node.func.id == "isinstance" and ast.unparse(node.args[1]) == "bool"]  # type: ignore[attr-defined]
    exact = [node for node in ast.walk(tree) if isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "bool"]
    return sorted(node.lineno for node in [*kinds, *exact])


def test_true_and_false_are_told_from_numbers_in_checks_alone() -> None:
    found = {str(file.relative_to(PACKAGE)): guards(ast.parse(file.read_text())) for file in PACKAGE.rglob("*.py")}
    assert {file: lines for file, lines in found.items() if lines and file != "checks.py"} == {}
    assert len(found["checks.py"]) == 3  # is_integer, is_number, boolean
