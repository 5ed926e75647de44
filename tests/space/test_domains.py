"""Domains: the map of the unit interval, exact text forms, and errors for bad arguments."""

from __future__ import annotations

import math
import pickle
from collections import Counter, deque

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

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
        (lambda: Float(1.0, 0.1), "Float needs low <= high, got low=1.0, high=0.1. Swap them."),
        (lambda: Float(0.0, 1.0, log=True), "Float low must be > 0 where log=True, got 0.0"),
        (lambda: Float(-1.0, 1.0, log=True), "Float low must be > 0 where log=True"),
        (lambda: Float("a", 1.0), "Float low must be a finite number, got 'a'"),
        (lambda: Float(0.0, math.inf), "Float high must be a finite number, got inf"),
        (lambda: Float(True, 2.0), "Float low must be a finite number, got True"),
        (lambda: Int(1.5, 3), "Int low must be a whole number, got 1.5"),
        (lambda: Int(3, 1), "Int needs low <= high, got low=3, high=1"),
        (lambda: Int(0, 2**63), "Int high must be within 64 bits, got 9223372036854775808. Search its logarithm"),
        (lambda: Float(0, 1, step=0.3), "Float high must be low plus a multiple of step=0.3, got 1.0. Try high=0.9."),
        (
            lambda: Float(0, 1, step=0),
            r"Float step must be a number in \(0, inf\), got 0. Write it as in Float\(0, 1, step=0.1",
        ),
        (lambda: Float(0, 1, step="x"), "Float step must be a number"),
        (lambda: Float(0, 1, step=2.0), "Float high must be low plus a multiple of step=2.0, got 1.0. Try high=0.0."),
        (lambda: Float(0.1, 1, step=0.1, log=True), "Float step must be left out where log=True, got 0.1"),
        (lambda: Float(1e20, 2e20, step=1.0), "Float step must be large enough to tell its values apart"),
        (lambda: Float(-1e308, 1e308, step=1e307), "and the range finite, got 1e[+]307"),
        (lambda: Int(0, 10, log=True), "Int low must be > 0 where log=True"),
        (lambda: Int(0, 10, step=3), r"Int high must be low plus a multiple of step=3, got 10. Try high=9"),
        (lambda: Int(0, 10, step=0), "Int step must be >= 1"),
        (lambda: Choice(), "Choice must be given at least one option"),
        (lambda: Choice(1, 1), "Choice options must be distinct"),
        (lambda: Choice(object(), object()), "Choice options must be distinct"),
        (lambda: Choice(-0.0, 0.0), "Choice options must be distinct, got"),
        (lambda: Choice(math.nan, np.float64("nan")), "Choice options must be distinct, got"),
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
        (Float(0, 1, step=np.float32(0.25), hard=False), "Float(0.0, 1.0, hard=False, step=0.25)"),
        (Float(-0.0, 0), "Float(0.0, 0.0)"),
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
    assert Float(0, 1, step=0.25).grid(3, "ends") == [0.0, 0.5, 1.0]
    with pytest.raises(SpaceError, match="A number of grid points must be a whole number >= 1, got 0"):
        Float(0.0, 1.0).grid(0, "ends")


@pytest.mark.parametrize("simple", ["middle", "High", 1])
def test_the_simple_end_is_low_or_high(simple: object) -> None:
    with pytest.raises(SpaceError, match="simple must be 'low' or 'high', got"):
        Int(1, 3, simple=simple)  # type: ignore[arg-type]


OPTIONS = [
    np.logspace(-3, 3, 7),
    range(3),
    pd.Index([1, 2]),
    pd.Series([1, 2]),
    (n for n in (1, 2)),
    {"a": 1}.keys(),
    {"a": 1}.values(),
    {"a": 1}.items(),
    {1, 2},
    frozenset({1, 2}),
    deque([1, 2]),
    [1, 2],
    map(str, [1]),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: type(options).__name__)
