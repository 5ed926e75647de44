"""Runs a batch of trials on joblib: seeds, one BLAS thread per process, streaming, and workers that die.

Every trial is a pure function of its task, so the trial table does not depend on the number of workers, on the backend or on
the order in which trials end. A worker that dies takes all pending joblib tasks with it; whatever was in flight is then run
again one by one, each in a worker of its own, so that only the trial that kills its worker is lost.
"""

from __future__ import annotations

import inspect
import math
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pickle import PicklingError
from typing import Any, Literal, get_args

import cloudpickle
import joblib
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from hpsearch.alarm import TimeUp, time_limit
from hpsearch.data.vault import closed
from hpsearch.errors import Diverged, Lagging, StudyError, must_be
from hpsearch.ports import Bar, Context
from hpsearch.trial import Outcome, Params, Status, Trial

Backend = Literal["loky", "threading", "sequential"]
AnyObjective = Callable[..., Any]
# Arrays above this many bytes reach the workers as memory maps of one file instead of in every task.
_MAPPED_BYTES = 10_000


@dataclass(frozen=True)
class Task:
    """Everything a worker needs to run one trial.

    ``trial`` holds what was asked (its outcome is not there yet), ``params`` the resolved form an objective sees, and the
    random numbers come from ``SeedSequence(seed, spawn_key=key)``; ``sign`` is -1 where the study maximises, ``limit`` in
    seconds of wall-clock time, ``bar`` what the trial's curve must reach. ``state`` is what an earlier trial left to go on
    from, ``keep_state`` whether to leave one.
    """

    trial: Trial
    params: Params
    seed: int
    key: tuple[int, ...]
    sign: int = 1
    limit: float | None = None
    keep_state: bool = False
    state: Mapping[str, Any] | None = None
    bar: Bar | None = None
    parent: int = field(default_factory=os.getpid)


def run_task(objective: AnyObjective, task: Task) -> Trial:
    """Run one trial to its end, whatever that end is; only a dying process keeps this from returning."""
    if os.getpid() != task.parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it ends the workers itself
    context = trial_context(task)
    started, clock = time.time(), time.perf_counter()
    try:
        with time_limit(task.limit):
            answer = call(objective, task.params, context)
        if context.seconds_left < 0:
            raise TimeUp  # nothing could interrupt it, as in a thread
        result = _ended(task, as_outcome(answer, context, task.sign))
    except TimeUp:
        if context.seconds_left > 0:
            raise  # the whole study's time is up, not this trial's
        result = _failed(task, Status.TIMED_OUT, TimeoutError(f"it took longer than {task.limit} s"), context)
    except SystemExit as error:
        result = _failed(task, Status.FAILED, error, context)
    except Lagging as error:
        result = _failed(task, Status.STOPPED, error, context)
    except Diverged as error:
        result = _failed(task, Status.DIVERGED, error, context)
    except Exception as error:
        result = _failed(task, Status.FAILED, error, context)
    return _with(result, started=started, seconds=time.perf_counter() - clock)


def trial_context(task: Task) -> Context:
    """Return the context of a task, with the random numbers that are the trial's own."""
    rng = np.random.default_rng(np.random.SeedSequence(task.seed, spawn_key=task.key))
    deadline = None if task.limit is None else time.monotonic() + task.limit
    return Context(rng, task.trial.budget, task.state, deadline, task.bar, stage=task.trial.stage)


def call(objective: AnyObjective, params: Params, context: Context) -> object:
    """Call an objective with params and context, or with params alone where it takes no more."""
    return objective(params, context) if takes_context(objective) else objective(params)


def takes_context(objective: AnyObjective) -> bool:
    """Return whether an objective has a second positional parameter; refuse one that cannot be called at all."""
    try:
        parameters = inspect.signature(objective).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    if len(required) > 2 or not (positional or any(p.kind is p.VAR_POSITIONAL for p in parameters)):
        signature = str(inspect.signature(objective))
        raise StudyError(must_be("An objective", "f(params) or f(params, context)", signature, "Change its parameters."))
    return len(positional) >= 2 and (len(required) == 2 or positional[1].name == "context")


def as_outcome(answer: object, context: Context, sign: int = 1) -> Outcome:
    """Return an objective's answer as an `Outcome`: a number, a dict with ``"value"``, or an outcome already."""
    if isinstance(answer, Mapping):
        if "value" not in answer:
            raise StudyError(must_be("An objective's dict", "one with the key 'value'", sorted(answer), "Add the value."))
        answer = Outcome(_number("value", answer["value"]), {k: v for k, v in answer.items() if k != "value"})
    if not isinstance(answer, Outcome):
        answer = Outcome(_number("value", answer))
    metrics = {str(name): _number(name, metric) for name, metric in answer.metrics.items()}
    value = sign * _number("value", answer.value)
    return Outcome(value, metrics, dict(answer.history or context.history), dict(answer.artifacts), answer.state)


def _number(name: object, value: object) -> float:
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise StudyError(must_be(f"What an objective returns as {name!r}", "a number", value, "Return float or dict."))
    return float(value)


def _with(trial: Trial, **changes: Any) -> Trial:
    return Trial(**{**{name: getattr(trial, name) for name in Trial.__dataclass_fields__}, **changes})


def _ended(task: Task, outcome: Outcome) -> Trial:
    if not task.keep_state:
        outcome = replace(outcome, state=None)
    if math.isfinite(outcome.value):
        return _with(task.trial, status=Status.FINISHED, outcome=outcome)
    reason = f"the value was {task.sign * outcome.value!r}, not a finite number"
    return _with(task.trial, status=Status.DIVERGED, outcome=outcome, error=reason)


