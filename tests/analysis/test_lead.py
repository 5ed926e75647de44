"""The distance to the runner-up and its standard error; expected values by hand, paired and unpaired t as in any textbook."""

from __future__ import annotations

import math

import pytest

from hpsearch.analysis.lead import lead
from hpsearch.trial import Candidate, Outcome, Status, Trial


def candidate(first: int, *values: float, replicates: range | None = None) -> Candidate:
    seeds = replicates or range(len(values))
    trials = [
        Trial(first + i, {"x": first}, "all", Status.FINISHED, Outcome(v), replicate=r)
        for i, (v, r) in enumerate(zip(values, seeds, strict=True))
    ]
    return Candidate({"x": first}, None, tuple(trials))


def test_shared_seeds_are_compared_in_pairs() -> None:
    """Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3)."""
    best, second = candidate(0, 1.0, 2.0, 3.0), candidate(3, 2.0, 4.0, 6.0)
    found = lead(best, [best, second])
    assert found is not None
    assert (found.gap, found.error) == pytest.approx((2.0, 1 / math.sqrt(3)))
    assert (found.runner_up, found.near, found.others) == (second, 0, 1)


def test_other_seeds_are_compared_as_independent() -> None:
    """Standard errors 1 / sqrt(3) and 2 / sqrt(3): together sqrt(5 / 3)."""
    best, second = candidate(0, 1.0, 2.0, 3.0), candidate(3, 2.0, 4.0, 6.0, replicates=range(5, 8))
    found = lead(best, [best, second])
    assert found is not None
    assert found.error == pytest.approx(math.sqrt(5 / 3))


def test_settings_within_one_standard_error_are_counted() -> None:
    best = candidate(0, 1.0, 2.0, 3.0)  # mean 2, standard error .577
    others = [candidate(10, 2.5, 2.5), candidate(20, 2.57, 2.57), candidate(30, 2.6, 2.6)]
    found = lead(best, [best, *others])
    assert found is not None
    assert found.near == 2


def test_single_runs_have_no_error() -> None:
    found = lead(candidate(0, 1.0), [candidate(0, 1.0), candidate(1, 1.5)])
    assert found is not None
    assert found.gap == 0.5
    assert math.isnan(found.error)


def test_a_rule_may_prefer_another_than_the_lowest() -> None:
    lowest, simple = candidate(0, 1.0), candidate(1, 1.5)
    found = lead(simple, [lowest, simple])
    assert found is not None
    assert found.gap == -0.5


def test_a_setting_alone_leads_nobody() -> None:
    assert lead(candidate(0, 1.0), [candidate(0, 1.0)]) is None
