"""Execution of trials: tasks, worker processes, limits, and outcomes as plain data."""

from hpsearch.execution.executor import Backend, Execution, engine
from hpsearch.execution.isolation import Limits, possible
from hpsearch.execution.processes import kill_workers
from hpsearch.execution.signals import Terminated, TimeUp, time_limit, twice_ends_at_once
from hpsearch.execution.task import AnyObjective, Task, call, takes_context, trial_context

__all__ = [
    "AnyObjective",
    "Backend",
    "Execution",
    "Limits",
    "Task",
    "Terminated",
    "TimeUp",
    "call",
    "engine",
    "kill_workers",
    "possible",
    "takes_context",
    "time_limit",
    "trial_context",
    "twice_ends_at_once",
]
