"""A store that goes away in mid-study, in every way that happens at night, loses no trial and does not stop the search."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hpsearch import Context, Float, Space, Study
from hpsearch.strategies import Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store
from hpsearch.tracking.delivery import retry_queue
from hpsearch.tracking.runs.client_writer import SERVER_THREADS
from hpsearch.tracking.store.server import serve

SPACE = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))


class Pace:
    """How quickly the objective works, and when its trials began; those from ``last`` on wait until ``go`` is set."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.began: list[float] = []
        self.last, self.go = sys.maxsize, threading.Event()

    def longest_pause(self) -> float:
        return max(b - a for a, b in zip(self.began, self.began[1:], strict=False))


PACE = Pace()


@pytest.fixture(autouse=True)
def pace() -> Iterator[Pace]:
    PACE.__init__()  # type: ignore[misc]
    yield PACE
    PACE.__init__()  # type: ignore[misc]


def score(params: dict[str, float], context: Context) -> float:
    """Be an objective that takes a while; its pace is no part of what it is."""
    if len(PACE.began) >= PACE.last:
        assert PACE.go.wait(200)
    PACE.began.append(time.monotonic())
    time.sleep(PACE.seconds)
    for epoch in range(3):
        context.report(epoch, cost=params["x"] / (epoch + 1))
    return params["x"] + params["y"]


def study(trials: int) -> Study:
    return Study("outage", SPACE, score, Random(trials=trials), seed=1)


def expected(trials: int) -> list[str]:
    """Return the table of an undisturbed study."""
    PACE.seconds = 0.0
    return table(study(trials).run(1, backend="sequential", tracker=MemoryTracker()).trials)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_queue, "RETRY_SECONDS", 0.5)


def assert_whole(root: Path, trials: int, store: Store | None = None) -> None:
    """Hold what the store has, read by another tracker, to an undisturbed study; nothing doubled, nothing left running."""
    found = MlflowTracker(root=root, store=store).find(study(trials).tracked())
    assert found is not None
    assert table(found.trials) == expected(trials)
    assert [trial.number for trial in found.trials] == list(range(trials))
    assert (found.finished, found.dropped) == (True, 0)
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        states = connection.execute("SELECT status, count(*) FROM runs WHERE lifecycle_stage = 'active' GROUP BY status")
        assert dict(states) == {"FINISHED": trials + 1}


def order_of_writing(root: Path) -> list[int]:
    """Return the numbers of the trials in the order in which the database got their runs."""
    query = "SELECT value FROM tags JOIN runs USING (run_uuid) WHERE key = 'hpsearch.number' AND lifecycle_stage = 'active'"
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        return [int(number) for (number,) in connection.execute(f"{query} ORDER BY runs.rowid")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def survive_a_server_outage(root: Path, seconds: float, trials: int, last: int) -> None:
    """Stop a real server in mid-study for so many seconds, and start it again on the same port and database.

    All trials but the last few run while it is away, so that the search must go on without it.
    """
    local, port = Store.open(None, root), free_port()
    PACE.seconds, PACE.last = 0.1, trials - last
    away: list[float] = []
    up, ended = threading.Event(), threading.Event()

    def stop_and_start() -> None:
        with serve(local, port) as server:
            up.set()
            while len(PACE.began) < 5:
                time.sleep(0.01)
            # The whole group, at a moment when trials are being written.
            assert server.process is not None
            away.append(time.monotonic())
            os.killpg(server.process.pid, signal.SIGTERM)
            server.process.wait()
        time.sleep(seconds)
        with serve(local, port):
            away.append(time.monotonic())
            PACE.go.set()
            ended.wait(300)

    keeper = threading.Thread(target=stop_and_start)
    keeper.start()
    try:
        assert up.wait(100)
        tracker = MlflowTracker(f"http://127.0.0.1:{port}", root)
        study(trials).run(1, backend="sequential", tracker=tracker, report=False)
    finally:
        ended.set()
        keeper.join()
    # A tenth of a second each: at a third of that pace the search would still not have stood still.
    assert sum(away[0] < began < away[1] for began in PACE.began) > seconds * 3
    assert_whole(root, trials)
    order = order_of_writing(root)
    assert sorted(order) == list(range(trials))
    # Threads take trials in order, and each holds one. It may hold it for seconds, while its client waits for the server to
    # come back and others go on: so any number may overtake it, but no more trials are overtaken than there are threads.
    for place, number in enumerate(order):
        assert len(set(range(number)) - set(order[:place])) < SERVER_THREADS


@pytest.mark.campaign
def test_a_server_that_stops_for_three_seconds(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    survive_a_server_outage(root, 3.0, trials=60, last=10)
    assert "is kept in a file" in caplog.text
    assert "The store accepts trials again" in caplog.text


@pytest.mark.slow
def test_a_server_that_stops_for_twenty_seconds(root: Path) -> None:
    survive_a_server_outage(root, 20.0, trials=220, last=10)


def hold_lock(path: Path, seconds: float) -> subprocess.Popen[bytes]:
    """Lock a database from another process."""
    code = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], timeout=60); c.execute('BEGIN IMMEDIATE');"
        "print(flush=True); time.sleep(float(sys.argv[2])); c.rollback()"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path), str(seconds)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


