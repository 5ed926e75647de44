"""Several numbers to predict for each row: errors of each against scikit-learn, units, saved files, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_squared_error, r2_score

from hpsearch import Float, Space, Study, data
from hpsearch.data import Dataset, Part
from hpsearch.errors import DataError, SettingError, StudyError
from hpsearch.nn import load, save, train
from hpsearch.nn.table_network import TableNetwork
from hpsearch.objectives import CrossValidate, TrainNetwork, TuneEstimator
from hpsearch.ports import Context
from hpsearch.strategies import Random, Staged
from hpsearch.testing import ObjectiveContract
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.tracking.models.log import save as save_model
from hpsearch.trial import Params

PARAMS: Params = {"learning_rate": 0.1}
UNITS = np.array([1.0, 1000.0, 0.01])


def three(rows: int = 300, **settings: Any) -> Dataset:
    """Return rows of four numbers and three functions of them, in units far from each other."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (rows, 4))
    y = np.column_stack([np.sin(3 * x[:, 0]), x[:, 1] * x[:, 2] + x[:, 3], x[:, 3] ** 2 - x[:, 0]])
    y = (y + 0.05 * rng.standard_normal(y.shape)) * UNITS + [0.0, -5000.0, 3.0]
    return data.arrays(x, y, regression=True, name="three", **settings)


DATA = three()


def network(of: Dataset = DATA, **settings: Any) -> TrainNetwork:
    return TrainNetwork(of, **{"hidden": (10,), "activation": "tanh", "epochs": 5, **settings})


def context(budget: int | None = None, state: Any = None) -> Context:
    return Context(np.random.default_rng(7), budget, state)


class TestContract(ObjectiveContract):
    def make(self) -> TrainNetwork:
        return network()

    def params(self) -> Params:
        return {**PARAMS, "momentum": 0.5, "l2": 1.0, "dropout": 0.1}


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("value", ["error", "cost"])
def test_value_and_metrics_are_those_of_scikit_learn(value: str, members: int) -> None:
    objective = network(value=value, members=members)
    outcome, part = objective(PARAMS, context()), objective.data.validation
    predicted = objective.network(PARAMS, context()).predict(part.x)
    each = mean_squared_error(part.y, predicted, multioutput="raw_values")
    assert predicted.shape == part.y.shape
    found = outcome.metrics
    assert [found[f"best_validation_mse_{i}"] for i in (1, 2, 3)] == pytest.approx(each, rel=1e-3)
    assert found["best_validation_mse"] == pytest.approx(mean_squared_error(part.y, predicted), rel=1e-3)
    assert found["best_validation_r2"] == pytest.approx(r2_score(part.y, predicted), rel=1e-3)
    cost = (each / np.var(objective.data.train.y, axis=0)).sum() / 2
    assert found["best_validation_cost"] == pytest.approx(cost, rel=1e-3)
    assert outcome.value == found["best_validation_mse" if value == "error" else "best_validation_cost"]


def test_a_linear_network_finds_least_squares_for_each() -> None:
    x, y = DATA.train.x, DATA.train.y
    same = data.arrays(x, y, (x, y), 0, regression=True)  # the kept epoch is then the one of least squares
    objective = network(same, activation="linear", epochs=200, dtype="float64", optimizer="l-bfgs")
    fitted = LinearRegression().fit(x, y)
    np.testing.assert_allclose((objective.network({}, context()).predict(x) - fitted.predict(x)) / UNITS, 0, atol=1e-3)


def test_the_units_change_nothing_but_the_units() -> None:
    rows = three()
    parts = [Part(part.x, part.y / UNITS) for part in (rows.train, rows.validation)]
    plain = network(Dataset("plain", parts[0], parts[1], 0), dtype="float64", standardize=False)(PARAMS, context())
    ours = network(dtype="float64", standardize=False)(PARAMS, context())
    np.testing.assert_allclose(ours.history["validation_cost"], plain.history["validation_cost"], rtol=1e-9)
    for i, unit in enumerate(UNITS, 1):
        name = f"best_validation_mse_{i}"
        assert ours.metrics[name] == pytest.approx(unit**2 * plain.metrics[name], rel=1e-9)


def test_going_on_from_a_state_is_training_through() -> None:
    objective = network()
    through, first = objective(PARAMS, context()), objective(PARAMS, context(budget=2))
    assert objective(PARAMS, context(state=first.state)) == through


def test_rows_that_count_more() -> None:
    rng = np.random.default_rng(0)
    weighted = data.arrays(
        DATA.train.x, DATA.train.y, regression=True, test=0, sample_weight=rng.uniform(0, 2, len(DATA.train))
    )
    objective, part = network(weighted), weighted.validation
    outcome, predicted = objective(PARAMS, context()), objective.network(PARAMS, context()).predict(part.x)
    wanted = mean_squared_error(part.y, predicted, sample_weight=part.weights)
    assert outcome.value == pytest.approx(wanted, rel=1e-3)


