"""Training rows scored beside the validation rows: which they are, what scikit-learn says of them, and that nothing changes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error

from hpsearch import Float, MedianStop, Space, Study, data
from hpsearch.errors import SettingError
from hpsearch.nn.augment import Affine
from hpsearch.nn.averaging import MovingAverage
from hpsearch.nn.stopping import NoImprovement
from hpsearch.objectives import CrossValidate, TrainNetwork, reporting
from hpsearch.ports import Context
from hpsearch.strategies import Halving
from hpsearch.testing import ObjectiveContract
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Outcome, Params

PARAMS: Params = {"learning_rate": 0.5}
DIGITS = data.digits()
CURVES = ("training_accuracy", "sampled_training_cost")
ENGINES = [
    "numpy",
    pytest.param("numba", marks=pytest.mark.skipif(find_spec("numba") is None, reason="there is one engine only")),
]


def train(**settings: Any) -> TrainNetwork:
    return TrainNetwork(DIGITS, **{"hidden": (8,), "epochs": 4, "cost": "log_likelihood", "engine": "numpy", **settings})


def context(budget: int | None = None, state: Any = None, seed: int = 7) -> Context:
    return Context(np.random.default_rng(seed), budget, state)


def without(outcome: Outcome) -> dict[str, Any]:
    """Return the curves of an outcome but those of the training rows."""
    return {name: curve for name, curve in outcome.history.items() if name not in CURVES}


class TestContract(ObjectiveContract):
    def make(self) -> TrainNetwork:
        return train(monitor_training=True)

    def params(self) -> Params:
        return {**PARAMS, "momentum": 0.5, "l2": 1.0}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("options", [{}, {"averaging": MovingAverage(0.9)}, {"l2": 20.0}, {"dropout": 0.3}])
@pytest.mark.parametrize(
    ("asked", "train_size", "rows"),
    [
        (True, None, slice(0, 1077, 3)),  # 359 validation rows, and every third of 1,079
        (100, None, slice(0, 1000, 10)),
        (np.int64(7), 100, slice(0, 98, 14)),
        (True, 100, slice(100)),
        (10**9, None, slice(1079)),
    ],
)
def test_scikit_learn_finds_the_same_on_the_same_rows(
    asked: Any, train_size: int | None, rows: slice, options: dict[str, Any], engine: str
) -> None:
    objective = train(monitor_training=asked, train_size=train_size, engine=engine, epochs=1, **options)
    outcome = objective(PARAMS, context())
    x, y = DIGITS.train.x[rows], DIGITS.train.y[rows]
    shares = objective.network(PARAMS, context()).forward(x)
    assert outcome.history["training_accuracy"] == ((1, accuracy_score(y, shares.argmax(axis=1))),)
    ((epoch, cost),) = outcome.history["sampled_training_cost"]
    assert (epoch, cost) == (
        1,
        pytest.approx(log_loss(y, shares / shares.sum(axis=1, keepdims=True), labels=range(10)), rel=1e-4),
    )


def test_of_members_the_mean_is_recorded() -> None:
    objective = train(monitor_training=True, members=2, epochs=1)
    networks = objective.network(PARAMS, context()).networks
    x, y = DIGITS.train.x[:1077:3], DIGITS.train.y[:1077:3]
    shares = [accuracy_score(y, network.forward(x).argmax(axis=1)) for network in networks]
    assert objective(PARAMS, context()).history["training_accuracy"] == ((1, pytest.approx(np.mean(shares), abs=1e-12)),)


def test_of_numbers_there_is_the_cost() -> None:
    """Costs are half the squared errors of standardised targets, by scikit-learn's mean squared error."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    rows = data.arrays(x, x @ [1.0, 2.0, -3.0] + rng.normal(size=300), validation=100, test=0, regression=True)
    objective = TrainNetwork(rows, hidden=(5,), epochs=1, monitor_training=True)
    outcome = objective({"learning_rate": 0.05}, context())
    assert "training_accuracy" not in outcome.history
    assert "training_accuracy" not in objective.curves
    step = len(rows.train) // 100
    part = rows.train.x[::step][:100], rows.train.y[::step][:100]
    found = mean_squared_error(part[1], objective.network({"learning_rate": 0.05}, context()).forward(part[0])[:, 0])
    cost = found / rows.train.y.var() / 2
    assert outcome.history["sampled_training_cost"] == ((1, pytest.approx(cost, rel=1e-4)),)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"members": 2},
        {"expansion": Affine(), "dropout": 0.2, "momentum": 0.9},
        {"stopping": NoImprovement(patience=1), "epochs": 12, "learning_rate": 2.0},
        {"optimizer": "l-bfgs"},
        {"monitor_every": 2},
        {"class_weight": "balanced", "monitor_images": 1000},
    ],
)
def test_it_changes_no_bit_of_a_training(options: dict[str, Any], engine: str) -> None:
    settings = {**({} if "optimizer" in options else PARAMS), **options, "engine": engine}
    watched, plain = (train(**settings, monitor_training=on) for on in (True, False))
    outcomes = [objective({}, context()) for objective in (watched, plain)]
    assert (outcomes[0].value, outcomes[0].metrics) == (outcomes[1].value, outcomes[1].metrics)
    assert without(outcomes[0]) == outcomes[1].history
    kept = [objective.network({}, context()).forward(DIGITS.validation.x).tobytes() for objective in (watched, plain)]
    assert kept[0] == kept[1]
    steps = [step for step, _ in outcomes[0].history["validation_accuracy"]]
    assert [[step for step, _ in outcomes[0].history[name]] for name in CURVES] == [steps, steps]
    assert set(CURVES) <= set(watched.curves)
    assert not set(CURVES) & set(plain.curves)


