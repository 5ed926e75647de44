"""Every way in which an objective can go wrong ends exactly its own trial, named as such, with and without limits."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from hpsearch import Float, Space, Study
from hpsearch.errors import StudyError
from hpsearch.execution.local import Local
from hpsearch.ports import Limits, Task, adapt_objective
from hpsearch.search.rerun import rerun
from hpsearch.strategies import Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Params, Status, Trial

BAD = 1
WIDE = Limits(seconds=60, megabytes=2000)


class _Unpicklable(Exception):
    def __init__(self) -> None:
        super().__init__("cannot travel")
        self.lock = threading.Lock()


class _Unreadable(Exception):
    """Pickles, but cannot be made again: its arguments are not those of its constructor."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


class _Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class _Final(BaseException):
    pass


def _raises(error: Callable[[], BaseException]) -> Callable[[Params], Any]:
    def objective(params: Params) -> Any:
        raise error()

    return objective


def _segfault(params: Params) -> Any:
    return ctypes.string_at(0)


def _kill(params: Params) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


# What it does, how its trial ends, and a part of the reason.
ENDINGS: dict[str, tuple[Callable[[Params], Any], Status, str]] = {
    "exit 3": (lambda p: os._exit(3), Status.DIED, "ended with exit code 3"),
    "exit 0": (lambda p: os._exit(0), Status.DIED, "ended with exit code 0"),
    "segfault": (_segfault, Status.DIED, "was ended by SIGSEGV"),
    "abort": (lambda p: os.abort(), Status.DIED, "was ended by SIGABRT"),
    "killed": (_kill, Status.DIED, "was ended by SIGKILL"),
    "unpicklable exception": (_raises(_Unpicklable), Status.FAILED, "_Unpicklable: cannot travel"),
    "unreadable exception": (_raises(lambda: _Unreadable(1, 2)), Status.FAILED, "_Unreadable: 1 and 2"),
    "exception without words": (_raises(_Mute), Status.FAILED, "_Mute: (no text: its str() raised RuntimeError)"),
    "exception beyond Exception": (_raises(_Final), Status.FAILED, "_Final"),
    "interrupt of its own": (_raises(KeyboardInterrupt), Status.FAILED, "KeyboardInterrupt"),
    "unpicklable artifact": (
        lambda p: Outcome(0.0, artifacts={"a": threading.Lock()}),  # type: ignore[dict-item]
        Status.FAILED,
        "artifact 'a' must be bytes",
    ),
    "unpicklable metric": (lambda p: {"value": 0.0, "m": threading.Lock()}, Status.FAILED, "'m' must be a number"),
    "unpicklable curve": (
        lambda p: Outcome(0.0, history={"c": threading.Lock()}),  # type: ignore[dict-item]
        Status.FAILED,
        "curve 'c' must be pairs",
    ),
    "unpicklable state": (lambda p: Outcome(0.0, state={"s": threading.Lock()}), Status.FAILED, "state must be picklable"),
}  # fmt: skip


def task(number: int, limits: Limits, retries: int = 1) -> Task:
    params = {"n": number}
    asked = Trial(number, params, "all", Status.FAILED)
    return Task(asked, params, 7, (2, number), limits=limits, keep_state=True, retries=retries)


def run(objective: Any, limits: Limits = Limits(), jobs: int = 2, count: int = 3, retries: int = 1) -> list[Trial]:  # noqa: B008
    with Local(jobs) as executor:
        executor.open(adapt_objective(objective))
        trials = executor.run([task(n, limits, retries) for n in range(count)])
        return sorted(trials, key=lambda trial: trial.number)


