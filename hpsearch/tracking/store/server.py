"""MLflow's server for one store: on this machine only, one worker, no jobs, no telemetry."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hpsearch.checks import integer
from hpsearch.errors import TrackingError
from hpsearch.tracking.store.client import prepare
from hpsearch.tracking.store.redaction import hide_secrets
from hpsearch.tracking.store.store import Store

HOST = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 5.0
# The app that adds the home page to MLflow's server, where that page is, and the variable with the project of its store.
APP, PATH, ROOT_VARIABLE = "hpsearch", "/hpsearch", "HPSEARCH_ROOT"
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Server:
    """A server that responds at ``url``; without a process where the store is a server itself."""

    url: str
    process: subprocess.Popen[bytes] | None = None

    def wait(self) -> None:
        """Wait until the server has ended, or until Ctrl-C."""
        # In short waits: a library with a handler of its own (polars) may keep Ctrl-C from ending a long one.
        while self.process is not None and self.process.poll() is None:
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End the server and every process it started."""
        if self.process is None:
            return
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, kind)
                self.process.wait(STOP_SECONDS)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


@contextmanager
def serve(store: Store, port: int = 5000, home: bool = False) -> Iterator[Server]:
    """Run MLflow's server for a store while the context lasts, with the home page if asked to; yield it once it responds.

    Raises:
        TrackingError: if the port is out of range or busy, or the server does not come up.
    """
    if store.served:
        yield Server(store.address)
        return
    check_port(port)
    log = store.folder / "server.log"
    server = Server(f"http://{HOST}:{port}", _launch(store, port, log, home))
    try:
        wait_until_up(server, log)
        yield server
    finally:
        server.stop()


def check_port(port: int) -> None:
    """Raise a `TrackingError` unless a server can use a port of this machine."""
    integer("The port", port, 1, "Choose another one with --port.", most=65535, error=TrackingError)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise TrackingError(
                f"Port {port} cannot be used: {error.strerror}. Choose another one, as in --port {port % 65535 + 1}."
            ) from error


def _launch(store: Store, port: int, log: Path, home: bool) -> subprocess.Popen[bytes]:
    prepare()
    switches = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", ROOT_VARIABLE: str(store.root)}
    # A URI meant for clients would mislead the server.
    inherited = {name: text for name, text in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    # Everybody on the machine can read a command line, and the URI may hold a password.
    switches["MLFLOW_BACKEND_STORE_URI"] = store.uri
    command = [sys.executable, "-m", "mlflow", "server"]
    # Clients on this machine write artifacts themselves, to where a client without a server finds them too.
    command += ["--no-serve-artifacts", "--default-artifact-root", str(store.artifacts)]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    command += ["--app-name", APP] if home else []
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=store.folder,
            env={**inherited, **switches},
            start_new_session=True,
        )


def wait_until_up(server: Server, log: Path) -> None:
    """Wait until a server responds; raise a `TrackingError` with the last line of its log where it does not."""
    deadline = time.monotonic() + START_SECONDS
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy does not know this machine's loopback
    while time.monotonic() < deadline:
        if server.process is not None and server.process.poll() is not None:
            break
        try:
            direct.open(f"{server.url}/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = hide_secrets(lines[-1]) if lines else "no output"
    raise TrackingError(f"MLflow's server did not come up: {said}. See {str(log)!r}.")
