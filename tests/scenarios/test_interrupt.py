"""Ctrl-C once, Ctrl-C twice, a termination and a kill -9, of a real command with real workers: no process is left behind."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from hpsearch.tracking.store.store import Store

# The first trial ends at once, the others write down their processes and hang; a closing of the store can be made to hang too.
STUDY = """
import os, time
from pathlib import Path
from hpsearch import Float, Space, Study
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker

def hangs(params):
    try:
        Path("first").touch(exist_ok=False)
        return 0.0
    except FileExistsError:
        Path("pids", str(os.getpid())).touch()
    while True:
        try:
            time.sleep(3600)
        except Exception:
            pass

if os.environ.get("SLOW_END"):
    def finish(self, status, trials, finish=MlflowTracker.finish):
        time.sleep(3600)
    MlflowTracker.finish = finish

study = Study("hangs", Space(x=Float(0, 1)), hangs, Random(trials=9), **LIMITS)
"""
LIMITS = {"no limits": "{}", "limits": "dict(trial_seconds=900, trial_megabytes=900)"}
Started = tuple[subprocess.Popen[str], list[psutil.Process]]


@pytest.fixture(params=LIMITS)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for folder in ("mlruns", "pids"):
        (tmp_path / folder).mkdir()
    (tmp_path / "study.py").write_text(STUDY.replace("LIMITS", LIMITS[request.param]))
    return tmp_path


def start(
    project: Path, *options: str, terminal: int | None = None, hangup: signal.Handlers = signal.SIG_DFL, **environment: str
) -> Started:
    """Start the study in a process group of its own, as a shell does, and wait until two trials hang.

    Args:
        project: the folder of the study.
        options: of the command.
        terminal: the end of a terminal that the command gets; without one, pipes.
        hangup: what SIGHUP does at its start.
        environment: more variables.
    """

    def prepare() -> None:
        # A shell that runs the tests in the background has its children ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, hangup)
        if terminal is not None:
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    place: Any = subprocess.PIPE if terminal is None else terminal
    process = subprocess.Popen(
        [sys.executable, "-m", "hpsearch.cli", "run", "study.py", "--jobs", "2", *options],
        cwd=project, env={**os.environ, **environment}, stdin=terminal, stdout=place, stderr=place, text=True,
        start_new_session=True, preexec_fn=prepare,
    )  # fmt: skip
    try:
        _wait(lambda: len(list((project / "pids").iterdir())) == 2 or process.poll() is not None)
        assert process.poll() is None
    except AssertionError:
        process.kill()
        pytest.fail(str(process.communicate()))
    return process, psutil.Process(process.pid).children(recursive=True)


def end(started: Started) -> str:
    """Wait for the command's end and for that of every process it had; return what it said to the person."""
    process, family = started
    _, errors = process.communicate(timeout=60)
    _wait(lambda: not any(map(_alive, family)))
    return errors


@pytest.fixture(autouse=True)
def _nothing_left(project: Path) -> Iterator[None]:
    """No trial's process is left, nor one that a trial's worker forked; where nobody fetches it, its entry may stay."""
    yield
    trials = [psutil.Process(int(p.name)) for p in (project / "pids").iterdir() if psutil.pid_exists(int(p.name))]
    _wait(lambda: not any(map(_alive, trials)))


@pytest.mark.campaign
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_once_ends_politely(project: Path, number: int, code: int) -> None:
    """Advised is the same command, without the option that would throw away what it has done."""
    started = start(project, "--fresh")
    os.killpg(started[0].pid, number) if number != signal.SIGTERM else started[0].send_signal(number)
    errors = end(started)
    assert started[0].returncode == code
    assert "Finished trials are kept; resume with: hpsearch run study.py --jobs 2\n" in errors
    assert "Traceback" not in errors
    assert_kept(project)


@pytest.mark.campaign
def test_a_terminal_that_closes_ends_politely(project: Path) -> None:
    """Closing its other end is what a window does: the kernel sends SIGHUP, and each later write fails."""
    ours, theirs = os.openpty()
    started = start(project, terminal=theirs)
    os.close(theirs)
    os.close(ours)
    end(started)
    assert started[0].returncode == 129
    assert_kept(project)


@pytest.mark.campaign
def test_nohup_goes_on(project: Path) -> None:
    started = start(project, hangup=signal.SIG_IGN)
    os.killpg(started[0].pid, signal.SIGHUP)
    time.sleep(2)
    assert started[0].poll() is None
    assert len(started[1]) >= 2
    assert all(map(_alive, started[1]))
    os.killpg(started[0].pid, signal.SIGINT)
    end(started)
    assert started[0].returncode == 130
    assert_kept(project)


def assert_kept(project: Path) -> None:
    """The trial that ended is recorded, the study is marked as ended, and nothing holds its lock."""
    assert not Store.open(None, project).busy("hangs")
    with sqlite3.connect(project / "mlruns" / "mlflow.db") as connection:
        states = connection.execute("select status from runs order by start_time").fetchall()
    assert sorted(states) == [("FINISHED",), ("KILLED",)]


@pytest.mark.campaign
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_twice_ends_at_once(project: Path, number: int, code: int) -> None:
    """The store never answers: only the second signal ends the command."""
    started = start(project, SLOW_END="1")
    process = started[0]
    os.killpg(process.pid, signal.SIGINT)
    said = ""
    while "again to end at once" not in said:
        said += process.stderr.readline()  # type: ignore[union-attr]
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT) if number == signal.SIGINT else process.send_signal(number)
    said += end(started)
    assert process.returncode == code, said
    assert "Traceback" not in said


@pytest.mark.campaign
def test_kill_9_of_the_command_leaves_nothing(project: Path) -> None:
    started = start(project)
    started[0].kill()
    end(started)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _wait(until: object) -> None:
    deadline = time.monotonic() + 60
    while not until():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)
