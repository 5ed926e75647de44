"""One trial, from what was asked to its end, whatever that end is."""

from __future__ import annotations

import math
import os
import signal
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hpsearch.errors import Diverged, Lagging
from hpsearch.execution.isolation import Limits
from hpsearch.execution.outcome import as_outcome, thinned
from hpsearch.execution.signals import TimeUp, time_limit
from hpsearch.ports import Context, ObjectiveBase, PruningThresholds
from hpsearch.trial import Outcome, Params, Status, Trial


@dataclass(frozen=True)
class Task:
    """Everything a worker needs to run one trial.

    ``trial`` holds what was asked (its outcome is not there yet), ``params`` the resolved form an objective sees, and the
    random numbers come from ``SeedSequence(seed, spawn_key=key)``; ``sign`` is -1 where the study maximises, ``limits`` are
    those of one trial, ``retries`` how often it is run again where its process died, ``thresholds`` what its curve must reach.
    ``state`` is what an earlier trial left to go on from, ``keep_state`` whether to leave one.
    """

    trial: Trial
    params: Params
    seed: int
    key: tuple[int, ...]
    sign: int = 1
    limits: Limits = field(default_factory=Limits)
    keep_state: bool = False
    state: Mapping[str, Any] | None = None
    thresholds: PruningThresholds | None = None
    retries: int = 1
    parent: int = field(default_factory=os.getpid)

    @property
    def elsewhere(self) -> bool:
        """Whether this is another process than the study's."""
        return os.getpid() != self.parent


def run_task(objective: ObjectiveBase, task: Task) -> Trial:
    """Run one trial to its end, whatever that end is; only a dying process keeps this from returning."""
    if task.elsewhere:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it ends the workers itself
    prepare(objective)
    context = trial_context(task)
    started, clock = time.time(), time.perf_counter()
    try:
        result = _attempt(objective, task, context)
    except TimeUp as end:
        if context.seconds_left > 0:
            raise  # the whole study's time is up, not this trial's
        late = TimeoutError(task.limits.too_slow).with_traceback(end.__traceback__)  # it shows where the time was spent
        result = _failed(task, Status.TIMED_OUT, late, context)
    except (Exception, SystemExit) as error:
        result = _failed(task, _status(task, error), error, context)
    except BaseException as error:
        if not task.elsewhere:
            raise  # somebody wants this process to end
        result = _failed(task, Status.FAILED, error, context)
    return thinned(replace(result, started=started, seconds=time.perf_counter() - clock))


def prepare(objective: ObjectiveBase) -> None:
    """Have an objective load into this process what its trials need, outside of any trial's time.

    What goes wrong here goes wrong in the trial again, where it is recorded.
    """
    with suppress(Exception):
        objective.prepare()


def trial_context(task: Task) -> Context:
    """Return the context of a task, with the random numbers that are the trial's own."""
    rng = np.random.default_rng(np.random.SeedSequence(task.seed, spawn_key=task.key))
    deadline = None if task.limits.seconds is None else time.monotonic() + task.limits.seconds
    return Context(rng, task.trial.budget, task.state, deadline, task.thresholds, stage=task.trial.stage)


def _attempt(objective: ObjectiveBase, task: Task, context: Context) -> Trial:
    with time_limit(task.limits.seconds):
        answer = objective(task.params, context)
    if context.seconds_left < 0:
        raise TimeUp  # nothing could interrupt it, as in a thread
    outcome = as_outcome(answer, context, task.sign, task.keep_state)
    if math.isfinite(outcome.value):
        return replace(task.trial, status=Status.FINISHED, outcome=outcome)
    reason = f"the value was {task.sign * outcome.value!r}, not a finite number"
    return replace(task.trial, status=Status.DIVERGED, outcome=outcome, error=reason)


def _status(task: Task, error: BaseException) -> Status:
    if isinstance(error, MemoryError) and task.limits.megabytes is not None:
        return Status.OUT_OF_MEMORY
    if isinstance(error, Lagging):
        return Status.STOPPED
    return Status.DIVERGED if isinstance(error, Diverged) else Status.FAILED


def _failed(task: Task, status: Status, error: BaseException, context: Context) -> Trial:
    """Keep the curves up to the failure: they show why."""
    reason = f"{type(error).__name__}: {_words(error)}"
    if status is Status.STOPPED:
        reason = _words(error)
    elif status is Status.OUT_OF_MEMORY:
        reason = f"{task.limits.too_large} ({reason})"
    partial = Outcome(math.nan, history=context.history)
    return replace(task.trial, status=status, outcome=partial, error=reason[:500], traceback=_traceback(error))


def _words(error: BaseException) -> str:
    """Return what an exception says, on one line; the text of a broken one may fail in turn."""
    try:
        return " ".join(str(error).split())
    except Exception as broken:
        return f"(no text: its str() raised {type(broken).__name__})"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return "".join(traceback.format_tb(error.__traceback__))
