"""Execution of trials on this machine with joblib: worker processes, one BLAS thread each, and recovery from workers that die.

A trial is a pure function of its task. So the trial table does not depend on the number of workers, on the backend or on the
order in which trials end. A worker that dies takes all pending joblib tasks with it. The trials that were dispatched by then
run again one by one, each in a worker of its own, so only the trial that kills its worker is lost.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from pickle import PicklingError
from typing import Literal, get_args

import cloudpickle
import joblib

from hpsearch.checks import choice, integer
from hpsearch.data.vault import closed
from hpsearch.errors import StudyError, must_be
from hpsearch.execution.attempts import describe_attempts, run_in_child
from hpsearch.execution.blas import one_openmp_thread, one_thread
from hpsearch.execution.isolation import can_fork, describe_exit
from hpsearch.execution.pickling import send_by_value
from hpsearch.execution.point_files import PointFiles
from hpsearch.execution.shared_memory import remove_left, write_down
from hpsearch.execution.signals import block_interrupts
from hpsearch.execution.surroundings import Surroundings
from hpsearch.execution.task import SHARED_BYTES, prepare_task, run_prepared, run_task
from hpsearch.execution.worker_processes import worker_processes
from hpsearch.ports import ExecutorBase, ObjectiveBase, Point, Task
from hpsearch.trial import Status, Trial

Backend = Literal["loky", "threading", "sequential"]


def run_in_worker(objective: ObjectiveBase, task: Task, surroundings: Surroundings) -> Trial:
    """Run one trial in a worker process: in a forked child of its own where a limit is set, else in the worker itself."""
    if not task.in_worker:  # joblib found that it cannot have workers here
        return run_task(objective, task)
    send_by_value()
    with surroundings.around(task.trial.number):
        return _run_in_worker(objective, task)


def _run_in_worker(objective: ObjectiveBase, task: Task) -> Trial:
    objective, task = prepare_task(objective, task)  # before the fork, so that each child inherits it
    alone = task.limits.seconds is not None or task.limits.megabytes is not None or task.retries == 0
    return run_in_child(objective, task) if alone and can_fork() else run_prepared(objective, task)


def _run_in_thread(objective: ObjectiveBase, task: Task) -> Trial:
    """Run a trial in a thread of joblib's."""
    with one_openmp_thread():
        return run_task(objective, task)


