"""Weights of rows: in the gradient, in the score, in every kind of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error

from hpsearch.errors import DataError
from hpsearch.nn.activations import Maxout
from hpsearch.nn.arrays import Array
from hpsearch.nn.costs import COSTS, encode_targets, one_hot
from hpsearch.nn.engines.base import Rows
from hpsearch.nn.engines.numpy_engine import NumpyEngine
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.gradcheck import numeric_gradient
from hpsearch.nn.network import Network
from hpsearch.nn.passes.backprop import Gradient, Minibatch
from hpsearch.nn.passes.dropout import Rates
from hpsearch.nn.recipe import Monitors, Recipe
from hpsearch.nn.training.committee import Committee
from hpsearch.nn.training.training import Training
from tests.nn.blobs import CLASSES, INPUTS, blobs, blobs_for

WEIGHTS = np.array([0.0, 2.0, 1.0, 0.5, 3.0, 1.0, 0.25, 0.25])
ROWS = len(WEIGHTS)
TYPES: list[Any] = ["sigmoid", Maxout(2)]


def network(activation: Any = "sigmoid", cost: str = "log_likelihood", seed: int = 1, outputs: int = CLASSES) -> Network:
    rng = np.random.default_rng(seed)
    return Network.create((INPUTS, 5, outputs), rng, activation=activation, cost=cost, dtype="float64")


def far(one: list[Array], other: list[Array]) -> float:
    g, n = (np.concatenate([part.ravel() for part in parts]) for parts in (one, other))
    return float(np.linalg.norm(g - n) / (np.linalg.norm(g) + np.linalg.norm(n)))


@pytest.mark.parametrize("cost", COSTS)
def test_the_mean_cost_is_the_mean_of_each(cost: str) -> None:
    z = np.random.default_rng(0).normal(0.0, 3.0, (2, 4, 7))
    targets = one_hot(np.arange(14).reshape(2, 7) % 4, np.arange(4)).astype(np.float64)
    each = COSTS[cost].each(z, targets)
    assert each.shape == (2, 7)
    assert each.mean() == pytest.approx(COSTS[cost].mean(z, targets), rel=1e-12)
    far_out = COSTS[cost].each(z * 1e3, targets)
    assert np.isfinite(far_out).all()


@pytest.mark.parametrize("activation", TYPES, ids=str)
@pytest.mark.parametrize("cost", COSTS)
def test_the_gradient_is_that_of_the_weighted_mean(activation: Any, cost: str) -> None:
    """The cost is written out from the outputs; its differences are the independent source."""
    x, y = blobs_for(cost, ROWS)
    found = network(activation, cost)
    targets = one_hot(blobs(ROWS)[1], np.arange(CLASSES)).astype(np.float64)

    def weighted() -> float:
        return float((COSTS[cost].each(found._z(x.astype(np.float64)), targets) * WEIGHTS).sum() / ROWS)

    mean, *gradient = found.cost_and_gradient(x, y, sample_weights=WEIGHTS)
    assert mean == pytest.approx(weighted(), rel=1e-12)
    numeric = numeric_gradient(weighted, [*found.weights, *found.biases])
    assert far([*gradient[0], *gradient[1]], numeric) < 1e-7


@pytest.mark.parametrize("activation", TYPES, ids=str)
@pytest.mark.parametrize("rates", [Rates(0.0, 0.0), Rates(0.5, 0.0), Rates(0.4, 0.2)], ids=["whole", "hidden", "both"])
def test_the_gradient_of_thinned_passes_is_weighted_too(activation: Any, rates: Rates) -> None:
    """With the same units left out, a weighted batch is the sum over rows of their own gradients times their weights."""
    x, y = blobs(ROWS)
    found = network(activation)
    targets = encode_targets(y, np.arange(CLASSES)).astype(np.float64)

    def gradient(weights: Array) -> list[Array]:
        passes, z = found.passes(ROWS, rates, lambda: np.random.default_rng(3)), np.empty((CLASSES, ROWS))
        batch = Minibatch(np.ascontiguousarray(x, np.float64).T, targets, z, z.T, weights)
        passes.run(batch)
        into = Gradient([np.zeros_like(w).T for w in found.weights], [np.zeros_like(b) for b in found.biases])
        passes.accumulate(batch, into, 0.0, 1.0, 1.0)
        return [*(g.copy() for g in into.weights_t), *into.biases]

    single = [gradient(np.eye(ROWS)[row]) for row in range(ROWS)]
    summed = [sum(w * g for w, g in zip(WEIGHTS, parts, strict=True)) for parts in zip(*single, strict=True)]
    assert far(gradient(WEIGHTS), summed) < 1e-12
    assert far(gradient(np.ones(ROWS)), [sum(parts) for parts in zip(*single, strict=True)]) < 1e-12


@pytest.mark.parametrize("ensemble", [False, True])
def test_the_score_is_that_of_scikit_learn(ensemble: bool) -> None:
    x, y = blobs(50)
    weights = np.random.default_rng(0).uniform(0.0, 2.0, 50)
    found = Ensemble([network(seed=seed) for seed in (1, 2)]) if ensemble else network()
    score = found.score(x, y, weights)
    outputs = found.forward(x)
    assert score.accuracy == pytest.approx(accuracy_score(y, outputs.argmax(1), sample_weight=weights), rel=1e-12)
    assert score.cost == pytest.approx(log_loss(y, outputs, sample_weight=weights), rel=1e-9)


def test_the_score_of_numbers_is_that_of_scikit_learn() -> None:
    x, _ = blobs(50)
    y, weights = np.random.default_rng(0).normal(size=(2, 50)) ** 2
    found = network(cost="squared_error", outputs=1)
    wanted = mean_squared_error(y, found.forward(x)[:, 0], sample_weight=weights)
    assert 2 * found.score(x, y, weights).cost == pytest.approx(wanted, rel=1e-12)


def test_weight_0_leaves_the_row_out_of_the_score() -> None:
    x, y = blobs(30)
    weights = np.r_[np.ones(20), np.zeros(10)]
    score, without = network().score(x, y, weights), network().score(x[:20], y[:20])
    assert (score.cost, score.accuracy) == pytest.approx((without.cost, without.accuracy), rel=1e-12)


def test_nan_in_a_row_is_told_with_weights_too() -> None:
    x, y = blobs(5)
    x[3, 2] = np.nan
    with pytest.raises(DataError, match=r"x\[3, 2\]"):
        network().score(x, y, np.ones(5))


def trained(train: Rows, validation: Any = None, seed: int = 5, **settings: Any) -> Training:
    asked: dict[str, Any] = {"learning_rate": 0.5, "epochs": 3} | settings
    training = Training(network(), train, Recipe(**asked), np.random.default_rng(seed), validation)
    list(training.run())
    return training


def all_weights(training: Training) -> list[Array]:
    return [*training.network.weights, *training.network.biases]


@pytest.mark.parametrize("optimizer", ["l-bfgs", "cg", "newton-cg"])
def test_a_row_of_weight_2_is_the_row_twice_for_full_batch_methods(optimizer: str) -> None:
    """Weights have mean 1; the penalty is divided by the number of rows, so it is left out."""
    x, y = blobs(24)
    weights = np.r_[np.full(6, 2.0), np.ones(18)]
    twice = trained((np.r_[x, x[:6]], np.r_[y, y[:6]]), epochs=6, optimizer=optimizer, learning_rate=1.0)
    found = trained((x, y, weights / weights.mean()), epochs=6, optimizer=optimizer, learning_rate=1.0)
    assert far(all_weights(found), all_weights(twice)) < 1e-5
    assert found.history[-1].training_cost == pytest.approx(twice.history[-1].training_cost, rel=1e-5)


def test_a_full_batch_step_of_sgd_is_that_of_the_rows_twice() -> None:
    x, y = blobs(24)
    weights = np.r_[np.full(6, 2.0), np.ones(18)]
    twice = trained((np.r_[x, x[:6]], np.r_[y, y[:6]]), batch_size=30)
    found = trained((x, y, weights / weights.mean()), batch_size=24)
    assert far(all_weights(found), all_weights(twice)) < 1e-9
    curves = [[epoch.training_cost for epoch in one.history] for one in (found, twice)]
    assert curves[0] == pytest.approx(curves[1], rel=1e-9)


@pytest.mark.parametrize("settings", [{}, {"dropout": 0.5}, {"optimizer": "adam", "learning_rate": 0.01}, {"momentum": 0.9}])
def test_weights_of_1_change_nothing(settings: dict[str, Any]) -> None:
    x, y = blobs(40)
    one, other = trained((x, y), (x, y), **settings), trained((x, y, np.ones(40)), (x, y, np.ones(40)), **settings)
    assert all((a == b).all() for a, b in zip(all_weights(one), all_weights(other), strict=True))
    costs = [[(e.training_cost, e.validation_cost) for e in each.history] for each in (one, other)]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-6)


def test_weights_run_on_numpy_and_agree_with_the_compiled_loop_where_all_are_1() -> None:
    pytest.importorskip("numba")
    x, y = blobs(40)
    weighted = trained((x, y, np.ones(40)), engine="numba")
    assert isinstance(weighted._engine, NumpyEngine)
    assert far(all_weights(weighted), all_weights(trained((x, y), engine="numba"))) < 1e-5


@pytest.mark.parametrize(
    "settings", [{}, {"dropout": 0.3}, {"optimizer": "l-bfgs", "learning_rate": 1.0}, {"optimizer": "adam"}]
)
def test_a_resumed_training_has_the_same_bits(settings: dict[str, Any]) -> None:
    x, y = blobs(40)
    weights = np.random.default_rng(1).uniform(0.1, 2.0, 40)
    whole = trained((x, y, weights), (x, y, weights), epochs=6, **settings)
    first = Training(network(), (x, y, weights), whole.recipe, np.random.default_rng(5), None)
    list(first.run(until=3))
    second = Training(network(), (x, y, weights), first.recipe, np.random.default_rng(99), None)
    second.restore(first.state())
    list(second.run())
    assert all((a == b).all() for a, b in zip(all_weights(whole), all_weights(second), strict=True))


def test_members_are_scored_by_the_weights_of_their_mean() -> None:
    x, y = blobs(40)
    weights = np.random.default_rng(1).uniform(0.1, 2.0, 40)
    committee = Committee([trained((x, y, weights), (x, y, weights), seed=seed) for seed in (1, 2)], (x, y, weights))
    outputs = committee.kept.forward(x)
    assert committee.kept_score.cost == pytest.approx(log_loss(y, outputs, sample_weight=weights), rel=1e-6)


def test_first_rows_of_weight_0_are_scored_alike_within_an_epoch() -> None:
    x, y = blobs(40)
    weights = np.r_[np.zeros(10), np.ones(30)]
    found = trained((x, y), (x, y, weights), epochs=25, monitors=Monitors(images=1000, rows=10))
    assert found.evaluations
    assert all(np.isfinite(line.cost) for line in found.evaluations)
