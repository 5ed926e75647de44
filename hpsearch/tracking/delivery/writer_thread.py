"""The thread that writes trials to the store, in order, while the search continues."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from hpsearch.ports import RunningTrial
from hpsearch.trial import Trial

# With more trials waiting, the search waits for its store: what is not written yet is run again after a kill.
MAX_WAITING = 256
IDLE_SECONDS = 0.5
_POLL_SECONDS = 0.1


class WriterThread:
    """Call ``deliver`` with every trial in order, in a thread of its own; and with None while no trial waits.

    The thread is a daemon: a process that is asked to end at once ends at once. Nothing here waits on a lock of Python code,
    which a Ctrl-C at the wrong moment would leave locked.

    Args:
        deliver: writes a trial, or what a running one has reported. What it raises ends the thread, and is raised by the next
            call of a method.
        idle: seconds between two calls of ``deliver`` while no trial waits.
    """

    def __init__(self, deliver: Callable[[Trial | RunningTrial | None], None], idle: float = IDLE_SECONDS) -> None:
        self._deliver, self._idle = deliver, idle
        self._waiting: SimpleQueue[Trial | RunningTrial | Callable[[], None]] = SimpleQueue()
        self._abandoned = False
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="hpsearch-writer", daemon=True)
        self._thread.start()

    def put(self, trial: Trial) -> None:
        """Pass on a trial; wait only for a store that is far behind."""
        while self._waiting.qsize() >= MAX_WAITING and self._thread.is_alive():
            time.sleep(0.01)
        self._waiting.put(trial)
        self._raise_error()

    def offer(self, running: RunningTrial) -> None:
        """Pass on what a running trial has reported, unless the store is far behind."""
        if self._waiting.qsize() < MAX_WAITING // 2:
            self._waiting.put(running)

    def close(self, last: Callable[[], None]) -> None:
        """Wait until the thread has delivered everything and called ``last``."""
        self._waiting.put(last)
        # In short waits: a library with a handler of its own (polars) may keep Ctrl-C from ending a long one.
        while self._thread.is_alive():
            self._thread.join(_POLL_SECONDS)
        self._raise_error()

    def abandon(self) -> list[Trial]:
        """Let the thread end after its current trial, and return the trials it has not begun."""
        self._abandoned = True
        left: list[Trial] = []
        while True:
            try:
                item = self._waiting.get_nowait()
            except Empty:
                return left
            if isinstance(item, Trial):
                left.append(item)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._abandoned and self._next():
                pass
        except BaseException as error:
            self._error = error

    def _next(self) -> bool:
        """Process the next item; return whether more may come."""
        try:
            item = self._waiting.get(timeout=self._idle)
        except Empty:
            self._deliver(None)
            return True
        if isinstance(item, (Trial, RunningTrial)):
            self._deliver(item)
            return True
        item()
        return False
