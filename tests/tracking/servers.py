"""Real servers on this machine, as fixtures: PostgreSQL, and MLflow's own on it or on SQLite."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

START_SECONDS = 120.0


@pytest.fixture(scope="session")
def programs() -> Path:
    """Return the folder of PostgreSQL's programs; skip where something is missing, saying what."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb. Run: apt-get install postgresql")
    if importlib.util.find_spec("psycopg2") is None:
        pytest.skip("The driver psycopg2 is not installed. Run: pip install psycopg2-binary")
    if os.getuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no runuser to become another user.")
    return found[-1].parent


@pytest.fixture(scope="session")
def database(programs: Path) -> Iterator[str]:
    """Run PostgreSQL with an empty database while the tests last; yield its URI."""
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    become = ["runuser", "-u", user, "--"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="hpsearch-pg-") as folder:  # pytest's own folders are closed to other users
        if become:
            shutil.chown(folder, user)
        port = free_port()
        options = f"-h 127.0.0.1 -p {port} -k {folder}"
        control = [*become, str(programs / "pg_ctl"), "-D", f"{folder}/data", "-w"]
        initdb = [*become, str(programs / "initdb"), "-D", f"{folder}/data", "-U", "hpsearch", "-A", "trust"]
        run(initdb)
        run([*control, "-l", f"{folder}/log", "-o", options, "start"])
        try:
            run([*become, str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "hpsearch", "mlflow"])
            yield f"postgresql+psycopg2://hpsearch@127.0.0.1:{port}/mlflow"
        finally:
            run([*control, "-m", "immediate", "stop"])


@pytest.fixture(scope="session")
def server_on_postgres(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run MLflow's server on that database while the tests last; yield its address."""
    with mlflow_server(database, tmp_path_factory.mktemp("server")) as (address, _):
        yield address


@pytest.fixture(scope="session")
def server_on_sqlite(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run MLflow's server on an empty SQLite file while the tests last; yield its address."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(template, folder / "mlflow.db")
    with mlflow_server(f"sqlite:///{folder / 'mlflow.db'}", folder) as (address, _):
        yield address


@contextmanager
def mlflow_server(
    backend: str, folder: Path, port: int | None = None, *options: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run MLflow's server on a backend while the context lasts; yield its address and its process."""
    port = port or free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--artifacts-destination", str(folder / "artifacts"), *options]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        await_answer(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}", process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(command: list[str]) -> None:
    # Files, not pipes: the server that pg_ctl leaves behind would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        code = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=START_SECONDS, check=False).returncode
        output.seek(0)
        assert code == 0, output.read().decode()


def await_answer(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"MLflow's server did not come up: {log.read_text()[-2000:]}")
