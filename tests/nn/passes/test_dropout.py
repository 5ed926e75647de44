"""Dropout against a network of plain NumPy that is given the same masks, and against the expectation it must keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn.activations import ELEMENTWISE
from hpsearch.nn.arrays import Array
from hpsearch.nn.costs import COSTS, one_hot
from hpsearch.nn.gradcheck import numeric_gradient
from hpsearch.nn.network import Network
from hpsearch.nn.passes.backprop import Gradient, Minibatch
from hpsearch.nn.passes.dropout import Rates, ThinnedBackprop
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.training.training import Training
from tests.nn.blobs import CLASSES, INPUTS, blobs

SAMPLES = 7


def network_of(activation: str = "sigmoid", cost: str = "cross_entropy", hidden: tuple[int, ...] = (5, 4)) -> Network:
    sizes = (INPUTS, *hidden, CLASSES)
    return Network.create(sizes, np.random.default_rng(1), activation=activation, cost=cost, dtype="float64")


def thinned(network: Network, rates: Rates, samples: int = SAMPLES) -> tuple[ThinnedBackprop, Minibatch, Array]:
    """Return passes, a mini-batch for them and its inputs as they were."""
    x, labels = blobs(samples)
    targets = one_hot(labels, np.arange(CLASSES)).astype(network.dtype)
    z, rows = np.empty_like(targets), x.astype(network.dtype)
    rng = np.random.default_rng(5)
    return ThinnedBackprop(network, samples, rates, lambda: rng), Minibatch(rows.T, targets, z, z.T), rows.copy()


def by_masks(network: Network, x: Array, masks: list[Array]) -> Array:
    """The output z: every layer's output times its mask, written out."""
    a = x.T * masks[0].T
    for w, b, mask in zip(network.weights[:-1], network.biases[:-1], masks[1:], strict=True):
        a = network.activation(w @ a + b[:, None]) * mask
    return np.asarray(network.weights[-1] @ a + network.biases[-1][:, None])


@pytest.mark.parametrize("rates", [Rates(0.5, 0.0), Rates(0.0, 0.2), Rates(0.3, 0.2)])
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_gradient_is_that_of_the_thinned_network(activation: str, cost: str, rates: Rates) -> None:
    network = network_of(activation, cost)
    passes, batch, x = thinned(network, rates)
    passes.run(batch)
    np.testing.assert_allclose(batch.z, by_masks(network, x, passes.masks), rtol=1e-12)
    into = Gradient([np.zeros_like(w).T.copy("F") for w in network.weights], [np.zeros_like(b) for b in network.biases])
    passes.accumulate(batch, into, 0.0, 1 / SAMPLES, 1 / SAMPLES)
    arrays = [*network.weights, *network.biases]
    numeric = numeric_gradient(lambda: network.cost.mean(by_masks(network, x, passes.masks), batch.targets), arrays)
    g = np.concatenate([part.ravel() for part in ([w.T for w in into.weights_t] + into.biases)])
    n = np.concatenate([part.ravel() for part in numeric])
    assert np.linalg.norm(g - n) / (np.linalg.norm(g) + np.linalg.norm(n)) <= 1e-7


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_leaves_out_the_wanted_share_and_scales_up_the_rest(dtype: str) -> None:
    network = Network.create((INPUTS, 50, CLASSES), np.random.default_rng(0), dtype=dtype)
    passes, batch, _ = thinned(network, Rates(0.3, 0.2), samples=2000)
    passes.run(batch)
    for mask, rate in zip(passes.masks, (0.2, 0.3), strict=True):
        assert set(np.unique(mask)) == {mask.dtype.type(0), mask.dtype.type(1 / (1 - rate))}
        # Five standard errors of a share.
        assert np.mean(mask == 0) == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / mask.size))


def test_the_whole_network_is_the_mean_of_the_thinned_ones() -> None:
    # In a linear network the mean over all masks is exact: E[mask] = 1.
    network = network_of("linear")
    passes, batch, x = thinned(network, Rates(0.5, 0.2))
    found = []
    for _ in range(4000):
        np.copyto(batch.x, x.T)
        passes.run(batch)
        found.append(batch.z.copy())
    error = np.std(found, axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(np.mean(found, axis=0) - by_masks(network, x, [np.ones((1, 1))] * 3)) < 5 * error)


def training_of(recipe: Recipe) -> Training:
    rng = np.random.default_rng(3)
    return Training(Network.create((INPUTS, 5, CLASSES), rng), blobs(seed=1), recipe, rng, blobs(40, seed=2))


@pytest.mark.parametrize("changes", [{"dropout": 0.5}, {"input_dropout": 0.5}])
def test_changes_the_training_the_same_way_each_time_and_leaves_the_data_alone(changes: dict[str, float]) -> None:
    recipe = Recipe(0.5, epochs=3)
    plain, first, second = training_of(recipe), training_of(replace(recipe, **changes)), training_of(replace(recipe, **changes))  # type: ignore[arg-type]
    before = first._train[0].copy()
    for training in (plain, first, second):
        list(training.run())
    np.testing.assert_array_equal(first.network.weights[0], second.network.weights[0])
    assert not np.array_equal(first.network.weights[0], plain.network.weights[0])
    np.testing.assert_array_equal(first._train[0], before)


@pytest.mark.parametrize("name", ["dropout", "input_dropout"])
@pytest.mark.parametrize("value", [1.0, -0.1, float("nan"), "half", True])
def test_refuses_a_share_outside_its_range(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=rf"{name} must be a number in \[0, 1\), got .* share that is left out"):
        Recipe(0.1, **{name: value})  # type: ignore[arg-type]
