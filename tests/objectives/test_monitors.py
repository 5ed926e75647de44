"""Costs of iterations, states of layers and frequent evaluations as curves of a trial, and rates that follow the batch size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpsearch import data
from hpsearch.errors import Diverged, SettingError
from hpsearch.nn import Monitors
from hpsearch.nn import train as train_network
from hpsearch.nn.augment import Affine
from hpsearch.nn.averaging import MovingAverage
from hpsearch.objectives import TrainNetwork
from hpsearch.testing import ObjectiveContract
from hpsearch.trial import Outcome, Params
from tests.objectives.test_monitor_training import DIGITS, ENGINES, PARAMS, context

MONITORED: dict[str, Any] = {"monitor_iterations": True, "monitor_layers": True, "monitor_images": 20}
OWN = ("cost_by_iteration", "_by_images", "_norm_", "saturated_", "dead_")


def train(**settings: Any) -> TrainNetwork:
    return TrainNetwork(DIGITS, **{"hidden": (8,), "epochs": 2, "engine": "numpy", **settings})


def plain_curves(outcome: Outcome) -> dict[str, Any]:
    return {name: curve for name, curve in outcome.history.items() if not any(part in name for part in OWN)}


class TestContract(ObjectiveContract):
    def make(self) -> TrainNetwork:
        return train(**MONITORED)

    def params(self) -> Params:
        return {**PARAMS, "momentum": 0.5, "l2": 1.0}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 1, "train_size": 200},
        {"batch_size": 7, "momentum": 0.9, "monitor_images": 30},
        {"batch_size": 500, "monitor_images": 500},
        {"members": 2},
        {"expansion": Affine(), "dropout": 0.2},
        {"activation": "relu", "hidden": (6, 5), "l2": 5.0},
        {"optimizer": "adam", "learning_rate": 0.01},
        {"averaging": MovingAverage(0.9), "cost": "quadratic"},
        {"class_weight": "balanced", "activation": "tanh"},
        {"optimizer": "l-bfgs"},
        {"dtype": "float64", "monitor_every": 2, "activation": "maxout"},
    ],
)
def test_they_change_no_bit_of_a_training(options: dict[str, Any], engine: str) -> None:
    settings = {**({} if "optimizer" in options else PARAMS), "engine": engine}
    off = {name: value for name, value in options.items() if name != "monitor_images"}
    watched, plain = train(**settings, **{**MONITORED, **options}), train(**settings, **off)
    ours, theirs = (objective({}, context()) for objective in (watched, plain))
    assert (ours.value, ours.metrics, plain_curves(ours)) == (theirs.value, theirs.metrics, theirs.history)
    kept = [objective.network({}, context()).forward(DIGITS.validation.x).tobytes() for objective in (watched, plain)]
    assert kept[0] == kept[1]
    images = () if "optimizer" in options and options["optimizer"] == "l-bfgs" else ("accuracy_by_images",)
    assert {"cost_by_iteration", "gradient_norm_1", "weight_norm_2", *images} <= set(ours.history)


def test_a_trial_declares_its_curves() -> None:
    objective = train(**MONITORED)
    declared = {*objective.curves, "first_contrast"}
    assert set(objective(PARAMS, context()).history) == declared


def test_layers_are_measured_before_the_first_epoch_too() -> None:
    history = train(monitor_layers=50, monitor_every=2, epochs=4)(PARAMS, context()).history
    assert [step for step, _ in history["gradient_norm_1"]] == [0, 2, 4]


def test_a_training_that_diverges_keeps_what_it_recorded() -> None:
    objective, own = train(**MONITORED, cost="log_likelihood", activation="linear", epochs=5), context()
    with pytest.raises(Diverged):
        objective({"learning_rate": 1e30}, own)
    assert "gradient_norm_1" in own.history


@pytest.mark.parametrize("budget", [1, 3])
def test_a_trial_that_continues_has_the_blocks_of_an_undisturbed_one(budget: int) -> None:
    objective = train(monitor_iterations=True, batch_size=1, train_size=251, epochs=5)  # blocks of two over odd epochs
    whole = objective(PARAMS, context())
    first = objective(PARAMS, context(budget))
    second = objective(PARAMS, context(state=first.state))
    assert second.history["cost_by_iteration"] == whole.history["cost_by_iteration"]
    assert [step for step, _ in first.history["cost_by_iteration"]][-1] == 251 * budget


def test_defaults_stay_out_of_the_repr() -> None:
    assert not [name for name in (*MONITORED, "reference_batch_size") if name in repr(train())]
    assert repr(train(monitor_iterations=True, monitor_layers=np.int64(9))).endswith(
        "monitor_iterations=True, monitor_layers=9)"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"monitor_images": 9}, r"monitor_images must be at least 10, the images of one mini-batch, got 9\. No network"),
        ({"monitor_images": 50, "batch_size": 60}, r"monitor_images must be at least 60, the images of one mini-batch, got 50"),
        ({"monitor_images": 0.5}, r"monitor_images must be a whole number >= 1, got 0\.5\."),
        ({"monitor_iterations": 3}, r"monitor_iterations must be True or False, got 3\."),
        ({"monitor_layers": 0}, r"monitor_layers must be a whole number >= 1, or True or False, got 0\. True takes 500"),
        ({"monitor_layers": "yes"}, r"monitor_layers must be a whole number >= 1, or True or False, got 'yes'"),
        ({"reference_batch_size": 0}, r"reference_batch_size must be a whole number >= 1, or None, got 0\. 10 is usual"),
        ({"reference_batch_size": 10, "optimizer": "cg"}, r"reference_batch_size must be left out with 'cg', got 10\. A line"),
    ],
)
def test_other_values_raise(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        train(**settings)


@pytest.mark.parametrize(("size", "reference", "rate"), [(10, 10, 0.5), (1, 10, 0.05), (100, 10, 5.0), (30, 20, 0.75)])
def test_the_rate_follows_the_batch_size(size: int, reference: int, rate: float) -> None:
    """The scaled rate is the one that would be written out, to the bit, in a search and where it is fixed."""
    plain = train(batch_size=size)({"learning_rate": rate}, context())
    fixed = train(batch_size=size, learning_rate=0.5, reference_batch_size=reference)({}, context())
    searched = train(reference_batch_size=reference)({"learning_rate": 0.5, "batch_size": size}, context())
    assert plain.history["learning_rate"][0] == (1, rate)
    assert (plain.value, plain.history) == (fixed.value, fixed.history) == (searched.value, searched.history)


def test_train_reports_what_monitors_record() -> None:
    reported: list[Any] = []
    rows = data.digits().train.head(40)
    train_network(rows, rows, epochs=2, monitors=Monitors(iterations=True, images=20, layers=10), report=reported.append)
    kinds = [type(one).__name__ for one in reported]
    epoch = ["Iteration"] * 4 + ["Evaluation"] * 2 + ["LayerState"]
    assert kinds == [*epoch, "LayerState", "Epoch", *epoch, "Epoch"]
