"""Execution of trials: tasks, worker processes, limits, and outcomes as plain data."""

from hpsearch.execution.blas import describe_blas
from hpsearch.execution.isolation import can_fork
from hpsearch.execution.local import Backend, Local
from hpsearch.execution.processes import kill_workers
from hpsearch.execution.signals import Terminated, TimeUp, end_at_second_signal, time_limit
from hpsearch.execution.task import run_task, trial_context

__all__ = [
    "Backend",
    "Local",
    "Terminated",
    "TimeUp",
    "can_fork",
    "describe_blas",
    "end_at_second_signal",
    "kill_workers",
    "run_task",
    "time_limit",
    "trial_context",
]