def test_a_study_tests_exports_and_reports(tmp_path: Path) -> None:
    study = Study("three", Space(learning_rate=Float(0.02, 0.2, log=True)), network(), Random(trials=3))
    result = study.run(1, backend="sequential", tracker=MemoryTracker())
    assert result.unreported == ""
    scores = result.test()
    assert set(scores) == {f"test_{name}" for name in ("mse", "mse_1", "mse_2", "mse_3", "r2", "cost", "error")}
    assert scores["test_error"] == pytest.approx(np.mean([scores[f"test_mse_{i}"] for i in (1, 2, 3)]))
    found, rows = result.network(), DATA.validation.x
    save(found, tmp_path / "three.npz")
    again = load(tmp_path / "three.npz")
    assert again.predict(rows).tobytes() == found.predict(rows).tobytes()
    assert result.ensemble(2).predict(rows).shape == (len(rows), 3)
    inner = found.network if isinstance(found, TableNetwork) else found
    assert inner.cost_name == "squared_errors"
    baseline = study.adapted.baseline
    assert baseline is not None
    dummy = DummyRegressor().fit(DATA.train.x, DATA.train.y)
    assert baseline.value == pytest.approx(mean_squared_error(DATA.validation.y, dummy.predict(rows)))


def test_the_logged_model_returns_all_numbers(tmp_path: Path) -> None:
    objective = network()
    exported = objective.export(PARAMS, context())
    assert exported.architecture["labels"] == []
    path = save_model(tmp_path, exported)
    import mlflow.pyfunc  # after `save_model`, which keeps its remarks quiet

    model = mlflow.pyfunc.load_model(str(path))
    rows = objective.trained_data.validation.x[:2]
    wanted = objective.network(PARAMS, context()).predict(rows)
    np.testing.assert_allclose((model.predict(rows) - wanted) / UNITS, 0, atol=1e-3)


def test_preflight_checks_pass() -> None:
    study = Study("checked", Space(l2=Float(1e-3, 1.0, log=True)), network(epochs=2), Staged(trials=12))
    result = study.run(1, backend="sequential", tracker=MemoryTracker(), report=False)
    assert not result.best.is_preflight


def test_predictions_are_rows_and_no_picture_is_drawn_of_them() -> None:
    found = network().predictions(PARAMS, context())
    assert found.truth.shape == found.predicted.shape == DATA.validation.y.shape
    study = Study("undrawn", Space(learning_rate=Float(0.02, 0.2, log=True)), network(), Random(trials=2))
    result = study.run(1, backend="sequential", tracker=MemoryTracker(), report=False)
    with pytest.raises(StudyError, match="Predictions are not shown where a trial predicts several numbers for each row"):
        result.plot("confusion")


def test_scorers_take_several_numbers() -> None:
    objective = network(scoring="r2")
    part = DATA.validation
    wanted = r2_score(part.y, objective.network(PARAMS, context()).predict(part.x))
    assert objective(PARAMS, context()).value == pytest.approx(wanted, rel=1e-4)


def test_a_network_in_one_call() -> None:
    x, y = DATA.train.x, (DATA.train.y - DATA.train.y.mean(axis=0)) / DATA.train.y.std(axis=0)
    found = train((x, y), cost="squared_errors", activation="tanh", learning_rate=0.1, epochs=30)
    assert r2_score(y, found.predict(x)) > 0.8
    assert np.isnan(found.score(x, y).accuracy)


REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: data.arrays(DATA.train.x, DATA.train.y), DataError, r"must be in \[0, 1\], got .*: pass regression=True"),
    (lambda: Part(DATA.train.x, np.full((180, 2), np.nan)), DataError, r"y\[0, 0\] must be finite, got nan\."),
    (lambda: Part(DATA.train.x, np.zeros((180, 2), np.int64)), DataError, r"y must be an array of shape \(180,\)"),
    (
        lambda: data.arrays(DATA.train.x, DATA.train.y, (DATA.validation.x, DATA.validation.y[:, :2]), 0, regression=True),
        DataError,
        r"Numbers to predict in the validation part of 'arrays' must be 3 a row, got 2\.",
    ),
    (lambda: network(cost="squared_error"), SettingError, r"cost must be one of 'squared_errors', got 'squared_error'\."),
    (lambda: network(smoothing=0.1).check(PARAMS), SettingError, "smoothing must be 0 with numbers to predict"),
    (
        lambda: TuneEstimator(Ridge(), DATA),
        SettingError,
        r"TuneEstimator's data must be with one number to predict .*, got '3'\.",
    ),
    (lambda: CrossValidate(network()), SettingError, r"CrossValidate's data must be with one number to predict"),
    (lambda: train((DATA.train.x, DATA.train.y), cost="squared_errors", classes=2), DataError, "y must be of 2 columns"),
    (lambda: train((DATA.train.x, DATA.train.y[:, 0]), cost="squared_errors"), DataError, r"y must be of shape"),
]


@pytest.mark.parametrize(("make", "kind", "sentence"), REFUSED)
def test_what_takes_one_number_is_refused(make: Callable[[], object], kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        make()
