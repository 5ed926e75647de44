"""One trial from its task to its end, in every way it can end."""

from __future__ import annotations

import math
import signal
import time
import traceback
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.errors import Diverged, Lagging
from hpsearch.execution.checkpoints import TrialCheckpoints
from hpsearch.execution.outcome import thin_curves, to_outcome
from hpsearch.execution.output import prefixed_output
from hpsearch.execution.point_files import PointFile
from hpsearch.execution.signals import HANGUP, TimeUp, time_limit
from hpsearch.ports import Context, ObjectiveBase, Task
from hpsearch.trial import Outcome, Status, Trial

# Larger arrays are shared by all trials, read-only: within a process, and with the workers as memory maps.
SHARED_BYTES = 2**20
# The fields of a trial that say how it ended.
End = dict[str, Any]


def run_task(objective: ObjectiveBase, task: Task) -> Trial:
    """Run one trial on objects of its own and return it, however it ends; only the death of the process prevents that."""
    return run_prepared(*prepare_task(objective, task))


def prepare_task(objective: ObjectiveBase, task: Task) -> tuple[ObjectiveBase, Task]:
    """Return the objects of one attempt at a trial, loaded with what it needs, outside the time of any trial.

    An error is ignored here: it happens again in the trial, where it is recorded.
    """
    with suppress(Exception):
        objective, task = own_objects(objective, task)
        objective.prepare()
    return objective, task


def own_objects(objective: ObjectiveBase, task: Task) -> tuple[ObjectiveBase, Task]:
    """Return copies of the objective and of the task's params and state, for one attempt alone; copies are not copied again.

    Where the budget is in rows, the objective is the one on these rows.
    """
    if task.copies is not None:
        objective, task = task.copies(objective, task)
    rows = task.trial.budget
    if task.in_rows and rows is not None and rows != objective.training_rows:
        objective = objective.on_rows(rows, task.seed)
    return objective, task


def run_prepared(objective: ObjectiveBase, task: Task) -> Trial:
    """Run one trial on the objects it is given."""
    if task.in_worker:
        # The parent handles Ctrl-C and a closed terminal, and ends the workers.
        for number in (signal.SIGINT, *([HANGUP] if HANGUP is not None else [])):
            signal.signal(number, signal.SIG_IGN)
    context = trial_context(task)
    if task.point_file is not None:
        PointFile(task.point_file).begin()
    started, clock = time.time(), time.perf_counter()
    try:
        end = _attempt(objective, task, context)
    except TimeUp as up:
        if context.seconds_left > 0:
            raise  # the time limit of the whole study, not of this trial
        late = TimeoutError(task.limits.too_slow).with_traceback(up.__traceback__)  # it shows where the time went
        end = _fail(task, Status.TIMED_OUT, late, context)
    except (Exception, SystemExit) as error:
        end = _fail(task, _status(task, error), error, context)
        if context.checkpoints is not None:
            context.checkpoints.reject()
    except BaseException as error:
        if not task.in_worker:
            raise  # the study itself is to end
        end = _fail(task, Status.FAILED, error, context)
    if context.resumed is not None:
        end |= {"resumed_step": context.resumed.step, "attempt": context.resumed.attempt}
    return thin_curves(replace(task.trial, **end, started=started, seconds=time.perf_counter() - clock))


def trial_context(task: Task) -> Context:
    """Return the context of a task, with the trial's own random numbers."""
    rng = np.random.default_rng(np.random.SeedSequence(task.seed, spawn_key=task.key))
    deadline = None if task.limits.seconds is None else time.monotonic() + task.limits.seconds
    budget = None if task.in_rows else task.trial.budget
    report = None if task.point_file is None else PointFile(task.point_file).add
    number, stage = task.trial.number, task.trial.stage
    kept = None if task.checkpoints is None else TrialCheckpoints(task.checkpoints, number)
    return Context(
        rng, budget, task.state, deadline, task.thresholds, stage=stage, on_report=report, number=number, checkpoints=kept
    )


def _attempt(objective: ObjectiveBase, task: Task, context: Context) -> End:
    objective, task = own_objects(objective, task)
    output = prefixed_output(task.trial.number) if task.in_worker else nullcontext()
    with time_limit(task.limits.seconds), output:
        returned = objective(dict(task.params), context)
    if context.seconds_left < 0:
        raise TimeUp  # nothing can interrupt a thread
    outcome = to_outcome(returned, context, task.sign, task.keep_state)
    if math.isfinite(outcome.value):
        return {"status": Status.FINISHED, "outcome": outcome}
    reason = f"the value was {task.sign * outcome.value!r}, not a finite number"
    return {"status": Status.DIVERGED, "outcome": outcome, "error": reason}


def _status(task: Task, error: BaseException) -> Status:
    if isinstance(error, MemoryError) and task.limits.megabytes is not None:
        return Status.OUT_OF_MEMORY
    if isinstance(error, Lagging):
        return Status.STOPPED
    return Status.DIVERGED if isinstance(error, Diverged) else Status.FAILED


def _fail(task: Task, status: Status, error: BaseException, context: Context) -> End:
    """Return the end of a failed trial, with its curves up to the failure: they show why."""
    reason = f"{type(error).__name__}: {_message(error)}"
    if status is Status.STOPPED:
        reason = _message(error)
    elif status is Status.OUT_OF_MEMORY:
        reason = f"{task.limits.too_large} ({reason})"
    partial = Outcome(math.nan, history=context.history, times=context.times)
    return {"status": status, "outcome": partial, "error": reason[:500], "traceback": _traceback(error)}


def _message(error: BaseException) -> str:
    """Return the message of an exception on one line; its ``str()`` may raise too."""
    try:
        return " ".join(str(error).split())
    except Exception as broken:
        return f"(no text: its str() raised {type(broken).__name__})"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return "".join(traceback.format_tb(error.__traceback__))
