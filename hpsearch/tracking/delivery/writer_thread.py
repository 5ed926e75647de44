"""The one thread between a search and its store: what the search hands over is written in order while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from hpsearch.trial import Trial

# More than this behind, a search waits for its store: what is not written yet is run again after a kill.
BEHIND = 256
IDLE_SECONDS = 0.5


class Courier:
    """Calls ``deliver`` with every trial, one after the other, in a thread of its own; and with None now and then in between.

    The thread is a daemon, so that a process asked to end at once ends at once. Nothing here waits on a lock of Python code,
    which a Ctrl-C at the wrong moment would leave locked.

    Args:
        deliver: what to do with a trial. What it raises ends the thread, and is raised by the next call from outside.
    """

    def __init__(self, deliver: Callable[[Trial | None], None]) -> None:
        self._deliver = deliver
        self._waiting: SimpleQueue[Trial | Callable[[], None]] = SimpleQueue()
        self._abandoned = False
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="hpsearch-courier", daemon=True)
        self._thread.start()

    def hand(self, trial: Trial) -> None:
        """Hand over a trial; waits only for a store that is far behind."""
        while self._waiting.qsize() >= BEHIND and self._thread.is_alive():
            time.sleep(0.01)
        self._waiting.put(trial)
        self._tell()

    def close(self, last: Callable[[], None]) -> None:
        """Wait until everything is delivered and ``last`` was called, all in the thread."""
        self._waiting.put(last)
        self._thread.join()
        self._tell()

    def abandon(self) -> list[Trial]:
        """Let the thread end after what it is at, and return the trials it has not begun."""
        self._abandoned = True
        left: list[Trial] = []
        while True:
            try:
                item = self._waiting.get_nowait()
            except Empty:
                return left
            if isinstance(item, Trial):
                left.append(item)

    def _tell(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._abandoned and self._next():
                pass
        except BaseException as error:
            self._error = error

    def _next(self) -> bool:
        """Deal with what comes next; return whether more may come."""
        try:
            item = self._waiting.get(timeout=IDLE_SECONDS)
        except Empty:
            self._deliver(None)
            return True
        if isinstance(item, Trial):
            self._deliver(item)
            return True
        item()
        return False
