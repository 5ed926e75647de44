"""Rows of published beside ours: intervals and verdicts worked out by hand with quantiles of Student's t from tables."""

from __future__ import annotations

import pytest

from hpsearch.reproductions.figures import Claim, Exact, Gain, OneSeed, verdict
from hpsearch.trial import Outcome, Status, Trial


def trials(*values: float, first: int = 0) -> list[Trial]:
    return [
        Trial(n, {}, "all", Status.FINISHED, Outcome(0.0, {"x": value}), replicate=first + n) for n, value in enumerate(values)
    ]


def test_one_published_seed_against_the_interval_of_one_more() -> None:
    # Mean 95.5, s 0.5, t with 2 degrees of freedom 4.303: one seed 95.5 -+ 4.303 * 0.5 * sqrt(4/3) = 2.48; mean -+ 1.24.
    found = {"a": trials(95.0, 95.5, 96.0)}
    row = OneSeed("best", 97.9, "x", "a").row(found)
    assert (row.published, row.verdict) == ("97.90 %", "within the interval")
    assert row.ours == "95.50 % (mean of 3 seeds, ± 1.24; one seed 93.02 to 97.98)"
    far = OneSeed("best", 98.1, "x", "a", note="fewer epochs").row(found)
    assert far.verdict == "differs (-2.6); fewer epochs"
    near = OneSeed("best", 97.9, "x", "a", shown="about 98", note="fewer epochs").row(found)
    assert (near.published, near.verdict) == ("about 98", "within the interval")


def test_seeds_that_all_agree_make_an_interval_of_one_point() -> None:
    assert verdict(100.0, [100.0, 100.0, 100.0]) == "within the interval"
    assert verdict(99.9, [100.0, 100.0, 100.0]).startswith("differs")


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_seeds_say_nothing(count: int) -> None:
    found = {"a": trials(*[1.0] * count), "b": trials(*[2.0] * count)}
    assert OneSeed("best", 1.0, "x", "a").row(found).verdict == "too few seeds to say"
    assert Gain("gain", "x", "a", "b").row(found).verdict == "too few seeds to say"


@pytest.mark.parametrize(("published", "said"), [("0.82", "as published"), ("0.8", "as published"), ("0.81", "differs")])
def test_what_no_chance_is_in_must_round_to_the_printed_digits(published: str, said: str) -> None:
    assert Exact("output", published, "x", "a").row({"a": trials(0.8176)}).verdict == said


def test_a_claim_must_hold_for_every_seed() -> None:
    found = {"a": trials(9.2, 10.5, 11.3)}
    assert Claim("it guesses", "about 10", "x", "a", low=9, high=12).row(found).verdict == "as published"
    row = Claim("it guesses", "about 10", "x", "a", low=9, high=11).row(found)
    assert (row.ours, row.verdict) == ("9.2 to 11.3 (2 of 3 seeds)", "differs")


def test_a_gain_is_paired_by_seed() -> None:
    # Differences 1.0, 1.5, 2.0 by seed, though the runs differ by far more: 1.5 -+ 4.303 * 0.5 / sqrt(3) = 1.24.
    ours, others = trials(91.0, 81.5, 72.0), trials(70.0, 80.0, 90.0)
    found = {"a": ours, "b": [Trial(t.number, {}, "all", t.status, t.outcome, replicate=2 - t.replicate) for t in others]}
    row = Gain("gain", "x", "a", "b", published=4.0).row(found)
    assert row.ours == "+1.50 points (mean of 3 pairs, 95 % interval +0.26 to +2.74)"
    assert (row.published, row.verdict) == ("+4.00 points", "differs (-2.5); better")
    assert Gain("gain", "x", "b", "a").row(found).verdict == "worse"
    assert Gain("gain", "x", "a", "b", level=0.99).row(found).verdict == "no difference outside the noise"


def test_a_seed_without_its_pair_is_left_out() -> None:
    found = {"a": trials(1.0, 2.0, 3.0, 4.0), "b": trials(0.5, 1.0, 2.0, first=1)}
    assert "mean of 3 pairs" in Gain("gain", "x", "a", "b").row(found).ours
