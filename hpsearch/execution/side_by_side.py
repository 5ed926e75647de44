"""Functions that workers compute while this process goes on, such as the pictures of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from hpsearch.execution.signals import block_interrupts

Item = TypeVar("Item")
Value = TypeVar("Value")


def map_ahead(function: Callable[[Item], Value], items: Sequence[Item], jobs: int) -> Iterator[Value]:
    """Return the values of a function in order; with two jobs or more, workers compute them from now on.

    These are the workers of the trials where such have just run with as many jobs. Values that are missing when a worker dies
    are computed in this process.
    """
    if jobs < 2 or len(items) < 2:
        return map(function, items)
    import joblib

    from hpsearch.execution.worker_processes import worker_processes

    with block_interrupts(), worker_processes():  # of workers that start here
        values: Iterator[Value] = joblib.Parallel(jobs, return_as="generator", batch_size=1)(
            joblib.delayed(function)(item) for item in items
        )
    return _completed(values, function, items)


def _completed(values: Iterator[Value], function: Callable[[Item], Value], items: Sequence[Item]) -> Iterator[Value]:
    done = 0
    try:
        for value in values:
            yield value
            done += 1
    except BrokenProcessPool:
        yield from map(function, items[done:])
