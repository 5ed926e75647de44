"""Execution of trials on the workers of a Dask cluster.

Dask hands tasks to workers, and runs them again when a worker dies. The rest is the study's: it admits workers whose versions
are right, brings them the objective and the data, and collects trials. Whoever reaches the scheduler of a cluster can run code
on it, and in the study's process: use ``tls://`` and certificates on a network that is not your own.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
import pickle
import queue
import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cloudpickle
from distributed import Client, KilledWorker

from hpsearch.data.vault import closed
from hpsearch.errors import ExecutorError, StudyError, must_be
from hpsearch.execution import dask_worker
from hpsearch.execution.array_files import Packed, find_missing, pack, write_part
from hpsearch.execution.blas import one_thread
from hpsearch.execution.fork_server import ChildLost
from hpsearch.execution.local import pickling_error
from hpsearch.execution.surroundings import Surroundings
from hpsearch.ports import ExecutorBase, ObjectiveBase, Task
from hpsearch.trial import Status, Trial
from hpsearch.trial.formatting import count

logger = logging.getLogger(__name__)
# Names a folder that this machine and all workers see under the same path.
SHARED = "HPSEARCH_SHARED"
# After so many losses a trial is given up: what it does may be what ends its workers.
LOSSES = 5
_CONNECT_SECONDS = 10
# Seconds between two looks at the workers.
_POLL_SECONDS = 1.0
_PART_BYTES = 8 * 2**20


@dataclass
class _Sent:
    """A task at the scheduler."""

    task: Task
    future: Any


@dataclass
class _Workers:
    """The workers that run trials, and what is known of the others.

    Args:
        room: trials at once, by address of the admitted workers.
        refused: addresses of those that get no trials.
        first: the versions and the machine of the first worker; the others must have the same.
    """

    room: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    first: dict[str, str] | None = None


class Dask(ExecutorBase):
    """The workers of a Dask cluster; they may come and go while a study runs.

    Args:
        address: of the scheduler, as in ``"dask://HOST:8786"`` or ``"tls://HOST:8786"``, or a `distributed.Client`.
        any_machine: whether workers with other library versions or processors than the first one get trials too. Their bits
            may differ.
    """

    def __init__(self, address: str | Client, any_machine: bool = False) -> None:
        self._address, self._any_machine = address, any_machine
        self._client: Any = None
        self._token = ""
        self._objective: ObjectiveBase | None = None
        self._packed: Packed | None = None
        self._shared: Path | None = None
        self._workers = _Workers()
        self._stack = ExitStack()
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._closing = threading.Event()
        # Set where a worker went: Dask never looks again at what it cannot place, not even when another one offers room.
        self._stranded = threading.Event()
        self._watcher: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"Dask({self._address!r})"

    @property
    def width(self) -> int:  # type: ignore[override]
        """The number of trials for which the workers have room; 1 before the first worker is there."""
        return max(sum(self._workers.room.values()), 1)

    def checkpoint_root(self, folder: Path) -> Path | None:
        """Return a folder in the shared one, which outlives this run; None where none is shared."""
        named = os.environ.get(SHARED)
        if not named:
            return None
        digest = hashlib.sha256(str(folder.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return Path(named).absolute() / "hpsearch-checkpoints" / digest

    def open(self, objective: ObjectiveBase, token: str) -> None:
        """Connect to the scheduler, and compare the workers that are there.

        Raises:
            StudyError: no scheduler is there, a worker has another version of this package, the objective cannot be pickled,
                or the shared folder cannot be used.
        """
        self._shared = _shared_folder(token)
        if objective.data is None:
            _check_picklable(objective)
        self._client = _connect(self._address)
        self._objective, self._token, self._packed = objective, token, None
        self._workers, self._ended = _Workers(), queue.SimpleQueue()
        self._closing.clear()
        self._stranded.clear()
        self._stack.enter_context(one_thread())
        self._stack.enter_context(closed())
        self._check_workers(list(self._client.nthreads()))

    def close(self) -> None:
        """End what still runs, and leave nothing in the cluster."""
        self._closing.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):  # a cluster that is gone has nothing left of us
                if client.status == "running" and self._packed is not None:
                    client.run(dask_worker.dismiss, self._token, on_error="ignore")
                    client.unregister_worker_plugin(dask_worker.name_of(self._token))
            if client is not self._address:
                with suppress(Exception):
                    client.close(timeout=2)
        if self._shared is not None:
            shutil.rmtree(self._shared, ignore_errors=True)
        self._packed = None
        self._stack.close()

    def run(self, tasks: Sequence[Task]) -> Generator[Trial, None, None]:
        """Yield the trial of every task as it ends, in whatever order they end."""
        if self._client is None:
            raise StudyError("An executor must be opened before it runs trials. Call open(objective, token) first.")
        waiting, sent, losses = deque(tasks), dict[str, _Sent](), Counter[int]()
        if waiting:
            self._publish(waiting[0])
        try:
            while waiting or sent:
                if self._stranded.is_set():
                    self._stranded.clear()
                    waiting.extendleft(self._take_back(sent))
                while waiting and len(sent) < 2 * sum(self._workers.room.values()):
                    self._send(waiting.popleft(), sent)
                ended = self._wait(len(waiting) + len(sent))
                if ended is None or ended not in sent:
                    continue
                task, future = sent[ended].task, sent.pop(ended).future
                content = self._collect(future)
                if content is not None:
                    yield pickle.loads(content)  # from a worker of the cluster that the user trusts with the objective
                    continue
                losses[task.trial.number] += 1
                if losses[task.trial.number] < LOSSES:
                    waiting.appendleft(task)
                else:
                    yield replace(task.trial, status=Status.DIED, error=f"worker lost, {LOSSES} times", started=time.time())
        finally:
            self._drop(sent.values())

    def _send(self, task: Task, sent: dict[str, _Sent]) -> None:
        content = cloudpickle.dumps(replace(task, copies=None))
        future = self._client.submit(
            dask_worker.run_trial, self._token, content,
            pure=False, retries=0, resources={dask_worker.name_of(self._token): 1},
        )  # fmt: skip
        sent[future.key] = _Sent(task, future)
        future.add_done_callback(lambda done: self._ended.put(done.key))

    def _wait(self, missing: int) -> str | None:
        """Return the key of a task that ended, or None after a while; raise an error where the scheduler is gone."""
        try:
            return self._ended.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            self._check_scheduler(missing)
            return None

    def _collect(self, future: Any) -> bytes | None:
        """Return the pickled trial of a task that ended; None where it was lost with its worker.

        Raises:
            StudyError: a worker cannot load the objective or the task.
        """
        if future.status == "finished":
            with suppress(Exception):  # the worker with the result is gone, or the scheduler is: it is run again
                content: bytes = future.result(timeout=_CONNECT_SECONDS)
                return content
            return None
        if future.status != "error":
            return None
        error = future.exception()
        if isinstance(error, (KilledWorker, ChildLost)):
            return None
        raise StudyError(f"A Dask worker cannot run trials of this study. Its error: {type(error).__name__}: {error}")

    def _take_back(self, sent: dict[str, _Sent]) -> list[Task]:
        """Return the tasks that Dask has given to no worker, the last one first, and drop them there."""
        with suppress(OSError, TimeoutError):
            placed = {key for keys in self._client.processing().values() for key in keys}
            keys = [key for key, item in sent.items() if key not in placed and item.future.status == "pending"]
            taken = [sent.pop(key) for key in keys]
            self._drop(taken)
            return [item.task for item in taken][::-1]
        return []

    def _drop(self, sent: Iterable[_Sent]) -> None:
        """Have the workers end what still runs."""
        futures = [item.future for item in sent]
        if futures and self._client is not None and self._client.status == "running":
            with suppress(Exception):
                self._client.cancel(futures, force=True)

    def _check_scheduler(self, missing: int) -> None:
        """Wait while the connection is being made again; raise an error where it cannot be."""
        if self._client.status == "running":
            return
        deadline = time.monotonic() + 2 * _CONNECT_SECONDS
        while self._client.status == "connecting" and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS / 10)
        left = f"{count(missing, 'trial')} of this batch {'is' if missing == 1 else 'are'} missing"
        advice = "Start it again, and run the same command: it resumes the study."
        raise ExecutorError(f"The Dask scheduler at {self._place} is gone, and {left}. {advice}")

    @property
    def _place(self) -> str:
        return str(self._address if isinstance(self._address, str) else self._client.scheduler.address)

    def _publish(self, task: Task) -> None:
        """Bring the objective to all workers, those to come included, when the first task is there."""
        if self._packed is not None:
            return
        assert self._objective is not None
        try:
            self._packed = pack((self._objective, task.copies))
        except Exception as error:
            raise pickling_error(self._objective) from error
        if self._shared is not None:
            _write_shared(self._shared, self._packed)
        plugin = dask_worker.StudyPlugin(
            self._token, self._packed.content, list(self._packed.arrays), self._shared, Surroundings.read()
        )
        self._client.register_plugin(plugin)
        self._admit(list(self._client.nthreads()))
        if not self._workers.room:
            logger.warning("No Dask worker is there yet. The study waits for one; Ctrl-C ends it.")
        self._watcher = threading.Thread(target=self._watch, name="hpsearch workers", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        """Admit workers that come, and forget those that go."""
        while not self._closing.wait(_POLL_SECONDS):
            with suppress(OSError, TimeoutError):  # the scheduler is gone, which `run` says
                if self._client.status == "running":
                    self._follow(self._client.nthreads())

    def _follow(self, there: dict[str, int]) -> None:
        gone = [address for address in self._workers.room if address not in there]
        for address in gone:
            del self._workers.room[address]
        if gone:
            self._stranded.set()
        new = [address for address in there if address not in self._workers.room and address not in self._workers.refused]
        before = bool(self._workers.room)
        for address in new:
            try:
                self._check_workers([address])
                self._admit([address])
            except StudyError as error:
                self._refuse(address, str(error))
        if gone and not self._workers.room:
            logger.warning("All Dask workers are gone. The study waits for another one; Ctrl-C ends it, and it can be resumed.")
        elif self._workers.room and not before:
            logger.warning("A Dask worker is there: the study goes on.")

    def _refuse(self, address: str, reason: str) -> None:
        self._workers.refused.add(address)
        logger.warning("%s It gets no trials.", reason)

    def _check_workers(self, addresses: Sequence[str]) -> None:
        """Raise an error for a worker that cannot run trials; refuse one of another kind than the first."""
        if not addresses:
            return
        found = self._client.run(dask_worker.describe_worker, workers=list(addresses), on_error="return")
        here = _version_here()
        for address, described in sorted(found.items()):
            if isinstance(described, (ImportError, AttributeError)):
                described = {}
            if isinstance(described, Exception):
                continue  # it went away, or comes again
            if described.get("hpsearch") != here:  # objects travel by pickle
                advice = "Install the same version there, with its dask extra."
                value = described.get("hpsearch", "no such package")
                raise StudyError(f"Dask worker {address} must have hpsearch {here}, got {value}. {advice}")
            if described["forks"] != "yes":
                raise StudyError(f"Dask worker {address} must run on a system that can fork, got {described['system']}.")
            self._compare(address, described)

    def _compare(self, address: str, described: dict[str, str]) -> None:
        """Refuse a worker whose trials may have other bits than those of the first one."""
        first = self._workers.first = self._workers.first or described
        names = sorted(first.keys() | described.keys())
        other = [f"{n} {described.get(n, 'absent')} instead of {first.get(n, 'absent')}" for n in names]
        other = [text for n, text in zip(names, other, strict=True) if described.get(n) != first.get(n)]
        if other and not self._any_machine:
            self._refuse(address, f"Dask worker {address} is of another kind than the first one: {', '.join(other)}.")

    def _admit(self, addresses: Sequence[str]) -> None:
        """Bring workers the data, let them load the objective, and count the room that they offer."""
        wanted = [address for address in addresses if address not in self._workers.refused]
        if not wanted:
            return
        for address in wanted:
            self._send_arrays(address)
        found = self._client.run(dask_worker.admit, self._token, workers=wanted, on_error="return")
        there = self._client.nthreads()
        for address, error in found.items():
            if error is None:
                self._workers.room[address] = there.get(address, 1)
            elif not isinstance(error, OSError):
                raise StudyError(f"Dask worker {address} cannot load the objective of this study: {error}")

    def _send_arrays(self, address: str) -> None:
        """Send a worker the arrays that its host does not have."""
        found = self._client.run(dask_worker.list_missing, self._token, workers=[address], on_error="ignore")
        missing = found.get(address, [])
        if missing and self._shared is not None:
            advice = "Mount it there under the same path, or unset it: each host then gets the data once."
            raise StudyError(must_be(SHARED, f"a folder that Dask worker {address} sees too", str(self._shared.parent), advice))
        assert self._packed is not None
        for checksum in missing:
            content = self._packed.arrays[checksum]
            for offset in range(0, len(content), _PART_BYTES):
                part = bytes(content[offset : offset + _PART_BYTES])
                arguments = (self._token, checksum, offset, part, len(content))
                self._client.run(dask_worker.receive_array, *arguments, workers=[address])


def _version_here() -> str:
    return importlib.metadata.version("hpsearch")


def _connect(address: str | Client) -> Client:
    """Return a connected client.

    Raises:
        StudyError: there is no scheduler, or the client given is closed.
    """
    if not isinstance(address, str):
        if address.status != "running" or address.asynchronous:
            advice = "Make a new one: Client(address)."
            raise StudyError(must_be("A Dask client", "connected, and not asynchronous", address, advice))
        return address
    place = address.replace("dask://", "tcp://", 1)
    try:
        return Client(place, timeout=_CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except Exception as error:  # of sockets, of addresses, of certificates, and assertions where it ran out of time
        advice = "Start one by `dask scheduler`, or correct the address."
        raise StudyError(must_be("executor", "the address of a running Dask scheduler", address, advice)) from error


def _check_picklable(objective: ObjectiveBase) -> None:
    try:
        cloudpickle.dumps(objective)
    except Exception as error:
        raise pickling_error(objective) from error


def _shared_folder(token: str) -> Path | None:
    """Return the folder of this run in the shared one, made and writable; None where none is shared.

    Raises:
        StudyError: it cannot be written to.
    """
    named = os.environ.get(SHARED)
    if not named:
        return None
    folder = Path(named).absolute() / dask_worker.name_of(token)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        advice = "Correct it, or unset it: each host then gets the data once."
        raise StudyError(must_be(SHARED, "a folder that can be written to", named, advice)) from error
    return folder


def _write_shared(folder: Path, packed: Packed) -> None:
    try:
        for checksum in find_missing(folder, packed.arrays):
            write_part(folder, checksum, 0, packed.arrays[checksum], len(packed.arrays[checksum]))
    except OSError as error:
        advice = "Free some space there, or unset it: each host then gets the data once."
        raise StudyError(
            must_be(SHARED, "a folder with room for the data", str(folder.parent), f"{advice} ({error})")
        ) from error
