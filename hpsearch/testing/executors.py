"""Contract tests of an executor: the trials of the sequential one to the bit, every kind of failure, and clean ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from hpsearch import data
from hpsearch.objectives import TrainNetwork, TrainSVM
from hpsearch.ports import AnyObjective, Context, Executor, ExecutorBase, Limits, Point, Task, adapt_objective
from hpsearch.space import Choice, Float, Int, Params, Space
from hpsearch.strategies import Bayesian, Grid, Halving, QuasiRandom, Random, Staged
from hpsearch.study import Study
from hpsearch.testing.driver import table
from hpsearch.trial import Outcome, Status, Trial

_SECONDS = 60.0


def _score(params: Params, context: Context) -> Outcome:
    """Return a value that depends on the bits of a matrix product, of random numbers, and of a curve."""
    rows = context.rng.normal(size=(40, 30))
    for step in range(1, 4):
        context.report(step, cost=float((rows @ rows.T).sum()) / step)
    return Outcome(params["x"] ** 2 + float(np.linalg.norm(rows.T @ rows)) * 1e-3, {"first": float(rows[0, 0])})


def _study(objective: AnyObjective, strategy: Any, space: Space) -> Study:
    return Study("executor", space, objective, strategy, seed=11)


_LINE, _RATE = Space(x=Float(-1.0, 1.0), n=Int(1, 3)), Space(learning_rate=Float(0.01, 1.0, log=True), l2=Float(1e-3, 1.0))
# Makes a study, by name: five strategies and three kinds of objectives.
STUDIES: dict[str, Callable[[], Study]] = {
    "function, random": lambda: _study(_score, Random(trials=6), _LINE),
    "function, grid": lambda: _study(_score, Grid(), Space(x=Choice(-0.5, 0.5), n=Int(1, 3))),
    "function, quasi-random": lambda: _study(_score, QuasiRandom(trials=4), _LINE),
    "function, staged": lambda: _study(_score, Staged(stages=2, trials=8), _LINE),
    "function, bayesian": lambda: _study(_score, Bayesian(trials=6, batch_size=2), _LINE),
    "network, halving": lambda: _study(
        TrainNetwork(data.digits(), hidden=(8,), epochs=4, train_size=200),
        Halving(trials=4, min_epochs=2, max_epochs=4, factor=2),
        _RATE,
    ),
    "svm, random": lambda: _study(TrainSVM(data.digits()), Random(trials=3), Space(C=Float(0.1, 10.0, log=True))),
}  # fmt: skip


@cache
def _expected(name: str) -> list[str]:
    return table(STUDIES[name]().run(1, backend="sequential", tracker=_memory()).trials)


@dataclass(frozen=True)
class _Fails:
    """Trial 1 fails in one way; the others are good."""

    way: str

    def __call__(self, params: Params) -> Any:
        return _WAYS[self.way]() if params["n"] == 1 else float(params["n"])


def _raise() -> None:
    raise RuntimeError("on purpose")


_WAYS: dict[str, Callable[[], Any]] = {
    "raises": _raise,
    "leaves": lambda: (_ for _ in ()).throw(SystemExit(3)),
    "unpicklable": lambda: Outcome(0.0, artifacts={"a": threading.Lock()}),  # type: ignore[dict-item]
    "too long": lambda: time.sleep(1.0),
    "exits": lambda: os._exit(3),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hangs": lambda: threading.Event().wait(),
}
# How trial 1 ends, and a part of the reason.
_ENDINGS = {
    "raises": (Status.FAILED, "RuntimeError: on purpose"),
    "leaves": (Status.FAILED, "SystemExit: 3"),
    "unpicklable": (Status.FAILED, "artifact 'a' must be bytes"),
    "too long": (Status.TIMED_OUT, "longer than 0.5 s"),
    "exits": (Status.DIED, "ended with exit code 3"),
    "killed": (Status.DIED, "was ended by SIGKILL"),
    "hangs": (Status.TIMED_OUT, "longer than 0.5 s"),
}
# These end the process of the study, or stay for ever, where trials run in it.
_NEED_A_PROCESS = ("exits", "killed", "hangs")


@dataclass(frozen=True)
class _Sleeps:
    """Trial 0 ends at once; the others write down their process, and sleep until they are ended."""

    folder: Path

    def __call__(self, params: Params) -> float:
        if params["n"]:
            (self.folder / str(os.getpid())).touch()
            time.sleep(_SECONDS)
        return 0.0


@dataclass(frozen=True)
class _Reports:
    """Reports three points; goes on when a file is there, and kills its process where it is trial 1 and may."""

    go: Path
    kills: bool

    def __call__(self, params: Params, context: Context) -> float:
        for step in range(1, 4):
            context.report(step, cost=params["n"] + step / 10)
        _wait_until(self.go.exists)
        if self.kills and params["n"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.0


def _collect_points(executor: Executor, wanted: int, go: Path) -> list[Point]:
    """Return the points of trials that run, once there are so many of them; let the trials go on."""
    found: list[Point] = []
    deadline = time.monotonic() + _SECONDS / 2
    while len([metrics for *_, metrics in found if metrics]) < wanted and time.monotonic() < deadline:
        found += executor.points()
        time.sleep(0.05)
    go.touch()
    return found


class ExecutorContract:
    """Tests that every executor passes: it runs each trial exactly once, as the sequential executor does, and ends cleanly."""

    def make(self) -> Executor:
        """Return the executor under test, with room for at least two trials; called again, return another one."""
        raise NotImplementedError

    def run(self, objective: AnyObjective, tasks: Sequence[Task]) -> list[Trial]:
        """Run some tasks, and return the trials in number order."""
        executor = self.make()
        with closing(executor):
            executor.open(adapt_objective(objective), "contract")
            return sorted(executor.run(tasks), key=lambda trial: trial.number)

    @pytest.mark.parametrize("name", list(STUDIES))
    def test_same_trials_as_in_sequence(self, name: str) -> None:
        result = STUDIES[name]().run(executor=self.make(), tracker=_memory())
        assert table(result.trials) == _expected(name)

    @pytest.mark.parametrize("way", list(_ENDINGS))
    def test_a_failure_ends_its_own_trial(self, way: str) -> None:
        if way in _NEED_A_PROCESS and not self.make().separate:
            pytest.skip("trials run in the process of the study")
        limits = Limits(seconds=0.5) if way in ("too long", "hangs") else Limits(seconds=_SECONDS)
        trials = self.run(_Fails(way), [_task(n, limits) for n in range(4)])
        status, reason = _ENDINGS[way]
        assert [trial.value for trial in trials if trial.number != 1] == [0.0, 2.0, 3.0]
        assert trials[1].status is status
        assert reason in (trials[1].error or "")

    def test_each_task_is_run_once_in_every_batch(self) -> None:
        executor = self.make()
        with closing(executor):
            executor.open(adapt_objective(_Fails("raises")), "contract")
            for size in (1, 5, 0, 7):
                assert sorted(trial.number for trial in executor.run([_task(n) for n in range(size)])) == list(range(size))

    def test_it_has_room(self) -> None:
        executor = self.make()
        with closing(executor):
            executor.open(adapt_objective(_Fails("raises")), "contract")
            list(executor.run([_task(0)]))
            assert executor.width >= 1
            assert list(executor.points()) == []

    def test_points_of_running_trials_arrive_in_order_and_once(self, tmp_path: Path) -> None:
        executor, go, found = self.make(), tmp_path / "go", list[Point]()
        if getattr(type(executor), "points", None) is ExecutorBase.points:
            pytest.skip("it does not watch running trials")
        objective = _Reports(go, executor.separate)
        with closing(executor):
            executor.open(adapt_objective(objective), "contract")
            reader = threading.Thread(target=lambda: found.extend(_collect_points(executor, 3, go)))
            reader.start()
            ended = {trial.number: trial for trial in executor.run([_task(n, Limits(seconds=_SECONDS)) for n in (1, 2)])}
            reader.join()
            assert list(executor.points()) == []
        seen = {number: [point[1:] for point in found if point[0] == number and point[2]] for number in (1, 2)}
        for number, points in seen.items():
            assert points == [(step, {"cost": number + step / 10}) for step in range(1, 4)][: len(points)]
        assert any(len(points) == 3 for points in seen.values())
        curve = {"cost": tuple((step, 1 + step / 10) for step in range(1, 4))}
        assert ended[1].status is (Status.DIED if executor.separate else Status.FINISHED)
        assert ended[1].outcome is not None
        assert ended[1].outcome.history == curve

    def test_closing_the_trials_ends_what_still_runs(self, tmp_path: Path) -> None:
        executor = self.make()
        if not executor.separate:
            pytest.skip("trials run in the process of the study")
        with closing(executor):
            executor.open(adapt_objective(_Sleeps(tmp_path)), "contract")
            limits = Limits(seconds=_SECONDS)
            with closing(executor.run([_task(n, limits) for n in range(4)])) as trials:
                assert next(trials).number == 0
                _wait_until(lambda: any(tmp_path.iterdir()))
        _wait_until(lambda: not any(psutil.pid_exists(int(path.name)) for path in tmp_path.iterdir()))

    def test_closing_twice_does_nothing(self) -> None:
        executor = self.make()
        executor.open(adapt_objective(_Fails("raises")), "contract")
        executor.close()
        executor.close()


def _task(number: int, limits: Limits = Limits()) -> Task:  # noqa: B008
    params = {"n": number}
    return replace(Task(Trial(number, params, "all", Status.FAILED), params, 7, (2, number)), limits=limits)


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS / 2
    while not holds():
        assert time.monotonic() < deadline, "it does not come to hold"
        time.sleep(0.05)


def _memory() -> Any:
    from hpsearch.tracking import MemoryTracker

    return MemoryTracker()