def _failed(task: Task, status: Status, error: BaseException, context: Context) -> Trial:
    """Keep the curves up to the failure: they show why."""
    kind = "" if status is Status.STOPPED else f"{type(error).__name__}: "
    reason = f"{kind}{' '.join(str(error).split())}"
    partial = Outcome(math.nan, history=context.history)
    text = "".join(traceback.format_exception(error))
    return _with(task.trial, status=status, outcome=partial, error=reason[:500], traceback=text)


def engine() -> str:
    """Return what multiplies matrices here, such as ``openblas 0.3.30 SkylakeX``: bits may differ from one to another."""
    found = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    return ", ".join(dict.fromkeys(f"{p['internal_api']} {p['version']} {p.get('architecture', '')}".strip() for p in found))


class Execution:
    """Workers for one study; a context manager that keeps them, and the mapped data, from batch to batch.

    Args:
        jobs: how many trials run side by side; None takes all cores.
        backend: ``"loky"`` (processes), ``"threading"``, or ``"sequential"`` (in this process, one after the other).
    """

    def __init__(self, jobs: int | None = None, backend: Backend = "loky") -> None:
        if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
            raise StudyError(must_be("jobs", "a whole number >= 1", jobs, "Leave it out for one worker per core."))
        if backend not in get_args(Backend):
            raise StudyError(must_be("backend", "'loky', 'threading' or 'sequential'", backend, "Leave it out for loky."))
        self.jobs = 1 if backend == "sequential" else jobs or joblib.cpu_count()
        self.backend = backend
        self._stack = ExitStack()
        self._parallel: joblib.Parallel | None = None

    def __enter__(self) -> Execution:
        # Pinned around everything, not per trial: limits set and lifted by several threads at once get in each other's way.
        self._stack.enter_context(threadpool_limits(limits=1))
        self._stack.enter_context(closed())  # trials that run in this process find the test part shut as well
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._stack.close()

    def check(self, objective: AnyObjective) -> None:
        """Refuse an objective that cannot reach the workers; one that holds data is left to the first task (it is large)."""
        if self.jobs == 1 or self.backend != "loky" or hasattr(objective, "data"):
            return
        try:
            cloudpickle.dumps(objective)
        except Exception as error:
            raise _unpicklable(objective) from error

    def run(self, objective: AnyObjective, tasks: Sequence[Task]) -> Generator[Trial, None, None]:
        """Yield the trial of every task as it ends, in whatever order they end."""
        pending = {task.trial.number: task for task in tasks}
        while pending:
            dispatched: list[Task] = []
            try:
                with closing(self._stream(objective, _noting(pending.values(), dispatched))) as stream:
                    for trial in stream:
                        del pending[trial.number]
                        yield trial
            except BrokenProcessPool:
                self._stop()
                for task in [task for task in dispatched if task.trial.number in pending]:
                    del pending[task.trial.number]
                    yield self._alone(objective, task)

    def _stream(self, objective: AnyObjective, tasks: Iterable[Task]) -> Generator[Trial, None, None]:
        if self.jobs == 1:
            yield from (run_task(objective, task) for task in tasks)
            return
        stream = self._workers()(joblib.delayed(run_task)(objective, task) for task in tasks)
        try:
            for trial in stream:  # noqa: UP028 (yield from would close the stream before the warnings are silenced)
                yield trial
        except PicklingError as error:
            raise _unpicklable(objective) from error
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib's word on tasks cut short; whoever cut them short knows
                stream.close()

    def _workers(self) -> joblib.Parallel:
        if self._parallel is None:
            if self.backend == "loky":
                self._stack.enter_context(joblib.parallel_config(backend="loky", inner_max_num_threads=1))
            backend = None if self.backend == "loky" else self.backend
            self._parallel = joblib.Parallel(
                self.jobs, backend, return_as="generator_unordered", batch_size=1, max_nbytes=_MAPPED_BYTES, mmap_mode="r"
            )
            self._parallel.__enter__()
        return self._parallel

    def _stop(self) -> None:
        if self._parallel is not None:
            parallel, self._parallel = self._parallel, None
            parallel.__exit__(None, None, None)

    def _alone(self, objective: AnyObjective, task: Task) -> Trial:
        """Run a suspect in workers of its own: the trial that ended them the first time will do so again."""
        started = time.time()
        try:
            return next(iter(self._stream(objective, [task])))
        except BrokenProcessPool as error:
            self._stop()
            reason = f"the worker process died: {_exit_codes(error)}"
            return _with(task.trial, status=Status.DIED, error=reason, started=started, seconds=time.time() - started)


def _unpicklable(objective: AnyObjective) -> StudyError:
    advice = "Define it at the top of a file without locks or open files, or take backend='threading'."
    return StudyError(must_be("An objective", "picklable, to reach the workers", objective, advice))


def _noting(tasks: Iterable[Task], dispatched: list[Task]) -> Iterator[Task]:
    """Pass tasks on and note each as it leaves: only those can have been in a worker that died."""
    for task in list(tasks):
        dispatched.append(task)
        yield task


def _exit_codes(error: BaseException) -> str:
    """Return the part of joblib's message that says how the worker ended."""
    text = " ".join(str(error).split())
    _, found, codes = text.partition("exit codes of the workers are ")
    return f"exit code {codes.strip('{} .')}" if found else "it ended without a word (killed, or out of memory)"
