"""The objective on numbers to be predicted: units, errors and exports against scikit-learn and least squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error, r2_score

from hpsearch import Choice, Float, Space, Study, data
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError
from hpsearch.nn.ensemble import members_of
from hpsearch.nn.optimizers.rules import Adam
from hpsearch.nn.schedules import HalveOnPlateau
from hpsearch.nn.stopping import NoImprovement
from hpsearch.objectives import TrainNetwork
from hpsearch.objectives.preflight import CHANCE, OVERFIT, RATE
from hpsearch.ports import Context
from hpsearch.strategies import Staged
from hpsearch.testing import ObjectiveContract, table
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.tracking.models.log import save
from hpsearch.trial import Params

PARAMS: Params = {"learning_rate": 0.1}


def wave(unit: float = 1.0, middle: float = 0.0, rows: int = 400) -> Dataset:
    """Return rows of three numbers and a curved function of them, in some unit."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (rows, 3))
    y = np.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.05 * rng.standard_normal(rows)
    return data.arrays(x, middle + unit * y, regression=True, name="wave", test=0)


def train(of: Dataset | None = None, **settings: Any) -> TrainNetwork:
    return TrainNetwork(of or wave(), **{"hidden": (10,), "activation": "tanh", "epochs": 5, **settings})


def context(budget: int | None = None, state: Any = None) -> Context:
    return Context(np.random.default_rng(7), budget, state)


class TestContract(ObjectiveContract):
    def make(self) -> TrainNetwork:
        return train()

    def params(self) -> Params:
        return {**PARAMS, "momentum": 0.5, "l2": 1.0, "dropout": 0.1}


@pytest.mark.parametrize("value", ["error", "cost"])
def test_value_and_metrics_are_those_of_scikit_learn(value: str) -> None:
    objective = train(wave(20.0, 300.0), value=value, epochs=8)
    outcome, part = objective(PARAMS, context()), objective.data.validation
    predicted = objective.network(PARAMS, context()).predict(part.x)
    mse = mean_squared_error(part.y, predicted)
    assert outcome.metrics["best_validation_mse"] == pytest.approx(mse, rel=1e-3)
    assert outcome.metrics["best_validation_r2"] == pytest.approx(r2_score(part.y, predicted), rel=1e-3)
    # Half the mean squared error in standard deviations of the training answers.
    cost = mse / 2 / np.var(objective.data.train.y)
    assert outcome.metrics["best_validation_cost"] == pytest.approx(cost, rel=1e-3)
    assert outcome.value == outcome.metrics["best_validation_mse" if value == "error" else "best_validation_cost"]
    assert outcome.metrics["best_validation_cost"] == min(cost for _, cost in outcome.history["validation_cost"])
    assert set(outcome.history) == {"training_cost", "validation_cost", "learning_rate", "first_contrast"}
    assert set(outcome.metrics) == {f"best_validation_{n}" for n in ("mse", "r2", "cost")} | {"best_epoch", "epochs"}


def test_measure() -> None:
    assert train().measure == "validation mean squared error"
    assert train(value="cost").measure == "validation cost"


def test_a_linear_network_finds_least_squares() -> None:
    objective = train(activation="linear", epochs=200, dtype="float64", batch_size=320, learning_rate=0.1, init="scaled")
    predicted = objective.network({}, context()).predict(objective.data.validation.x)
    fitted = LinearRegression().fit(objective.data.train.x, objective.data.train.y)
    np.testing.assert_allclose(predicted, fitted.predict(objective.data.validation.x), atol=5e-3)


def test_it_learns_a_curve_that_no_line_follows() -> None:
    objective = train(epochs=60, momentum=0.9)
    fitted = LinearRegression().fit(objective.data.train.x, objective.data.train.y)
    line = mean_squared_error(objective.data.validation.y, fitted.predict(objective.data.validation.x))
    assert objective({"learning_rate": 0.02}, context()).value < line / 5


def test_the_unit_of_the_answers_changes_nothing_but_the_unit() -> None:
    plain, large = (train(of, dtype="float64")(PARAMS, context()) for of in (wave(), wave(1000.0, -5e6)))
    assert large.value == pytest.approx(1e6 * plain.value, rel=1e-6)
    for name in ("training_cost", "validation_cost"):
        np.testing.assert_allclose(large.history[name], plain.history[name], rtol=1e-6)


def test_answers_that_are_all_alike_are_answered_with_that_number() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    part = Part(x, np.full(50, 7.0))
    outcome = train(Dataset("flat", part, part, classes=0), epochs=30)(PARAMS, context())
    assert "best_validation_r2" not in outcome.metrics
    assert outcome.value < 1e-2


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": HalveOnPlateau(1), "momentum": 0.9},
        {"stopping": NoImprovement(2), "optimizer": Adam(), "learning_rate": 0.05, "activation": "maxout", "dropout": 0.2},
    ],
)
def test_going_on_from_a_state_is_training_through(settings: Params) -> None:
    objective, params = train(epochs=10), {**PARAMS, **settings}
    through = objective(params, context())
    first = objective(params, context(budget=3))
    assert objective(params, Context(np.random.default_rng(0), state=first.state)) == through


