"""A network whose cost is differentiated by its settings: what it reports, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch import Context, Float, Space, Study, data
from hpsearch.errors import SettingError
from hpsearch.objectives import TrainUnrolled
from hpsearch.strategies import FollowSlope, Random
from hpsearch.testing import ObjectiveContract, table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params

DIGITS = data.digits().head(80, 60)
OBJECTIVE = TrainUnrolled(DIGITS, hidden=(6,), epochs=2, batch_size=20)
SPACE = Space(learning_rate=Float(0.01, 10.0, log=True), l2=Float(1e-3, 10.0, log=True))


def context(seed: int = 0) -> Context:
    return Context(np.random.default_rng(seed))


class TestContract(ObjectiveContract):
    def make(self) -> TrainUnrolled:
        return replace(OBJECTIVE)

    def params(self) -> Params:
        return {"learning_rate": 0.5, "l2": 0.1}


@pytest.mark.parametrize("against", ["validation", "training"])
def test_a_slope_is_the_derivative_of_the_value(against: str) -> None:
    one, params = replace(OBJECTIVE, against=against), {"learning_rate": 0.5, "l2": 0.1, "momentum": 0.2}
    outcome = one(params, context())
    assert outcome.value == outcome.metrics[f"{against}_cost"]
    for name, value in params.items():
        above, below = (one({**params, name: value * (1 + h)}, context()).value for h in (1e-5, -1e-5))
        assert outcome.metrics[f"slope.{name}"] == pytest.approx((above - below) / (2e-5 * value), rel=1e-5)


def test_only_what_is_searched_has_a_slope() -> None:
    assert "slope.l2" not in replace(OBJECTIVE, l2=0.1)({"learning_rate": 0.5}, context()).metrics
    without = replace(OBJECTIVE, slopes=False)({"learning_rate": 0.5}, context())
    assert set(without.metrics) == {"validation_cost", "training_cost"}


def test_learnt_on_the_training_cost_decay_goes_to_the_low_end() -> None:
    """The document's exercise; on the validation cost of few rows it does not."""
    few = TrainUnrolled(data.digits().at_most(40, 359), hidden=(10,), epochs=80, batch_size=20, learning_rate=3.0)
    space, best = Space(l2=Float(1e-4, 10.0, log=True)), {}
    for against in ("training", "validation"):
        study = Study("s", space, replace(few, against=against), FollowSlope(trials=12, starts=2, step=0.3), seed=1)
        result = study.run(1, backend="sequential", tracker=MemoryTracker(), progress=None)
        assert result.best is not None
        best[against] = result.best.params["l2"]
    assert best["training"] < 1e-3 < best["validation"]


def test_the_same_trials_at_any_number_of_workers() -> None:
    study = Study("s", SPACE, OBJECTIVE, FollowSlope(trials=9), seed=3)
    one, two = (study.run(n, backend="threading", tracker=MemoryTracker(), progress=None).trials for n in (1, 3))
    assert table(one) == table(two)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"activation": "relu"}, "activation must be one of 'sigmoid', 'tanh', got 'relu'"),
        ({"against": "test"}, "against must be one of 'validation', 'training', got 'test'"),
        ({"batch_size": 81}, "batch_size must be a whole number .*80.*, got 81"),
        ({"epochs": 0}, "epochs must be a whole number >= 1, got 0"),
        ({"slopes": 1}, "slopes must be True or False, got 1"),
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\), got 1.0"),
        ({"learning_rate": 0.0}, "learning_rate must be a number in .*, got 0.0"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        TrainUnrolled(DIGITS, **settings)


def test_data_without_classes_are_refused() -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(SettingError, match="The data of TrainUnrolled must be data with classes"):
        TrainUnrolled(data.arrays(x, x[:, 0], regression=True))


def test_an_unknown_param_is_refused() -> None:
    with pytest.raises(Exception, match="Unknown parameter 'l1' for TrainUnrolled"):
        Study("s", Space(learning_rate=Float(0.1, 1.0), l1=Float(0.0, 1.0)), OBJECTIVE, Random(2))


@pytest.mark.parametrize("given", [data.tale(500), "digits"])
def test_something_else_than_a_data_set_is_refused(given: Any) -> None:
    with pytest.raises(SettingError, match="TrainUnrolled's data must be a data set, got"):
        TrainUnrolled(given)
