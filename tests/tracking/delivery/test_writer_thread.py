"""The thread between a search and its store: in order, losing no error, and quick to end on an interrupt."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hpsearch.tracking import MlflowTracker
from hpsearch.tracking.delivery import spool_file, writer_thread
from hpsearch.tracking.delivery.writer_thread import WriterThread
from hpsearch.tracking.runs.writer import BestCurve
from hpsearch.trial import Trial
from tests.tracking.delivery.test_outage import hold_lock
from tests.tracking.sample import SPACE, plain, text, tracked

FINISHING = """
import signal, sys
from pathlib import Path
from hpsearch.tracking import MlflowTracker
from tests.tracking.sample import plain, tracked
signal.signal(signal.SIGINT, signal.default_int_handler)
tracker = MlflowTracker(root=Path(sys.argv[1]))
tracker.start(tracked())
print("started", flush=True)
input()
for number in range(20):
    tracker.record(plain(number))
print("finishing", flush=True)
tracker.finish("killed", [])
"""


def test_everything_is_delivered_in_order_by_one_thread() -> None:
    came: list[tuple[int, str]] = []

    def deliver(trial: Trial | None) -> None:
        if trial is not None:
            came.append((trial.number, threading.current_thread().name))

    writer = WriterThread(deliver)
    for number in range(1000):
        writer.put(plain(number))
    writer.close(lambda: came.append((-1, threading.current_thread().name)))
    assert came == [(number, "hpsearch-writer") for number in [*range(1000), -1]]


def test_a_store_far_behind_holds_the_search_up() -> None:
    gate, began, handed = threading.Event(), threading.Event(), threading.Semaphore(0)

    def deliver(trial: Trial | None) -> None:
        began.set()
        assert gate.wait(60)

    def search() -> None:
        for number in range(writer_thread.MAX_WAITING + 20):
            writer.put(plain(number))
            handed.release()

    writer = WriterThread(deliver)
    writer.put(plain(0))
    assert began.wait(60)
    searching = threading.Thread(target=search)
    searching.start()
    for _ in range(writer_thread.MAX_WAITING):
        assert handed.acquire(timeout=60)
    assert not handed.acquire(timeout=0.2)
    gate.set()
    searching.join(60)
    assert not searching.is_alive()
    writer.close(lambda: None)


def test_an_error_in_the_thread_is_raised_by_the_next_call_and_nothing_is_dropped() -> None:
    def deliver(trial: Trial | None) -> None:
        raise RuntimeError("a bug")

    def search() -> None:
        for number in range(10 * writer_thread.MAX_WAITING):
            writer.put(plain(number))

    writer = WriterThread(deliver)
    with pytest.raises(RuntimeError, match="a bug"):
        search()
    with pytest.raises(RuntimeError, match="a bug"):
        writer.close(lambda: None)
    left = [trial.number for trial in writer.abandon()]
    assert left == list(range(left[0], left[-1] + 1))


def test_an_interrupt_of_the_last_writing_keeps_what_is_left_and_ends_at_once(root: Path) -> None:
    """Another process holds the database, so the last writing takes long; Ctrl-C ends it while the lock still stands."""
    child = subprocess.Popen(
        [sys.executable, "-c", FINISHING, str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "started\n"
    holder = hold_lock(root / "mlruns" / "mlflow.db", 60.0)
    try:
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "finishing\n"
        time.sleep(1)  # it says so just before it waits, and the lock stands much longer
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30)
        assert holder.poll() is None
    finally:
        holder.kill()
        holder.wait()
    assert "KeyboardInterrupt" in errors
    assert "Trials 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10 more wait in" in errors
    tracker = MlflowTracker(root=root)
    found = tracker.find(tracked())
    assert found is not None
    assert found.interrupted
    assert text(found.trials) == text(plain(number) for number in range(20))
    assert len(spool_file.read(tracker.store.spool_file("sample"), tracker._open().run_id, SPACE)) == 20


def test_the_study_shows_its_best_over_the_trials_done(tracker: MlflowTracker) -> None:
    tracker.progress_seconds = 0.0
    tracker.start(tracked())
    for number, value in enumerate((0.5, 0.7, 0.3, 0.4, 0.1, 0.2)):
        tracker.record(plain(number, value))
    tracker.finish("finished", [])
    client, run_id = tracker.store.client, tracker._open().run_id
    best = {point.step: point.value for point in client.get_metric_history(run_id, "best_value")}
    done = {point.step: point.value for point in client.get_metric_history(run_id, "trials_done")}
    assert {step: best[step] for step in (1, 3, 5, 6)} == {1: 0.5, 3: 0.3, 5: 0.1, 6: 0.1}
    assert all(step == value for step, value in done.items())


def test_the_best_curve_keeps_every_improvement_and_the_latest_point() -> None:
    curve = BestCurve(maximize=True)
    for done, value in enumerate((-0.5, -0.4, -0.3, -0.6, -0.6, -0.5), 1):
        curve.add(plain(done, value), done)
    assert [(done, value) for done, value, _ in curve.points] == [(1, 0.5), (4, 0.6), (6, 0.6)]
    curve.clear()
    curve.add(plain(7, -0.1), 7)
    curve.add(plain(8, -0.1), 8)
    assert [(done, value) for done, value, _ in curve.points] == [(8, 0.6)]
