"""A study on a CSV file, from its first run to the labels that the exported network prints."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.nn import load
from hpsearch.nn.table_network import TableNetwork
from tests.command import run_command
from tests.data.tables import ROWS, pandas_frame

STUDY = """
from hpsearch import Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random

found = data.csv("shop.csv", target="buys", groups="patient")
study = Study(
    name="shop",
    space=Space(learning_rate=Float(0.1, 1.0)),
    objective=TrainNetwork(found, hidden=4, epochs=3, class_weight="balanced"),
    strategy=Random(trials=2),
    seed=1,
)
"""


@pytest.fixture
def project(tmp_path: Path, put_store: Callable[[Path], Path]) -> Path:
    put_store(tmp_path)
    (tmp_path / "study.py").write_text(STUDY)
    pandas_frame().to_csv(tmp_path / "shop.csv", index=False)
    return tmp_path


def test_a_study_on_a_csv_file_from_run_to_labels(project: Path) -> None:
    smoke = run_command(project, "run", "study.py", "--smoke", "--no-report")
    assert smoke.returncode == 0, smoke.stdout + smoke.stderr
    done = run_command(project, "run", "study.py", "--no-report")
    assert done.returncode == 0, done.stdout + done.stderr
    tested = run_command(project, "test", "shop", answer="y\n")
    assert "test_accuracy" in tested.stdout, tested.stdout + tested.stderr
    exported = run_command(project, "export", "shop", "--out", "best.npz")
    assert "best_predict.py, which predicts with NumPy alone: python" in exported.stdout, exported.stdout + exported.stderr
    network = load(project / "best.npz")
    assert isinstance(network, TableNetwork)
    command = [sys.executable, "best_predict.py", "best.npz", "shop.csv"]
    printed = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert printed.stdout.split() == network.predict(pandas_frame()).tolist()
    assert len(printed.stdout.split()) == ROWS


def test_a_changed_table_is_told_on_resume(project: Path) -> None:
    assert run_command(project, "run", "study.py", "--no-report").returncode == 0
    pandas_frame(age=[50.0 + row for row in range(ROWS)]).to_csv(project / "shop.csv", index=False)
    again = run_command(project, "run", "study.py", "--no-report")
    assert again.returncode != 0
    (line,) = again.stderr.splitlines()
    assert line.startswith("hpsearch: Study 'shop' is recorded with other settings: data was shop(train=24, validation=8)")


@pytest.mark.campaign
def test_another_file_beside_the_network_is_left(project: Path) -> None:
    assert run_command(project, "run", "study.py", "--no-report").returncode == 0
    (project / "best_predict.py").write_text("mine = 1\n")
    exported = run_command(project, "export", "shop", "--out", "best.npz")
    assert "Left: best_predict.py, which is another file." in exported.stdout
    assert (project / "best_predict.py").read_text() == "mine = 1\n"
