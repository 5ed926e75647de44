"""Steps against the document's formulas, written out for every weight with no lazy scale and no BLAS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.rules import Adam, RMSProp, sgd
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.schedules import Linear
from hpsearch.nn.training.training import Training
from hpsearch.space import Float
from tests.nn.blobs import CLASSES, INPUTS, blobs

Step = Callable[[np.ndarray, np.ndarray, dict[str, np.ndarray], float, int], np.ndarray]


def by_the_formula(network: Network, order: np.ndarray, recipe: Recipe) -> Network:
    """v <- mu v - eta (grad + lambda/n w); w <- w + v, over the mini-batches of one epoch."""
    x, labels = blobs()
    network = network.copy()
    arrays = [*network.weights, *network.biases]
    velocities = [np.zeros_like(a) for a in arrays]
    decays = [recipe.l2 / len(labels)] * len(network.weights) + [0.0] * len(network.biases)
    for start in range(0, len(order), recipe.batch_size):
        rows = order[start : start + recipe.batch_size]
        weights, biases = network.gradient(x[rows], labels[rows])
        for w, v, gradient, decay in zip(arrays, velocities, [*weights, *biases], decays, strict=True):
            v[...] = recipe.momentum * v - recipe.learning_rate * (gradient + decay * w)
            w += v
    return network


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("batch_size", [1, 7, 10, 64])
# A decay of lambda = 64 with eta = 1 takes the weights to exactly zero in every step, one of 200 turns their sign.
@pytest.mark.parametrize(("rate", "l2"), [(0.5, 0.0), (0.5, 5.0), (1.0, 64.0), (0.5, 200.0), (0.1, 300.0)])
def test_an_epoch_follows_the_formula(rate: float, l2: float, momentum: float, batch_size: int) -> None:
    recipe = Recipe(rate, l2, momentum, batch_size)
    network = Network.create((INPUTS, 5, CLASSES), np.random.default_rng(0), dtype="float64")
    order = np.random.default_rng(1).permutation(64)
    wanted = by_the_formula(network, order, recipe)
    next(Training(network, blobs(), recipe, np.random.default_rng(2)).run(orders=[order]))
    for ours, theirs in zip(network.weights + network.biases, wanted.weights + wanted.biases, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def with_every_weight(recipe: Recipe, step: Step) -> None:
    """Compare three epochs, at a rate that falls, with a rule for one array: (w, gradient, memory, rate, t) -> w."""
    network = Network.create((INPUTS, 5, CLASSES), np.random.default_rng(0), dtype="float64")
    orders = [np.random.default_rng(seed).permutation(64) for seed in range(3)]
    wanted, (x, labels) = network.copy(), blobs()
    arrays = [*wanted.weights, *wanted.biases]
    memories: list[dict[str, np.ndarray]] = [{} for _ in arrays]
    starts = [
        (epoch, order[i : i + recipe.batch_size]) for epoch, order in enumerate(orders) for i in range(0, 64, recipe.batch_size)
    ]
    for t, (epoch, rows) in enumerate(starts, start=1):
        weights, biases = wanted.gradient(x[rows], labels[rows])
        penalised = [g + recipe.l2 / 64 * w + recipe.l1 / 64 * np.sign(w) for g, w in zip(weights, wanted.weights, strict=True)]
        rate = recipe.learning_rate * recipe.schedule.multiplier((), epoch, recipe.epochs)
        for array, gradient, memory in zip(arrays, [*penalised, *biases], memories, strict=True):
            array[...] = step(array, gradient, memory, rate, t)
    list(Training(network, blobs(), recipe, np.random.default_rng(2)).run(orders=orders))
    for ours, theirs in zip(network.weights + network.biases, arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def descent(w: np.ndarray, g: np.ndarray, memory: dict[str, np.ndarray], rate: float, t: int) -> np.ndarray:
    return w - rate * g


def momentum(w: np.ndarray, g: np.ndarray, memory: dict[str, np.ndarray], rate: float, t: int) -> np.ndarray:
    memory["v"] = 0.8 * memory.get("v", 0 * g) - rate * g
    return w + memory["v"]


def nesterov(w: np.ndarray, g: np.ndarray, memory: dict[str, np.ndarray], rate: float, t: int) -> np.ndarray:
    """Sutskever et al. (2013), eq. 3 and 4: theta stands behind, its gradient is taken at theta + mu v, which w stands for."""
    before = memory.get("v", 0 * g)
    theta = w - 0.8 * before
    memory["v"] = 0.8 * before - rate * g
    theta = theta + memory["v"]
    return theta + 0.8 * memory["v"]


def rmsprop(w: np.ndarray, g: np.ndarray, memory: dict[str, np.ndarray], rate: float, t: int) -> np.ndarray:
    memory["s"] = 0.7 * memory.get("s", 0 * g) + 0.3 * g**2
    return w - rate * g / (np.sqrt(memory["s"]) + 1e-4)


def adam(w: np.ndarray, g: np.ndarray, memory: dict[str, np.ndarray], rate: float, t: int) -> np.ndarray:
    """Kingma and Ba (2015), algorithm 1, line by line."""
    memory["m"] = 0.8 * memory.get("m", 0 * g) + 0.2 * g
    memory["s"] = 0.95 * memory.get("s", 0 * g) + 0.05 * g**2
    m_hat, s_hat = memory["m"] / (1 - 0.8**t), memory["s"] / (1 - 0.95**t)
    return w - rate * m_hat / (np.sqrt(s_hat) + 1e-4)


@pytest.mark.parametrize(("l2", "l1"), [(0.0, 0.0), (2.0, 0.0), (0.0, 1.0), (2.0, 1.0), (200.0, 20.0)])
@pytest.mark.parametrize("batch_size", [7, 64])
@pytest.mark.parametrize(
    ("settings", "step"),
    [
        ({}, descent),
        ({"momentum": 0.8}, momentum),
        ({"momentum": 0.8, "optimizer": "nesterov"}, nesterov),
        ({"optimizer": RMSProp(0.7, 1e-4), "learning_rate": 0.01}, rmsprop),
        ({"optimizer": Adam(0.8, 0.95, 1e-4), "learning_rate": 0.01}, adam),
    ],
    ids=["descent", "momentum", "nesterov", "rmsprop", "adam"],
)
def test_every_optimizer_with_every_penalty(
    settings: dict[str, Any], step: Step, batch_size: int, l2: float, l1: float
) -> None:
    base = Recipe(0.1, l2, batch_size=batch_size, epochs=3, schedule=Linear(end=0.1), l1=l1)
    with_every_weight(replace(base, **settings), step)


@pytest.mark.parametrize(("optimizer", "length"), [("adam", 1.0), ("rmsprop", 10**0.5)])
def test_the_first_step_has_the_same_length_in_every_direction(optimizer: str, length: float) -> None:
    # Adam: m^ / sqrt(s^) = g / |g|; RMSProp: g / sqrt(0.1 g^2).
    network = Network.create((INPUTS, 5, CLASSES), np.random.default_rng(0), dtype="float64")
    before = network.copy()
    gradient = before.gradient(*blobs())[0][0]
    next(Training(network, blobs(), Recipe(0.01, batch_size=64, optimizer=optimizer), np.random.default_rng(2)).run())
    np.testing.assert_allclose(network.weights[0] - before.weights[0], -0.01 * length * np.sign(gradient), rtol=1e-3)


def test_no_pull_on_a_weight_of_zero() -> None:
    network = Network([np.zeros((2, 3))], [np.zeros(2)])
    x, labels = np.zeros((4, 3), np.float32), np.array([0, 1, 0, 1])
    next(Training(network, (x, labels), Recipe(0.5, batch_size=2, l1=10.0), np.random.default_rng(0)).run())
    np.testing.assert_array_equal(network.weights[0], 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adm"}, r"optimizer must be one of 'sgd', .*, got 'adm'\. .*Did you mean 'adam'"),
        ({"optimizer": Adam}, r"optimizer must be one of 'sgd', .*, got <class"),
        (
            {"optimizer": "adam", "momentum": 0.5},
            r"momentum must be 0 with Adam\(.*\), got 0\.5\. Take it out; in a space, write when=",
        ),
        ({"optimizer": "nesterov"}, r"momentum must be above 0 with Nesterov\(\), got 0\.0\. 0\.9 is usual"),
        ({"optimizer": RMSProp(Float(0.5, 0.9))}, r"optimizer rho must be a plain value, got Float"),
        ({"l1": -1.0}, r"l1 must be a number in \[0, inf\), got -1\.0\."),
    ],
)
def test_refuses_bad_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Recipe(0.1, **changes)


@pytest.mark.parametrize("make", [lambda: Adam(beta1=1.0), lambda: Adam(beta2=-0.1), lambda: RMSProp(rho="a")])
def test_refuses_a_share_outside_its_range(make: Callable[[], object]) -> None:
    with pytest.raises(SettingError, match=r"(Adam beta[12]|RMSProp rho) must be a number in \[0, 1\), got"):
        make()


@pytest.mark.parametrize("momentum", [-0.1, 1.0, 1.5, float("nan"), "0.9", True])
def test_refuses_a_momentum_outside_its_range(momentum: object) -> None:
    network = Network.create((2, 2, 2), np.random.default_rng(0))
    with pytest.raises(SettingError, match=r"momentum must be a number in \[0, 1\), got .* without friction"):
        sgd(network, momentum=momentum)  # type: ignore[arg-type]
