"""Trials that MLflow shows while they run; what it shows is read with MLflow's own client."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.ports import RunningTrial
from hpsearch.tracking import MlflowTracker
from hpsearch.tracking.lease import Claim, LeaseLost, LeaseTimes, Owner, take
from hpsearch.tracking.lease.lease import make_claim
from hpsearch.tracking.runs.live_runs import LiveRuns
from hpsearch.tracking.store.client import children
from hpsearch.trial import Trial
from tests.tracking.sample import plain, text, tracked, trials
from tests.tracking.test_resume import wait_for

# Every kind of param, text and number, reported to the end; then one that failed.
WHOLE, FAILED = trials()[0], trials()[1]


def as_points(trial: Trial, most: int = 10**6) -> list[tuple[int, dict[str, float]]]:
    """Return the first points of the curves of a trial, as they are reported."""
    assert trial.outcome is not None
    return [(step, {name: value}) for name, curve in trial.outcome.history.items() for step, value in curve][:most]


def proposed(trial: Trial) -> Trial:
    return replace(trial, outcome=None, error=None, started=trial.started + 2.5, seconds=0.0, traceback=None)


def runs_of(tracker: MlflowTracker) -> list[Any]:
    parent = tracker._open().parent
    found: Sequence[Any] = tracker.store.client.search_runs([parent.info.experiment_id], children(parent.info.run_id))
    return list(found)


def show(tracker: MlflowTracker, trial: Trial, most: int = 10**6) -> str:
    """Show a running trial, and return its run once it has all points."""
    live, points = tracker._open().queue.live, as_points(trial, most)
    tracker.show(RunningTrial(proposed(trial), points))
    wait_for(lambda: trial.number in live.runs)
    return live.runs[trial.number]


def read_again(root: Path) -> list[Trial]:
    found = MlflowTracker(root=root).find(tracked())
    assert found is not None
    return list(found.trials)


def test_a_running_trial_has_a_run_with_its_params_and_points(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    run_id = show(tracker, plain(3))
    (run,) = runs_of(tracker)
    assert (run.info.run_id, run.info.status, run.info.run_name) == (run_id, "RUNNING", "trial 003")
    assert run.data.params.keys() == {
        "rate",
        "hidden",
        "batch",
        "act",
        "on",
        "n",
        "schedule",
        "schedule.patience",
        "log10 rate",
    }
    assert run.data.tags["hpsearch.kind"] == "trial"
    assert "Running" in run.data.tags["mlflow.note.content"]
    tracker.finish("killed", [])
    assert runs_of(tracker) == []  # it had not ended


@pytest.mark.parametrize("trial", [WHOLE, FAILED], ids=["whole", "failed"])
@pytest.mark.parametrize("shown", [0, 3, 10**6])
def test_its_record_completes_that_run(trial: Trial, shown: int, tracker: MlflowTracker, root: Path) -> None:
    tracker.start(tracked())
    run_id = show(tracker, trial, shown)
    tracker.show(RunningTrial(proposed(trial), as_points(trial, shown)))  # the same once more
    tracker.record(trial)
    tracker.finish("finished", [trial])
    (run,) = runs_of(tracker)
    assert run.info.run_id == run_id
    assert run.info.status == ("FINISHED" if trial.ok else "FAILED")
    assert text(read_again(root)) == text([trial])


def test_points_of_a_curve_that_was_thinned_at_the_end_are_not_its_own(tracker: MlflowTracker, root: Path) -> None:
    tracker.start(tracked())
    run_id = show(tracker, WHOLE, 2)
    assert WHOLE.outcome is not None
    thinned = replace(WHOLE, outcome=replace(WHOLE.outcome, history={"cost": WHOLE.outcome.history["cost"][1:]}))
    tracker.record(thinned)
    tracker.finish("finished", [thinned])
    (run,) = runs_of(tracker)
    assert run.info.run_id == run_id
    assert text(read_again(root)) == text([thinned])


def test_what_comes_late_changes_nothing(tracker: MlflowTracker, root: Path) -> None:
    tracker.start(tracked())
    tracker.record(plain(0))
    wait_for(lambda: tracker._open().queue.runs)
    tracker.show(RunningTrial(proposed(plain(0)), [(99, {"cost": 1.0})]))
    tracker.finish("finished", [plain(0)])
    tracker.show(RunningTrial(proposed(plain(1))))  # no study is open any more
    assert text(read_again(root)) == text([plain(0)])
    assert len(runs_of(tracker)) == 1


def test_the_next_start_after_a_kill_finds_the_run_half_done(tracker: MlflowTracker, root: Path) -> None:
    tracker.start(tracked())
    tracker.record(plain(0))
    show(tracker, plain(1))
    wait_for(lambda: tracker._open().queue.runs)
    left = MlflowTracker(root=root).find(tracked())  # as a start sees it after the end of this process
    assert left is not None
    assert (text(left.trials), left.dropped, left.interrupted) == (text([plain(0)]), 1, True)
    tracker.finish("killed", [])


def test_many_trials_of_which_some_were_shown(tracker: MlflowTracker, root: Path) -> None:
    tracker.start(tracked())
    shown = {number: show(tracker, plain(number)) for number in (1, 4)}
    for number in range(6):
        tracker.record(plain(number))
    tracker.finish("finished", [])
    runs = {int(run.data.tags["hpsearch.number"]): run.info.run_id for run in runs_of(tracker)}
    assert sorted(runs) == list(range(6))
    assert {number: runs[number] for number in shown} == shown
    assert text(read_again(root)) == text([plain(number) for number in range(6)])


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_process_that_lost_the_study_leaves_no_running_trial(tracker: MlflowTracker, when: str) -> None:
    """It may stand still at any moment, and wake up when another one has taken the study over."""
    tracker.start(tracked())
    client, parent = tracker.store.client, tracker._open().parent
    lease = take(client, parent.info.run_id, "sample", LeaseTimes(0.01, 0.01))

    def take_over() -> None:
        make_claim(client, parent.info.run_id, Claim(lease.number + 1, Owner.of_this_process(1.0), ""))
        time.sleep(0.1)

    class Sleepy:
        def __getattr__(self, name: str) -> Any:
            if name == "create_run" and when == "meanwhile":
                take_over()
            return getattr(client, name)

    if when == "before":
        take_over()
    with pytest.raises(LeaseLost, match="was taken over by"):
        LiveRuns(parent, tracked(), lease).show(Sleepy(), RunningTrial(proposed(WHOLE), as_points(WHOLE)))  # type: ignore[arg-type]
    assert runs_of(tracker) == []
