"""A trial in a child of its own, forked inside the worker: whatever it does to its process, it does to no other.

The child sends its answer through a pipe. The worker waits for it, looks at the clock and at the child's memory, and ends
the child with all the processes that one started when a limit is passed. A fork costs milliseconds: nothing is
imported or loaded again.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import IO, Any, NoReturn, TypeVar

import psutil

from hpsearch.execution.processes import descendants, kill
from hpsearch.trial import Status

# Seconds after the time limit in which code that can be interrupted ends by itself, and keeps its curves.
GRACE = 1.0
# Seconds between two looks at a child; what it may allocate between two of them is bounded by the system (`_bound_memory`).
_LOOK = 0.05
# A child that starts processes is rare, and finding them costs milliseconds: only every so many looks.
_LOOKS_PER_FAMILY = 10
_MEGABYTE = 2**20
_SLACK = 64 * _MEGABYTE
_PR_SET_PDEATHSIG = 1
_TRACEBACK_BYTES = 50_000
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Limits:
    """What one trial may use: wall-clock ``seconds``, and ``megabytes`` (2**20 bytes) beyond what its worker holds."""

    seconds: float | None = None
    megabytes: float | None = None

    @property
    def too_slow(self) -> str:
        """What is said of a trial beyond the time limit."""
        return f"it took longer than {self.seconds} s"

    @property
    def too_large(self) -> str:
        """What is said of a trial beyond the memory limit."""
        return f"it needed more memory than {self.megabytes} MB"


@dataclass(frozen=True)
class Ending:
    """How a child ended that gave no answer: a status, a one-line reason, and where it was, as far as is known."""

    status: Status
    reason: str
    traceback: str | None = None


def possible() -> bool:
    """Return whether this system can fork."""
    return hasattr(os, "fork")


def isolated(work: Callable[[], Answer], limits: Limits) -> Answer | Ending:
    """Do ``work`` in a forked child and return its answer, or an `Ending` where there is none.

    Call it in a process that has one thread at work; the answer must pickle.
    """
    receiver, sender = Pipe(duplex=False)
    with receiver, tempfile.TemporaryFile() as note:
        held = _memory(psutil.Process())
        parent = os.getpid()
        _flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads beside the fork: those here only sleep
            pid = os.fork()
        if pid == 0:
            _work_and_end(work, limits, sender, note, parent)
        sender.close()
        answer: Answer | Ending = _Child(pid, receiver, limits, held, note).answer()
        return answer


@dataclass
class _Child:
    """A forked child as its worker sees it; ``held`` is the memory it was born with, in bytes."""

    pid: int
    receiver: Connection
    limits: Limits
    held: int
    note: IO[bytes]
    closed: bool = False
    looks: int = 0
    family: int = 0
    born: float = field(default_factory=time.monotonic)

    def answer(self) -> Any:
        """Wait for the answer, the end of the child, or a limit; leave no process behind."""
        with suppress(ProcessLookupError, PermissionError):
            os.setpgid(self.pid, self.pid)  # the child does the same; whoever comes first
        try:
            ending = None
            while ending is None:
                said = self._said()
                if said is not None:
                    return pickle.loads(said)  # from our own child, never from a disk
                ending = self._ended() or self._too_slow() or self._too_large()
            kill(descendants(self.pid))  # those too that left the group
            return ending
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def _said(self) -> bytes | None:
        """Return the answer if it comes within the time of a look; a pipe that closes without one will not bring it."""
        if self.closed:
            time.sleep(_LOOK / 10)
            return None
        try:
            return self.receiver.recv_bytes() if self.receiver.poll(_LOOK) else None
        except (EOFError, OSError):
            self.closed = True
            return None

    def _ended(self) -> Ending | None:
        """Say how the child ended without an answer; the pipe may stay open, held by a process that the child started."""
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None or (not self.closed and self.receiver.poll(0)):
            return None
        code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        return Ending(Status.DIED, f"its process {how_it_ended(code)}", self._noted())

    def _too_slow(self) -> Ending | None:
        limit = self.limits.seconds
        if limit is None or time.monotonic() - self.born < limit + GRACE:
            return None
        return Ending(Status.TIMED_OUT, f"TimeoutError: {self.limits.too_slow}, and had to be killed", self._noted())

    def _too_large(self) -> Ending | None:
        limit = self.limits.megabytes
        if limit is None:
            return None
        added = (self._own_memory() + self._family_memory()) / _MEGABYTE
        if added <= limit:
            return None
        return Ending(Status.OUT_OF_MEMORY, f"{self.limits.too_large}: it had reached {added:.0f} MB when it was killed")

    def _own_memory(self) -> int:
        try:
            return _memory(psutil.Process(self.pid)) - self.held
        except psutil.Error:
            return 0

    def _family_memory(self) -> int:
        """Return what the processes hold alone that the child started, in bytes."""
        if self.looks % _LOOKS_PER_FAMILY == 0:
            self.family = sum(map(_alone, descendants(self.pid)))
        self.looks += 1
        return self.family

    def _noted(self) -> str | None:
        """Return what the child's fault handler wrote: where each thread was when it crashed or hung."""
        self.note.seek(0)
        return self.note.read(_TRACEBACK_BYTES).decode(errors="replace") or None