def test_a_collection_of_options_is_not_taken_for_one_option(options: object) -> None:
    with pytest.raises(
        SpaceError, match=r"Choice must be given its options one by one, got .*\. Write Choice\(\*values\)\."
    ) as found:
        Choice(options)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("option", ["abc", (30, 10), np.float64(0.5), RandomForestClassifier()])
def test_one_option_may_be_a_text_a_tuple_a_number_or_an_ensemble(option: object) -> None:
    assert len(Choice(option).options) == 1


VALUES = [0, 1, 0.0, 1.0, True, False, math.nan, math.inf, "1", "nan", None, (1, 1), (True, True), (1.0, 1), ((math.nan,), 0)]


@given(st.lists(st.sampled_from(range(len(VALUES))), min_size=1, unique=True))
def test_every_option_is_reached_and_restored_with_its_type_at_every_depth(chosen: list[int]) -> None:
    """The independent source is repr, by which all these values differ."""
    options = [VALUES[i] for i in chosen]
    choice = Choice(*options)
    units = [(i + 0.5) / len(options) for i in range(len(options))]
    assert list(map(repr, map(choice.from_unit, units))) == list(map(repr, options))
    for option, u in zip(options, units, strict=True):
        again = pickle.loads(pickle.dumps(option))  # another NaN than the one that was given
        assert choice.contains(again)
        assert choice.to_unit(again) == pytest.approx(u)
        assert repr(choice.parse(choice.text(again))) == repr(option)
    assert choice == pickle.loads(pickle.dumps(choice))
    assert hash(choice) == hash(pickle.loads(pickle.dumps(choice)))


def test_choices_of_other_types_differ() -> None:
    assert Choice(1, 2) != Choice(1.0, 2)
    assert Choice((1, 2), "a") != Choice((True, 2), "a")
    assert Choice(-0.0, 1) == Choice(0.0, 1)
    assert repr(Choice(-0.0, (-0.0, 1))) == "Choice(0.0, (0.0, 1))"
    assert Choice(1, 2) != (1, 2)


@pytest.mark.parametrize(
    ("domain", "values"),
    [
        (Float(0, 1, step=0.1), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (Float(-0.3, 0.3, step=0.3), [-0.3, 0.0, 0.3]),
        (Float(1e-3, 4e-3, step=1e-3), [0.001, 0.002, 0.003, 0.004]),
        (Float(0, 1, step=1 / 3), [0.0, 1 / 3, 0.6666666666666666, 1.0]),
        (Float(5, 5, step=2), [5.0]),
    ],
)
def test_a_stepped_float_has_the_decimals_one_writes(domain: Float, values: list[float]) -> None:
    assert domain.grid(None, "ends") == values
    assert [domain.from_unit(domain.to_unit(value)) for value in values] == values
    assert {domain.from_unit(u) for u in np.linspace(0, 1, 1001).tolist()} == set(values)
    counts = Counter(domain.from_unit((i + 0.5) / 1000) for i in range(1000))
    assert max(counts.values()) - min(counts.values()) <= 1
    assert [domain.canonical(value * (1 + 2**-52)) for value in values] == values


def test_what_lies_between_two_steps_is_outside() -> None:
    domain = Float(0, 1, step=0.1)
    assert [domain.contains(value) for value in (0.1 + 0.2, 1, 0.35, 1.1, -0.1, True)] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "domain", [Float(0.5, 0.5), Float(0.5, 0.5, log=True), Int(3, 3), Int(3, 3, log=True), Int(3, 3, step=2)]
)
def test_a_fixed_value_is_one_point(domain: Float | Int) -> None:
    for count in (None, 1, 5):
        assert domain.grid(count, "ends") == domain.grid(count, "cells") == [domain.low]
    assert [domain.from_unit(u) for u in (0.0, 0.3, 1.0)] == [domain.low] * 3
    assert 0 < domain.to_unit(domain.low) < 1
    assert domain.free == (False, False)
    assert eval(repr(domain)) == domain


