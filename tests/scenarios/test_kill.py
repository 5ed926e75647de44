"""A study survives kill -9 of its whole group, of its driver alone, of a worker, at any moment, again and again.

All of them run with `pytest -m campaign`. The whole campaign, of 60 kills, is a command of its own:
python -m tests.benchmarks.campaign
"""

from __future__ import annotations

import random
from importlib.util import find_spec
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


# Searches over features of images, and over a vote of different models.
FEATURES = '''
"""Which features suit a linear classifier?"""
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from hpsearch import Choice, Float, Int, Space, Study, data
from hpsearch.features import ColourHistogram, OrientedGradients
from hpsearch.objectives import TuneEstimator
from hpsearch.strategies import *

features = FeatureUnion([("hog", OrientedGradients()), ("colours", ColourHistogram())])
study = Study(
    name="killed",
    space=Space(
        features__hog__orientations=Int(4, 12),
        features__hog__pixels_per_cell=Choice(2, 4),
        features__colours__bins=Int(2, 32, log=True),
        clf__C=Float(0.01, 100.0, log=True),
    ),
    objective=TuneEstimator(Pipeline([("features", features), ("clf", LogisticRegression(max_iter=2000))]), data.digits()),
    strategy=STRATEGY,
    seed=3,
    retries=20,
)
'''
VOTE = '''
"""Which members and weights suit a vote?"""
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from hpsearch import Choice, Float, Int, Space, Study, data
from hpsearch.objectives import TuneEstimator
from hpsearch.strategies import *

members = [
    ("forest", RandomForestClassifier(50)),
    ("nearest", KNeighborsClassifier()),
    ("linear", LogisticRegression(max_iter=2000)),
    ("network", MLPClassifier((30,), max_iter=30, tol=0, n_iter_no_change=1000)),
]
study = Study(
    name="killed",
    space=Space(
        voting=Choice("soft", "hard"),
        weights=Choice(None, (1, 2, 1, 1), (2, 2, 1, 2)),
        nearest__n_neighbors=Int(1, 8),
        forest__max_features=Float(0.05, 0.5),
    ),
    objective=TuneEstimator(VotingClassifier(members, voting="soft"), data.digits()),
    strategy=STRATEGY,
    seed=3,
    retries=20,
)
'''
IMAGES = pytest.mark.skipif(
    find_spec("skimage") is None, reason="scikit-image is not installed (pip install 'hpsearch[images]')"
)


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # the network of the vote stops after 30 epochs
@pytest.mark.parametrize("strategy", ["Random(trials=20)", "Bayesian(trials=20, batch_size=4)"])
@pytest.mark.parametrize("study", [pytest.param(FEATURES, id="features", marks=IMAGES), pytest.param(VOTE, id="vote")])
def test_searches_over_features_and_votes_come_back_too(tmp_path: Path, study: str, strategy: str) -> None:
    _kill_and_compare(tmp_path, strategy, kills=2, longest=0.4, kinds=(GROUP,), study=study)


@pytest.mark.campaign
@pytest.mark.parametrize("strategy", ["Random(trials=20)", "Bayesian(trials=20, batch_size=2)"])
def test_recurrent_networks_come_back_too(tmp_path: Path, strategy: str) -> None:
    """Twenty trials with two jobs, killed in their midst."""
    _kill_and_compare(tmp_path, strategy, kills=3, longest=1.5, kinds=(GROUP,), epochs=8, study=RECURRENT)


def _kill_and_compare(
    folder: Path, strategy: str, kills: int, longest: float, kinds: tuple[str, ...], epochs: int = 4, study: str = STUDY
) -> None:
    campaign = Campaign(folder / "project", random.Random(7), longest, kinds, study)
    file = campaign.write(strategy, epochs)
    assert campaign.kill(kills), "the study ended before it could be killed; make it longer"
    ended = campaign.finish()
    assert ended.returncode == 0, ended.stderr
    assert [(what, value) for what, value in verdict(campaign.folder, file).items() if what.startswith("WRONG")] == []
    assert alive(campaign.orphans) == 0
    assert set(campaign.hits) == set(kinds)