@pytest.mark.parametrize("members", [1, 2])
def test_going_on_from_a_state_is_training_through(members: int) -> None:
    objective = train(monitor_training=50, members=members)
    through, half = objective(PARAMS, context()), objective(PARAMS, context(budget=2))
    assert objective(PARAMS, context(state=half.state, seed=0)) == through
    assert len(through.history["training_accuracy"]) == 4


def test_a_checkpoint_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objective = train(monitor_training=50)
    half, through = objective(PARAMS, context(budget=2)), objective(PARAMS, context())
    assert half.state is not None
    np.savez(tmp_path / reporting._FILE, allow_pickle=False, **half.state)
    monkeypatch.setattr(Context, "folder", tmp_path)
    assert objective(PARAMS, context(seed=0)) == through


def test_a_state_of_before_there_were_such_curves_goes_on() -> None:
    """Its history has seven numbers an epoch."""
    objective = train()
    half = dict(objective(PARAMS, context(budget=2)).state or {})
    half["history"] = half["history"][:, :7]
    assert objective(PARAMS, context(state=half, seed=0)) == objective(PARAMS, context())


def test_the_trials_of_a_halving_are_the_same_with_it() -> None:
    def study(on: bool) -> Study:
        strategy = Halving(trials=4, factor=2, min_epochs=1, max_epochs=4)
        space = Space(learning_rate=Float(0.1, 1.0, log=True))
        return Study("watched", space, train(monitor_training=on), strategy, early_stop=MedianStop(curve="validation_cost"))

    watched, plain = (study(on).run(1, tracker=MemoryTracker()).trials for on in (True, False))
    for ours, theirs in zip(watched, plain, strict=True):
        assert (ours.params, ours.value, ours.status) == (theirs.params, theirs.value, theirs.status)
        assert without(ours.outcome) == theirs.outcome.history
        assert len(ours.outcome.history["training_accuracy"]) == len(ours.outcome.history["validation_accuracy"])


def test_folds_have_it_too() -> None:
    outcome = CrossValidate(train(monitor_training=True, epochs=1), folds=3)(PARAMS, context())
    assert 0 < outcome.value < 0.7


def test_the_repr_has_it_only_where_it_is_on() -> None:
    assert "monitor_training" not in repr(train())
    assert repr(train()) == repr(train(monitor_training=False))
    assert repr(train(monitor_training=True)).endswith(", monitor_training=True)")
    assert repr(train(monitor_training=np.int64(50))).endswith(", monitor_training=50)")


@pytest.mark.parametrize("bad", [-1, 0, 2.5, "yes", None, float("nan"), [100]])
def test_refuses_anything_else(bad: Any) -> None:
    with pytest.raises(
        SettingError, match=r"monitor_training must be a whole number >= 1, or True or False, got .*\. True takes"
    ):
        train(monitor_training=bad)


def test_it_is_no_param() -> None:
    with pytest.raises(SettingError, match="monitor_training"):
        train().check({**PARAMS, "monitor_training": True})
