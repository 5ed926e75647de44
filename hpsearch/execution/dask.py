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
import warnings
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
from distributed import Client, KilledWorker, Security
from distributed.versions import VersionMismatchWarning

from hpsearch.checks import boolean, number
from hpsearch.data.vault import closed
from hpsearch.errors import ExecutorError, StudyError, must_be
from hpsearch.execution import dask_worker
from hpsearch.execution.array_files import Packed, find_missing, pack, write_part
from hpsearch.execution.blas import one_thread
from hpsearch.execution.fork_server import ChildLost
from hpsearch.execution.local import pickling_error
from hpsearch.execution.surroundings import Surroundings
from hpsearch.ports import ExecutorBase, ObjectiveBase, Point, Task
from hpsearch.trial import Status, Trial
from hpsearch.trial.formatting import count

logger = logging.getLogger(__name__)
# Names a folder that this machine and all workers see under the same path.
SHARED = "HPSEARCH_SHARED"
# After so many losses a trial is given up: what it does may be what ends its workers.
LOSSES = 5
_CONNECT_SECONDS = 10
_TLS = "DASK_DISTRIBUTED__COMM__TLS"
# Seconds between two looks at the workers.
_POLL_SECONDS = 1.0
_PART_BYTES = 8 * 2**20
# The most points that wait for somebody who reads them.
_POINTS = 100_000
# A pickled trial, and what is different about its worker.
_Content = tuple[bytes, str]


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
        different: what is different about workers that run trials all the same, by address.
    """

    room: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    first: dict[str, str] | None = None
    different: dict[str, str] = field(default_factory=dict)


class Dask(ExecutorBase):
    """The workers of a Dask cluster; they may come and go while a study runs.

    Args:
        address: of the scheduler, as in ``"dask://HOST:8786"`` or ``"tls://HOST:8786"``, or a `distributed.Client`.
        any_machine: whether workers with other library versions or processors than the first one get trials too. Their bits
            may differ.
        patience: seconds that a study waits while there is no worker; None waits for ever.
    """

    def __init__(self, address: str | Client, any_machine: bool = False, patience: float | None = None) -> None:
        boolean("any_machine", any_machine, "Leave it out for False.", error=StudyError)
        if patience is not None:
            number("patience", patience, 0.0, advice="Leave it out to wait for ever.", error=StudyError)
        self._address, self._any_machine, self._patience = address, any_machine, patience
        # Since when there is no worker.
        self._alone: float | None = None
        self._client: Any = None
        self._token = ""
        self._objective: ObjectiveBase | None = None
        self._packed: Packed | None = None
        self._shared: Path | None = None
        self._workers = _Workers()
        self._stack = ExitStack()
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._running: set[int] = set()
        self._points: deque[Point] = deque(maxlen=_POINTS)
        self._closing = threading.Event()
        # Set where a worker went, or the first one came: Dask never looks again at what it cannot place, not even when a worker
        # offers room later.
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
        self._stack.enter_context(_silence_client())
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
                    client.unsubscribe_topic(dask_worker.name_of(self._token))
                    client.run_on_scheduler(dask_worker.forget_points, self._token)
            if client is not self._address:
                with suppress(Exception):
                    client.close(timeout=2)
        if self._shared is not None:
            shutil.rmtree(self._shared, ignore_errors=True)
        self._packed = None
        self._points.clear()
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
                self._fill(waiting, sent)
                ended = [sent.pop(key) for key in self._wait(len(waiting) + len(sent)) if key in sent]
                contents = self._collect(ended)
                lost = [item.task for item in ended if item.future.key not in contents]
                losses.update(task.trial.number for task in lost)
                waiting.extendleft([task for task in lost if losses[task.trial.number] < LOSSES][::-1])
                self._running.difference_update(item.task.trial.number for item in ended)
                self._fill(waiting, sent)  # before the study takes its time for those that have ended
                for content in contents.values():
                    yield _unpickle(content)
                yield from (_give_up(task.trial) for task in lost if losses[task.trial.number] >= LOSSES)
        finally:
            self._running.clear()
            self._drop(sent.values())

    def points(self) -> Iterator[Point]:
        """Yield what running trials have reported since the last call; a point without metrics where one has begun."""
        while self._points:
            point = self._points.popleft()
            if point[0] in self._running:
                yield point

    def _fill(self, waiting: deque[Task], sent: dict[str, _Sent]) -> None:
        """Send twice as many tasks as the workers have room for, in one message.

        One where there is no worker: by it a cluster that adapts to its load finds out that it needs one.
        """
        room = max(2 * sum(self._workers.room.values()), 1) - len(sent)
        tasks = [waiting.popleft() for _ in range(min(room, len(waiting)))]
        if not tasks:
            return
        contents = [cloudpickle.dumps(replace(task, copies=None)) for task in tasks]
        futures = self._client.map(
            dask_worker.run_trial, [self._token] * len(tasks), contents,
            pure=False, retries=0, resources={dask_worker.name_of(self._token): 1},
        )  # fmt: skip
        for task, future in zip(tasks, futures, strict=True):
            sent[future.key] = _Sent(task, future)
            self._running.add(task.trial.number)
            future.add_done_callback(lambda done: self._ended.put(done.key))

    def _wait(self, missing: int) -> list[str]:
        """Return the keys of all tasks that have ended, after a while none; raise an error where the scheduler is gone."""
        try:
            ended = [self._ended.get(timeout=_POLL_SECONDS)]
        except queue.Empty:
            self._check_scheduler(missing)
            self._check_patience(missing)
            return []
        with suppress(queue.Empty):
            while True:
                ended.append(self._ended.get_nowait())
        return ended

    def _collect(self, ended: Sequence[_Sent]) -> dict[str, _Content]:
        """Return the pickled trials of tasks that ended, by key; without those that were lost with their workers.

        Raises:
            StudyError: a worker cannot load the objective or the task.
        """
        _check_errors(ended)
        futures = {item.future.key: item.future for item in ended if item.future.status == "finished"}
        if not futures:
            return {}
        with suppress(Exception):  # a worker with a result is gone, or the scheduler is
            return self._gather(futures)
        found = dict[str, _Content]()
        for key, future in futures.items():
            with suppress(Exception):
                found[key] = future.result(timeout=_CONNECT_SECONDS)
        return found

    def _gather(self, futures: Mapping[str, Any]) -> dict[str, _Content]:
        """Return the results of futures, with one request to each worker that has some."""

        async def gather() -> dict[str, _Content | None]:
            found: dict[str, _Content | None] = await self._client.gather(futures, errors="skip", asynchronous=True)
            return found

        found = self._client.sync(gather, callback_timeout=_CONNECT_SECONDS)
        return {key: content for key, content in found.items() if content is not None}

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
        advice = "Start it again, and run the same command: it resumes the study."
        raise ExecutorError(f"The Dask scheduler at {self._place} is gone, and {_describe_missing(missing)}. {advice}")

    def _check_patience(self, missing: int) -> None:
        """Raise an error where no worker has been there for too long."""
        alone = self._alone
        if alone is None or self._patience is None or time.monotonic() - alone < self._patience:
            return
        what = f"No Dask worker was there for {self._patience:g} s, and {_describe_missing(missing)}."
        raise ExecutorError(f"{what} Start one, and run the same command: it resumes the study.")

    def _wait_for_workers(self, why: str) -> None:
        """Say that there is no worker, and for how long the study waits for one."""
        self._alone = time.monotonic()
        how_long = "for ever" if self._patience is None else f"{self._patience:g} s"
        logger.warning("%s The study waits %s for one; Ctrl-C ends it, and it can be resumed.", why, how_long)

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
        self._points.clear()
        self._alone = None
        self._client.subscribe_topic(plugin.name, partial(_keep_points, self._points))
        try:
            self._client.register_plugin(plugin)
        except Exception as error:
            self._check_workers(list(self._client.nthreads()))  # one that came just now may lack the package
            raise StudyError(f"The Dask workers cannot be told of this study: {type(error).__name__}: {error}") from error
        self._admit(list(self._client.nthreads()))
        if not self._workers.room:
            self._wait_for_workers("No Dask worker is there yet.")
        self._watcher = threading.Thread(target=self._watch, name="hpsearch workers", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        """Admit workers that come, and forget those that go."""
        while not self._closing.wait(_POLL_SECONDS):
            try:
                if self._client.status == "running":
                    self._follow(self._client.nthreads())
            except (
                Exception
            ) as error:  # a worker or the scheduler went meanwhile; `run` says what it means, the next look helps
                logger.debug("Dask workers could not be looked at: %s: %s", type(error).__name__, error)

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
            self._wait_for_workers("All Dask workers are gone.")
        elif self._workers.room and not before:
            self._alone = None
            self._stranded.set()
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
            if isinstance(described, (ImportError, AttributeError)) or "No module named 'hpsearch" in str(described):
                described = {}  # it lacks the package, or has one without this module
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
        """Refuse a worker whose trials may have other bits than those of the first one, or have them marked."""
        first = self._workers.first = self._workers.first or described
        names = sorted(first.keys() | described.keys())
        other = [f"{n} {described.get(n, 'absent')} instead of {first.get(n, 'absent')}" for n in names]
        other = [text for n, text in zip(names, other, strict=True) if described.get(n) != first.get(n)]
        self._workers.different[address] = ", ".join(other)
        if other and not self._any_machine:
            self._refuse(address, f"Dask worker {address} is of another kind than the first one: {', '.join(other)}.")

    def _admit(self, addresses: Sequence[str]) -> None:
        """Bring workers the data, let them load the objective, and count the room that they offer."""
        wanted = [address for address in addresses if address not in self._workers.refused]
        if not wanted:
            return
        for address in wanted:
            self._send_arrays(address)
        different = {address: self._workers.different.get(address, "") for address in wanted}
        found = self._client.run(dask_worker.admit, self._token, different, workers=wanted, on_error="return")
        there = self._client.nthreads()
        for address, error in found.items():
            if error is None:
                self._workers.room[address] = there.get(address, 1)
            elif not isinstance(error, (OSError, KeyError)):  # it went away, or gets the plugin in a moment
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


def _unpickle(content: _Content) -> Trial:
    """Return a trial from a worker of the cluster, which the user trusts with the objective."""
    pickled, different = content
    trial: Trial = pickle.loads(pickled)
    return replace(trial, machine=different) if different else trial


def _keep_points(points: deque[Point], event: tuple[float, Any]) -> None:
    """Keep a batch of points that a worker sent; a client never lets go of this, so it knows nothing of the executor."""
    points.extend((number, step, metrics) for number, step, metrics in event[1])


def _describe_missing(missing: int) -> str:
    return f"{count(missing, 'trial')} of this batch {'is' if missing == 1 else 'are'} missing"


def _check_errors(ended: Iterable[_Sent]) -> None:
    """Raise an error where a worker cannot load the objective or a task; what was lost with its worker is none."""
    for error in [item.future.exception() for item in ended if item.future.status == "error"]:
        if not isinstance(error, (KilledWorker, ChildLost)):
            raise StudyError(f"A Dask worker cannot run trials of this study. Its error: {type(error).__name__}: {error}")


def _give_up(trial: Trial) -> Trial:
    """Return the end of a trial whose workers went again and again."""
    return replace(trial, status=Status.DIED, error=f"worker lost, {LOSSES} times", started=time.time())


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
    if place.startswith("tls://") and Security().get_connection_args("client").get("ssl_context") is None:  # type: ignore[no-untyped-call]
        names = ", ".join(f"{_TLS}__{name}" for name in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY"))
        advice = f"Set {names} to the files, or pass a Client(address, security=...)."
        raise StudyError(must_be("executor", "an address for which Dask has certificates", address, advice))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # versions that count are compared by the study itself
            return Client(place, timeout=_CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except Exception as error:  # of sockets, of addresses, of certificates, and assertions where it ran out of time
        advice = "Start one by `dask scheduler`, or correct the address."
        raise StudyError(must_be("executor", "the address of a running Dask scheduler", address, advice)) from error


@contextmanager
def _silence_client() -> Iterator[None]:
    """Keep Dask's own lines about a lost scheduler from the terminal: `run` says it in one sentence."""
    its_logger = logging.getLogger("distributed.client")
    before = its_logger.level
    its_logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        its_logger.setLevel(before)


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
