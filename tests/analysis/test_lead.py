"""The lead over the runner-up, its standard error and its verdict; expected values by hand and from scipy.stats."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from hpsearch.analysis.lead import Lead, critical_value, lead
from hpsearch.analysis.optimism import Noise
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
    assert (found.difference, found.standard_error, found.freedom) == pytest.approx((2.0, 1 / math.sqrt(3), 2))
    assert (found.runner_up, found.near, found.others) == (second, 0, 1)


def test_other_seeds_are_compared_as_independent() -> None:
    """Standard errors 1 / sqrt(3) and 2 / sqrt(3): together sqrt(5 / 3)."""
    best, second = candidate(0, 1.0, 2.0, 3.0), candidate(3, 2.0, 4.0, 6.0, replicates=range(5, 8))
    found = lead(best, [best, second])
    assert found is not None
    assert found.standard_error == pytest.approx(math.sqrt(5 / 3))
    welch = stats.ttest_ind([2.0, 4.0, 6.0], [1.0, 2.0, 3.0], equal_var=False)
    assert (found.difference / found.standard_error, found.freedom) == pytest.approx((welch.statistic, welch.df))


def test_settings_within_one_standard_error_are_counted() -> None:
    best = candidate(0, 1.0, 2.0, 3.0)  # mean 2, standard error .577
    others = [candidate(10, 2.5, 2.5), candidate(20, 2.57, 2.57), candidate(30, 2.6, 2.6)]
    found = lead(best, [best, *others])
    assert found is not None
    assert found.near == 2


def test_single_runs_have_no_error() -> None:
    found = lead(candidate(0, 1.0), [candidate(0, 1.0), candidate(1, 1.5)])
    assert found is not None
    assert found.difference == 0.5
    assert math.isnan(found.standard_error)
    assert found.verdict == "unknown"


def test_a_rule_may_prefer_another_than_the_lowest() -> None:
    lowest, simple = candidate(0, 1.0), candidate(1, 1.5)
    found = lead(simple, [lowest, simple])
    assert found is not None
    assert found.difference == -0.5


def test_a_setting_alone_leads_nobody() -> None:
    assert lead(candidate(0, 1.0), [candidate(0, 1.0)]) is None


def test_a_single_run_borrows_its_error_from_the_noise_of_the_others() -> None:
    """One run against three with deviation .3: .3 sqrt(1 + 1/3)."""
    found = lead(candidate(0, 1.0), [candidate(0, 1.0), candidate(1, 1.5, 1.5, 1.5)], Noise(0.3, freedom=2))
    assert found is not None
    assert (found.standard_error, found.freedom, found.rows) == (pytest.approx(0.3 * math.sqrt(4 / 3)), 2, 0)
    found = lead(candidate(0, 1.0), [candidate(0, 1.0), candidate(1, 1.5)], Noise(0.3, rows=100))
    assert found is not None
    assert (found.freedom, found.rows) == (math.inf, 100)


@pytest.mark.parametrize("freedom", [1, 2, 4, 30])
def test_the_threshold_is_student_s(freedom: int) -> None:
    assert critical_value(freedom) == pytest.approx(stats.t.ppf(0.975, freedom))
    assert critical_value(math.inf) == pytest.approx(stats.norm.ppf(0.975))


@pytest.mark.parametrize(("size", "verdict"), [(1.95, "chance"), (1.97, "clear"), (-1.97, "clear"), (-1.95, "chance")])
def test_a_known_error_is_judged_by_the_normal_law(size: float, verdict: str) -> None:
    assert Lead(candidate(1, 1.0), size * 0.1, 0.1).verdict == verdict


def test_a_lead_is_judged_as_a_comparison_of_the_same_numbers() -> None:
    """The rule of `hpsearch compare`, scipy's paired t test: 2 +- .577 over three seeds has p = .074."""
    best, second = candidate(0, 1.0, 2.0, 3.0), candidate(3, 2.0, 4.0, 6.0)
    found = lead(best, [best, second])
    assert found is not None
    assert stats.ttest_rel([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]).pvalue == pytest.approx(0.0742, abs=1e-4)
    assert found.verdict == "chance"


def test_equal_values_are_counted_as_tied() -> None:
    found = lead(candidate(0, 1.0), [candidate(n, 1.0) for n in range(3)])
    assert found is not None
    assert (found.difference, found.tied, found.others) == (0.0, 2, 2)
