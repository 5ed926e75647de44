"""A start after a kill, an outage or another start: nothing is lost, nothing is recorded twice."""

from __future__ import annotations

import logging
import math
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch import Choice, Float, Int, Space, Study
from hpsearch.errors import RecordChanged, TrackingError
from hpsearch.strategies import Random
from hpsearch.testing import table
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.delivery import retry_queue, spool_file
from hpsearch.tracking.store import names
from tests.tracking.sample import SPACE, plain, text, tracked, trials

KILLED = """
import os, signal, sys
from pathlib import Path
from hpsearch.tracking import MlflowTracker
from hpsearch.tracking.store.schema import KNOWN_REVISIONS
from tests.tracking.sample import plain, tracked
KNOWN_REVISIONS.clear()  # written by the client, which leaves a half-written run; a transaction leaves none
tracker = MlflowTracker(root=Path(sys.argv[1]))
tracker.start(tracked())
end, ended = tracker.store.client.set_terminated, []

def kill_at_the_fourth(*args):
    ended.append(args)
    os.kill(os.getpid(), signal.SIGKILL) if len(ended) == 4 else end(*args)

tracker.store.client.set_terminated = kill_at_the_fourth
for number in range(4):
    tracker.record(plain(number))
tracker.finish("finished", [])
"""


@contextmanager
def outage(store: Store) -> Iterator[None]:
    """Take the database away for a while, by a real fault: its tables have other names."""
    assert store.database is not None

    def rename(old: str, new: str) -> None:
        with closing(sqlite3.connect(store.database)) as connection, connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename("runs", "runs_away")
    try:
        yield
    finally:
        rename("runs_away", "runs")


