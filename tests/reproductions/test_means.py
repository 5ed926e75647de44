"""Rows on what seeds have in common, worked out by hand or with scipy."""

from __future__ import annotations

import pytest

from hpsearch.reproductions.means import UNDECIDED, Mean, MostOften, Spread
from hpsearch.trial import Outcome, Status, Trial


def trials(*values: float) -> list[Trial]:
    return [Trial(n, {}, "all", Status.FINISHED, Outcome(0.0, {"x": value})) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    # Mean 2, s 1, t with 2 degrees of freedom 4.303: 2 -+ 2.484.
    [(-0.5, 4.5, "as published"), (0.0, 4.0, UNDECIDED), (4.5, 9.0, "differs"), (-9.0, -0.5, "differs"), (4.0, 9.0, UNDECIDED)],
)
def test_a_mean_is_judged_by_its_whole_interval(low: float, high: float, verdict: str) -> None:
    row = Mean("height", "about 2", "x", "a", low, high, digits=2).row({"a": trials(1.0, 2.0, 3.0)})
    assert (row.ours, row.verdict) == ("2.00 (mean of 3 seeds, ± 2.48)", verdict)


def test_two_seeds_make_no_mean() -> None:
    assert Mean("height", "2", "x", "a").row({"a": trials(1.0, 2.0)}).verdict == "too few seeds to say"
    assert Spread("width", "more", "x", "a", "b").row({"a": trials(1.0, 2.0), "b": trials(1.0, 2.0)}).verdict.startswith("too")


@pytest.mark.parametrize(
    ("values", "verdict"), [((3, 3, 4), "as published"), ((3, 4), "differs"), ((3, 4, 4), "differs"), ((3,), "as published")]
)
def test_the_published_choice_must_be_the_most_frequent_one(values: tuple[float, ...], verdict: str) -> None:
    assert MostOften("degree", "3", "x", "a").row({"a": trials(*values)}).verdict == verdict


def test_choices_are_counted() -> None:
    assert MostOften("degree", "3", "x", "a").row({"a": trials(4, 3, 3)}).ours == "3: 2, 4: 1 (of 3 seeds)"


def test_spreads_are_compared_by_the_test_of_brown_and_forsythe() -> None:
    wide, narrow = trials(*(float(i) for i in range(-10, 11))), trials(*(i / 10 for i in range(-10, 11)))
    # s of -n ... n by unit steps is sqrt(n (n + 1) / 3 * (2 n + 1) / (2 n)): 6.20 for 21 values.
    row = Spread("width", "more", "x", "a", "b").row({"a": wide, "b": narrow})
    assert row.ours.startswith("6.20 and 0.62 (standard deviations, p = ")
    assert row.verdict == "as published"
    assert Spread("width", "more", "x", "a", "b").row({"a": narrow, "b": wide}).verdict == "differs"
    assert Spread("width", "more", "x", "a", "b").row({"a": wide, "b": wide}).verdict == UNDECIDED
    assert Spread("width", "more", "x", "a", "b").row({"a": trials(1, 1, 1), "b": trials(2, 2, 2)}).verdict == UNDECIDED
