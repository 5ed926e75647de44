"""A limit in wall-clock seconds on whatever runs in this thread."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


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


# Seconds until a wish to end that was lost is raised again.
_AGAIN = 0.05


@contextmanager
def twice_ends_at_once(end: Callable[[], None]) -> Iterator[None]:
    """Raise `KeyboardInterrupt` or `Terminated` at the first Ctrl-C or SIGTERM, as ever; at a second one end at once.

    The second calls ``end`` and leaves the process with code 130 (143 after SIGTERM), whatever goes on. That stays so after
    the block where the first signal came within it: what the interpreter does on its way out may take its time too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread only
        return
    asked = _Asked(end)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hook, sys.unraisablehook = sys.unraisablehook, asked.raise_again
    for number in [number for number, handler in before.items() if handler is not signal.SIG_IGN]:
        signal.signal(number, asked)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        if not asked.by:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Asked:
    """The handler of both signals, which counts: ``by`` is the first signal that came, 0 before."""

    def __init__(self, end: Callable[[], None]) -> None:
        self.end = end
        self.by = 0
        self.lost = False
        self.otherwise = sys.unraisablehook

    def __call__(self, signum: int, frame: object) -> None:
        if self.by and not self.lost:
            self.end()
            _say("Ended at once; what had been written down is kept.")
            os._exit(128 + signum)
        if not self.lost:
            _say("Ending: what has finished is being written down. Ctrl-C again ends at once.")
        self.by, self.lost = signum, False
        raise KeyboardInterrupt if signum == signal.SIGINT else Terminated

    def raise_again(self, unraisable: Any) -> None:
        """Raise once more what came while Python ran code that cannot raise, such as a finaliser: there it is only printed."""
        if isinstance(unraisable.exc_value, (KeyboardInterrupt, Terminated)):
            self.lost = True
            threading.Timer(_AGAIN, os.kill, (os.getpid(), self.by)).start()
        else:
            self.otherwise(unraisable)


@contextmanager
def interrupts_kept_out() -> Iterator[None]:
    """Have processes that start inside never receive Ctrl-C; it reaches this one when the block has ended."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _say(sentence: str) -> None:
    """Write past all buffers, which the interrupted code may hold."""
    with suppress(OSError):
        os.write(2, f"\nhpsearch: {sentence}\n".encode())
