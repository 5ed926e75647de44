"""Steps against the document's formulas, written out for every weight with no lazy scale and no BLAS."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers import sgd
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.training import Training
from tests.nn.blobs import CLASSES, INPUTS, blobs


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


@pytest.mark.parametrize("momentum", [-0.1, 1.0, 1.5, float("nan"), "0.9", True])
def test_refuses_a_momentum_outside_its_range(momentum: object) -> None:
    network = Network.create((2, 2, 2), np.random.default_rng(0))
    with pytest.raises(SettingError, match=r"momentum must be a number in \[0, 1\), got .* without friction"):
        sgd(network, momentum=momentum)  # type: ignore[arg-type]
