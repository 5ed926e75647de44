"""Domains: the map of the unit interval, exact text forms, and errors for bad arguments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hpsearch.errors import SpaceError
from hpsearch.space import Choice, Float, Int

unit = st.floats(0.0, 1.0)


@st.composite
def floats(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    low = draw(st.floats(1e-8, 1e3) if log else st.floats(-1e3, 1e3))
    return Float(low, low + draw(st.floats(1e-3, 1e6)), log=log)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    log = draw(st.booleans())
    step = 1 if log else draw(st.integers(1, 7))
    low = draw(st.integers(1, 50) if log else st.integers(-50, 50))
    return Int(low, low + step * draw(st.integers(1, 200)), log=log, step=step)


@given(floats(), unit)
def test_float_maps_the_unit_interval_into_itself_and_back(domain: Float, u: float) -> None:
    value = domain.from_unit(u)
    assert type(value) is float
    assert domain.contains(value)
    assert domain.to_unit(value) == pytest.approx(u, abs=1e-6)


@given(floats(), unit)
def test_float_text_is_exact(domain: Float, u: float) -> None:
    value = domain.from_unit(u)
    assert domain.parse(domain.text(value)) == value


@given(ints(), unit)
def test_int_values_are_reached_and_come_back(domain: Int, u: float) -> None:
    value = domain.from_unit(u)
    assert type(value) is int
    assert domain.contains(value)
    assert domain.from_unit(domain.to_unit(value)) == value
    assert domain.parse(domain.text(value)) == value


def test_log_float_has_the_distribution_of_scipys_loguniform() -> None:
    domain = Float(1e-3, 10.0, log=True)
    u = np.random.default_rng(0).random(2000)
    values = [domain.from_unit(x) for x in u]
    assert stats.kstest(values, stats.loguniform(1e-3, 10.0).cdf).pvalue > 0.01
    assert domain.from_unit(0.37) == pytest.approx(float(stats.loguniform(1e-3, 10.0).ppf(0.37)))


@pytest.mark.parametrize(("low", "high"), [(1, 100), (3, 7), (10, 1000)])
def test_log_int_has_one_cell_for_each_number_on_a_logarithmic_axis(low: int, high: int) -> None:
    """The independent source is numpy: the edges low - 1/2, ..., high + 1/2 are spaced by their logarithm."""
    domain = Int(low, high, log=True)
    edges = np.log(np.arange(low - 0.5, high + 1.0))
    units = (edges - edges[0]) / (edges[-1] - edges[0])
    middles = (units[:-1] + units[1:]) / 2
    assert [domain.from_unit(float(u)) for u in middles] == list(range(low, high + 1))
    assert [domain.from_unit(float(u) + 1e-9) for u in units[:-1]] == list(range(low, high + 1))
    assert [domain.from_unit(float(u) - 1e-9) for u in units[1:]] == list(range(low, high + 1))
    places = np.log(np.arange(low, high + 1) / (low - 0.5)) / np.log((high + 0.5) / (low - 0.5))
    assert [domain.to_unit(n) for n in range(low, high + 1)] == pytest.approx(places.tolist(), rel=1e-12)


def test_stepped_int_has_the_middles_of_equal_cells() -> None:
    """By hand: 2, 5, 8 and 11 have cells a quarter wide."""
    domain = Int(2, 11, step=3)
    assert domain.count == 4
    assert [domain.to_unit(n) for n in (2, 5, 8, 11)] == [0.125, 0.375, 0.625, 0.875]
    assert [domain.from_unit(u) for u in (0.0, 0.249, 0.25, 0.5, 0.75, 1.0)] == [2, 2, 5, 8, 11, 11]


def test_int_cells_are_equally_wide() -> None:
    counts = np.bincount([Int(0, 4).from_unit(u) for u in np.linspace(0, 1, 1001)[:-1]])
    assert counts.tolist() == [200] * 5


def test_choice_options_of_equal_value_stay_distinct() -> None:
    choice = Choice(1, 1.0, True, "1")
    assert len(set(choice.labels)) == 4
    assert [choice.parse(choice.text(v)) for v in choice.values] == [1, 1.0, True, "1"]
    assert [type(choice.parse(choice.text(v))) for v in choice.values] == [int, float, bool, str]


def test_numpy_values_become_python_values() -> None:
    assert type(Choice(np.float64(0.5), np.int64(3)).values[0]) is float
    assert type(Float(np.float32(0.5), np.int64(3)).low) is float


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(1.0, 0.1), "Float needs low < high, got low=1.0, high=0.1"),
        (lambda: Float(1.0, 1.0), "Float needs low < high"),
        (lambda: Float(0.0, 1.0, log=True), "Float low must be > 0 where log=True, got 0.0"),
        (lambda: Float(-1.0, 1.0, log=True), "Float low must be > 0 where log=True"),
        (lambda: Float("a", 1.0), "Float low must be a finite number, got 'a'"),
        (lambda: Float(0.0, math.inf), "Float high must be a finite number, got inf"),
        (lambda: Float(True, 2.0), "Float low must be a finite number, got True"),
        (lambda: Int(1.5, 3), "Int low must be a whole number, got 1.5"),
        (lambda: Int(3, 1), "Int needs low < high, got low=3, high=1"),
        (lambda: Int(0, 10, log=True), "Int low must be > 0 where log=True"),
        (lambda: Int(0, 10, step=3), r"Int high must be low plus a multiple of step=3, got 10. Try high=9"),
        (lambda: Int(0, 10, step=0), "Int step must be >= 1"),
        (lambda: Choice(), "Choice must be given at least one option"),
        (lambda: Choice([1, 2]), "Choice must be given its options one by one"),
        (lambda: Choice(1, 1), "Choice options must be distinct"),
        (lambda: Choice(object(), object()), "Choice options must be distinct"),
        (lambda: Float(0, 1, when="sgd"), "when must be a dict of parameter and value"),
    ],
)
def test_bad_domains_raise_one_sentence(make: object, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (Float(0.001, 10, log=True), "Float(0.001, 10.0, log=True)"),
        (Int(2, 10, step=2), "Int(2, 10, step=2)"),
        (Choice(10, "relu", (30,)), "Choice(10, 'relu', (30,))"),
        (Float(0, 1, when={"o": ["a", "b"]}), "Float(0.0, 1.0, when=(('o', ('a', 'b')),))"),
    ],
)
def test_repr_is_a_record_that_reads_back(domain: object, text: str) -> None:
    assert repr(domain) == text
    assert eval(text) == domain


def test_the_ends_of_a_float_are_exact() -> None:
    """0.1 + 0.2 is no number of 15 digits, and stays what it is at the end of the unit interval and beyond."""
    high = 0.1 + 0.2
    for domain in (Float(0.1, high), Float(0.1, high, log=True)):
        assert [domain.from_unit(u) for u in (-0.5, 0.0, 1.0, 1.5)] == [0.1, 0.1, high, high]
        assert [domain.to_unit(value) for value in (0.1, high)] == [0.0, 1.0]


def test_an_unknown_option_has_no_place() -> None:
    choice = Choice("a", 1, "b", dropped=("b",))
    assert [choice.index(value) for value in ("a", 1, "1", "b", "c", 2, True)] == [0, 1, 1, 2, -1, -1, -1]
    assert [choice.contains(value) for value in ("a", 1, "b", "c")] == [True, True, False, False]
    assert [choice.to_unit(value) for value in ("a", 1, "b")] == [0.25, 0.75, 0.5]
    assert choice.kept == ("a", 1)


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        (Float(1.0, 2.0), [1.0, 1, 2.0], [0.99, 2.01, "1", None, True]),
        (Int(2, 8, step=3), [2, 5, 8], [1, 3, 11, -1, 5.0, "5", True]),
    ],
)
def test_what_lies_in_a_range(domain: Float | Int, inside: list[object], outside: list[object]) -> None:
    assert [domain.contains(value) for value in inside] == [True] * len(inside)
    assert [domain.contains(value) for value in outside] == [False] * len(outside)


def test_grids_by_hand() -> None:
    assert Float(0.0, 1.0).grid(1, "ends") == [0.5]
    assert Float(0.0, 1.0).grid(2, "ends") == [0.0, 1.0]
    assert Float(0.0, 1.0).grid(2, "cells") == [0.25, 0.75]
    assert Int(1, 3).grid(9, "ends") == [1, 2, 3]
    assert Choice("a", "b").grid(1, "ends") == ["a", "b"]
    with pytest.raises(SpaceError, match="A number of grid points must be a whole number >= 1, got 0"):
        Float(0.0, 1.0).grid(0, "ends")


@pytest.mark.parametrize("simple", ["middle", "High", 1])
def test_the_simple_end_is_low_or_high(simple: object) -> None:
    with pytest.raises(SpaceError, match="simple must be 'low' or 'high', got"):
        Int(1, 3, simple=simple)  # type: ignore[arg-type]