@pytest.mark.parametrize(
    "domain",
    [Float(-1e308, 1e308), Float(5e-324, 1.7e308, log=True), Float(-1.7976931348623157e308, 0), Int(-(2**63) + 1, 2**63 - 1)],
)
@given(unit)
def test_the_widest_ranges_stay_finite(domain: Float | Int, u: float) -> None:
    value = domain.from_unit(u)
    assert domain.contains(value)
    assert domain.to_unit(value) == pytest.approx(u, abs=1e-3)  # the smallest floats are far apart


def test_all_values_of_a_range_are_its_grid_up_to_a_hundred() -> None:
    assert Int(1, 15).grid(None, "ends") == list(range(1, 16))
    assert Int(1, 100, log=True).grid(None, "cells") == list(range(1, 101))
    with pytest.raises(SpaceError, match=r"number of points, since it has 101 values, more than 100. Pass one, as in points=5"):
        Int(0, 100).grid(None, "ends")


@pytest.mark.parametrize(
    ("domain", "free"),
    [
        (Float(0.1, 1.0), (False, False)),
        (Float(0.1, 1.0, log=True), (True, True)),
        (Float(0.1, 1.0, log=True, hard=True), (False, False)),
        (Float(0.1, 1.0, log=True, hard="low"), (False, True)),
        (Float(0.1, 1.0, hard=False), (True, True)),
        (Float(0.1, 1.0, hard="high"), (True, False)),
        (Int(1, 9), (False, False)),
        (Int(1, 9, log=True), (True, True)),
        (Int(1, 9, hard="low"), (False, True)),
    ],
)
def test_which_ends_a_search_may_pass(domain: Float | Int, free: tuple[bool, bool]) -> None:
    """By the docstring of `Float`: both ends of a linear range are hard, those of a logarithmic one are not."""
    assert domain.free == free


def estimators() -> Choice:
    return Choice("passthrough", None, RandomForestClassifier(5, max_depth=2), SVC(), SVC(C=2.0))


def test_an_estimator_is_called_by_its_class_where_no_other_option_is() -> None:
    assert estimators().labels == ("passthrough", "None", "RandomForestClassifier", "SVC", "SVC(C=2.0)")
    assert estimators().values == ("passthrough", None, "RandomForestClassifier", "SVC", "SVC(C=2.0)")
    assert Choice(SVC(C=1.5), "SVC").labels == ("SVC(C=1.5)", "SVC")
    assert Choice(SVC, SVC(C=1.5)).labels == ("SVC", "SVC(C=1.5)")


def test_labels_of_estimators_are_one_line() -> None:
    steps = [make_pipeline(StandardScaler(with_mean=False), SVC(kernel="linear", C=c, cache_size=300)) for c in (2.0, 3.0)]
    assert "\n" in repr(steps[0])
    one, other = Choice(*steps).labels
    expected = "Pipeline(steps=[('standardscaler', StandardScaler(with_mean=False)), ('svc', SVC(C=2.0, cache_size=300, "
    assert (one, other) == (f"{expected}kernel='linear'))])", f"{expected.replace('2.0', '3.0')}kernel='linear'))])")
    assert Choice(steps[0], SVC()).labels == ("Pipeline", "SVC")


@pytest.mark.parametrize("text", ["RandomForestClassifier", "RandomForestClassifier(max_depth=2, n_estimators=5)"])
def test_a_text_with_all_settings_names_the_same_estimator(text: str) -> None:
    """So were they recorded before estimators were called by their class."""
    choice = estimators()
    assert choice.parse(text) == choice.canonical(text) == "RandomForestClassifier"
    assert choice.contains(text)
    assert choice.index(text) == 2
    assert Choice(*choice.options, dropped=(text,)).kept == ("passthrough", None, "SVC", "SVC(C=2.0)")


def test_a_text_over_several_lines_is_read_too() -> None:
    model = make_pipeline(StandardScaler(with_mean=False), SVC(kernel="linear", C=2.0, cache_size=300))
    assert Choice(model, SVC()).parse(repr(model)) == "Pipeline"
