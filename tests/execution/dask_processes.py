"""A Dask cluster of real processes on this machine: a scheduler and workers as their own commands start them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from distributed import Client
from distributed.versions import VersionMismatchWarning

SECONDS = 120.0
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it does not come to hold"
        time.sleep(0.05)


class Cluster:
    """Processes of one cluster; a context manager that ends them all.

    Args:
        folder: where they write what they have to say.
        scheme: of the address.
    """

    def __init__(self, folder: Path, scheme: str = "tcp") -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in reversed(self.processes):
            end(process)

    def start_scheduler(self, **environment: str) -> subprocess.Popen[bytes]:
        host = self.address.rpartition(":")[0]
        return self._start("dask_scheduler", "--host", host, "--port", str(self.port), **environment)

    def start_worker(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        options = ("--nthreads", "1", "--local-directory", str(self.folder), *arguments)
        return self._start("dask_worker", self.address, *options, **environment)

    def _start(self, command: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        own = ("--dashboard-address", "127.0.0.1:0")
        words = [sys.executable, "-m", f"distributed.cli.{command}", *arguments, *own]
        with (self.folder / "cluster.log").open("ab") as log:
            path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])  # for objectives of the tests
            process = subprocess.Popen(
                words, stdout=log, stderr=log, start_new_session=True, cwd=self.folder,
                env=os.environ | {"PYTHONPATH": path} | environment,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def wait_for_workers(self, count: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)
            client = Client(self.address, timeout=SECONDS, set_as_default=False)
        with client:
            client.wait_for_workers(count, timeout=SECONDS)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started: they are one session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
