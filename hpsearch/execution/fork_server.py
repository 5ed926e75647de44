"""A process with one thread that forks a child for every trial, beside a worker with many threads.

A process that forks while another of its threads holds a lock leaves a child that waits for this lock for ever. A worker of a
cluster has many threads. So it starts this server as a new program. The server loads the objective once, and each trial gets a
child of it: it harms itself alone, and data are neither loaded nor copied again.
"""

from __future__ import annotations

import array
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import psutil

from hpsearch.data.vault import close_for_life
from hpsearch.execution.array_files import unpack
from hpsearch.execution.attempts import run_in_child
from hpsearch.execution.blas import one_thread
from hpsearch.execution.isolation import die_with_parent
from hpsearch.execution.pickling import send_by_value
from hpsearch.execution.point_files import PointFiles
from hpsearch.execution.processes import find_descendants, kill
from hpsearch.execution.surroundings import Surroundings
from hpsearch.execution.task import prepare_task
from hpsearch.ports import ObjectiveBase, Task
from hpsearch.trial import Trial

# Seconds without a trial after which a server ends; the next trial starts another one.
_IDLE_SECONDS = 600.0
# Seconds between two looks at whether a trial is still wanted.
_POLL_SECONDS = 0.2
# What libraries of compiled code read when they are loaded.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_START = "import sys; sys.path[:] = {path!r}; from hpsearch.execution.fork_server import serve; serve({fd})"


class ChildLost(Exception):
    """The process of a trial was ended together with the one that watches it; nothing is known of how it would end."""


class NotWanted(Exception):
    """The trial is not wanted any more; it was ended."""


class CannotStart(Exception):
    """The server could not load the objective; its text says why."""


@dataclass
class ForkServer:
    """The server as its worker sees it.

    Args:
        content: the packed objective and copies, see `hpsearch.execution.array_files.pack`.
        folder: of its arrays.
        surroundings: of the study's process.
        points: the folder in which trials write down the points that they report, or None.
    """

    content: bytes
    folder: Path
    surroundings: Surroundings
    points: Path | None = None
    _process: subprocess.Popen[bytes] | None = None
    _socket: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start the server, and wait until it has loaded the objective.

        Raises:
            CannotStart: the objective cannot be loaded here.
        """
        with self._lock:
            self._start()

    def stop(self) -> None:
        """End the server and all trials in its children."""
        with self._lock:
            self._stop()

    def run(self, task: bytes, is_wanted: Callable[[], bool] = lambda: True) -> bytes:
        """Run one pickled task in a child, and return the pickled trial; any number of threads may do so at once.

        Raises:
            ChildLost: the child and its watcher were killed.
            NotWanted: ``is_wanted`` returned False, and the child was killed.
        """
        ours, theirs = Pipe()
        with ours, suppress(EOFError, OSError):
            with theirs:
                self._send(theirs)
            watcher = int(ours.recv_bytes())
            ours.send_bytes(task)
            while not ours.poll(_POLL_SECONDS):
                if not is_wanted():
                    _kill_all(watcher)
                    raise NotWanted
            kind, content = pickle.loads(ours.recv_bytes())  # from our own child, never from a disk
            if kind == "error":
                raise CannotStart(content.decode())
            return bytes(content)
        raise ChildLost

    def _send(self, connection: Connection) -> None:
        """Hand one end of a pipe to the server; start another server where it has ended."""
        with self._lock:
            try:
                self._send_once(connection)
            except OSError:
                self._stop()
                self._start()
                self._send_once(connection)

    def _send_once(self, connection: Connection) -> None:
        if self._socket is None:
            raise OSError("the server was stopped")
        descriptors = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [connection.fileno()]))]
        self._socket.sendmsg([b"t"], descriptors)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        code = _START.format(path=sys.path, fd=theirs.fileno())
        environment = os.environ | dict.fromkeys(_THREADS, "1")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], pass_fds=[theirs.fileno()], env=environment,
                stdin=subprocess.DEVNULL, start_new_session=True,  # Ctrl-C in a terminal does not reach it
            )  # fmt: skip
        self._socket = ours
        with suppress(OSError, EOFError), closing(Connection(os.dup(ours.fileno()))) as connection:
            connection.send_bytes(pickle.dumps((self.content, self.folder, self.surroundings, self.points)))
            error = connection.recv_bytes().decode()
            if not error:
                return
            self._stop()
            raise CannotStart(error)
        self._stop()
        raise CannotStart("its process ended while it loaded the objective")

    def _stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            _kill_all(self._process.pid)
            self._process.wait()
        self._socket = self._process = None


def _kill_all(pid: int) -> None:
    """Kill a process and all that it started."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        process.suspend()  # so that it starts no more
        kill([*find_descendants(pid), process])