def _work_and_end(work: Callable[[], Any], limits: Limits, sender: Connection, note: IO[bytes], parent: int) -> NoReturn:
    """Be the child: do the work, send the answer, and end without unwinding what is the worker's."""
    code = 1
    try:
        gc.freeze()  # else the first full collection would copy every page that is shared with the worker
        os.setpgid(0, 0)
        _die_with(parent)
        _bound_memory(limits.megabytes)
        faulthandler.enable(note)
        if limits.seconds is not None:
            faulthandler.dump_traceback_later(limits.seconds + GRACE / 2, file=note)
        child = os.getpid()
        answer = _packed(work, limits)
        if os.getpid() == child:  # not in a process that the work forked and forgot
            sender.send_bytes(answer)
            code = 0
    except BaseException:
        note.write(traceback.format_exc().encode(errors="replace"))
        note.flush()
    finally:
        with suppress(Exception):
            _flush()
        os._exit(code)


def _packed(work: Callable[[], Any], limits: Limits) -> bytes:
    try:
        return pickle.dumps(work(), pickle.HIGHEST_PROTOCOL)
    except MemoryError as error:
        if limits.megabytes is None:
            raise
        return pickle.dumps(Ending(Status.OUT_OF_MEMORY, f"{limits.too_large} ({error!r})", traceback.format_exc()))


def _die_with(parent: int) -> None:
    """Have the system end this process when its worker ends, even by SIGKILL; without Linux the worker's own end must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _bound_memory(megabytes: float | None) -> None:
    """Refuse this process more than about twice its limit, so that it cannot take the machine down between two looks.

    The bound is on what is asked for (private writable memory); a limit on what is used is for the worker to watch.
    """
    asked = getattr(psutil.Process().memory_info(), "data", None)
    if megabytes is None or asked is None:
        return
    import resource

    most, hard = asked + int(2 * megabytes * _MEGABYTE) + _SLACK, resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _memory(process: psutil.Process) -> int:
    """Return the bytes a process holds; where the system tells them apart, without files and data mapped into memory."""
    info = process.memory_info()
    return int(info.rss - getattr(info, "shared", 0))


def _alone(process: psutil.Process) -> int:
    """Return the bytes that no other process shares with this one."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def how_it_ended(code: int) -> str:
    """Return an exit code in words.

    >>> how_it_ended(3), how_it_ended(-11)
    ('ended with exit code 3', 'was ended by SIGSEGV')
    """
    if code >= 0:
        return f"ended with exit code {code}"
    cause = " (from outside, or by the system for want of memory)" if code == -signal.SIGKILL else ""
    names = {int(known): known.name for known in signal.Signals}
    return f"was ended by {names.get(-code, f'signal {-code}')}{cause}"


def _flush() -> None:
    """Write out what is printed so far, lest both processes do."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
