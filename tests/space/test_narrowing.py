"""Narrowing around points, extension beyond an end, and hard ends that are never passed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import Choice, Float, Int, Space
from hpsearch.errors import SpaceError
from hpsearch.space import can_reach, cut_domain, extend_domain, narrow_domain, widen_domain
from hpsearch.space.narrowing import value_at
from hpsearch.testing import SPACES

unit = st.floats(0.0, 1.0)
widths = st.floats(0.05, 1.0)
hards = st.sampled_from([None, True, False, "low", "high"])


@st.composite
def domains(draw: st.DrawFn) -> Float | Int:
    log, hard = draw(st.booleans()), draw(hards)
    if draw(st.booleans()):
        low = draw(st.floats(1e-6, 1e3) if log else st.floats(-1e3, 1e3))
        return Float(low, low + draw(st.floats(0.1, 1e5)), log=log, hard=hard)
    whole, step = draw(st.integers(1, 50)), 1 if log else draw(st.integers(1, 5))
    return Int(whole, whole + step * draw(st.integers(1, 200)), log=log, step=step, hard=hard)


@st.composite
def spaces_and_points(draw: st.DrawFn) -> tuple[Space, list[dict[str, Any]]]:
    space = SPACES[draw(st.sampled_from(sorted(SPACES)))]
    cube = st.lists(unit, min_size=len(space), max_size=len(space))
    return space, [space.from_unit(u) for u in draw(st.lists(cube, min_size=1, max_size=5))]


@given(spaces_and_points(), widths)
def test_a_narrowed_space_lies_around_its_points(case: tuple[Space, list[dict[str, Any]]], width: float) -> None:
    space, points = case
    window = space.narrow(points, width)
    assert list(window) == list(space)
    for point in points:
        window.check(point)
        space.check(window.from_unit([0.0] * len(space)), beyond=True)
        space.check(window.from_unit([1.0] * len(space)), beyond=True)


@given(spaces_and_points(), widths)
def test_narrowing_to_the_whole_width_changes_nothing(case: tuple[Space, list[dict[str, Any]]], width: float) -> None:
    window = case[0].narrow(case[1], width)
    assert window.narrow(case[1], 1.0) == window
    assert case[0].narrow(case[1], width) == window


@given(domains(), unit, widths)
def test_a_window_has_its_width(domain: Float | Int, u: float, width: float) -> None:
    """On the unit scale a Float's window has exactly the width that was passed."""
    window = narrow_domain(domain, [domain.from_unit(u)], width)
    assert window.contains(domain.from_unit(u))
    if isinstance(domain, Float):
        assert domain.to_unit(window.high) - domain.to_unit(window.low) == pytest.approx(width, abs=1e-6)


@given(domains(), unit, st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_hard_ends_are_never_passed(domain: Float | Int, u: float, down: float, up: float) -> None:
    low_free, high_free = domain.free
    for window in (
        extend_domain(domain, down, up),
        cut_domain(domain, -down, 1 + up),
        narrow_domain(domain, [domain.from_unit(u)], 0.5),
    ):
        assert low_free or window.low >= domain.low
        assert high_free or window.high <= domain.high
        assert can_reach(domain, window.low)
        assert can_reach(domain, window.high)


@given(domains(), st.lists(unit, min_size=1, max_size=5))
def test_widening_keeps_the_range_and_the_limit(domain: Float | Int, units: list[float]) -> None:
    limit = extend_domain(domain, 1, 1)
    wide = widen_domain(domain, [domain.from_unit(u) for u in units], limit)
    assert limit.low <= wide.low <= domain.low
    assert domain.high <= wide.high <= limit.high


def test_a_linear_range_keeps_its_ends_and_a_logarithmic_one_may_move() -> None:
    assert Float(0.0, 0.99).free == (False, False)
    assert Float(0.1, 1.0, log=True).free == (True, True)
    assert Float(0.1, 1.0, log=True, hard="high").free == (True, False)
    assert Int(0, 9, hard=False).free == (True, True)
    assert Choice(1, 2).free == (False, False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.9, 0.8, 0.02], (0.01, 10.0)),  # the best and most others at the high end
        ([0.011, 0.012], (0.001, 1.0)),
        ([0.9, 0.02, 0.03], (0.01, 1.0)),  # the best alone is no majority
        ([0.1, 0.9, 0.9], (0.01, 1.0)),  # a majority without the best is none either
        ([], (0.01, 1.0)),
    ],
)
def test_the_edge_rule(values: list[float], expected: tuple[float, float]) -> None:
    domain = Float(0.01, 1.0, log=True)
    wide = widen_domain(domain, values, extend_domain(domain, 3, 3))
    assert (wide.low, wide.high) == pytest.approx(expected)


