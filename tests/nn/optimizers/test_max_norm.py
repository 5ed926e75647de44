"""Max-norm: against the rule written out for every unit, with every optimizer, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn import Network, Recipe, Training
from hpsearch.nn.activations import Maxout
from hpsearch.nn.averaging import MovingAverage
from hpsearch.nn.optimizers.max_norm import limit_norms
from tests.nn.blobs import CLASSES, INPUTS, blobs

LIMIT = 0.7
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "decay": {"l2": 20.0},
    "l1": {"l1": 1.0, "l2": 1.0},
    "momentum": {"momentum": 0.9, "l2": 5.0},
    "nesterov": {"optimizer": "nesterov", "momentum": 0.9},
    "rmsprop": {"optimizer": "rmsprop", "learning_rate": 0.05},
    "adam": {"optimizer": "adam", "learning_rate": 0.05},
    "dropout": {"dropout": 0.5, "input_dropout": 0.2},
}


def training_of(dtype: str = "float64", activation: Any = "sigmoid", **settings: Any) -> Training:
    rng = np.random.default_rng(3)
    network = Network.create((INPUTS, 5, 4, CLASSES), rng, dtype=dtype, activation=activation)
    return Training(network, blobs(), Recipe(**{"learning_rate": 0.5, "epochs": 3, **settings}), rng)


def with_the_rule_outside(settings: dict[str, Any]) -> Network:
    """Train without the setting, and shorten unit by unit after each step."""
    training = training_of(**settings)
    optimizer, network = training.optimizer, training.network
    take = optimizer.step

    def step(*given: Any) -> None:
        take(*given)
        for weights in network.weights[:-1]:
            for unit in weights:
                length = optimizer.scale * sum(float(w) ** 2 for w in unit) ** 0.5
                unit *= min(1.0, LIMIT / length)

    optimizer.step = step  # type: ignore[assignment, method-assign]
    list(training.run())
    return network


@pytest.mark.parametrize("settings", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_follows_the_rule_after_every_step(settings: dict[str, Any]) -> None:
    ours, theirs = training_of(max_norm=LIMIT, **settings), with_the_rule_outside(settings)
    list(ours.run())
    for one, other in zip(ours.network.weights + ours.network.biases, theirs.weights + theirs.biases, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", Maxout(3)], ids=repr)
def test_hidden_units_are_bounded_and_outputs_are_not(activation: Any) -> None:
    training = training_of("float32", activation, max_norm=LIMIT, learning_rate=1.0)
    list(training.run())
    *hidden, output = (np.linalg.norm(w, axis=1) for w in training.network.weights)
    assert all(norms.max() <= LIMIT * (1 + 1e-6) for norms in hidden)
    assert max(norms.max() for norms in hidden) > 0.99 * LIMIT
    assert output.max() > LIMIT


def test_an_average_of_bounded_weights_is_bounded() -> None:
    training = training_of(max_norm=LIMIT, averaging=MovingAverage(0.9))
    list(training.run())
    assert isinstance(training.kept, Network)
    assert all(np.linalg.norm(w, axis=1).max() <= LIMIT * (1 + 1e-9) for w in training.kept.weights[:-1])


def test_a_limit_that_nothing_reaches_changes_no_bit() -> None:
    free, bounded = training_of("float32", l2=1.0), training_of("float32", l2=1.0, max_norm=1e6)
    assert list(free.run()) == list(bounded.run())
    assert free.state()["weights_0"].tobytes() == bounded.state()["weights_0"].tobytes()


def test_lengths_whose_squares_overflow_are_shortened_too() -> None:
    weights = np.full((2, 4), 1e30, np.float32)
    limit_norms(weights, 3.0)
    np.testing.assert_allclose(weights, 1.5, rtol=1e-6)


@pytest.mark.parametrize("limit", [0, -1.0, "3", float("nan"), True])
def test_refuses_what_is_no_norm(limit: Any) -> None:
    with pytest.raises(
        SettingError, match=rf"^max_norm must be a number in \(0, inf\), got {limit!r}\. Take None for no limit"
    ):
        Recipe(0.5, max_norm=limit)


def test_refuses_a_method_without_steps() -> None:
    with pytest.raises(SettingError, match=r"^max_norm must be left out, or None, with 'l-bfgs', got 3\.0\. A line search"):
        Recipe(1.0, optimizer="l-bfgs", max_norm=3.0)
