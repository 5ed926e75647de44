"""The part of an executor on Dask that runs in the workers: a plugin for each study, and what the study asks of it.

The plugin brings the objective to every worker, to those that start later too. A worker offers room for the study's trials, as
a resource of Dask, only after the study has admitted it: its versions are right, and it has the data.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin, get_worker

from hpsearch.execution.array_files import find_missing, write_part
from hpsearch.execution.blas import describe_blas
from hpsearch.execution.fork_server import ChildLost, ForkServer
from hpsearch.execution.isolation import can_fork
from hpsearch.execution.point_files import PointFiles, remove_left_folders
from hpsearch.execution.surroundings import Surroundings

# Libraries whose version decides a trial's bits.
_LIBRARIES = ("hpsearch", "numpy", "scipy", "scikit-learn", "numba", "torch")
# Seconds between two batches of points.
_POINT_SECONDS = 0.3


class StudyPlugin(WorkerPlugin):
    """What a worker needs for the trials of one run of a study.

    Args:
        token: of the run.
        content: the packed objective and copies.
        checksums: of the arrays that belong to it.
        shared: the folder of these, where the study and all workers see one; None for a folder of this host.
        surroundings: of the study's process.
    """

    def __init__(
        self, token: str, content: bytes, checksums: Sequence[str], shared: Path | None, surroundings: Surroundings
    ) -> None:
        self.name = name_of(token)
        self.token, self.content, self.checksums, self.shared = token, content, checksums, shared
        self.surroundings = surroundings
        self.different = ""
        self.server: ForkServer | None = None
        self.sender: _PointSender | None = None

    @property
    def folder(self) -> Path:
        """The folder of the arrays."""
        return host_folder() / self.token if self.shared is None else self.shared

    def teardown(self, worker: Any) -> None:
        """End the trials of the study in this worker."""
        if self.server is not None:
            self.server.stop()
            self.server = None
        if self.sender is not None:
            self.sender.close()
            self.sender = None

    def start(self, worker: Any) -> None:
        """Start the process that forks the trials, and wait until it has loaded the objective."""
        sender = _PointSender(worker, self.name)
        server = ForkServer(self.content, self.folder, self.surroundings, sender.folder)
        try:
            server.start()
        except BaseException:
            sender.close()
            raise
        self.server, self.sender = server, sender


class _PointSender:
    """Sends what running trials report to the study's process, in batches.

    Args:
        worker: in which the trials run.
        topic: of Dask's events, to which the study's process listens.
    """

    def __init__(self, worker: Any, topic: str) -> None:
        self._worker, self._topic = worker, topic
        self._files = PointFiles.create()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hpsearch points", daemon=True)
        self._thread.start()

    @property
    def folder(self) -> Path:
        """The folder in which trials write their points."""
        return self._files.folder

    def close(self) -> None:
        """End the thread, and remove the folder."""
        self._ended.set()
        self._thread.join()
        self._files.close()

    def _run(self) -> None:
        with suppress(RuntimeError):  # the worker is closing
            while not self._ended.wait(_POINT_SECONDS):
                batch = [[number, step, dict(metrics)] for number, step, metrics in self._files.poll()]
                if batch:
                    self._worker.log_event(self._topic, batch)


def name_of(token: str) -> str:
    """Return the name of a run's plugin, and of the room for its trials."""
    return f"hpsearch-{token}"


def host_folder() -> Path:
    """Return the folder of arrays on this host, which belongs to this user."""
    return Path(tempfile.gettempdir()) / f"hpsearch-{os.getuid()}"


async def describe_worker() -> dict[str, str]:
    """Return the versions of this process, and the kind of machine."""
    return await asyncio.to_thread(describe_machine)


def describe_machine() -> dict[str, str]:
    """Return what decides the bits of a trial in this process: versions, processor, BLAS."""
    import scipy.linalg  # noqa: F401  (it brings a BLAS of its own)

    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    forks = "yes" if can_fork() else "no"
    return found | {"machine": platform.machine(), "system": platform.system(), "blas": describe_blas(), "forks": forks}


def list_missing(token: str, dask_worker: Any) -> list[str]:
    """Return the checksums of the arrays that this worker does not see."""
    plugin = dask_worker.plugins[name_of(token)]
    return find_missing(plugin.folder, plugin.checksums)


async def receive_array(token: str, checksum: str, offset: int, content: bytes, total: int, dask_worker: Any) -> None:
    """Write a part of an array to the folder of this host."""
    folder = dask_worker.plugins[name_of(token)].folder
    await asyncio.to_thread(write_part, folder, checksum, offset, content, total)


async def admit(token: str, different: Mapping[str, str], dask_worker: Any) -> None:
    """Load the objective, and then offer room for as many trials as the worker has threads.

    Args:
        token: of the run.
        different: what sets a worker apart from the first one, by address; its trials are marked with it.
        dask_worker: this one.
    """
    name = name_of(token)
    plugin = dask_worker.plugins[name]
    plugin.different = different[dask_worker.address]
    if plugin.server is None:
        await asyncio.to_thread(plugin.start, dask_worker)
    await dask_worker.set_resources(**{name: dask_worker.state.nthreads})


async def dismiss(token: str, dask_worker: Any) -> None:
    """End the trials of the study in this worker, and remove the arrays of this host.

    The name of the room stays, a few bytes: a worker that misses it when its last trial ends would close itself.
    """
    plugin = dask_worker.plugins.get(name_of(token))
    if plugin is not None:
        await asyncio.to_thread(plugin.teardown, dask_worker)
        await asyncio.to_thread(remove_left_folders)
        if plugin.shared is None:
            shutil.rmtree(plugin.folder, ignore_errors=True)
            with suppress(OSError):
                host_folder().rmdir()


def forget_points(token: str, dask_scheduler: Any) -> None:
    """Remove what the scheduler keeps of the points that passed it."""
    dask_scheduler._broker._topics.pop(name_of(token), None)


def run_trial(token: str, task: bytes) -> tuple[bytes, str]:
    """Run a pickled task in a child process; end it where Dask has dropped the task.

    Returns:
        the pickled trial, and what is different about this worker.
    """
    worker = get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state != "cancelled"

    plugin: Any = worker.plugins.get(name_of(token))
    if plugin is None or plugin.server is None:
        raise ChildLost
    content: bytes = plugin.server.run(task, is_wanted)
    return content, plugin.different
