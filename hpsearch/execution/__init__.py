"""Execution of trials: tasks, worker processes, limits, and outcomes as plain data."""

from hpsearch.execution.executor import Backend, Execution, engine
from hpsearch.execution.isolation import Limits, possible
from hpsearch.execution.processes import kill_workers
from hpsearch.execution.signals import Terminated, TimeUp, time_limit, twice_ends_at_once
from hpsearch.execution.task import Task, trial_context

__all__ = [
    "Backend",
    "Execution",
    "Limits",
    "Task",
    "Terminated",
    "TimeUp",
    "engine",
    "kill_workers",
    "possible",
    "time_limit",
    "trial_context",
    "twice_ends_at_once",
]
