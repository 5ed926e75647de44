"""An iterator over the iterates of a minimisation that runs to its end in one call."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# What a method calls after each iteration; SciPy requires the name of its argument.
Report = Callable[[Any], None]


class Iterate(NamedTuple):
    """The point of a method after an iteration, and the value of the minimised function there."""

    x: NDArray[np.float64]
    value: float


class Iterates(Iterator[Iterate]):
    """A minimisation in its own thread, which waits between two calls of ``next``.

    So a training can evaluate each iterate, pause and resume, and the method keeps its memory. An error in the method is raised
    by ``next``. The thread ends with the method, or when this object is no longer used.

    Args:
        minimise: calls the report that it is passed after every iteration, with SciPy's ``intermediate_result``.

    >>> def count(report):
    ...     for i in range(2):
    ...         report(intermediate_result=type("Result", (), {"x": np.array([i]), "fun": 0.5}))
    >>> [int(iterate.x[0]) for iterate in Iterates(count)]
    [0, 1]
    """

    def __init__(self, minimise: Callable[[Report], None]) -> None:
        self._go_on: SimpleQueue[bool] = SimpleQueue()
        self._found: SimpleQueue[Iterate | BaseException | None] = SimpleQueue()
        self._minimise: Callable[[Report], None] | None = minimise
        self._ended = False
        weakref.finalize(self, self._go_on.put, False)

    def __next__(self) -> Iterate:
        if self._ended:
            raise StopIteration
        self._go_on.put(True)
        if self._minimise is not None:
            given = (self._minimise, self._go_on, self._found)
            threading.Thread(target=_run, args=given, name="iterates", daemon=True).start()
            self._minimise = None
        found = self._found.get()
        if isinstance(found, Iterate):
            return found
        self._ended = True
        raise StopIteration if found is None else found


def _run(
    minimise: Callable[[Report], None], go_on: SimpleQueue[bool], found: SimpleQueue[Iterate | BaseException | None]
) -> None:
    def report(intermediate_result: Any) -> None:
        found.put(Iterate(np.array(intermediate_result.x, np.float64), float(intermediate_result.fun)))
        if not go_on.get():
            raise StopIteration  # which SciPy takes as the end

    if not go_on.get():
        return
    try:
        with np.errstate(all="ignore"):  # of this thread; numbers that are not finite are detected where they are used
            minimise(report)
        found.put(None)
    except BaseException as error:
        found.put(error)
