"""A best value at the end of a range is noticed, and the wider range is one that makes sense."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.analysis.edges import edges
from hpsearch.space import Choice, Float, Int, Space


@pytest.mark.parametrize(
    ("domain", "value", "low", "high"),
    [
        (Float(1e-2, 10.0, log=True), 9.6, 1e-2, 100.0),
        (Float(1e-2, 10.0, log=True), 0.0101, 1e-3, 10.0),
        (Float(1e-3, 0.1, log=True), 5.0, 1e-3, 10.0),  # beyond the range: the search had moved it
        (Float(0.0, 0.95), 0.94, 0.0, 0.975),  # a share stays below 1
        (Float(2.0, 4.0), 2.0, 1.0, 4.0),
        (Float(2.0, 4.0), 4.0, 2.0, 5.0),
        (Float(2.0, 4.0, step=0.1), 4.0, 2.0, 5.0),
        (Float(0.0, 0.5, step=0.1), 0.5, 0.0, 0.8),  # half way to 1, on a step
        (Int(10, 100), 100, 10, 145),
        (Int(2, 10, step=2), 10, 2, 14),
        (Int(3, 9), 3, 1, 9),
        (Int(1, 64, log=True), 64, 1, 256),
    ],
)  # fmt: skip
def test_the_end_is_moved_outwards(domain: Any, value: float, low: float, high: float) -> None:
    (edge,) = edges(Space(a=domain), [{"a": value}])
    assert edge.name == "a"
    assert (edge.wider.low, edge.wider.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("domain", "value"),
    [
        (Float(1e-2, 10.0, log=True), 1.0),  # in the middle
        (Float(0.0, 0.95), 0.0),  # nothing below 0
        (Float(0.0, 1.0), 1.0),  # nothing above a share of 1
        (Int(1, 9), 1),  # nothing below a count of 1
        (Float(1e-2, 10.0, log=True, hard=True), 10.0),
        (Float(1e-2, 10.0, log=True, hard="high"), 10.0),
        (Choice(10, 20), 20),
        (Float(0.5, 0.5, log=True), 0.5),  # fixed values
        (Int(3, 3), 3),
    ],
)
def test_no_range_is_widened_where_nothing_is_to_be_found(domain: Any, value: float) -> None:
    assert edges(Space(a=domain), [{"a": value}]) == []


def test_one_lucky_trial_at_the_end_does_not_count() -> None:
    space = Space(a=Float(0.0, 10.0))
    assert edges(space, [{"a": 9.9}, {"a": 5.0}, {"a": 4.0}]) == []
    assert len(edges(space, [{"a": 9.9}, {"a": 9.0}, {"a": 4.0}])) == 1


def test_nothing_is_said_of_no_trial() -> None:
    assert edges(Space(a=Float(0.0, 1.0)), []) == []


def test_a_parameter_that_is_absent_is_left_out() -> None:
    assert edges(Space(a=Float(0.0, 10.0), b=Choice(1, 2)), [{"b": 1}, {"a": 9.9, "b": 1}]) == []


def test_a_setting_that_was_run_at_several_budgets_counts_once() -> None:
    """Five settings, their median at 5.0; the first one counted five times would hide that."""
    space = Space(a=Float(0.0, 10.0))
    others = [{"a": value} for value in (9.8, 5.0, 4.0, 3.0)]
    assert edges(space, [{"a": 9.9}] * 5 + others) == []