# SQLite itself waits for 20 s, then the trials wait in memory.
@pytest.mark.parametrize("seconds", [2.0, pytest.param(30.0, marks=pytest.mark.slow)])
def test_a_database_that_another_process_locks(root: Path, seconds: float) -> None:
    trials = round(seconds * 10) + 30
    PACE.seconds = 0.1
    holders: list[subprocess.Popen[bytes]] = []

    def lock_once(progress: object) -> None:
        if not holders and len(PACE.began) == 5:
            holders.append(hold_lock(root / "mlruns" / "mlflow.db", seconds))

    study(trials).run(1, backend="sequential", tracker=MlflowTracker(root=root), progress=lock_once, report=False)
    assert holders[0].wait(60) == 0
    assert PACE.longest_pause() < seconds
    assert_whole(root, trials)


@pytest.mark.parametrize("again", [False, True], ids=["for good", "and another put in its place"])
def test_a_database_that_is_removed_loses_no_trial(
    root: Path, template: Path, again: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Delete the database with its logs in mid-study; the next start takes every trial from our own file, and runs none."""
    path = root / "mlruns" / "mlflow.db"

    def remove_once(progress: object) -> None:
        if len(PACE.began) == 10:
            for ending in ("", "-wal", "-shm"):
                path.with_name(path.name + ending).unlink(missing_ok=True)
            if again:
                shutil.copy(template, path)

    PACE.seconds = 0.02
    study(30).run(1, backend="sequential", tracker=MlflowTracker(root=root), progress=remove_once, report=False)
    told = [entry.message for entry in caplog.records if "was removed while the study ran" in entry.message]
    assert len(told) == 1
    PACE.began.clear()
    result = study(30).run(1, backend="sequential", tracker=MlflowTracker(root=root), report=False)
    assert (result.taken_over, PACE.began) == (30, [])
    assert_whole(root, 30)
    assert not Store.open(None, root).spool_file("outage").exists()


def test_a_fresh_start_does_not_take_up_what_a_removed_database_left(root: Path) -> None:
    asked = study(5)
    asked.run(1, backend="sequential", tracker=MlflowTracker(root=root), progress=lambda _: _remove(root), report=False)
    assert Store.open(None, root).spool_file("outage").exists()
    result = asked.run(1, backend="sequential", tracker=MlflowTracker(root=root), fresh=True, report=False)
    assert result.taken_over == 0
    assert_whole(root, 5)


def _remove(root: Path) -> None:
    (root / "mlruns" / "mlflow.db").unlink(missing_ok=True)


DRIVER = """
import sys
from pathlib import Path
from hpsearch import Study
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker
from tests.tracking.delivery.test_outage import SPACE, PACE, score
root, uri = Path(sys.argv[1]), sys.argv[2]
PACE.seconds = 0.05
done = (root / "done").open("a", buffering=1)
tell = lambda progress: print(progress.done, file=done)
Study("outage", SPACE, score, Random(trials=600), seed=1).run(
    1, backend="sequential", tracker=MlflowTracker(uri, root), progress=tell, report=False)
"""


@pytest.mark.campaign
def test_a_server_that_dies_and_then_the_driver_lose_no_finished_trial(root: Path) -> None:
    """The night of the issue: the server is killed, the driver fourteen seconds later; every finished trial is there."""
    local, port = Store.open(None, root), free_port()
    uri, PACE.seconds = f"http://127.0.0.1:{port}", 0.05  # as in the driver: it is a part of the objective
    with serve(local, port) as server:
        driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(root), uri], cwd=Path.cwd())
        deadline = time.monotonic() + 120
        while not (root / "done").exists() or len((root / "done").read_text().splitlines()) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert server.process is not None
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
    time.sleep(14)
    driver.kill()
    driver.wait()
    done = max(int(line) for line in (root / "done").read_text().splitlines())
    assert done > 60  # it went on without its server
    with serve(local, port):
        found = MlflowTracker(uri, root).find(study(600).tracked())
        assert found is not None
        assert [trial.number for trial in found.trials][:done] == list(range(done))
        result = study(600).run(1, backend="sequential", tracker=MlflowTracker(uri, root), report=False)
        assert result.taken_over >= done
    assert_whole(root, 600)


FULL = """
import resource, signal, sys
from pathlib import Path
from hpsearch.tracking import MlflowTracker
from hpsearch.tracking.delivery import retry_queue
from hpsearch.tracking.runs.client_writer import SERVER_THREADS
from tests.tracking.delivery.test_outage import study
retry_queue.RETRY_SECONDS = 1.0
root, limit = Path(sys.argv[1]), sys.argv[2:]

def fill(progress):
    # From here on, files of this process that grow beyond the database's size are refused, as on a full disk.
    if limit and progress.done == 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit[0]), resource.RLIM_INFINITY))
    if not limit and progress.done == 3:
        try:
            with (root / "filler").open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
        except OSError:
            pass

