"""Comparisons as numbers; expectations from scipy.stats and from arithmetic written out here."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hpsearch.analysis.contest import Contest
from hpsearch.errors import SettingError
from hpsearch.trial import Outcome, Status, Trial


def search(values: list[float], epochs: int = 2, seconds: float = 0.5) -> list[Trial]:
    history = {"cost": tuple((step, 1.0) for step in range(1, epochs + 1))}
    return [
        Trial(i, {}, "all", Status.FINISHED, Outcome(value, history=history), seconds=seconds) for i, value in enumerate(values)
    ]


def noisy(shift: float, rng: np.random.Generator, repetitions: int = 12, trials: int = 6) -> list[list[Trial]]:
    return [search((rng.normal(size=trials) + shift).tolist()) for _ in range(repetitions)]


def test_the_mean_curve_and_its_interval_are_student_s() -> None:
    rng = np.random.default_rng(1)
    contest = Contest({"a": noisy(0.0, rng), "b": noisy(0.0, rng)})
    lowest = [min(trial.value for trial in trials[:3]) for trials in contest.searches["a"]]
    low, high = stats.t.interval(0.95, 11, np.mean(lowest), stats.sem(lowest))
    found = contest.curve("a")[2]
    assert (found.low, found.centre, found.high) == pytest.approx((low, np.mean(lowest), high), rel=1e-12)


def test_the_verdict_is_the_paired_t_test_s() -> None:
    rng = np.random.default_rng(2)
    contest = Contest({"good": noisy(-3.0, rng), "bad": noisy(0.0, rng)})
    ends = [[min(t.value for t in trials) for trials in contest.searches[arm]] for arm in ("good", "bad")]
    found = contest.differences["good", "bad"]
    assert found.p_value == pytest.approx(stats.ttest_rel(*ends).pvalue, rel=1e-9)
    assert found.verdict == "better"


def test_curves_of_a_maximised_study_are_negated_back() -> None:
    contest = Contest(
        {"bad": noisy(3.0, np.random.default_rng(4)), "good": noisy(0.0, np.random.default_rng(5))}, maximize=True
    )
    (end,) = contest.curve("good")[-1:]
    assert end.centre == pytest.approx(-np.mean([min(t.value for t in s) for s in contest.searches["good"]]))
    assert end.low < end.centre < end.high


@pytest.mark.parametrize(("unit", "last"), [("trials", 4.0), ("epochs", 8.0), ("seconds", 2.0)])
def test_budgets_end_where_the_shortest_search_ends(unit: str, last: float) -> None:
    long, short = [search([3, 2, 1, 0, -1, -2])] * 3, [search([3, 2, 1, 0])] * 3
    contest = Contest({"long": long, "short": short}, unit)  # type: ignore[arg-type]
    assert contest.budgets[-1] == pytest.approx(last)
    assert contest.best["long"][:, -1].tolist() == [0.0] * 3


def test_three_arms_are_adjusted_for_their_number() -> None:
    rng = np.random.default_rng(5)
    contest = Contest({name: noisy(0.0, rng) for name in "abc"})
    raw = [
        stats.ttest_rel(contest.best[x][:, -1], contest.best[y][:, -1]).pvalue for x, y in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    adjusted = [d.p_value for d in contest.differences.values()]
    assert all(p >= q for p, q in zip(adjusted, raw, strict=True))
    assert min(adjusted) == pytest.approx(min(1.0, 3 * min(raw)))  # Holm's first step


@pytest.mark.parametrize(
    ("searches", "message"),
    [
        ({"a": [search([1.0])] * 3}, "of at least two contenders"),
        ({"a": [search([1.0])] * 2, "b": [search([1.0])] * 2}, "at least 3"),
        ({"a": [search([1.0])] * 3, "b": [search([1.0])] * 4}, "the same for all contenders"),
        ({"a": [search([1.0])] * 3, "b": [[]] * 3}, "without a finished trial"),
    ],
)
def test_what_cannot_be_compared_is_refused(searches: dict[str, list[list[Trial]]], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Contest(searches)