def wait_for(done: Callable[[], object]) -> None:
    """Return when something has come true in the tracker's thread; fail after a while."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_queue, "RETRY_SECONDS", 0.0)


def test_a_kill_in_the_middle_of_a_trial_is_taken_up(root: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(root)]).returncode == -9
    tracker = MlflowTracker(root=root)
    found = tracker.find(tracked())
    assert found is not None
    # The trial that was being written is in the spool file, too.
    assert (len(found.trials), found.interrupted, found.dropped, found.finished) == (4, True, 1, False)
    again = tracker.find(tracked())
    assert again is not None
    assert again.dropped == 1
    tracker.start(tracked())
    tracker.finish("finished", [])
    end = MlflowTracker(root=root).find(tracked())
    assert end is not None
    assert text(end.trials) == text(plain(number) for number in range(4))
    assert (end.interrupted, end.dropped, end.finished) == (False, 0, True)


def test_a_repeated_number_counts_once(tracker: MlflowTracker) -> None:
    from hpsearch.tracking.runs.writer import write_trial

    tracker.start(tracked())
    tracker.record(plain(0, 0.25))
    study = tracker._open()
    wait_for(lambda: study.queue.runs)
    write_trial(tracker.store.client, study.parent, tracked(), plain(0, 0.75), {})
    tracker.finish("killed", [])
    tracker.start(tracked())
    tracker.finish("finished", [])
    children = tracker._children(study.parent)
    assert (len(children.complete), len(children.repeated)) == (1, 0)


def test_many_trials_are_read_page_by_page(store: Store) -> None:
    tracker = MlflowTracker(store=store, page_size=3)
    tracker.start(tracked())
    for number in reversed(range(10)):
        tracker.record(plain(number))
    tracker.finish("finished", [])
    found = tracker.find(tracked())
    assert found is not None
    assert [trial.number for trial in found.trials] == list(range(10))


def test_an_outage_loses_nothing(tracker: MlflowTracker, caplog: pytest.LogCaptureFixture) -> None:
    tracker.start(tracked())
    with outage(tracker.store):
        for trial in trials()[:2]:
            tracker.record(trial)
        wait_for(lambda: tracker._open().queue.unavailable and len(tracker._open().queue.pending) == 2)
    tracker.record(trials()[2])
    tracker.finish("finished", [])
    found = tracker.find(tracked())
    assert found is not None
    assert text(found.trials) == text(trials()[:3])
    assert not tracker.store.spool_file("sample").exists()
    assert "Trial 0 is kept in a file" in caplog.text


def test_an_outage_until_the_end_is_taken_up_by_the_next_start(root: Path, tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    tracker.record(plain(10))
    wait_for(lambda: tracker._open().queue.runs)
    with outage(tracker.store):
        for trial in trials():
            tracker.record(trial)
        tracker.finish("finished", [])
    everything = text(sorted([*trials(), plain(10)], key=lambda trial: trial.number))
    later = MlflowTracker(root=root)
    found = later.find(tracked())
    assert found is not None
    assert text(found.trials) == everything
    assert found.interrupted
    later.start(tracked())
    assert not later.store.spool_file("sample").exists()
    later.finish("finished", [])
    end = MlflowTracker(root=root).find(tracked())
    assert end is not None
    assert text(end.trials) == everything


def test_a_trial_the_store_refuses_holds_up_no_other(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    tracker.record(replace(plain(0), started=-100.0))  # MLflow takes no time before 1970
    for number in range(1, 3):
        tracker.record(plain(number))
    tracker.finish("finished", [])
    assert [trial.number for trial in spool_file.read(tracker.store.spool_file("sample"), tracker._open().run_id, SPACE)] == [0]
    found = tracker.find(tracked())
    assert found is not None
    assert len(found.trials) == 3


def test_unsent_trials_of_a_superseded_start_stay_away(root: Path, tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    with outage(tracker.store):
        tracker.record(plain(0))
        tracker.finish("killed", [])
    later = MlflowTracker(root=root)
    later.start(tracked(), fresh=True)
    later.finish("finished", [])
    found = later.find(tracked())
    assert found is not None
    assert not found.trials


def test_a_damaged_unsent_file_is_refused(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    tracker.finish("finished", [])
    tracker.store.spool_file("sample").write_text('{"run": 1')
    with pytest.raises(TrackingError, match=r"is damaged: .* Move it away"):
        tracker.find(tracked())


def test_trials_that_can_go_nowhere_are_named(tracker: MlflowTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.tracking.store.store.spare_folders", list)
    tracker.start(tracked())
    tracker.store.spool_file("sample").mkdir()
    with outage(tracker.store):
        tracker.record(plain(7))
        with pytest.raises(TrackingError, match="Trials 7 could be written neither"):
            tracker.finish("finished", [])
    tracker.store.lock("sample").release()


def test_a_deleted_experiment_makes_room(tracker: MlflowTracker) -> None:
    tracker.start(tracked())
    tracker.record(plain(0))
    tracker.finish("finished", [])
    tracker.store.client.delete_experiment(tracker._open().parent.info.experiment_id)
    assert tracker.find(tracked()) is None
    tracker.start(tracked())
    tracker.finish("finished", [])
    found = tracker.find(tracked())
    assert found is not None
    assert not found.trials
    assert tracker.notes == [
        "The deleted experiment 'sample' was renamed to 'sample (deleted 1)' and stays deleted; a new one begins."
    ]


def test_another_space_reads_texts_so_that_the_difference_can_be_named(tracker: MlflowTracker) -> None:
    from hpsearch.space import Float, Space

    tracker.start(tracked())
    tracker.record(trials()[0])
    tracker.finish("finished", [])
    other = Space(rate=Float(0.0, 1.0))
    found = tracker.find(tracked(space=other, identity={"space": repr(other)}))
    assert found is not None
    assert found.identity["space"].startswith("Space(rate=Float(0.001, 10.0, log=True), hidden=")
    assert found.trials[0].params["batch"] == "20"


def test_nothing_is_pickled(root: Path, tracker: MlflowTracker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    tracker.start(tracked())
    for trial in trials():
        tracker.record(trial)
    wait_for(lambda: len(tracker._open().queue.runs) == len(trials()))
    with outage(tracker.store):
        tracker.record(plain(50))
        tracker.finish("finished", [])
    files = [path for path in (root / "mlruns").rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".pkl", ".pickle", ".joblib")]
    assert not [path for path in files if path.read_bytes()[:1] == b"\x80" or b"sklearn" in path.read_bytes()]
    assert names.slug("sample") in {path.name.partition(".")[0] for path in files}


def test_a_study_that_ends_badly_frees_its_lock(root: Path, tracker: MlflowTracker) -> None:
    with outage(tracker.store), pytest.raises(TrackingError, match="cannot be recorded in"):
        tracker.start(tracked())
    tracker.start(tracked())
    tracker.finish("failed", [])


def test_what_another_process_wrote_between_looking_and_starting_is_seen(root: Path) -> None:
    """A search that replays what `find` read would run the other's trial again: it must read first."""
    first = MlflowTracker(root=root)
    first.start(tracked())
    first.record(plain(0))
    first.finish("killed", [])
    late = MlflowTracker(root=root)
    assert late.find(tracked()) is not None
    other = MlflowTracker(root=root)
    other.start(tracked())
    other.record(plain(1))
    other.finish("killed", [])
    with pytest.raises(RecordChanged, match="was run by another process until just now"):
        late.start(tracked())
    assert late.find(tracked()) is not None
    late.start(tracked())
    late.record(plain(1))  # known already: written once
    late.finish("finished", [])
    found = MlflowTracker(root=root).find(tracked())
    assert found is not None
    assert [trial.number for trial in found.trials] == [0, 1]
    assert found.dropped == 0


def test_a_start_right_after_looking_reads_the_trials_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hpsearch.tracking import mlflow_tracker

    first = MlflowTracker(root=root)
    first.start(tracked())
    first.record(plain(0))
    first.finish("killed", [])
    reads = []
    read = mlflow_tracker.read_children
    monkeypatch.setattr(mlflow_tracker, "read_children", lambda *args: reads.append(args) or read(*args))
    late = MlflowTracker(root=root)
    late.find(tracked())
    late.start(tracked())
    late.finish("finished", [])
    assert len(reads) == 1


def test_nan_and_values_that_python_takes_for_equal_are_read_back_and_replayed(root: Path) -> None:
    """The independent source is repr, which tells them apart."""
    space = Space(
        a=Choice(math.nan, -999.0), b=Choice((1, 1), (True, True), 1, True, 1.0), c=Choice(-0.0, 5), d=Float(0, 1, step=0.1),
        e=Int(3, 3), f=Float(0.5, 0.5, log=True),
    )  # fmt: skip
    study = Study("odd", space, lambda params: len(repr(params)), Random(trials=12), seed=1)
    runs = [
        study.run(tracker=MlflowTracker(store=Store.open(None, root)), backend="sequential", report=False) for _ in range(2)
    ]
    assert runs[1].taken_over == 12
    assert table(runs[1].trials) == table(runs[0].trials)
    assert {repr(trial.params["b"]) for trial in runs[1].trials} == {"(1, 1)", "(True, True)", "1", "True", "1.0"}
    assert any(math.isnan(trial.params["a"]) for trial in runs[1].trials)
