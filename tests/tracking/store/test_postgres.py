"""A real server: the same study against ``mlflow server`` on PostgreSQL, both started here, on this machine only.

pytest -m postgres -n 0 tests/tracking/store/test_postgres.py     # needs Debian's postgresql and the driver psycopg2-binary
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpsearch.cli.loading import load_study
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store
from hpsearch.tracking.doctor import doctor
from tests.benchmarks.campaign import STUDY
from tests.tracking.servers import START_SECONDS

pytestmark = pytest.mark.postgres


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


def test_the_same_study_gives_the_same_table_on_a_server_and_in_a_file(project: Path, server_on_postgres: str) -> None:
    """Through the server, with a kill on the way; and in SQLite: both tables equal an undisturbed one bit by bit."""
    kill_on_the_way(project, server_on_postgres)
    assert any("is marked as running" in str(finding) for finding in doctor.examine(Store.open(server_on_postgres, project)))
    finish(project, server_on_postgres)
    finish(project, None)
    undisturbed = load_study(project / "killed.py").run(2, backend="threading", tracker=MemoryTracker())
    assert recorded(project, server_on_postgres) == table(undisturbed.trials)
    assert recorded(project, None) == table(undisturbed.trials)
    assert [str(finding) for finding in doctor.examine(Store.open(server_on_postgres, project))] == []


def test_the_same_study_straight_into_the_database(project: Path, database: str, server_on_postgres: str) -> None:
    """Without the server between; the server has made the tables."""
    file = project / "killed.py"
    file.write_text(file.read_text().replace('name="killed"', 'name="straight"'))
    kill_on_the_way(project, database)
    finish(project, database)
    undisturbed = load_study(file).run(2, backend="threading", tracker=MemoryTracker())
    assert recorded(project, database) == table(undisturbed.trials)
    assert [str(finding) for finding in doctor.examine(Store.open(database, project))] == []
