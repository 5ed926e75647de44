"""The studies of the guide to long trainings, by their command, killed with SIGKILL at ten moments."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch import Trial
from hpsearch.cli.loading import load_study
from hpsearch.tracking import MlflowTracker
from tests.scenarios.test_guides import GUIDES, blocks

KILLS, SECONDS = 10, 240.0
GUIDE = next(guide for guide in GUIDES if guide.name == "long-trainings.md").read_text()
# What each study is recognised by; where a step is written down; what makes it longer; its steps and the interval.
STUDIES = {
    "torch": (
        "torch.load(",
        ("context.report(epoch, loss=loss.item())", "context.report(epoch, loss=loss.item()); log(epoch)"),
        ("Random(trials=8)", "Random(trials=2)"),
        (200, 20),
    ),
    "lightgbm": (
        "checkpoints.train(",
        ("valid_sets=[valid])", "valid_sets=[valid], callbacks=[lambda env: log(env.iteration + 1)])"),
        ("num_boost_round=500, every=50", "num_boost_round=200, every=20"),
        (200, 20),
    ),
}
LOG = """
import time

def log(step):
    with open("log", "a") as file:
        file.write(f"{step}\\n")
    time.sleep(0.03)
"""
RUN = [sys.executable, "-m", "hpsearch.cli", "run", "long.py", "--jobs", "1", "--no-report", "--no-model"]


@pytest.mark.campaign
@pytest.mark.parametrize("name", STUDIES)
def test_ten_kills_cost_at_most_an_interval_each(name: str, put_store: Callable[[Path], Path], tmp_path: Path) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed")
    mark, *changes, (steps, every) = STUDIES[name]
    (text,) = [block for block in blocks(GUIDE) if mark in block]
    for was, now in changes:
        assert text.count(was) == 1
        text = text.replace(was, now)
    text = text.replace("Random(trials=8)", "Random(trials=2)")
    put_store(tmp_path)
    (tmp_path / "long.py").write_text(text.replace("\n\n\ndef train", f"\n{LOG}\n\ndef train", 1))
    moments = random.Random(5)
    for _ in range(KILLS):
        kill_once(tmp_path, moments.uniform(0.0, 1.2))
    ended = subprocess.run(RUN, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    computed = len(lines(tmp_path))
    assert 0 <= computed - 2 * steps <= KILLS * every
    trials = recorded(tmp_path)
    assert [(curve[0][0], curve[-1][0]) for trial in trials for curve in histories(trial)] == [(1, steps)] * 2
    assert max(trial.attempt for trial in trials) > 1
    assert list((tmp_path / "mlruns" / "states").iterdir()) == []


def kill_once(folder: Path, after: float) -> None:
    """Start the study, and kill its process group so many seconds after it has computed a step."""
    before = len(lines(folder))
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(RUN, cwd=folder, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    deadline = time.monotonic() + SECONDS
    while len(lines(folder)) == before:
        assert process.poll() is None, (folder / "out").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(after)
    assert process.poll() is None, "the study ended before it could be killed; make it longer"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def lines(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines() if (folder / "log").exists() else []


def recorded(folder: Path) -> list[Trial]:
    study = load_study(folder / "long.py")
    return list(study.result(MlflowTracker(root=folder), folder / "long.py").trials)


def histories(trial: Trial) -> list[tuple[tuple[int, float], ...]]:
    return [] if trial.outcome is None else list(trial.outcome.history.values())
