"""The contract of an executor: each test fails for an executor that breaks it; the sound ones are in tests/execution."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.execution.local import Local
from hpsearch.ports import Executor, Point, Task
from hpsearch.testing import ExecutorContract, executors
from hpsearch.trial import Status, Trial

Trials = Generator[Trial, None, None]


class Sound(Local):
    """One trial after the other, in this process."""

    def __init__(self) -> None:
        super().__init__(1, "sequential")


class LosesTheLast(Sound):
    def run(self, tasks: Sequence[Task]) -> Trials:
        yield from super().run(tasks[:-1])


class RunsTheFirstTwice(Sound):
    def run(self, tasks: Sequence[Task]) -> Trials:
        yield from super().run(tasks[:1])
        yield from super().run(tasks)


class SharesRandomNumbers(Sound):
    def run(self, tasks: Sequence[Task]) -> Trials:
        yield from super().run([replace(task, key=(2, 0)) for task in tasks])


class ForgetsReasons(Sound):
    def run(self, tasks: Sequence[Task]) -> Trials:
        yield from (replace(trial, error=None) for trial in super().run(tasks))


class DropsWhatFailed(Sound):
    def run(self, tasks: Sequence[Task]) -> Trials:
        yield from (trial for trial in super().run(tasks) if trial.status is Status.FINISHED)


class HasNoRoom(Sound):
    def open(self, objective: Any, token: str = "") -> None:
        super().open(objective, token)
        self.width = 0


class InventsPoints(Sound):
    def points(self) -> Iterator[Point]:
        return iter([(0, 1, {"cost": 0.5})])


class RepeatsPoints(Sound):
    def points(self) -> Iterator[Point]:
        for point in super().points():
            yield point
            yield point


class ForgetsCurves(Sound):
    def run(self, tasks: Sequence[Task]) -> Trials:
        yield from (replace(trial, outcome=None) for trial in super().run(tasks))


class ClosesOnce(Sound):
    closed = False

    def close(self) -> None:
        assert not self.closed
        super().close()
        self.closed = True


class LeavesTrialsRunning(Sound):
    """Says that its trials run elsewhere, and does not end them."""

    def __init__(self) -> None:
        super().__init__()
        self.separate = True

    def run(self, tasks: Sequence[Task]) -> Trials:
        threading.Thread(target=lambda: list(Local.run(self, tasks[1:2])), daemon=True).start()
        yield from super().run(tasks[:1])


# For each test of the contract, what it is called with, and executors that break it.
BROKEN: dict[str, tuple[tuple[Any, ...], list[type[Sound]]]] = {
    "test_same_trials_as_in_sequence": (("function, random",), [SharesRandomNumbers, LosesTheLast]),
    "test_a_failure_ends_its_own_trial": (("raises",), [ForgetsReasons, DropsWhatFailed]),
    "test_each_task_is_run_once_in_every_batch": ((), [LosesTheLast, RunsTheFirstTwice]),
    "test_it_has_room": ((), [HasNoRoom, InventsPoints]),
    "test_closing_twice_does_nothing": ((), [ClosesOnce]),
}


def contract(kind: type[Sound]) -> Any:
    class Case(ExecutorContract):
        def make(self) -> Executor:
            return kind()

    return Case()


@pytest.mark.parametrize(("test", "broken"), [(test, kind) for test, (_, kinds) in BROKEN.items() for kind in kinds])
def test_a_broken_executor_is_caught(test: str, broken: type[Sound]) -> None:
    arguments, _ = BROKEN[test]
    getattr(contract(Sound), test)(*arguments)
    with pytest.raises((AssertionError, KeyError)):
        getattr(contract(broken), test)(*arguments)


def test_trials_that_are_left_running_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_SECONDS", 2.0)
    with pytest.raises(AssertionError, match="it does not come to hold"):
        contract(LeavesTrialsRunning).test_closing_the_trials_ends_what_still_runs(tmp_path)


@pytest.mark.parametrize("broken", [RepeatsPoints, ForgetsCurves])
def test_points_that_are_wrong_are_caught(broken: type[Sound], tmp_path: Path) -> None:
    name = "test_points_of_running_trials_arrive_in_order_and_once"
    getattr(contract(Sound), name)(tmp_path)
    with pytest.raises(AssertionError):
        getattr(contract(broken), name)(tmp_path)


def test_every_test_of_the_contract_can_fail() -> None:
    own = {"test_closing_the_trials_ends_what_still_runs", "test_points_of_running_trials_arrive_in_order_and_once"}
    assert {*BROKEN, *own} == {name for name in vars(ExecutorContract) if name.startswith("test_")}
