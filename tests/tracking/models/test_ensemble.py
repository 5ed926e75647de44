"""A logged ensemble answers with the mean of its networks' outputs, where hpsearch is missing too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpsearch import Float, Space, Study
from hpsearch.execution.task import trial_context
from hpsearch.nn import Network
from hpsearch.nn.averaging import Snapshots
from hpsearch.nn.costs import COSTS
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.plain_data import as_data
from hpsearch.nn.schedules import Cyclic
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Exported
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker
from tests.tracking.models.test_log import DIGITS, elsewhere, loaded


@pytest.mark.parametrize("cost", [cost for cost in COSTS if cost != "squared_errors"])
def test_outputs_and_labels_are_those_of_the_mean(cost: str, tmp_path: Path) -> None:
    """`Ensemble.forward` is the other implementation."""
    x = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    ensemble = Ensemble([Network.create((4, 6, 3), np.random.default_rng(i), cost=cost) for i in range(3)])
    told, weights = as_data(ensemble)
    answer = loaded(tmp_path, Exported(told | {"labels": ["a", "b", "c"]}, weights, x, x))
    np.testing.assert_allclose(answer.predict(None, x), ensemble.forward(x), rtol=0, atol=1e-6)
    labels = answer.predict(None, x, {"return": "labels"})
    assert labels.tolist() == ["abc"[i] for i in ensemble.predict(x)]


@pytest.mark.parametrize("vote", [True, False])
def test_networks_that_differ_and_vote_are_read_without_hpsearch(vote: bool, tmp_path: Path) -> None:
    """Many rows of equal votes among them: with four networks and three classes."""
    x = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    parts = [Network.create((4, 3 + i, 3), np.random.default_rng(i), activation="relu" if i else "tanh") for i in range(4)]
    ensemble = Ensemble(parts, vote)
    told, weights = as_data(ensemble)
    answer = loaded(tmp_path, Exported(told | {"labels": ["a", "b", "c"]}, weights, x, x))
    np.testing.assert_allclose(answer.predict(None, x), ensemble.forward(x), rtol=0, atol=1e-6)
    assert answer.predict(None, x, {"return": "labels"}).tolist() == ["abc"[i] for i in ensemble.predict(x)]
    votes = np.sort(ensemble.votes(x), axis=1)
    assert (votes[:, -1] == votes[:, -2]).any()


def test_a_study_logs_its_ensemble(tracker: MlflowTracker, tmp_path: Path) -> None:
    """Two members of two snapshots each; the recorded accuracy was counted by other code, when the trial ran."""
    options = {"members": 2, "averaging": Snapshots(), "schedule": Cyclic(2)}
    objective = TrainNetwork(DIGITS, hidden=(10,), epochs=4, cost="log_likelihood", **options)  # type: ignore[arg-type]
    study = Study("ensemble", Space(learning_rate=Float(0.1, 1.0, log=True)), objective, Random(trials=2))
    result = study.run(1, backend="sequential", tracker=tracker, report=False)
    answers = elsewhere(tracker.store.uri, result.model, tmp_path)
    task = study.task(result.best)
    network = objective.network(task.params, trial_context(task))
    np.testing.assert_allclose(answers["outputs"], network.forward(DIGITS.validation.x), rtol=0, atol=1e-6)
    right = np.mean(answers["labels"] == np.array(DIGITS.class_names)[DIGITS.validation.y])
    assert right == result.best.outcome.metrics["best_validation_accuracy"]  # type: ignore[union-attr]