def test_rules_that_watch_accuracy_watch_the_cost() -> None:
    outcome = train(epochs=100, stopping=NoImprovement(3))({"learning_rate": 0.3}, context())
    costs = [cost for _, cost in outcome.history["validation_cost"]]
    assert len(costs) == int(np.argmin(costs)) + 1 + 3 < 100


def test_scores_a_part_in_the_users_units() -> None:
    objective, part = train(wave(20.0, 300.0)), wave(20.0, 300.0, rows=700).validation
    scores = objective.test(PARAMS, context(), part)
    predicted = objective.network(PARAMS, context()).predict(part.x)
    assert scores["test_mse"] == scores["test_error"] == pytest.approx(mean_squared_error(part.y, predicted), rel=1e-3)
    assert scores["test_r2"] == pytest.approx(r2_score(part.y, predicted), rel=1e-3)
    assert set(scores) == {"test_mse", "test_r2", "test_error", "test_cost"}


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_the_logged_model_answers_in_the_users_units(unit: float, tmp_path: Path) -> None:
    objective = train(wave(unit, 3 * unit), hidden=(5, 4), activation="maxout")
    exported = objective.export(PARAMS, context())
    assert exported.architecture["labels"] == []
    assert exported.architecture["layers"][-1]["activation"] == "linear"
    path = save(tmp_path, exported)
    import mlflow.pyfunc  # after `save`, which keeps its remarks quiet

    model = mlflow.pyfunc.load_model(str(path))
    rows = objective.trained_data.validation.x[:2]
    np.testing.assert_allclose(model.predict(rows)[:, 0], objective.network(PARAMS, context()).predict(rows), rtol=1e-5)
    with pytest.raises(ValueError, match="return must be 'outputs' of a network that predicts numbers, got 'labels'"):
        model.predict(rows, params={"return": "labels"})


def staged(of: Dataset) -> Study:
    space = Space(batch_size=Choice(10, 20), activation=Choice("tanh", "maxout"), momentum=Float(0.0, 0.5))
    return Study("wave", space, TrainNetwork(of, epochs=2, activation="tanh"), Staged(trials=12), seed=0)


def test_runs_as_a_study_the_same_at_any_number_of_workers_after_its_checks() -> None:
    runs = [staged(wave()).run(jobs, tracker=MemoryTracker()) for jobs in (1, 2)]
    assert table(runs[0].trials) == table(runs[1].trials)
    stages = list(dict.fromkeys(t.stage for t in runs[0].trials))
    assert stages == [RATE, OVERFIT, CHANCE, "coarse", "fine", "finer"]


def test_shuffled_answers_are_found() -> None:
    """Three inputs do not tell fifty rows apart well enough to learn noise by heart, so that the check before finds it."""
    of = wave()
    part = replace(of.train, y=np.random.default_rng(0).permutation(of.train.y))
    result = staged(replace(of, train=part)).run(1, backend="sequential", tracker=MemoryTracker())
    assert result.trials[-1].stage == OVERFIT
    assert "of the variance of 50 training rows were learnt in 500 epochs, and 95% should be" in result.notes[-1]


def test_answers_of_other_rows_do_not_beat_the_mean() -> None:
    of = wave()
    wrong = replace(of, validation=replace(of.validation, y=np.random.default_rng(0).permutation(of.validation.y)))
    for data_set, passed in ((of, 1.0), (wrong, 0.0)):
        check = Context(np.random.default_rng(0), stage=CHANCE)
        outcome = train(data_set)(PARAMS, check)
        assert outcome.metrics["passed"] == passed
        assert b"off the squared error of guessing the mean" in bytes(outcome.artifacts["verdict.txt"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: train(members_vote=True).check(PARAMS), r"members_vote must be False where numbers are predicted, got True\."),
        (lambda: train(smoothing=0.1).check(PARAMS), r"smoothing must be 0 with numbers to predict, got 0\.1\."),
        (lambda: train(cost="cross_entropy"), r"cost must be one of 'squared_error', got 'cross_entropy'\."),
        (lambda: train().check({**PARAMS, "cost": "quadratic"}), r"cost must be one of 'squared_error', got 'quadratic'\."),
    ],
)
def test_refuses_what_is_for_classes(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()


def test_an_ensemble_answers_with_the_mean_of_its_members() -> None:
    of = wave(unit=50.0, middle=1000.0)
    objective = train(of, members=3)
    outcome, ensemble = objective(PARAMS, context()), objective.network(PARAMS, context())
    x, y = of.validation.x, of.validation.y
    mean = np.mean([network.predict(x) for network in members_of(ensemble)], axis=0)
    assert np.allclose(ensemble.predict(x), mean, rtol=1e-5)
    assert np.allclose(ensemble.forward(x)[:, 0], mean, rtol=1e-5)
    assert outcome.value == pytest.approx(mean_squared_error(y, mean), rel=1e-4)
    assert "single_accuracy" not in outcome.metrics
