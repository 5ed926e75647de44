"""A limit in wall-clock seconds on whatever runs in this thread."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Terminated(BaseException):
    """The system asked the process to end; raised by the command line's handler, let through by everything else."""


class TimeUp(BaseException):
    """The limit has passed; no ``except Exception`` on the way may hold it up."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimeUp` in the code inside once ``seconds`` have passed; None sets no limit.

    Python can interrupt only the main thread of a process: elsewhere, and where the system has no timer signal, the limit is
    left to whoever looks at the clock. Limits may stand inside each other: the earlier one rings, and who catches `TimeUp`
    must look whether it was its own.
    """
    able = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if seconds is None or not able:
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    started, outer = time.monotonic(), signal.getitimer(signal.ITIMER_REAL)[0]
    signal.setitimer(signal.ITIMER_REAL, max(min(seconds, outer or seconds), 1e-6))
    try:
        yield
    finally:
        left = max(outer - (time.monotonic() - started), 1e-6) if outer else 0.0
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)


def _ring(signum: int, frame: object) -> None:
    raise TimeUp
