"""Execution: answers of every form, failures of every kind, one BLAS thread, data by memory map, workers that die."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hpsearch.errors import Diverged, StudyError
from hpsearch.execution import Backend, Execution, Task, run_task, takes_context
from hpsearch.ports import Context
from hpsearch.trial import Outcome, Params, Status, Trial


def task(number: int = 0, **params: Any) -> Task:
    return Task(Trial(number, params, "all", Status.FAILED), params, seed=7, key=(2, number))


def run(objective: Any, count: int = 6, jobs: int = 2, backend: Backend = "loky") -> dict[int, Trial]:
    with Execution(jobs, backend) as execution:
        return {t.number: t for t in execution.run(objective, [task(n, n=n) for n in range(count)])}


def test_a_number_a_dict_and_an_outcome_are_answers() -> None:
    answers = [lambda p: 2, lambda p: {"value": 2, "size": np.float32(3)}, lambda p: Outcome(2.0, {"size": 3.0})]
    trials = [run_task(answer, task()) for answer in answers]
    assert [t.value for t in trials] == [2.0] * 3
    assert [dict(t.outcome.metrics) for t in trials[1:] if t.outcome] == [{"size": 3.0}] * 2


def test_reported_curves_become_the_history() -> None:
    def objective(params: Params, context: Context) -> float:
        for step in (1, 2, 2):
            context.report(step, cost=step / 2)
        return 0.0

    trial = run_task(objective, task())
    assert trial.outcome is not None
    assert dict(trial.outcome.history) == {"cost": ((1, 0.5), (2, 1.0))}


def test_random_numbers_depend_on_seed_and_number_alone() -> None:
    """The numbers are those of numpy's own seed sequence with the documented spawn key."""

    def objective(params: Params, context: Context) -> float:
        return float(context.rng.random())

    expected = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(2, 4))).random()
    assert run_task(objective, task(4)).value == expected


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (math.nan, Status.DIVERGED, "the value was nan"),
        (math.inf, Status.DIVERGED, "the value was inf"),
        ("high", Status.FAILED, "must be a number, got 'high'"),
        (None, Status.FAILED, "must be a number, got None"),
        ({"loss": 1}, Status.FAILED, "must be one with the key 'value'"),
        (Diverged("epoch 2"), Status.DIVERGED, "epoch 2"),
        (KeyError("x"), Status.FAILED, "KeyError: 'x'"),
        (SystemExit(3), Status.FAILED, "SystemExit: 3"),
    ],
)
def test_bad_endings_have_a_status_and_a_reason(answer: object, status: Status, reason: str) -> None:
    def objective(params: Params) -> object:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    trial = run_task(objective, task())
    assert trial.status is status
    assert reason in (trial.error or "")
    assert "\n" not in (trial.error or "")


def test_a_failure_keeps_its_traceback_and_its_curves() -> None:
    def objective(params: Params, context: Context) -> float:
        context.report(1, cost=5.0)
        raise ValueError("too\nmany\nlines")

    trial = run_task(objective, task())
    assert trial.error == "ValueError: too many lines"
    assert "in objective" in (trial.traceback or "")
    assert trial.outcome is not None
    assert trial.outcome.history == {"cost": ((1, 5.0),)}


class _Unpicklable(Exception):
    def __init__(self) -> None:
        super().__init__("cannot travel")
        self.lock = threading.Lock()


def test_an_exception_that_does_not_pickle_ends_one_trial() -> None:
    def objective(params: Params) -> float:
        if params["n"] == 1:
            raise _Unpicklable
        return 0.0

    trials = run(objective, 4)
    assert [t.ok for _, t in sorted(trials.items())] == [True, False, True, True]


@pytest.mark.parametrize("death", ["exit", "signal"])
def test_a_worker_that_dies_costs_one_trial(death: str) -> None:
    def objective(params: Params) -> float:
        if params["n"] == 2:
            os._exit(3) if death == "exit" else os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(0.05)
        return float(params["n"])

    trials = run(objective, 8)
    assert sorted(trials) == list(range(8))
    assert [n for n, t in trials.items() if t.status is Status.DIED] == [2]
    assert "worker process died" in (trials[2].error or "")
    assert all(t.value == n for n, t in trials.items() if n != 2)


def test_a_trial_whose_worker_is_killed_from_outside_runs_again(tmp_path: Path) -> None:
    """The first attempt kills its own worker, as an out-of-memory killer would; the second finds the mark and ends well."""
    mark = tmp_path / "killed"

    def objective(params: Params) -> float:
        if params["n"] == 1 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 1.0

    trials = run(objective, 4)
    assert all(t.ok for t in trials.values())


def test_data_reaches_the_workers_as_a_memory_map() -> None:
    data = np.arange(20_000, dtype=np.float64)

    class Holder:
        def __init__(self) -> None:
            self.data = data

        def __call__(self, params: Params) -> dict[str, float]:
            base: Any = self.data
            while base is not None and not isinstance(base, np.memmap):
                base = base.base
            return {
                "value": float(self.data.sum()),
                "mapped": float(base is not None),
                "writeable": self.data.flags.writeable + 0.0,
            }

    for trial in run(Holder(), 4).values():
        assert trial.outcome is not None
        assert trial.value == data.sum()
        assert dict(trial.outcome.metrics) == {"mapped": 1.0, "writeable": 0.0}


@pytest.mark.parametrize(("jobs", "backend"), [(1, "sequential"), (2, "threading"), (2, "loky")])
def test_blas_has_one_thread(jobs: int, backend: Backend) -> None:
    def objective(params: Params) -> float:
        np.ones((64, 64)) @ np.ones((64, 64))
        return float(max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"))

    assert {t.value for t in run(objective, 4, jobs, backend).values()} == {1.0}


def test_results_stream_as_they_end() -> None:
    def objective(params: Params) -> float:
        time.sleep(0.0 if params["n"] else 1.5)
        return 0.0

    with Execution(2) as execution:
        order = [t.number for t in execution.run(objective, [task(n, n=n) for n in range(4)])]
    assert order[-1] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Execution(-1), "jobs must be a whole number >= 1, got -1"),
        (lambda: Execution(0), "jobs must be a whole number >= 1, got 0"),
        (lambda: Execution(1, "dask"), "backend must be 'loky', 'threading' or 'sequential', got 'dask'"),  # type: ignore[arg-type]
        (lambda: takes_context(lambda: 0.0), r"An objective must be f\(params\) or f\(params, context\)"),
        (lambda: takes_context(lambda a, b, c: 0.0), r"An objective must be f\(params\) or f\(params, context\)"),
    ],
)
def test_bad_input_is_refused(make: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make()


def test_an_objective_that_cannot_reach_the_workers_is_refused() -> None:
    lock = threading.Lock()
    with pytest.raises(StudyError, match="An objective must be picklable"):
        run(lambda params: float(lock.locked()), 2)