def _every_second(params: Params) -> Any:
    """Go wrong in each of the ways in turn, with a good trial between any two."""
    ways = list(ENDINGS.values())
    return float(params["n"]) if params["n"] % 2 else ways[params["n"] // 2][0](params)


@pytest.mark.parametrize(
    ("jobs", "limits"),
    [
        # Without limits each of these deaths ends all workers, which takes long.
        pytest.param(1, Limits(), id="1-no limits", marks=pytest.mark.campaign),
        pytest.param(2, Limits(), id="2-no limits", marks=pytest.mark.campaign),
        pytest.param(1, WIDE, id="1-limits"),
        pytest.param(2, WIDE, id="2-limits"),
    ],
)
def test_each_ends_one_trial_and_says_how(jobs: int, limits: Limits) -> None:
    trials = run(_every_second, limits, jobs, count=2 * len(ENDINGS))
    assert [t.value for t in trials[1::2]] == [float(t.number) for t in trials[1::2]]
    said = dict(zip(ENDINGS, trials[::2], strict=True))
    assert {name: trial.status for name, trial in said.items()} == {name: status for name, (_, status, _) in ENDINGS.items()}
    unclear = {name: said[name].error for name, (_, _, reason) in ENDINGS.items() if reason not in (said[name].error or "")}
    assert unclear == {}


def _sleeps(params: Params) -> None:
    time.sleep(3600)


def _swallows(params: Params) -> None:
    while True:
        with suppress(BaseException):
            time.sleep(3600)


def _holds_the_interpreter(params: Params) -> None:
    sum(itertools.repeat(0))  # one call into C that never looks at signals


def _starts_others(params: Params) -> None:
    """Leave the process group with one child, stay in it with another, and write their numbers down."""
    others = [subprocess.Popen(["sleep", "3600"], start_new_session=far) for far in (False, True)]
    Path(params["marks"]).write_text(" ".join(str(other.pid) for other in others))
    _swallows(params)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("hang", [_sleeps, _swallows, _holds_the_interpreter])
def test_a_hung_trial_is_ended_and_its_slot_used_again(hang: Callable[[Params], None], jobs: int) -> None:
    trials = run(lambda p: hang(p) if p["n"] == BAD else float(p["n"]), Limits(seconds=0.5), jobs, count=4)
    assert trials[BAD].status is Status.TIMED_OUT
    assert "it took longer than 0.5 s" in (trials[BAD].error or "")
    assert hang.__name__ in (trials[BAD].traceback or "")
    assert [t.value for t in trials if t.number != BAD] == [0.0, 2.0, 3.0]


def test_what_a_hung_trial_started_ends_with_it(tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    trials = run(lambda p: _starts_others({"marks": str(marks)}), Limits(seconds=0.5), count=1)
    assert trials[0].status is Status.TIMED_OUT
    assert not any(map(_alive, marks.read_text().split()))


def test_what_a_finished_trial_left_running_ends_with_it(tmp_path: Path) -> None:
    marks = tmp_path / "pid"

    def leaves_one(params: Params) -> float:
        marks.write_text(str(subprocess.Popen(["sleep", "3600"]).pid))
        return 1.0

    assert run(leaves_one, WIDE, count=1)[0].value == 1.0
    assert not _alive(marks.read_text())


def test_a_timed_out_trial_that_heeds_the_clock_keeps_its_curve() -> None:
    def reports(params: Params, context: Any) -> None:
        context.report(1, cost=3.0)
        time.sleep(3600)

    trial = run(reports, Limits(seconds=0.3), count=1)[0]
    assert trial.outcome is not None
    assert trial.outcome.history == {"cost": ((1, 3.0),)}


def _slow_bomb(params: Params) -> None:
    held = []
    while True:
        held.append(np.ones(2**20))  # 8 MB a time
        time.sleep(0.005)


def _sudden_bomb(params: Params) -> None:
    np.ones(20 * 2**27)  # 20 GB


def _quick_bomb(params: Params) -> None:
    held = []
    while True:
        held.append(b"1" * 2**20)


def _bomb_of_another(params: Params) -> None:
    held = "import time; held = b'1' * (400 * 2**20); time.sleep(3600)"
    subprocess.run([sys.executable, "-c", held], check=False)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("bomb", [_slow_bomb, _sudden_bomb, _quick_bomb, _bomb_of_another])
def test_a_memory_bomb_ends_as_out_of_memory(bomb: Callable[[Params], None], jobs: int) -> None:
    trials = run(lambda p: bomb(p) if p["n"] == BAD else float(p["n"]), Limits(megabytes=200), jobs)
    assert trials[BAD].status is Status.OUT_OF_MEMORY
    assert "it needed more memory than 200 MB" in (trials[BAD].error or "")
    assert [t.value for t in trials if t.number != BAD] == [0.0, 2.0]


def test_what_a_worker_held_before_and_mapped_data_do_not_count(tmp_path: Path) -> None:
    """300 MB of data reach the trial as a memory map, and the trial touches all of it."""

    class Holder:
        def __init__(self) -> None:
            self.data = np.ones(300 * 2**17)

        def __call__(self, params: Params) -> float:
            total = float(self.data.sum())
            time.sleep(0.3)  # for a look or two
            return total

    trial = run(Holder(), Limits(megabytes=50), count=1)[0]
    assert trial.value == 300 * 2**17


def test_memory_below_the_limit_is_left_alone() -> None:
    def modest(params: Params) -> float:
        held = np.ones(100 * 2**17)
        time.sleep(0.3)
        return float(held[0])

    assert run(modest, Limits(megabytes=150), count=1)[0].value == 1.0


@pytest.mark.parametrize(("retries", "limits"), [(0, Limits()), (2, Limits()), (0, WIDE), (2, WIDE)])
def test_a_trial_that_dies_is_run_again_as_often_as_said(tmp_path: Path, retries: int, limits: Limits) -> None:
    log = tmp_path / "runs"

    def dies(params: Params) -> None:
        with log.open("a") as file:
            file.write("x")
        os._exit(5)

    trial = run(dies, limits, count=1, retries=retries)[0]
    assert trial.status is Status.DIED
    assert len(log.read_text()) == retries + 1
    assert ("attempts" in (trial.error or "")) == (retries > 0)


def test_a_worker_killed_from_outside_costs_no_trial(tmp_path: Path) -> None:
    """The trial kills its worker when it first runs, as somebody else would; that uses up neither retries nor neighbours."""
    mark = tmp_path / "killed"

    def kills_its_worker(params: Params) -> float:
        if params["n"] == BAD and not mark.exists():
            mark.write_text(str(os.getpid()))
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(3600)
        return 1.0

    assert all(trial.ok for trial in run(kills_its_worker, WIDE, retries=0))
    assert not _alive(mark.read_text())


def _alive(pid: str) -> bool:
    """Whether a process still runs a moment after it was killed: the system ends it when it comes to it."""
    for _ in range(100):
        try:
            if psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            return False
        time.sleep(0.05)
    return True


def _measured(params: Params, context: Any) -> Outcome:
    """Depend on every random number and leave a curve, or fail."""
    for step in range(3):
        context.report(step, cost=context.rng.normal())
    if params["x"] < 0.2:
        raise ValueError("planted")
    return Outcome(params["x"] + context.rng.normal(), {"m": context.rng.random()})


def test_limits_that_do_not_bite_change_nothing() -> None:
    plain = Study("s", Space(x=Float(0, 1)), _measured, Random(trials=8), seed=4)
    limited = replace(plain, trial_seconds=600, trial_megabytes=2000, retries=0)
    whole = table(plain.run(backend="sequential", tracker=MemoryTracker()).trials)
    for study, jobs in [(plain, 1), (plain, 2), (limited, 1), (limited, 2)]:
        assert table(study.run(jobs, tracker=MemoryTracker()).trials) == whole
    assert table(replace(limited, trial_megabytes=None).run(2, backend="threading", tracker=MemoryTracker()).trials) == whole
    assert limited.record().identity == plain.record().identity


@pytest.mark.parametrize("backend", ["threading", "sequential"])
def test_a_memory_limit_needs_processes(backend: Any) -> None:
    study = Study("s", Space(x=Float(0, 1)), _measured, Random(trials=1), trial_megabytes=100)
    with pytest.raises(StudyError, match=f"The backend of a study with trial_megabytes must be 'loky', got '{backend}'"):
        study.run(backend=backend, tracker=MemoryTracker())


def test_a_trial_that_ended_its_process_may_be_run_again_alone() -> None:
    study = Study("s", Space(x=Float(0, 1)), lambda p: os._exit(3), Random(trials=1), retries=0)
    result = study.run(1, tracker=MemoryTracker())
    assert rerun(study, result.trials[0]).again.status is Status.DIED
