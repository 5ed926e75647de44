"""Execution on this machine: outcomes and failures of every kind, one BLAS thread, data by memory map, workers that die."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hpsearch.errors import StudyError
from hpsearch.execution.local import Backend, Local
from hpsearch.ports import Task, adapt_objective
from hpsearch.trial import Params, Status, Trial


def task(number: int = 0, **params: Any) -> Task:
    return Task(Trial(number, params, "all", Status.FAILED), params, seed=7, key=(2, number))


def run(objective: Any, count: int = 6, jobs: int = 2, backend: Backend = "loky") -> dict[int, Trial]:
    with Local(jobs, backend) as executor:
        executor.open(adapt_objective(objective))
        return {t.number: t for t in executor.run([task(n, n=n) for n in range(count)])}


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
    assert ("exit code 3" if death == "exit" else "SIGSEGV") in (trials[2].error or "")
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


def test_data_above_a_megabyte_reach_the_workers_as_a_memory_map() -> None:
    data = np.arange(200_000, dtype=np.float64)

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


def test_a_blas_that_a_trial_loads_late_has_one_thread_too() -> None:
    """SciPy's own, in a new process that has not loaded it, on a machine that would give it four threads."""
    code = """
        from hpsearch import Int, Space, Study
        from hpsearch.strategies import Grid
        from hpsearch.tracking import MemoryTracker

        def objective(params):
            import scipy.linalg
            from threadpoolctl import threadpool_info
            return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")

        study = Study("late", Space(n=Int(1, 2)), objective, Grid())
        print([t.value for t in study.run(1, backend="sequential", tracker=MemoryTracker()).trials])
    """
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "4"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[1.0, 1.0]"


def test_results_stream_as_they_end() -> None:
    def objective(params: Params) -> float:
        time.sleep(0.0 if params["n"] else 1.5)
        return 0.0

    with Local(2) as executor:
        executor.open(adapt_objective(objective))
        order = [t.number for t in executor.run([task(n, n=n) for n in range(4)])]
    assert order[-1] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Local(-1), "jobs must be a whole number >= 1, got -1"),
        (lambda: Local(0), "jobs must be a whole number >= 1, got 0"),
        (lambda: Local(1, "dask"), "backend must be one of 'loky', 'threading', 'sequential', got 'dask'"),  # type: ignore[arg-type]
        (lambda: adapt_objective(lambda: 0.0), r"An objective must be f\(params\) or f\(params, context\)"),
        (lambda: adapt_objective(lambda a, b, c: 0.0), r"An objective must be f\(params\) or f\(params, context\)"),
    ],
)
def test_bad_input_is_refused(make: Any, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make()


def test_an_objective_that_cannot_reach_the_workers_is_refused() -> None:
    lock = threading.Lock()
    with pytest.raises(StudyError, match="An objective must be picklable"):
        run(lambda params: float(lock.locked()), 2)


def test_one_job_runs_in_a_process_of_its_own_one_trial_at_a_time(tmp_path: Path) -> None:
    def objective(params: Params) -> float:
        assert not list(tmp_path.iterdir())
        mark = tmp_path / str(params["n"])
        mark.touch()
        time.sleep(0.05)
        mark.unlink()
        return float(os.getpid())

    trials = run(objective, 6, jobs=1)
    assert all(t.ok and t.value != os.getpid() for t in trials.values())


class _Unloadable:
    """Pickles, and cannot be put together again."""

    def __call__(self, params: Params) -> float:
        return 0.0

    def __reduce__(self) -> Any:
        return int, ("not a number",)


def test_an_objective_that_cannot_be_read_by_the_workers_is_refused() -> None:
    with pytest.raises(StudyError, match="An objective must be picklable"):
        run(_Unloadable(), 2)


def test_blas_libraries_are_described_in_one_order_whatever_the_hash_seed() -> None:
    """NumPy and SciPy bring a BLAS each; the loaded libraries are listed in the order of a set, which the seed decides."""
    code = "import numpy, scipy.linalg; from hpsearch.execution import describe_blas; print(describe_blas())"
    found = set()
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        found.add(
            subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        )
    (line,) = found
    libraries = line.strip().split(", ")
    assert libraries == sorted(set(libraries))
    assert all(re.fullmatch(r"\w+ \d[\w.]*( \w+)?", library) for library in libraries)


def test_threads_run_side_by_side() -> None:
    """Two trials that wait for each other both end only where both run at once."""
    meeting = threading.Barrier(2)

    def objective(params: Params) -> float:
        return float(meeting.wait(timeout=60))

    assert sorted(t.value for t in run(objective, 2, 2, "threading").values()) == [0.0, 1.0]


def test_only_a_trial_without_retries_has_a_process_of_its_own() -> None:
    """The parent of a forked child is a worker, that of a worker is this process."""
    tasks = [replace(task(n), retries=n) for n in (0, 1)]
    with Local(2) as executor:
        executor.open(adapt_objective(lambda params: float(os.getppid())))
        parents = {t.number: t.value for t in executor.run(tasks)}
    assert parents[0] != os.getpid()
    assert parents[1] == os.getpid()


def test_a_trial_that_kills_its_worker_is_run_once_more(tmp_path: Path) -> None:
    def objective(params: Params) -> float:
        (tmp_path / str(time.time_ns())).touch()
        os._exit(3)

    (trial,) = run(objective, 1).values()
    assert trial.status is Status.DIED
    assert len(list(tmp_path.iterdir())) == 2


def test_only_what_goes_to_worker_processes_without_data_is_pickled_beforehand() -> None:
    class Locked:
        data = None

        def __init__(self) -> None:
            self.lock = threading.Lock()

        def __call__(self, params: Params) -> float:
            return 0.0

    objective = adapt_objective(Locked())
    with Local(2, "threading") as executor:
        executor.open(objective)
    with Local(2, "loky") as executor, pytest.raises(StudyError, match="An objective must be picklable"):
        executor.open(objective)


@pytest.mark.parametrize(("jobs", "backend", "expected"), [(3, "sequential", 1), (None, "sequential", 1), (3, "threading", 3)])
def test_in_sequence_there_is_one_job_whatever_is_asked(jobs: int | None, backend: Any, expected: int) -> None:
    assert Local(jobs, backend).width == expected