def test_a_window_at_an_end_is_shifted_inside() -> None:
    assert narrow_domain(Float(1.0, 100.0, log=True), [100.0], 0.5) == Float(10.0, 100.0, log=True)


def test_a_range_that_no_point_has_stays_as_it_is() -> None:
    space = SPACES["conditional"]
    window = space.narrow([{"o": "sgd", "x": 0.5}], 0.5)
    assert window["mu"] == space["mu"]
    assert window["x"] == Float(0.25, 0.75)


def test_dropped_options_keep_names_labels_and_conditions() -> None:
    space = SPACES["template"].drop("s", ["Template(steps=3)"])
    assert list(space) == ["s", "s.steps", "x"]
    assert {space.from_unit([u, 0.5, 0.5])["s"] for u in (0.0, 0.5, 1.0)} == {"Template"}
    assert not space.contains({"s": "Template(steps=3)", "x": 0.5})
    assert eval(repr(Choice("a", "b", dropped=("a",)))) == Choice("a", "b", dropped=("a",))


def test_values_beyond_a_range_are_accepted_on_request_and_read_back() -> None:
    space = Space(rate=Float(0.01, 0.1, log=True), mu=Float(0.0, 0.9))
    params = {"rate": 0.4123456789012345, "mu": 0.5}
    space.check(params, beyond=True)
    assert space.parse(space.text(params)) == params
    assert space.to_unit(params)[0] > 1
    with pytest.raises(SpaceError, match=r"Parameter 'rate' must be in Float\(0.01, 0.1, log=True\), got 0.41"):
        space.check(params)
    with pytest.raises(SpaceError, match=r"Parameter 'mu' must be in Float\(0.0, 0.9\), got 0.95"):
        space.check({**params, "mu": 0.95}, beyond=True)


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan"), "0.1", True, None])
def test_a_value_of_another_kind_is_rejected_beyond_the_range_too(value: object) -> None:
    assert not can_reach(Float(0.01, 0.1, log=True), value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(0, 1, hard="both"), "Float hard must be True, False, 'low' or 'high', got 'both'"),
        (lambda: Choice("a", "b", dropped=("c",)), r"Choice dropped must be some of \('a', 'b'\), not all"),
        (lambda: Choice("a", "b", dropped=("a", "b")), "Choice dropped must be some of"),
        (lambda: SPACES["one float"].drop("x", ["a"]), "Parameter 'x' must be a Choice"),
    ],
)
def test_bad_settings_raise(make: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()


@pytest.mark.parametrize(
    ("domain", "u", "value"),
    [
        (Float(0.0, 4.0), 0.25, 1.0),
        (Float(0.0, 4.0), 1.5, 6.0),
        (Float(0.0, 4.0), -0.5, -2.0),
        (Float(0.01, 1.0, log=True), 0.5, 0.1),
        (Float(0.01, 1.0, log=True), 1.5, 10.0),
        (Float(0.01, 1.0, log=True), -1.0, 0.0001),
        (Int(0, 9), 1.05, 10),
        (Int(0, 9), -0.05, -1),
        (Int(2, 10, step=2), 1.3, 14),
        (Int(2, 10, step=2), -0.2, 0),
        (Int(1, 7, log=True), 2.0, 112),
        (Int(1, 7, log=True), -1.0, 1),
    ],
)
def test_positions_outside_go_on_as_inside(domain: Float | Int, u: float, value: float) -> None:
    """By hand: cells and decades go on; numbers on a log axis from 1/2 to 15/2 are 15 times more one width further up."""
    assert value_at(domain, u) == pytest.approx(value, rel=0.01 if isinstance(domain, Int) and domain.log else 1e-12)


@pytest.mark.parametrize(
    ("domain", "start", "end", "low", "high"),
    [
        (Int(0, 9), 0.5, 0.55, 5, 6),
        (Int(0, 9), 0.95, 1.0, 8, 9),
        (Int(0, 9), 0.0, 0.05, 0, 1),
        (Int(0, 9, hard=False), 0.95, 1.0, 9, 10),
        (Int(0, 8, step=4), 0.9, 1.0, 4, 8),
        (Int(0, 8, step=4), 0.4, 0.6, 4, 8),
        (Float(0.0, 4.0), -0.5, 0.5, 0.0, 2.0),
        (Float(0.0, 4.0), 0.5, 1.5, 2.0, 4.0),
        (Float(0.0, 4.0, hard="low"), -0.5, 1.5, 0.0, 6.0),
    ],
)
def test_a_part_keeps_two_whole_numbers_and_hard_ends(
    domain: Float | Int, start: float, end: float, low: int, high: int
) -> None:
    window = cut_domain(domain, start, end)
    assert (window.low, window.high) == (low, high)


@pytest.mark.parametrize(("values", "high"), [([0.81], 1.5), ([0.8], 1.0), ([0.9, 0.1], 1.0), ([0.9, 0.9, 0.1], 1.5)])
def test_the_edge_is_a_fifth_and_most_is_more_than_half(values: list[float], high: float) -> None:
    domain = Float(0.0, 1.0, hard=False)
    assert widen_domain(domain, values, extend_domain(domain, 1, 1)).high == high
    mirrored = widen_domain(domain, [round(1 - value, 2) for value in values], extend_domain(domain, 1, 1))
    assert mirrored.low == 1 - high
    assert mirrored.high == 1.0


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        (Int(2, 10, step=2, hard=False), [2, 12, 0, -2], [3, 11, 12.0, True]),
        (Int(2, 10, log=True, hard=False), [1, 11], [0, -1]),
        (Float(0.1, 1.0, hard="low"), [0.1, 5.0], [0.05, -1.0]),
        (Float(0.1, 1.0, hard="high"), [1.0, -3.0], [1.5]),
        (Choice("a", "b", dropped=("b",)), ["a"], ["b", "c"]),
    ],
)
def test_what_is_admitted_beyond_a_range(domain: Any, inside: list[Any], outside: list[Any]) -> None:
    assert [can_reach(domain, value) for value in inside] == [True] * len(inside)
    assert [can_reach(domain, value) for value in outside] == [False] * len(outside)


