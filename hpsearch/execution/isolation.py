"""Isolation of a trial in a forked child process, with limits of time and memory.

A trial that crashes or leaks harms its own process alone. The child sends its result through a pipe. The worker waits for it
and polls the clock and the child's memory. Beyond a limit it kills the child and all processes that the child started. A fork
takes milliseconds: nothing is imported or loaded again.
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

from hpsearch.execution.processes import find_descendants, kill
from hpsearch.ports import Limits
from hpsearch.trial import Status

# Seconds beyond the time limit in which code that can be interrupted ends by itself, and keeps its curves.
GRACE = 1.0
# Seconds between two polls of a child; the system bounds what it can allocate between them (`_bound_memory`).
_POLL_SECONDS = 0.05
# Few children start processes, and finding them takes milliseconds: only every so many polls.
_POLLS_PER_FAMILY = 10
_MEGABYTE = 2**20
_SLACK = 64 * _MEGABYTE
_PR_SET_PDEATHSIG = 1
_TRACEBACK_BYTES = 50_000
Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Ending:
    """How a child ended without a result: a status, a one-line reason, and where its threads were, if known."""

    status: Status
    reason: str
    traceback: str | None = None


def can_fork() -> bool:
    """Return whether this system can fork."""
    return hasattr(os, "fork")


def run_isolated(work: Callable[[], Returned], limits: Limits) -> Returned | Ending:
    """Run ``work`` in a forked child and return its result, or an `Ending` where there is none.

    Call it in a process with one working thread; the result must pickle.
    """
    receiver, sender = Pipe(duplex=False)
    with receiver, tempfile.TemporaryFile() as note:
        held = _memory(psutil.Process())
        parent = os.getpid()
        _flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads at a fork: those here only sleep
            pid = os.fork()
        if pid == 0:
            _work_and_end(work, limits, sender, note, parent)
        sender.close()
        result: Returned | Ending = _Child(pid, receiver, limits, held, note).wait()
        return result


@dataclass
class _Child:
    """A forked child as its worker sees it; ``held`` is the memory it started with, in bytes."""

    pid: int
    receiver: Connection
    limits: Limits
    held: int
    note: IO[bytes]
    closed: bool = False
    polls: int = 0
    family: int = 0
    born: float = field(default_factory=time.monotonic)

    def wait(self) -> Any:
        """Wait for the result, the end of the child, or a limit; leave no process behind."""
        with suppress(ProcessLookupError, PermissionError):
            os.setpgid(self.pid, self.pid)  # the child does the same, whichever is first
        try:
            ending = None
            while ending is None:
                received = self._receive()
                if received is not None:
                    return pickle.loads(received)  # from our own child, never from a disk
                ending = self._check_exit() or self._check_time() or self._check_memory()
            kill(find_descendants(self.pid))  # also those that left the group
            return ending
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def _receive(self) -> bytes | None:
        """Return the result if it arrives within one poll, else None; a closed pipe brings none."""
        if self.closed:
            time.sleep(_POLL_SECONDS / 10)
            return None
        try:
            return self.receiver.recv_bytes() if self.receiver.poll(_POLL_SECONDS) else None
        except (EOFError, OSError):
            self.closed = True
            return None

    def _check_exit(self) -> Ending | None:
        """Return how the child ended without a result; a process that the child started may hold the pipe open."""
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None or (not self.closed and self.receiver.poll(0)):
            return None
        code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        return Ending(Status.DIED, f"its process {describe_exit(code)}", self._read_faults())

    def _check_time(self) -> Ending | None:
        limit = self.limits.seconds
        if limit is None or time.monotonic() - self.born < limit + GRACE:
            return None
        return Ending(Status.TIMED_OUT, f"TimeoutError: {self.limits.too_slow}, and had to be killed", self._read_faults())

    def _check_memory(self) -> Ending | None:
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
        """Return the unshared memory of the processes that the child started, in bytes."""
        if self.polls % _POLLS_PER_FAMILY == 0:
            self.family = sum(map(_unshared_memory, find_descendants(self.pid)))
        self.polls += 1
        return self.family

    def _read_faults(self) -> str | None:
        """Return what the child's fault handler wrote: where each thread was when it crashed or hung."""
        self.note.seek(0)
        return self.note.read(_TRACEBACK_BYTES).decode(errors="replace") or None


def _work_and_end(work: Callable[[], Any], limits: Limits, sender: Connection, note: IO[bytes], parent: int) -> NoReturn:
    """Run as the child: do the work, send the result, and exit without unwinding the worker's stack."""
    code = 1
    try:
        gc.freeze()  # else the first full collection copies every page shared with the worker
        os.setpgid(0, 0)
        die_with_parent(parent)
        _bound_memory(limits.megabytes)
        faulthandler.enable(note)
        if limits.seconds is not None:
            faulthandler.dump_traceback_later(limits.seconds + GRACE / 2, file=note)
        child = os.getpid()
        result = _pickle_result(work, limits)
        if os.getpid() == child:  # not in a process that the work forked and forgot
            sender.send_bytes(result)
            code = 0
    except BaseException:
        note.write(traceback.format_exc().encode(errors="replace"))
        note.flush()
    finally:
        with suppress(Exception):
            _flush()
        os._exit(code)


def _pickle_result(work: Callable[[], Any], limits: Limits) -> bytes:
    try:
        return pickle.dumps(work(), pickle.HIGHEST_PROTOCOL)
    except MemoryError as error:
        if limits.megabytes is None:
            raise
        return pickle.dumps(Ending(Status.OUT_OF_MEMORY, f"{limits.too_large} ({error!r})", traceback.format_exc()))


def die_with_parent(parent: int) -> None:
    """Have Linux kill this process when its worker ends, even by SIGKILL; other systems have no such call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _bound_memory(megabytes: float | None) -> None:
    """Cap this process at about twice its limit, so that it cannot exhaust the machine between two polls.

    The cap is on allocated private memory; the worker watches the memory in use.
    """
    asked = psutil.Process().memory_info()._asdict().get("data")
    if megabytes is None or asked is None:
        return
    import resource

    most, hard = asked + int(2 * megabytes * _MEGABYTE) + _SLACK, resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _memory(process: psutil.Process) -> int:
    """Return the bytes a process holds, without memory-mapped files and data where the system counts them apart."""
    info = process.memory_info()
    return int(info.rss - getattr(info, "shared", 0))


def _unshared_memory(process: psutil.Process) -> int:
    """Return the bytes that no other process shares with this one."""
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def describe_exit(code: int) -> str:
    """Describe an exit code.

    >>> describe_exit(3), describe_exit(-11)
    ('ended with exit code 3', 'was ended by SIGSEGV')
    """
    if code >= 0:
        return f"ended with exit code {code}"
    cause = " (from outside, or by the system for want of memory)" if code == -signal.SIGKILL else ""
    names = {int(known): known.name for known in signal.Signals}
    return f"was ended by {names.get(-code, f'signal {-code}')}{cause}"


def _flush() -> None:
    """Flush before forking, so that output is not printed twice."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
