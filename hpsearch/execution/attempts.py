"""Attempts at a trial in forked children: it runs again after its process died, as often as its task allows."""

from __future__ import annotations

import time
from dataclasses import replace

from hpsearch.execution.isolation import Ending, run_isolated
from hpsearch.execution.task import run_prepared
from hpsearch.ports import ObjectiveBase, Task
from hpsearch.trial import Status, Trial


def run_in_child(objective: ObjectiveBase, task: Task) -> Trial:
    """Run one trial in a forked child, on the objects it is given; return it, however the child ends.

    Each child writes to its own memory, so a second attempt finds the objects as the first one did.
    """
    started, clock, attempts = time.time(), time.perf_counter(), 1
    result = run_isolated(lambda: run_prepared(objective, task), task.limits)
    while isinstance(result, Ending) and result.status is Status.DIED and attempts <= task.retries:
        result, attempts = run_isolated(lambda: run_prepared(objective, task), task.limits), attempts + 1
    if not isinstance(result, Ending):
        return result
    reason, seconds = f"{result.reason}{describe_attempts(attempts)}", time.perf_counter() - clock
    return replace(task.trial, status=result.status, error=reason, traceback=result.traceback, started=started, seconds=seconds)


def describe_attempts(count: int) -> str:
    """Return how often a trial was tried, as the end of a sentence; nothing where it was once."""
    return f", in each of {count} attempts" if count > 1 else ""