def serve(descriptor: int) -> None:
    """Run as the server: load the objective, and fork a child for every pipe that arrives, until the worker ends."""
    close_for_life()
    send_by_value()
    channel = socket.socket(fileno=descriptor)
    with one_thread():
        loaded = _load(channel)
        if loaded is None:
            return
        channel.settimeout(_IDLE_SECONDS)
        while (received := _receive(channel)) is not None:
            if os.fork() == 0:
                channel.close()
                _watch_trial(received, loaded)
            os.close(received)
        kill(find_descendants(os.getpid()))


@dataclass(frozen=True)
class _Loaded:
    """What the server holds for its trials."""

    objective: ObjectiveBase
    copies: Any
    surroundings: Surroundings
    points: Path | None

    def run(self, task: Task) -> Trial:
        """Run one trial in a child of this process."""
        task = replace(task, copies=self.copies)
        files = None if self.points is None else PointFiles(self.points)
        if files is not None:
            task = replace(task, point_file=files.of(task.trial.number).path)
        with self.surroundings.around(task.trial.number):
            trial = run_in_child(*prepare_task(self.objective, task))
        return trial if files is None else files.finish(trial)


def _load(channel: socket.socket) -> _Loaded | None:
    """Receive the objective, load it and what its trials need; report an error in one line, and return None then."""
    with suppress(OSError, EOFError), closing(Connection(os.dup(channel.fileno()))) as connection:
        received = pickle.loads(connection.recv_bytes())  # from the worker that started this process
        content, folder, surroundings, points = received
        try:
            objective, copies = unpack(content, folder)
        except BaseException as error:
            connection.send_bytes(f"{type(error).__name__}: {error}"[:1000].encode() or b"error")
            return None
        with suppress(Exception):  # it happens again in the trials, where it is recorded
            own = objective if copies is None else copies.of(objective)[0]
            own.prepare()
        connection.send_bytes(b"")
        return _Loaded(objective, copies, surroundings, points)
    return None  # the worker has ended


def _receive(channel: socket.socket) -> int | None:
    """Return the next pipe; None where the worker has ended, or nothing was to be done for long."""
    while True:
        _reap()
        try:
            message, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        except TimeoutError:
            _reap()
            if find_descendants(os.getpid()):
                continue
            return None
        except OSError:
            return None
        return descriptors[0] if message and descriptors else None


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _watch_trial(descriptor: int, loaded: _Loaded) -> NoReturn:
    """Run as the child that watches one trial: it runs in a child of this one, which limits and deaths end alone."""
    try:
        die_with_parent(os.getppid())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with Connection(descriptor) as connection:
            connection.send_bytes(str(os.getpid()).encode())
            try:
                task: Task = pickle.loads(connection.recv_bytes())  # from the study's process, by way of the worker
                result = ("trial", pickle.dumps(loaded.run(task), pickle.HIGHEST_PROTOCOL))
            except Exception:
                result = ("error", traceback.format_exc().encode())
            connection.send_bytes(pickle.dumps(result))
    finally:
        os._exit(0)