def test_steps_beyond_a_range_by_hand() -> None:
    """A decade of a Float, a doubling of an Int (never below 1), half the width of a linear range."""
    decades, doublings = extend_domain(Float(0.01, 1.0, log=True), 2, 1), extend_domain(Int(3, 10, log=True), 1, 2)
    assert (decades.low, decades.high) == pytest.approx((1e-4, 10.0))
    assert (doublings.low, doublings.high) == (2, 40)
    assert extend_domain(Int(3, 10, log=True), 5, 0).low == 1
    linear = extend_domain(Float(1.0, 3.0, hard=False), 1, 2)
    assert (linear.low, linear.high) == (0.0, 5.0)


STEPPED = Float(0, 1, step=0.1, hard=False)
FIXED = [Float(0.5, 0.5, hard=False), Float(0.5, 0.5, log=True), Int(3, 3, hard=False), Int(3, 3, log=True)]


@given(unit, widths, st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_windows_of_a_stepped_float_keep_to_its_decimals(u: float, width: float, down: float, up: float) -> None:
    """The independent source is the text: every value has one digit after the point."""
    value = STEPPED.from_unit(u)
    window, wide = narrow_domain(STEPPED, [value], width), extend_domain(STEPPED, down, up)
    for domain in (window, wide, widen_domain(STEPPED, [value], wide), cut_domain(STEPPED, u, u)):
        assert domain.step == 0.1
        assert domain.low < domain.high
        assert all(len(repr(v).partition(".")[2]) == 1 for v in domain.grid(None, "ends"))
        assert all(can_reach(STEPPED, v) for v in domain.grid(None, "ends"))
    assert window.contains(value)


def test_a_stepped_float_is_extended_by_half_its_width() -> None:
    assert extend_domain(STEPPED, 1, 0) == Float(-0.6, 1.0, step=0.1, hard=False)
    assert not can_reach(STEPPED, 1.15)
    assert can_reach(STEPPED, 1.2)


@pytest.mark.parametrize("domain", FIXED)
def test_no_search_moves_a_fixed_value(domain: Float | Int) -> None:
    value = domain.low
    assert extend_domain(domain, 3, 3) == cut_domain(domain, -1, 2) == narrow_domain(domain, [value], 0.1) == domain
    assert widen_domain(domain, [value, value], domain) == domain
    assert not can_reach(domain, value * 2)


@pytest.mark.parametrize("domain", [Float(-1e308, 1e308, hard=False), Float(1e-320, 1e308, log=True)])
def test_the_widest_ranges_are_extended_to_the_ends_of_floats(domain: Float) -> None:
    wide = extend_domain(domain, 3, 3)
    assert wide.low <= domain.low
    assert wide.high == 1.7976931348623157e308
    assert wide.contains(wide.from_unit(0.9))
