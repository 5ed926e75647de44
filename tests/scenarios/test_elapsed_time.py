"""The seconds of a trial's steps: measured, recorded beside the trial, read back, and carried on by what continues it."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import Float, Grid, Space, Study, data
from hpsearch.errors import StudyError
from hpsearch.execution.checkpoints import TrialCheckpoints
from hpsearch.execution.outcome import POINTS, thin_curves
from hpsearch.execution.task import run_task
from hpsearch.objectives import CrossValidate, TrainNetwork, reporting
from hpsearch.plots import Chart
from hpsearch.ports import CheckpointPlace, Context, Task
from hpsearch.ports.adapt import adapt_objective
from hpsearch.strategies import Halving
from hpsearch.tracking.delivery import spool_file
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.tracking.mlflow_tracker import MlflowTracker
from hpsearch.tracking.runs import trial_times
from hpsearch.trial import Outcome, Status, Trial

DIGITS = data.digits()


def train(**settings: Any) -> TrainNetwork:
    return TrainNetwork(DIGITS, **{"hidden": (5,), "epochs": 4, "train_size": 200, "learning_rate": 0.5, **settings})


def sleeping(params: Any, context: Context) -> float:
    for epoch in (1, 2):
        time.sleep(0.02)
        context.report(epoch, loss=1.0)
    context.report(2, accuracy=0.5)
    return 1.0


def context(state: Any = None, budget: int | None = None) -> Context:
    return Context(np.random.default_rng(0), budget, state)


def test_the_seconds_are_those_of_the_first_report_of_each_step() -> None:
    trial = run_task(adapt_objective(sleeping), Task(Trial(0, {}, "all", Status.FINISHED), seed=0, key=(2, 0), params={}))
    assert trial.outcome is not None
    (first, one), (second, two) = trial.outcome.times["epoch"]
    assert (first, second) == (1, 2)
    assert 0.02 <= one <= two - 0.02
    assert two <= trial.seconds


def test_steps_within_epochs_are_timed_by_the_epochs() -> None:
    """200 rows in mini-batches of ten: 20 iterations an epoch."""
    outcome = train(monitor_iterations=True, monitor_images=50)({}, context())
    epochs = dict(outcome.times["epoch"])
    assert list(epochs) == [0, 1, 2, 3, 4]
    assert dict(outcome.times["iteration"]) == {20 * epoch: seconds for epoch, seconds in epochs.items()}
    assert dict(outcome.times["images"]) == {200 * epoch: seconds for epoch, seconds in epochs.items()}
    assert all(b > a for a, b in pairwise(epochs.values()))


def test_times_are_no_part_of_a_trial() -> None:
    one, other = (Outcome(1.0, times={"epoch": ((1, at),)}) for at in (0.5, 2.0))
    assert one == other
    assert repr(one) == repr(other)


def test_they_are_read_back_from_a_record_and_drawn(tmp_path: Path) -> None:
    study = Study("timed", Space(learning_rate=Float(0.1, 1.0)), train(learning_rate=None), Grid(2))
    ran = study.run(1, tracker=MlflowTracker(root=tmp_path))
    read = study.result(MlflowTracker(root=tmp_path))
    for ours, theirs in zip(ran.trials, read.trials, strict=True):
        assert ours.outcome is not None
        assert theirs.outcome is not None
        assert [step for step, _ in theirs.outcome.times["epoch"]] == [0, 1, 2, 3, 4]
        assert dict(theirs.outcome.times["epoch"]) == pytest.approx(dict(ours.outcome.times["epoch"]), abs=1e-4)
    picture = read.plot("curves", over="seconds").picture
    assert isinstance(picture, Chart)
    assert {panel.x.label for panel in picture.panels} == {"seconds of training"}


def test_they_wait_in_the_spool_file_too() -> None:
    times = {"epoch": ((1, 0.25), (2, 0.5))}
    trial = Trial(0, {}, "all", Status.FINISHED, Outcome(1.0, times=times))
    key = spool_file.StudyKey("run", "study", Space())
    fields = spool_file.json.loads(spool_file.line(key, trial))
    assert spool_file._unpack_outcome(fields["outcome"]).times == times
    plain = spool_file.line(key, Trial(0, {}, "all", Status.FINISHED, Outcome(1.0)))
    assert "times" not in spool_file.json.loads(plain)["outcome"]


def test_of_long_trainings_some_are_kept() -> None:
    times = {"epoch": tuple((n, float(n)) for n in range(1000))}
    outcome = thin_curves(Trial(0, {}, "all", Status.FINISHED, Outcome(1.0, times=times))).outcome
    assert outcome is not None
    assert len(outcome.times["epoch"]) <= POINTS


def test_a_trial_that_continues_goes_on_from_the_seconds_of_the_first() -> None:
    first = train()({}, context(budget=2))
    second = train()({}, context(state=first.state))
    assert second.times["epoch"][:3] == first.times["epoch"]
    assert second.times["epoch"][3][1] > first.times["epoch"][2][1]
    assert [step for step, _ in second.times["epoch"]] == [0, 1, 2, 3, 4]


def test_rungs_have_the_seconds_of_the_whole_training() -> None:
    space = Space(learning_rate=Float(0.1, 1.0))
    strategy = Halving(trials=4, min_epochs=1, max_epochs=4, factor=2)
    study = Study("rungs", space, train(learning_rate=None), strategy)
    for trial in study.run(1, tracker=MemoryTracker()).trials:
        assert trial.outcome is not None
        seconds = [at for _, at in trial.outcome.times["epoch"]]
        assert len(seconds) == (trial.budget or 0) + 1
        assert seconds == sorted(seconds)


def test_a_checkpoint_carries_the_seconds(tmp_path: Path) -> None:
    place = CheckpointPlace(tmp_path / "a")
    first = Context(np.random.default_rng(0), checkpoints=TrialCheckpoints(place, 0))
    time.sleep(0.02)
    first.report(1, loss=1.0)
    with first.checkpoint(1) as folder:
        (folder / "x").write_text("x")
    second = Context(np.random.default_rng(0), checkpoints=TrialCheckpoints(place, 0))
    assert second.step == 1
    second.report(2, loss=0.5)
    (_, one), (_, two) = second.times["epoch"]
    assert one == dict(first.times["epoch"])[1]
    assert two > one


def test_an_exact_checkpoint_carries_the_seconds_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network's checkpoint has the seconds in its manifest and in its state."""
    monkeypatch.setattr(reporting, "CHECKPOINT_SECONDS", 0.0)
    place = CheckpointPlace(tmp_path / "a")
    first = Context(np.random.default_rng(0), 2, checkpoints=TrialCheckpoints(place, 0))
    train(epochs=200)({}, first)
    first._times["epoch"] = {epoch: seconds + 50.0 for epoch, seconds in first._times["epoch"].items()}
    state = dict(train(epochs=200)({}, Context(np.random.default_rng(0), 2)).state or {})
    with first.checkpoint(2, exact=True) as folder:
        np.savez(folder / "state.npz", **state | {"seconds": state["seconds"] + [0.0, 50.0]})
    second = Context(np.random.default_rng(0), 3, checkpoints=TrialCheckpoints(place, 0))
    train(epochs=200)({}, second)
    assert 50.0 < dict(second.times["epoch"])[3] < 75.0


def test_of_folds_the_mean_is_taken() -> None:
    outcome = CrossValidate(train(train_size=None, epochs=2), folds=3)({}, context())
    assert [step for step, _ in outcome.times["epoch"]] == [0, 1, 2]


def test_a_study_recorded_without_them_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study("old", Space(learning_rate=Float(0.1, 1.0)), train(learning_rate=None), Grid(2))
    with monkeypatch.context() as patch:
        patch.setattr(trial_times, "pack", lambda times: None)  # no such tag was written
        study.run(1, tracker=MlflowTracker(root=tmp_path))
    with pytest.raises(StudyError, match="Its trials were recorded by an earlier version, without the seconds"):
        study.result(MlflowTracker(root=tmp_path)).plot("curves", over="seconds")
