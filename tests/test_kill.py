"""A study survives kill -9: of its whole process group, at any moment, again and again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpsearch.loading import load_study
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker

STUDY = '''
"""Does a killed study come back whole?"""
from hpsearch import Choice, Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import *

study = Study(
    name="killed",
    space=Space(learning_rate=Float(1e-3, 10.0, log=True), batch_size=Choice(10, 50), momentum=Float(0.0, 0.9)),
    objective=TrainNetwork(data.digits(), hidden=(20,), epochs=4),
    strategy=STRATEGY,
    seed=3,
)
'''
KILLS = 10
# Long enough to be killed in their midst; those that learn depend on every bit of what is read back.
OTHERS = ["Staged(trials=60)", "Bayesian(trials=60, batch_size=4)", "Halving(trials=81, max_epochs=4, factor=2)"]


def test_ten_kills_leave_the_same_table_and_nothing_running(tmp_path: Path) -> None:
    """Kill the whole group at ten random moments after the first trial; the table equals an undisturbed one bit by bit."""
    _kill_and_compare(tmp_path, "Random(trials=400)", KILLS, longest=1.2)


@pytest.mark.parametrize("strategy", OTHERS)
def test_strategies_that_learn_come_back_too(tmp_path: Path, strategy: str) -> None:
    _kill_and_compare(tmp_path, strategy, kills=2, longest=0.4)


def _kill_and_compare(folder: Path, strategy: str, kills: int, longest: float) -> None:
    (folder / "mlruns").mkdir()
    file = folder / "killed.py"
    file.write_text(STUDY.replace("STRATEGY", strategy))
    moments = random.Random(7)
    hit = sum(_run_and_kill(folder, moments.uniform(0.0, longest)) for _ in range(kills))
    assert hit == kills, "the study ended before it could be killed; make it longer"
    ended = subprocess.run(_command(), cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr

    study = load_study(file)
    undisturbed = study.run(2, backend="threading", tracker=MemoryTracker())
    found = MlflowTracker(root=folder).find(study.record(file))
    assert found is not None
    assert table(found.trials) == table(undisturbed.trials)
    assert found.finished
    assert _states(folder) == {"FINISHED": 1 + sum(t.ok for t in found.trials), **_failed(found.trials)}


def _failed(trials: object) -> dict[str, int]:
    count = sum(not t.ok for t in trials)  # type: ignore[attr-defined]
    return {"FAILED": count} if count else {}


def _command() -> list[str]:
    return [sys.executable, "-m", "hpsearch.cli", "run", "killed.py", "--jobs", "2"]


def _run_and_kill(folder: Path, seconds: float) -> bool:
    """Start the study, wait until its parent run goes on, then some more, and kill the group; return whether it was hit."""
    process = subprocess.Popen(
        _command(), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "done" in line:
            break
    time.sleep(seconds)
    hit = process.poll() is None
    if hit:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    return hit


def _states(folder: Path) -> dict[str, int]:
    """Count the active runs of the store by state, read with plain SQL."""
    import sqlite3

    with sqlite3.connect(folder / "mlruns" / "mlflow.db") as connection:
        rows = connection.execute("select status, count(*) from runs where lifecycle_stage = 'active' group by status")
        return dict(rows.fetchall())
