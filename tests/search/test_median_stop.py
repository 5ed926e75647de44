"""Trials that lag are stopped by the curves of earlier batches alone, the same ones at any number of workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpsearch import Context, Float, Space, Study, data
from hpsearch.errors import SettingError, StudyError
from hpsearch.objectives import TrainNetwork
from hpsearch.search.rerun import rerun
from hpsearch.search.stopping import MedianStop
from hpsearch.strategies import Bayesian, Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.trial import Outcome, Params, Status, Trial


def descends(params: Params, context: Context) -> float:
    for step in range(1, 9):
        context.report(step, cost=params["x"] + 1 / step)
    return float(params["x"])


STUDY = Study(
    "median",
    Space(x=Float(0.0, 1.0)),
    descends,
    Bayesian(trials=30, batch_size=5, startup=10),
    early_stop=MedianStop("cost", trials=4),
)


def run(study: Study, tracker: Any = None, **options: Any) -> Any:
    return study.run(tracker=tracker or MemoryTracker(), **{"backend": "sequential", **options})


def test_only_curves_above_the_median_of_earlier_batches_are_stopped() -> None:
    trials = run(STUDY).trials
    stopped = [t for t in trials if t.status is Status.STOPPED]
    assert stopped
    assert all(t.number >= 10 for t in stopped)
    for trial in stopped:
        batch = 10 + (trial.number - 10) // 5 * 5
        step, value = trial.outcome.history["cost"][-1]
        reached = [dict(t.outcome.history["cost"]).get(step) for t in trials[:batch]]
        better = sorted(v for v in reached if v is not None)
        assert value > better[(len(better) - 1) // 2]
        assert f"at step {step}" in trial.error


def test_the_same_trials_are_stopped_at_any_number_of_workers_and_after_a_resume(
    tmp_path: Any, put_store: Callable[[Path], Path]
) -> None:
    put_store(tmp_path)
    whole = run(STUDY).trials
    assert table(run(STUDY, jobs=2, backend="loky").trials) == table(whole)
    tracker = MlflowTracker(root=tmp_path)
    tracker.start(STUDY.tracked())
    for trial in whole[:17]:
        tracker.record(trial)
    tracker.finish("killed", whole[:17])
    assert table(run(STUDY, MlflowTracker(root=tmp_path)).trials) == table(whole)


def test_a_stopped_trial_is_never_the_best_and_runs_again_to_the_same_step() -> None:
    result = run(STUDY)
    stopped = next(t for t in result.trials if t.status is Status.STOPPED)
    assert not stopped.ok
    assert rerun(STUDY, stopped, result.trials).differences == ()


def test_a_network_is_stopped_too() -> None:
    study = Study(
        "network",
        Space(learning_rate=Float(1e-3, 1.0, log=True)),
        TrainNetwork(data.digits(), hidden=(10,), epochs=4),
        Bayesian(trials=20, batch_size=5, startup=10),
        early_stop=MedianStop("validation_accuracy", maximize=True),
    )
    stopped = [t for t in run(study).trials if t.status is Status.STOPPED]
    assert stopped
    assert all(len(t.outcome.history["validation_accuracy"]) < 4 for t in stopped)


def test_one_batch_stops_nothing() -> None:
    study = Study("random", STUDY.space, descends, Random(trials=20), early_stop=STUDY.early_stop)
    assert {t.status for t in run(study).trials} == {Status.FINISHED}


def test_the_threshold_is_the_median() -> None:
    trials = [
        Trial(n, {}, "all", Status.FINISHED, Outcome(0.0, history={"c": ((2, v),)})) for n, v in enumerate([1.0, 2.0, 9.0])
    ]
    assert MedianStop("c", trials=3).thresholds(trials) == {2: 2.0}
    assert MedianStop("c", trials=4).thresholds(trials) == {}
    assert MedianStop("c", after=2, trials=1).thresholds(trials) == {}
    assert MedianStop("c", maximize=True, trials=3).thresholds(trials) == {2: -2.0}


def test_bad_input_is_refused() -> None:
    with pytest.raises(SettingError, match="MedianStop curve must be the name of a reported metric"):
        MedianStop("")
    with pytest.raises(SettingError, match="MedianStop trials must be a whole number >= 1, got 0"):
        MedianStop("c", trials=0)
    with pytest.raises(StudyError, match="A study's early_stop must be a MedianStop"):
        Study("s", STUDY.space, descends, Random(), early_stop="median")  # type: ignore[arg-type]


def test_thresholds_by_hand() -> None:
    """The example of the class: after curves that end at 1, 2 and 9 the third step may be at most the median, 2."""
    ends = [1.0, 2.0, 9.0]
    earlier = [
        Trial(n, {}, "all", Status.FINISHED, Outcome(end, history={"cost": ((1, 5.0), (2, 6.0 + n), (3, end))}))
        for n, end in enumerate(ends)
    ]
    earlier += [Trial(3, {}, "all", Status.FAILED), Trial(4, {}, "all", Status.FINISHED, Outcome(0.0))]
    short = Trial(5, {}, "all", Status.STOPPED, Outcome(0.0, history={"cost": ((1, 5.0), (2, 100.0))}))
    assert MedianStop("cost", trials=3).thresholds(earlier) == {2: 7.0, 3: 2.0}
    assert MedianStop("cost", trials=3, after=0).thresholds(earlier) == {1: 5.0, 2: 7.0, 3: 2.0}
    assert MedianStop("cost", trials=3, after=2).thresholds(earlier) == {3: 2.0}
    assert MedianStop("cost", trials=4).thresholds([*earlier, short]) == {2: 7.5}
    assert MedianStop("cost", maximize=True, trials=3, after=2).thresholds(earlier) == {3: -2.0}
    assert MedianStop("cost").thresholds(earlier) == {}  # five curves at least, unless told otherwise
    assert MedianStop("accuracy", trials=1).thresholds(earlier) == {}
