"""A study survives kill -9 of its whole group, of its driver alone, of a worker, at any moment, again and again.

All of them run with `pytest -m campaign`. The whole campaign, of 60 kills, is a command of its own:
python -m tests.benchmarks.campaign
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.benchmarks.campaign import DRIVER, GROUP, STUDY, WORKER, Campaign, alive, verdict

# Long enough to be killed in their midst; those that learn depend on every bit of what is read back.
OTHERS = {
    "Grid(points={'learning_rate': 10, 'momentum': 6})": 4,
    "QuasiRandom(trials=128)": 4,
    "Staged(trials=60)": 4,
    "Bayesian(trials=60, batch_size=4)": 4,
    "Halving(trials=81, max_epochs=4, factor=2)": 4,
    "Hyperband(max_epochs=81)": 81,
    "FreezeThaw(epochs=270)": 27,
    "GaussianProcess(trials=60, batch_size=4)": 4,
    "InTurn(trials=60)": 4,
    "Grow(('batch_size',), trials=60)": 4,
    "Auto(trials=10)": 27,
}

RECURRENT = '''
"""Does a killed search of recurrent networks come back whole?"""
from hpsearch import Choice, Float, Int, Space, Study, data
from hpsearch.objectives import TrainRNN
from hpsearch.strategies import *

study = Study(
    name="killed",
    space=Space(learning_rate=Float(1e-3, 0.03, log=True), window=Int(10, 40), embedding=Choice(None, 8)),
    objective=TrainRNN(data.tale(30_000), hidden=40, epochs=EPOCHS),
    strategy=STRATEGY,
    seed=3,
    retries=20,
)
'''


@pytest.mark.campaign
def test_ten_kills_leave_the_same_table_and_nothing_running(tmp_path: Path) -> None:
    """At random moments after the first sign of life; the table equals an undisturbed one bit by bit."""
    _kill_and_compare(tmp_path, "Random(trials=1000)", kills=10, longest=0.8, kinds=(GROUP, DRIVER, WORKER))


@pytest.mark.campaign
@pytest.mark.parametrize("strategy", OTHERS)
def test_every_other_strategy_comes_back_too(tmp_path: Path, strategy: str) -> None:
    _kill_and_compare(tmp_path, strategy, kills=2, longest=0.4, kinds=(GROUP,), epochs=OTHERS[strategy])


@pytest.mark.campaign
@pytest.mark.parametrize("strategy", ["Random(trials=20)", "Bayesian(trials=20, batch_size=2)"])
def test_recurrent_networks_come_back_too(tmp_path: Path, strategy: str) -> None:
    """Twenty trials with two jobs, killed in their midst."""
    _kill_and_compare(tmp_path, strategy, kills=3, longest=1.5, kinds=(GROUP,), epochs=8, study=RECURRENT)


def _kill_and_compare(
    folder: Path,
    strategy: str,
    kills: int,
    longest: float,
    kinds: tuple[str, ...],
    epochs: int = 4,
    study: str = STUDY,
) -> None:
    campaign = Campaign(folder / "project", random.Random(7), longest, kinds)
    file = campaign.write(strategy, epochs, study)
    assert campaign.kill(kills), "the study ended before it could be killed; make it longer"
    ended = campaign.finish()
    assert ended.returncode == 0, ended.stderr
    assert [(what, value) for what, value in verdict(campaign.folder, file).items() if what.startswith("WRONG")] == []
    assert alive(campaign.orphans) == 0
    assert set(campaign.hits) == set(kinds)
