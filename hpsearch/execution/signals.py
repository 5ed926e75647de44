"""Signals: a wall-clock limit on the code in a thread, and orderly ends at Ctrl-C, SIGTERM and SIGHUP (a closed terminal)."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any


class Terminated(BaseException):
    """SIGTERM or SIGHUP reached the process; raised by the handler of the command line, caught only there."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__(number)
        self.number = number

    @property
    def code(self) -> int:
        """The exit code that shells use for it."""
        return 128 + self.number


class StopRequested(KeyboardInterrupt):
    """Somebody else asked the study to end; everything that handles Ctrl-C handles it. Its text says who asked."""


class TimeUp(BaseException):
    """The time limit has passed; not an `Exception`, so that ``except Exception`` in user code does not catch it."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TimeUp` in the code inside once ``seconds`` have passed; None sets no limit.

    Python can interrupt only the main thread of a process. In other threads, and on systems without a timer signal, the caller
    must check the clock. Limits may be nested: the earlier one raises, and code that catches `TimeUp` must check whether the
    limit was its own.
    """
    able = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if seconds is None or not able:
        yield
        return
    before, hook = signal.signal(signal.SIGALRM, _raise_time_up), sys.unraisablehook
    started, outer = time.monotonic(), signal.getitimer(signal.ITIMER_REAL)[0]
    sys.unraisablehook = partial(_raise_time_up_again, hook)
    signal.setitimer(signal.ITIMER_REAL, max(min(seconds, outer or seconds), 1e-6))
    try:
        yield
    finally:
        sys.unraisablehook = hook
        left = max(outer - (time.monotonic() - started), 1e-6) if outer else 0.0
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)


def _raise_time_up(signum: int, frame: object) -> None:
    raise TimeUp


def _raise_time_up_again(hook: Callable[[Any], object], unraisable: Any) -> None:
    """Raise `TimeUp` again in a moment where it was raised in code that cannot raise, such as a finaliser."""
    if isinstance(unraisable.exc_value, TimeUp):
        signal.setitimer(signal.ITIMER_REAL, _RERAISE_SECONDS)
    else:
        hook(unraisable)


# Seconds until a lost TimeUp, KeyboardInterrupt or Terminated is raised again.
_RERAISE_SECONDS = 0.05


# Windows has no SIGHUP.
HANGUP: int | None = getattr(signal, "SIGHUP", None)


def ending_signals() -> list[int]:
    """Return the signals that end a command in order; without SIGHUP where it is ignored, as under ``nohup``."""
    ends = [signal.SIGTERM, *([HANGUP] if HANGUP is not None else [])]
    return [number for number in ends if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN]


def leave_closed_terminal() -> None:
    """Let output to a terminal that is gone vanish; every write to it would raise an error."""
    for place in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(place).st_mode) and not os.isatty(place):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, place)
                os.close(nowhere)


@contextmanager
def end_at_second_signal(end: Callable[[], None]) -> Iterator[None]:
    """Raise `KeyboardInterrupt` or `Terminated` at the first Ctrl-C, SIGTERM or SIGHUP, and exit at once at the second.

    The second signal calls ``end`` and exits with code 130, or 143 after SIGTERM. If the first signal came inside the block,
    that holds after the block too, because the interpreter may take long to shut down. A second SIGHUP changes nothing: a
    terminal that closes sends several.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread only
        return
    end_signals = _EndSignals(end)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ending_signals())}
    hook, sys.unraisablehook = sys.unraisablehook, end_signals.reraise
    for number in [number for number, handler in before.items() if handler is not signal.SIG_IGN]:
        signal.signal(number, end_signals)
    try:
        yield
    finally:
        sys.unraisablehook, end_signals.left = hook, True
        if not end_signals.first:
            for number, handler in before.items():
                signal.signal(number, handler)


class _EndSignals:
    """The handler of all of them; ``first`` is the number of the first signal, 0 before it.

    ``lost`` says that what the first signal raised was lost in a finaliser, and comes again; ``left``, that the block is over.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self.end = end
        self.first = 0
        self.lost = self.left = False
        self.default_hook = sys.unraisablehook

    def __call__(self, signum: int, frame: object) -> None:
        if signum == HANGUP:
            leave_closed_terminal()
            if self.first and not self.lost:
                return
        if self.first and not self.lost:
            self.end()
            _write("Ended at once; what had been recorded is kept.")
            os._exit(128 + signum)
        if self.lost and (self.left or _is_ending()):
            self.lost = False  # the end came another way, such as from a worker that got the signal too: let it record
            return
        if not self.lost:
            _write("Ending: recording the finished trials. Press Ctrl-C again to end at once.")
        self.first, self.lost = signum, False
        raise KeyboardInterrupt if signum == signal.SIGINT else Terminated(signum)

    def reraise(self, unraisable: Any) -> None:
        """Raise again what was raised in code that cannot raise, such as a finaliser, where Python only prints it."""
        if isinstance(unraisable.exc_value, StopRequested):
            return  # which is raised again
        if isinstance(unraisable.exc_value, (KeyboardInterrupt, Terminated)):
            self.lost = True
            threading.Timer(_RERAISE_SECONDS, os.kill, (os.getpid(), self.first)).start()
        else:
            self.default_hook(unraisable)


def _is_ending() -> bool:
    """Return whether code that was interrupted is being ended at the moment."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, (KeyboardInterrupt, Terminated)):
        error = error.__context__
    return error is not None


# Its default is to be ignored, so that one that comes late does no harm. Windows has none.
_STOP: int | None = getattr(signal, "SIGURG", None)
# A stop that was raised where nobody could see it, such as in a finaliser, is raised again after so many seconds.
_AGAIN_SECONDS = 10.0


class StopRequest:
    """A request to end the code of one thread, made by another: ``request(text)`` raises `StopRequested` in the former.

    Only in a main thread that can take place at any time; elsewhere, and on Windows, it takes place at the next `check`.
    """

    def __init__(self) -> None:
        self._text = ""
        self._raised = -float("inf")
        self.able = _STOP is not None and threading.current_thread() is threading.main_thread()
        self._thread = threading.get_ident()

    def __call__(self, text: str) -> None:
        """Ask for the end; any thread may do so, and again."""
        self._text = text
        if self.able and _STOP is not None:
            signal.pthread_kill(self._thread, _STOP)

    def check(self) -> None:
        """Raise `StopRequested` if the end was asked for."""
        if self._text:
            raise StopRequested(self._text)

    def handle(self, signum: int, frame: object) -> None:
        """Raise `StopRequested`, as the handler of the signal; not again while the first one takes effect."""
        now = time.monotonic()
        if self._text and now - self._raised > _AGAIN_SECONDS:
            self._raised = now
            self.check()


@contextmanager
def stoppable() -> Iterator[StopRequest]:
    """Yield a request with which other threads can end the code inside as Ctrl-C would."""
    request = StopRequest()
    if not request.able or _STOP is None:
        yield request
        return
    before = signal.signal(_STOP, request.handle)
    try:
        yield request
    finally:
        request.able = False
        signal.signal(_STOP, before)


@contextmanager
def block_interrupts() -> Iterator[None]:
    """Start processes inside that never receive Ctrl-C or SIGHUP, which a terminal sends to all processes of a command.

    This process receives them at the end of the block.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _write(sentence: str) -> None:
    """Write to stderr without buffers, which the interrupted code may have locked."""
    with suppress(OSError):
        os.write(2, f"\nhpsearch: {sentence}\n".encode())
