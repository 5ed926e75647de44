"""Functions that workers compute while this process goes on, such as the pictures of a report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from hpsearch.execution.processes import end_with_parent
from hpsearch.execution.signals import block_interrupts

Item = TypeVar("Item")
Value = TypeVar("Value")


def map_ahead(function: Callable[[Item], Value], items: Sequence[Item], jobs: int) -> Iterator[Value]:
    """Return the values of a function in order; with two jobs or more, workers compute them from now on.

    These are the workers of the trials where such have just run with as many jobs.
    """
    if jobs < 2 or len(items) < 2:
        return map(function, items)
    import joblib

    with (
        block_interrupts(),  # of workers that start here
        joblib.parallel_config("loky", inner_max_num_threads=1, initializer=end_with_parent, initargs=(os.getpid(),)),
    ):
        values: Iterator[Value] = joblib.Parallel(jobs, return_as="generator", batch_size=1)(
            joblib.delayed(function)(item) for item in items
        )
    return values
