"""Replicates, confirmation, selection rules, settings of one's own, known trials: the whole remains one replayable sequence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hpsearch import Context, Float, Int, Space, Study
from hpsearch.errors import SettingError, SpaceError, StudyError
from hpsearch.strategies import Random, Staged
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Candidate, Outcome, Params, Status, Trial, candidates, chances, select

SPACE = Space(x=Float(-1.0, 1.0), size=Int(1, 9, simple="low"))


def noisy(params: Params, context: Context) -> dict[str, float]:
    draw = float(context.rng.normal())
    return {"value": params["x"] ** 2 + 0.3 * draw, "draw": draw}


def study(**changes: Any) -> Study:
    return replace(Study("noise", SPACE, noisy, Random(trials=6), seed=4), **changes)


def run(s: Study, tracker: MemoryTracker | None = None, **options: Any) -> Any:
    return s.run(tracker=tracker or MemoryTracker(), **{"backend": "sequential", **options})


def test_replicates_share_their_seeds_across_settings() -> None:
    """Replicate r draws from numpy's own seed sequence with spawn key (1, r), whatever the setting."""
    trials = run(study(replicates=3)).trials
    assert [t.replicate for t in trials] == [0, 1, 2] * 6
    for trial in trials:
        expected = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(1, trial.replicate))).normal()
        assert trial.outcome.metrics["draw"] == expected


def test_a_strategy_is_told_the_mean_of_the_replicates() -> None:
    """With paired seeds the mean noise is the same for all, so a search among 12 settings finds the smallest x^2."""
    result = run(study(strategy=Staged(trials=12, preflight=False), replicates=3))
    assert len(result.trials) == 36
    assert abs(result.best.params["x"]) == min(abs(t.params["x"]) for t in result.trials)


@pytest.mark.parametrize("changes", [{"replicates": 2}, {"confirm": 2}, {"first": [{"x": 0.0, "size": 1}]}])
def test_all_of_it_resumes_and_is_the_same_at_any_number_of_workers(changes: dict[str, Any]) -> None:
    whole = run(study(**changes)).trials
    assert table(run(study(**changes), jobs=2, backend="threading").trials) == table(whole)
    tracker = MemoryTracker()
    tracker.start(study(**changes).tracked())
    for trial in whole[:5]:
        tracker.record(trial)
    assert table(run(study(**changes), tracker).trials) == table(whole)


def test_leaders_are_confirmed_under_fresh_seeds_and_judged_by_those_alone() -> None:
    result = run(study(confirm=2, confirm_replicates=4))
    confirming = [t for t in result.trials if t.stage == "confirm"]
    assert [t.replicate for t in confirming] == [1, 2, 3, 4] * 2
    assert len({repr(t.params) for t in confirming}) == 2
    assert all(trial in confirming for trial in result.chosen.trials)


def test_settings_of_ones_own_come_first() -> None:
    mine = [{"x": 0.5, "size": 3}, {"x": 0.0, "size": 1}]
    trials = run(study(first=mine)).trials
    assert [t.params for t in trials[:2]] == mine
    assert {t.stage for t in trials[:2]} == {"given"}
    assert [t.params for t in trials[2:]] == [t.params for t in run(study()).trials]


def test_known_trials_reach_the_strategy() -> None:
    """A staged search that knows the optimum of an earlier study starts its fine stages around it."""
    known = [Trial(0, {"x": 0.8, "size": 1}, "all", Status.FINISHED, Outcome(-100.0))]
    staged = Staged(stages=(4, 8), keep=1, preflight=False)
    informed, blind = (run(study(strategy=staged, known=k)).trials[4:] for k in (known, []))
    informed, blind = (np.median([abs(t.params["x"] - 0.8) for t in trials]) for trials in (informed, blind))
    assert informed < blind / 2


def candidate(*values: float, size: int = 1, number: int = 0) -> Candidate:
    params = {"x": 0.0, "size": size}
    trials = tuple(Trial(number + i, params, "all", Status.FINISHED, Outcome(v)) for i, v in enumerate(values))
    return Candidate(params, None, trials)


def test_standard_error_is_scipys() -> None:
    assert candidate(1.0, 2.0, 4.0).standard_error == pytest.approx(stats.sem([1.0, 2.0, 4.0]))


def test_one_standard_error_takes_the_simplest_within_reach() -> None:
    """Means 1.0 (se .58), 1.5 and 9: the second is within one standard error of the first, and smaller."""
    found = [candidate(0.0, 1.0, 2.0, size=9), candidate(1.4, 1.5, 1.6, size=2, number=3), candidate(9.0, 9.0, 9.0, number=6)]
    rng = np.random.default_rng(0)
    assert select(found, "mean", SPACE, rng) is found[0]
    assert select(found, "one_se", SPACE, rng) is found[1]


def test_chances_agree_with_the_normal_law() -> None:
    """Two means half a standard error apart, many replicates: P(first is lower) = Phi(d / sqrt(2) se), from scipy."""
    noise = np.random.default_rng(1).normal(size=200)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    found = [candidate(*(noise + shift)) for shift in (0.0, 0.05)]
    expected = stats.norm.cdf(0.05 / (np.sqrt(2) / np.sqrt(200)))
    assert chances(found, np.random.default_rng(2))[0] == pytest.approx(expected, abs=0.02)


def test_a_setting_with_a_failed_replicate_is_no_candidate() -> None:
    good = Trial(0, {"x": 0.0}, "all", Status.FINISHED, Outcome(1.0))
    assert candidates([good, Trial(1, {"x": 0.0}, "all", Status.FAILED)]) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replicates": 0}, "A study's replicates must be a whole number >= 1, got 0"),
        ({"confirm": -1}, "A study's confirm must be a whole number >= 0, got -1"),
        ({"confirm_replicates": 1}, "A study's confirm_replicates must be a whole number >= 2, got 1"),
        ({"select": "best"}, "select must be one of 'mean', 'one_se', 'probability', got 'best'"),
        ({"select": "one_se", "space": Space(x=Float(0, 1))}, "a space that says what is simple"),
        ({"trial_seconds": 0}, r"A study's trial_seconds must be a number in \(0, inf\), got 0"),
        ({"trial_megabytes": "1 GB"}, r"A study's trial_megabytes must be a number in \(0, inf\), got '1 GB'"),
        ({"retries": -1}, "A study's retries must be a whole number >= 0, got -1"),
        ({"stop": 3}, "A study's stop must be a Stop, got 3"),
        ({"first": [{"x": 9.0, "size": 1}]}, "Parameter 'x' must be in Float"),
    ],
)
def test_bad_input_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises((StudyError, SettingError, SpaceError), match=message):
        study(**changes)
