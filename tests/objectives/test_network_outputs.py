"""Costs whose outputs are scores and no probabilities, as options of the objective."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from hpsearch import data
from hpsearch.errors import SettingError
from hpsearch.nn.costs import WITHOUT_PROBABILITIES
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context

DIGITS = data.digits()
TWO = DIGITS.only(classes=(3, 8))
PARAMS = {"learning_rate": 0.2}


def train(cost: str, **settings: Any) -> TrainNetwork:
    return TrainNetwork(DIGITS, **{"cost": cost, "hidden": (20,), "epochs": 8, **settings})


def context() -> Context:
    return Context(np.random.default_rng(0))


def test_a_linear_network_with_the_hinge_is_as_good_as_a_linear_support_vector_machine() -> None:
    objective = train("hinge", hidden=(), epochs=20, l2=1.0)
    theirs = LinearSVC(loss="hinge", max_iter=20_000, random_state=0).fit(DIGITS.train.x, DIGITS.train.y)
    part = DIGITS.validation
    assert 1 - objective({"learning_rate": 0.02}, context()).value >= theirs.score(part.x, part.y) - 0.01


@pytest.mark.parametrize("cost", WITHOUT_PROBABILITIES)
def test_classes_are_predicted_and_probabilities_are_not_claimed(cost: str) -> None:
    objective, part = train(cost), DIGITS.validation
    outcome, found = objective(PARAMS, context()), objective.predictions(PARAMS, context())
    assert outcome.value < 0.1
    assert np.mean(found.predicted != part.y) == pytest.approx(outcome.value)
    assert found.probabilities is None
    assert outcome.metrics["best_validation_cost"] > 0


@pytest.mark.parametrize("cost", WITHOUT_PROBABILITIES)
def test_scores_of_probabilities_are_refused_before_the_first_trial(cost: str) -> None:
    sentence = rf"cost with scoring 'neg_log_loss' must be one whose outputs are probabilities, got '{cost}'\."
    with pytest.raises(SettingError, match=sentence):
        train(cost, scoring="neg_log_loss").check(PARAMS)


@pytest.mark.parametrize("cost", WITHOUT_PROBABILITIES)
def test_scores_of_ranks_take_the_outputs(cost: str) -> None:
    objective, part = TrainNetwork(TWO, cost=cost, hidden=(), epochs=3, scoring="roc_auc"), TWO.validation
    outputs = objective.network(PARAMS, context()).forward(part.x)
    assert objective(PARAMS, context()).value == pytest.approx(roc_auc_score(part.y, outputs[:, 1] - outputs[:, 0]))


@pytest.mark.parametrize("cost", WITHOUT_PROBABILITIES)
def test_they_are_refused_for_numbers(cost: str) -> None:
    numbers = data.arrays(np.arange(60.0)[:, None], np.arange(60.0), regression=True)
    with pytest.raises(SettingError, match=rf"cost must be one of 'squared_error', got '{cost}'\."):
        TrainNetwork(numbers, cost=cost).check(PARAMS)