study(120).run(1, backend="sequential", tracker=MlflowTracker(root=root), progress=fill, report=False)
"""


@pytest.mark.campaign
def test_files_that_may_not_grow_lose_no_trial(root: Path) -> None:
    """The write-ahead log reaches the limit of the process: a real refusal by the system, in the midst of a commit."""
    size = (root / "mlruns" / "mlflow.db").stat().st_size
    done = subprocess.run([sys.executable, "-c", FULL, str(root), str(size)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "is kept in a file, the store did not accept it" in done.stderr
    assert "wait in" in done.stderr
    assert_taken_up(root)


def assert_taken_up(root: Path) -> None:
    result = study(120).run(1, backend="sequential", tracker=MlflowTracker(root=root), report=False)
    assert result.taken_over == 120
    assert_whole(root, 120)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of a few megabytes, where that is allowed."""
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("this user may not mount a small disk to fill")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.campaign
def test_a_full_disk_sends_trials_to_the_second_place(tmp_path: Path, template: Path) -> None:
    disk, spare = tmp_path / "disk", tmp_path / "spare"
    disk.mkdir()
    with small_disk(disk):
        (disk / "mlruns").mkdir()
        shutil.copy(template, disk / "mlruns" / "mlflow.db")
        environment = {**os.environ, "XDG_STATE_HOME": str(spare)}
        done = subprocess.run(
            [sys.executable, "-c", FULL, str(disk)], capture_output=True, text=True, timeout=300, env=environment
        )
        assert done.returncode == 0, done.stderr
        assert f"trials that wait go to {spare}" in done.stderr
        kept = [trial for path in (spare / "hpsearch").iterdir() for trial in path.read_text().splitlines()]
        with closing(sqlite3.connect(disk / "mlruns" / "mlflow.db")) as connection:
            query = "SELECT count(*) FROM tags WHERE key = 'hpsearch.number'"
            (recorded,) = connection.execute(query).fetchone()
        assert recorded + len(kept) >= 120


@pytest.mark.campaign
def test_a_full_disk_names_the_trials_that_had_no_room(root: Path, template: Path, tmp_path: Path) -> None:
    """Where our own file has no room either, one sentence says so; the next start with room runs the rest."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk):
        (disk / "mlruns").mkdir()
        shutil.copy(template, disk / "mlruns" / "mlflow.db")
        # The other places are on the same disk.
        places = {"XDG_STATE_HOME": str(disk), "TMPDIR": str(disk)}
        done = subprocess.run(
            [sys.executable, "-c", FULL, str(disk)], capture_output=True, text=True, timeout=300, env={**os.environ, **places}
        )
        assert "TrackingError: Trials" in done.stderr
        assert "could be written neither to the store nor to" in done.stderr
        with closing(sqlite3.connect(disk / "mlruns" / "mlflow.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (disk / "filler").unlink()
        shutil.rmtree(root)
        shutil.copytree(disk, root)
    result = study(120).run(1, backend="sequential", tracker=MlflowTracker(root=root), report=False)
    assert 0 < result.taken_over < 120
    assert_whole(root, 120)