class Local(ExecutorBase):
    """Workers on this machine, kept with the memory-mapped data from batch to batch; a context manager that closes itself.

    Args:
        jobs: how many trials run in parallel; None takes all cores.
        backend: ``"loky"`` (processes), ``"threading"``, or ``"sequential"`` (in this process, one after the other).
    """

    def __init__(self, jobs: int | None = None, backend: Backend = "loky") -> None:
        if jobs is not None:
            integer("jobs", jobs, 1, "Leave it out for one worker per core.", error=StudyError)
        choice("backend", backend, get_args(Backend), "Leave it out for loky.", error=StudyError)
        self.width = 1 if backend == "sequential" else jobs or joblib.cpu_count()
        self.backend = backend
        self.separate = backend == "loky"
        self._stack = ExitStack()
        self._parallel: joblib.Parallel | None = None
        self._objective: ObjectiveBase | None = None
        self._points: PointFiles | None = None

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def checkpoint_root(self, folder: Path) -> Path:
        """Return the study's own folder: all trials see it."""
        return folder

    def open(self, objective: ObjectiveBase, token: str = "") -> None:
        """Get ready to run trials; raise if the objective cannot be pickled.

        One that holds data is checked with the first task, because it is large.
        """
        self._check(objective)
        self._objective = objective
        self._points = PointFiles.create()
        self._stack.callback(self._points.close)
        self._stack.enter_context(one_thread())
        self._stack.enter_context(closed())  # for trials that run in this process too
        send_by_value()

    def close(self) -> None:
        """End the workers."""
        self._stop()
        self._stack.close()

    @property
    def processes(self) -> int:
        """How many worker processes run trials; they stay warm for a while after the last."""
        return max(self.width, 2) if self.separate else 0

    def run(self, tasks: Sequence[Task]) -> Generator[Trial, None, None]:
        """Yield the trial of every task as it ends, in whatever order they end."""
        objective, points = self._opened()
        pending = {task.trial.number: replace(task, point_file=points.of(task.trial.number).path) for task in tasks}
        while pending:
            dispatched: list[Task] = []
            try:
                with closing(self._stream(objective, _record_dispatched(pending.values(), dispatched))) as stream:
                    for trial in stream:
                        del pending[trial.number]
                        yield points.finish(trial)
            except BrokenProcessPool as error:
                self._stop()
                _check_unpickled(objective, error)
                for task in [task for task in dispatched if task.trial.number in pending]:
                    del pending[task.trial.number]
                    yield points.finish(self._run_alone(objective, task))

    def points(self) -> Iterator[Point]:
        """Yield what running trials have reported since the last call; a point without metrics where one has begun."""
        return iter(()) if self._points is None else self._points.poll()

    def _opened(self) -> tuple[ObjectiveBase, PointFiles]:
        if self._objective is None or self._points is None:
            raise StudyError("An executor must be opened before it runs trials. Call open(objective, token) first.")
        return self._objective, self._points

    def _check(self, objective: ObjectiveBase) -> None:
        if not self.separate or objective.data is not None:
            return
        try:
            cloudpickle.dumps(objective)
        except Exception as error:
            raise pickling_error(objective) from error

    def _stream(self, objective: ObjectiveBase, tasks: Iterable[Task]) -> Generator[Trial, None, None]:
        if self.width == 1 and self.backend != "loky":
            yield from (run_task(objective, task) for task in tasks)
            return
        with block_interrupts():  # of the workers that start here
            workers = self._workers()
            run = partial(run_in_worker, surroundings=Surroundings.read()) if self.backend == "loky" else _run_in_thread
            stream = workers(joblib.delayed(run)(objective, task) for task in tasks)
        if self.backend == "loky":
            write_down(workers)
        try:
            for trial in stream:  # noqa: UP028 (yield from would close the stream before the warnings are silenced)
                yield trial
        except PicklingError as error:
            raise pickling_error(objective) from error
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib warns of cancelled tasks, which are cancelled on purpose here
                stream.close()

    def _workers(self) -> joblib.Parallel:
        if self._parallel is None:
            if self.backend == "loky":
                remove_left()
                self._stack.enter_context(worker_processes())
            backend = None if self.backend == "loky" else self.backend
            # With one job joblib runs in this process, and a trial that ends its process would end the study. So there are
            # two workers that take turns, with one trial dispatched at a time.
            ahead = 1 if self.width == 1 else "2 * n_jobs"
            self._parallel = joblib.Parallel(
                max(self.width, 2), backend, return_as="generator_unordered", batch_size=1, pre_dispatch=ahead,
                max_nbytes=SHARED_BYTES, mmap_mode="r",
            )  # fmt: skip
            self._parallel.__enter__()
        return self._parallel

    def _stop(self) -> None:
        if self._parallel is not None:
            parallel, self._parallel = self._parallel, None
            parallel.__exit__(None, None, None)

    def _run_alone(self, objective: ObjectiveBase, task: Task) -> Trial:
        """Run one trial in workers of its own, to find out whether it is the one that kills its worker.

        It runs at least once more, even without retries: a worker that dies takes other trials with it.
        """
        started, more = time.time(), max(task.retries, 1)
        for _ in range(more):
            try:
                return next(iter(self._stream(objective, [task])))
            except BrokenProcessPool as error:
                self._stop()
                _check_unpickled(objective, error)
                reason = f"its worker process {_describe_exit(error)}{describe_attempts(1 + more)}"
        return replace(task.trial, status=Status.DIED, error=reason, started=started, seconds=time.time() - started)


def pickling_error(objective: ObjectiveBase) -> StudyError:
    """Return the error for an objective that cannot be pickled."""
    advice = "Define it at the top of a file without locks or open files, or take backend='sequential'."
    return StudyError(must_be("An objective", "picklable, to reach the workers", objective, advice))


def _record_dispatched(tasks: Iterable[Task], dispatched: list[Task]) -> Iterator[Task]:
    """Yield the tasks and record each as it is dispatched: only those can have been in a worker that died."""
    for task in list(tasks):
        dispatched.append(task)
        yield task


def _check_unpickled(objective: ObjectiveBase, error: BaseException) -> None:
    """Raise if a worker could not unpickle the objective: every trial would fail."""
    if "un-serialize" in str(error):
        raise pickling_error(objective) from error


def _describe_exit(error: BaseException) -> str:
    """Return how a worker ended, parsed from joblib's message."""
    _, found, codes = str(error).partition("exit codes of the workers are ")
    numbers = [int(text) for text in re.findall(r"\((-?\d+)\)", codes)]
    return describe_exit(numbers[0]) if found and numbers else "ended without a word"
