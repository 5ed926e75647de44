"""SIGKILL in the middle of a chunk: nothing that was recorded is lost, and no half-written run is left."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from tests.tracking.delivery.test_outage import PACE, assert_whole, study

pytestmark = pytest.mark.campaign

TRIALS = 150
DRIVER = """
import os, signal, sys
from pathlib import Path
import sqlalchemy
import sqlalchemy.orm
from hpsearch.tracking import MlflowTracker
from tests.tracking.delivery.test_outage import study

root, moment = Path(sys.argv[1]), sys.argv[2]
recorded = (root / "recorded").open("a", buffering=1)
chunks = []

def end_in_second_chunk():
    chunks.append(1)
    if len(chunks) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

def of_trials(parameters):
    return "'trial " in repr(parameters) or "'result/seconds'" in repr(parameters)

class Tracker(MlflowTracker):
    def record(self, trial):
        super().record(trial)
        print(trial.number, file=recorded)

if moment.startswith("INSERT"):
    @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute")
    def see(connection, cursor, statement, parameters, *rest):
        if statement.startswith(moment + " ") and of_trials(parameters):
            end_in_second_chunk()
else:
    chunk = []

    @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute")
    def see(connection, cursor, statement, parameters, *rest):
        if statement.startswith("INSERT INTO latest_metrics ") and of_trials(parameters):
            chunk.append(statement)

    @sqlalchemy.event.listens_for(sqlalchemy.orm.Session, moment)
    def end(session):
        if chunk:
            chunk.clear()
            end_in_second_chunk()
study(150).run(1, backend="sequential", tracker=Tracker(root=root), report=False)
"""


@pytest.mark.parametrize("moment", ["INSERT INTO runs", "INSERT INTO latest_metrics", "before_commit", "after_commit"])
def test_a_kill_in_the_middle_of_a_chunk(root: Path, moment: str) -> None:
    killed = subprocess.run([sys.executable, "-c", DRIVER, str(root), moment], capture_output=True, text=True, timeout=300)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    recorded = [int(line) for line in (root / "recorded").read_text().splitlines()]
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        states = dict(connection.execute("SELECT status, count(*) FROM runs GROUP BY status"))
    assert states["RUNNING"] == 1  # the study's own
    assert len(recorded) > states["FINISHED"] > 0 or moment == "after_commit"
    PACE.began.clear()
    result = study(TRIALS).run(1, backend="sequential", tracker=MlflowTracker(root=root), report=False)
    assert result.taken_over >= len(recorded)
    assert len(PACE.began) == TRIALS - result.taken_over
    assert_whole(root, TRIALS)
    assert table(result.trials) == table(study(TRIALS).run(1, backend="sequential", tracker=MemoryTracker()).trials)
