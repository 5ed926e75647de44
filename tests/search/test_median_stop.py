"""Trials that lag are stopped by the curves of earlier batches alone, the same ones at any number of workers."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.svm import SVC

from hpsearch import Context, Float, Result, Space, Study, data
from hpsearch.cli.display import completeness
from hpsearch.errors import SettingError, StudyError
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.ports import Batch, ObjectiveBase, Proposal
from hpsearch.search.batches import in_pieces
from hpsearch.search.rerun import rerun
from hpsearch.search.stopping import MedianStop
from hpsearch.strategies import Bayesian, Grid, Halving, QuasiRandom, Random, Staged
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker
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
    assert all(t.number >= 8 for t in stopped)
    for trial in stopped:
        # The first batch has 10 trials, 8 and 2 of them at a time; the later ones have 5.
        batch = max(first for first in (8, *range(10, 30, 5)) if first <= trial.number)
        step, value = trial.outcome.history["cost"][-1]
        reached = [dict(t.outcome.history["cost"]).get(step) for t in trials[:batch]]
        better = sorted(v for v in reached if v is not None)
        assert value > better[(len(better) - 1) // 2]
        assert f"at step {step}" in trial.error


def test_the_same_trials_are_stopped_at_any_number_of_workers_and_after_a_resume(
    resume: Callable[[Study, Sequence[Trial]], Result],
) -> None:
    whole = run(STUDY).trials
    assert table(run(STUDY, jobs=2, backend="loky").trials) == table(whole)
    assert table(resume(STUDY, whole[:17]).trials) == table(whole)


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
    assert min(len(t.outcome.history["validation_accuracy"]) for t in stopped) < 4


def reaches(params: Params, context: Context) -> float:
    """As `descends`, and the value tells nothing: only the curves differ."""
    context.report(2, cost=params["x"])
    context.report(3, cost=params["x"])
    return 0.0


ONE_BATCH = [Random(trials=20), QuasiRandom(trials=20), Grid(points=20), Staged(stages=(20, 4))]
PLAIN = [replace(STUDY, name="one", objective=reaches, strategy=s, early_stop=MedianStop("cost")) for s in ONE_BATCH]


def points(trials: Sequence[Trial]) -> list[Any]:
    return [(t.number, t.params, t.stage, t.budget, t.replicate) for t in trials]


@pytest.mark.parametrize("study", PLAIN, ids=lambda study: type(study.strategy).__name__)
def test_one_batch_is_run_in_pieces_of_eight(study: Study) -> None:
    """The rule by hand: after pieces that begin at 8 and 16 a value above the median of all earlier ones ends a trial."""
    trials = run(study).trials
    ended = [t.outcome.history["cost"] for t in trials]
    for n, trial in enumerate(trials[:16]):
        earlier = [dict(curve)[2] for curve in ended[: n // 8 * 8]]
        assert (trial.status is Status.STOPPED) == (n >= 8 and trial.params["x"] > statistics.median(earlier))
    assert table(run(study, jobs=3, backend="threading").trials) == table(trials)
    if not isinstance(study.strategy, Staged):  # which learns from what ended
        assert points(trials) == points(run(replace(study, early_stop=None)).trials)


def test_without_the_rule_and_with_a_large_piece_nothing_is_stopped() -> None:
    for rule in (None, MedianStop("cost", batch=20)):
        assert {t.status for t in run(replace(PLAIN[0], early_stop=rule)).trials} == {Status.FINISHED}


def test_pieces_of_one_batch_reach_the_strategy_as_one_and_keep_their_states() -> None:
    """Three rungs: 9 trials in pieces of 2, then 3 and 1 that go on from the states of these."""

    def remembers(params: Params, context: Context) -> Outcome:
        before = 0 if context.state is None else int(context.state["epochs"])
        context.report(context.budget or 0, cost=params["x"])
        state = {"epochs": np.array(context.budget)}
        return Outcome(params["x"], {"before": float(before)}, context.history, state=state)

    study = replace(
        STUDY,
        name="rungs",
        objective=remembers,
        strategy=Halving(trials=9, max_epochs=9),
        early_stop=MedianStop("cost", batch=2, trials=1000),
    )
    trials = run(study).trials
    assert [(t.stage, t.budget) for t in trials] == [("rung-0", 1)] * 9 + [("rung-1", 3)] * 3 + [("rung-2", 9)]
    assert [t.outcome.metrics["before"] for t in trials] == [0.0] * 9 + [1.0] * 3 + [3.0]


def test_batches_that_continue_and_checks_stay_whole() -> None:
    proposals = [Proposal({"x": float(n)}) for n in range(5)]
    batch = Batch(proposals, "rung-0", note="A note.")
    assert [(len(piece.proposals), piece.note) for piece in in_pieces(batch, 2)] == [(2, "A note."), (2, ""), (1, "")]
    assert [p for piece in in_pieces(batch, 2) for p in piece.proposals] == proposals
    for whole in (
        replace(batch, proposals=[*proposals, Proposal({"x": 0.0}, continues=0)]),
        replace(batch, stage="pre-flight: data"),
        replace(batch, proposals=proposals[:2]),
        Batch(()),
    ):
        assert in_pieces(whole, 2) == [whole]


@pytest.mark.parametrize(("jobs", "said"), [(8, False), (9, True)])
def test_workers_that_stand_idle_are_told_once(jobs: int, said: bool) -> None:
    notes = run(PLAIN[0], jobs=jobs, backend="threading").notes
    idle = "early_stop runs 8 trials at a time, so 1 of 9 workers stand idle. MedianStop(batch=9) keeps all of them busy"
    assert [note.startswith(idle) for note in notes] == [True] * said


def test_a_curve_that_nobody_reports_is_told_after_the_first_piece() -> None:
    seen: list[tuple[int, list[str]]] = []
    study = replace(PLAIN[0], early_stop=MedianStop("costs"))
    notes = run(study, progress=lambda p: seen.append((p.done, list(p.notes)))).notes
    assert notes == [
        "early_stop has no effect: no trial has reported the curve 'costs' so far; they report the curves 'cost'. "
        "Did you mean 'cost'?"
    ]
    assert min(done for done, said in seen if said) == 8
    silent = run(replace(study, objective=lambda p: 1.0)).notes
    assert silent == ["early_stop has no effect: no trial has reported the curve 'costs' so far; they report no curve."]


def test_a_rule_that_never_has_a_threshold_says_so_at_the_end() -> None:
    for rule, text in ((MedianStop("cost", trials=100), "after 1"), (MedianStop("cost", after=3), "after 3")):
        notes = run(replace(PLAIN[0], early_stop=rule)).notes
        assert len(notes) == 1
        assert notes[0].startswith(f"early_stop had no effect: no step {text} was reached by trials={rule.trials} curves")
    assert run(PLAIN[0]).notes == []


class Declares(ObjectiveBase):
    curves = ("cost", "accuracy")

    def __call__(self, params: Params, context: Context) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("objective", "curve", "message"),
    [
        (Declares(), "costs", "The curve of early_stop with Declares must be one of 'accuracy', 'cost', got 'costs'"),
        (
            TrainNetwork(data.digits(), learning_rate=0.1),
            "validation_costs",
            "one of 'learning_rate', 'training_cost', 'validation_accuracy', 'validation_cost', got 'validation_costs'. "
            "Take one of these. Did you mean 'validation_cost'?",
        ),
        (TuneEstimator(SVC(), data.digits()), "cost", "must be one that reports curves while it runs, got 'TuneEstimator'"),
        (TrainSVM(data.digits()), "cost", "must be one that reports curves while it runs, got 'TrainSVM'"),
        (CrossValidate(TrainNetwork(data.digits(), learning_rate=0.1)), "validation_cost", "got 'CrossValidate'"),
    ],
)
def test_an_unknown_curve_is_refused_where_curves_are_declared(objective: Any, curve: str, message: str) -> None:
    space = Space(x=Float(0.0, 1.0)) if isinstance(objective, Declares) else Space(C=Float(0.1, 1.0))
    if "'validation_costs'" in message or "CrossValidate" in message:
        space = Space(l2=Float(0.0, 1.0))
    with pytest.raises(StudyError, match=re.escape(message)):
        Study("s", space, objective, Random(trials=2), early_stop=MedianStop(curve))


def test_a_network_reports_every_curve_that_it_declares() -> None:
    for objective in (
        TrainNetwork(data.digits(), hidden=(5,), epochs=1, learning_rate=0.1, monitor_images=1000),
        TrainNetwork(data.arrays(*LINE, regression=True), hidden=(3,), epochs=1, learning_rate=0.1),
    ):
        history = objective({}, Context(np.random.default_rng(0))).history
        assert set(objective.curves) == set(history) - {"first_contrast"}


LINE = (np.linspace(0, 1, 40)[:, None], np.linspace(0, 2, 40))


def test_a_stopped_cell_of_a_grid_is_decided_and_not_run_again() -> None:
    tracker, study = MemoryTracker(), PLAIN[2]
    first = run(study, tracker)
    assert any(t.status is Status.STOPPED for t in first.trials)
    again = run(study, tracker)
    assert again.taken_over == 20
    assert table(again.trials) == table(first.trials)
    assert completeness(first.trials).startswith("The grid is complete: ")


def test_a_record_of_version_1_is_shown_and_not_resumed() -> None:
    tracker, study = MemoryTracker(), PLAIN[0]
    run(replace(study, early_stop=None), tracker)
    kept = tracker.studies["one"]
    old = {"early_stop": "MedianStop(curve='cost', maximize=False, after=1, trials=5)"}
    kept.record = replace(kept.record, identity=dict(kept.record.identity) | old)
    assert study.identity["early_stop"] == old["early_stop"]
    assert len(study.result(tracker).trials) == 20
    with pytest.raises(StudyError, match=r"MedianStop of another version \(version 1 then, MedianStop 2 now\)"):
        run(study, tracker)
    assert len(run(study, tracker, fresh=True).trials) == 20


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
    with pytest.raises(SettingError, match="MedianStop batch must be a whole number >= 1, got 0"):
        MedianStop("c", batch=0)
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


def wanders(params: Params, context: Context) -> float:
    value = float(params["x"] + context.rng.normal())
    for step in range(1, 5):
        context.report(step, cost=value)
    return value


def test_the_confirmation_of_the_best_settings_is_never_stopped() -> None:
    """Its unlucky seeds would be missing from the mean: of one that had any left, a flattering one."""
    study = replace(STUDY, objective=wanders, strategy=Random(trials=24), confirm=3, early_stop=MedianStop("cost"))
    result = run(study)
    confirming = [trial for trial in result.trials if trial.stage == "confirm"]
    assert any(trial.status is Status.STOPPED for trial in result.trials)
    assert [trial.status for trial in confirming] == [Status.FINISHED] * 15
    assert result.chosen.mean == pytest.approx(
        statistics.fmean(t.value for t in confirming if t.params == result.chosen.params), rel=1e-12
    )
