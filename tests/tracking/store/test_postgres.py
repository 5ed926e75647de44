"""A real server: the same study against ``mlflow server`` on PostgreSQL, both started here, on this machine only.

pytest -m postgres -n 0 tests/tracking/store/test_postgres.py     # needs Debian's postgresql and the driver psycopg2-binary
"""

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
from pathlib import Path

import psutil
import pytest

from hpsearch.cli.loading import load_study
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store
from hpsearch.tracking.doctor import doctor
from tests.benchmarks.campaign import STUDY, listening

pytestmark = pytest.mark.postgres
START_SECONDS = 120.0


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run MLflow's server on that database while the tests last; yield its address."""
    port, folder = free_port(), tmp_path_factory.mktemp("server")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--artifacts-destination", str(folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        await_answer(f"http://127.0.0.1:{port}/health", process, folder / "log")
        assert {address for address, _ in listening(psutil.Process(process.pid))} == {"127.0.0.1"}
        yield f"http://127.0.0.1:{port}"
    finally:
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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "killed.py").write_text(STUDY.replace("STRATEGY", "Random(trials=40)").replace("EPOCHS", "4"))
    return tmp_path


def command(uri: str | None) -> list[str]:
    address = ["--tracking-uri", uri] if uri else []
    return [sys.executable, "-m", "hpsearch.cli", "run", "killed.py", "--jobs", "2", *address]


def recorded(project: Path, uri: str | None) -> list[str]:
    found = MlflowTracker(uri, project).find(load_study(project / "killed.py").tracked(project / "killed.py"))
    assert found is not None
    assert found.finished
    return table(found.trials)


def finish(project: Path, uri: str | None) -> None:
    done = subprocess.run(command(uri), cwd=project, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def kill_on_the_way(project: Path, uri: str) -> None:
    """Start the study and kill its whole group once some of its trials are recorded."""
    process = subprocess.Popen(command(uri), cwd=project, stdout=subprocess.DEVNULL, start_new_session=True)
    tracker, study = MlflowTracker(uri, project), load_study(project / "killed.py")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = tracker.find(study.tracked(project / "killed.py"))
        if found is not None and found.trials:
            break
        time.sleep(0.05)
    assert process.poll() is None, "the study ended before it could be killed; make it longer"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def test_the_same_study_gives_the_same_table_on_a_server_and_in_a_file(project: Path, server: str) -> None:
    """Through the server, with a kill on the way; and in SQLite: both tables equal an undisturbed one bit by bit."""
    kill_on_the_way(project, server)
    assert any("is marked as running" in str(finding) for finding in doctor.examine(Store.open(server, project)))
    finish(project, server)
    finish(project, None)
    undisturbed = load_study(project / "killed.py").run(2, backend="threading", tracker=MemoryTracker())
    assert recorded(project, server) == table(undisturbed.trials)
    assert recorded(project, None) == table(undisturbed.trials)
    assert [str(finding) for finding in doctor.examine(Store.open(server, project))] == []


def test_the_same_study_straight_into_the_database(project: Path, database: str, server: str) -> None:
    """Without the server between; the server has made the tables."""
    file = project / "killed.py"
    file.write_text(file.read_text().replace('name="killed"', 'name="straight"'))
    kill_on_the_way(project, database)
    finish(project, database)
    undisturbed = load_study(file).run(2, backend="threading", tracker=MemoryTracker())
    assert recorded(project, database) == table(undisturbed.trials)
    assert [str(finding) for finding in doctor.examine(Store.open(database, project))] == []
