"""The cost of every mini-batch: against a plain loop, in blocks, and across a break."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpsearch.nn import Monitors, Network, Recipe, Training
from hpsearch.nn.training.iterations import MOST, IterationCosts
from tests.nn.blobs import CLASSES, INPUTS, blobs
from tests.nn.training.test_training import RECIPES, assert_same, training_of

WATCHED = Monitors(iterations=True)


def test_costs_are_those_of_a_plain_loop() -> None:
    """Softmax regression by hand, a few lines: the cost of each mini-batch before its step."""
    x, y = blobs(30, seed=1)
    network = Network.create((INPUTS, CLASSES), np.random.default_rng(0), cost="log_likelihood", dtype="float64")
    w, b = network.weights[0].copy(), network.biases[0].copy()
    orders, expected = [np.random.default_rng(n).permutation(30) for n in range(2)], []
    for order in orders:
        for rows in (order[first : first + 7] for first in range(0, 30, 7)):
            z = x[rows].astype(float) @ w.T + b
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            expected.append(-np.log(p[np.arange(len(rows)), y[rows]]).mean())
            delta = p - np.eye(CLASSES)[y[rows]]
            w, b = w - 0.3 * delta.T @ x[rows] / len(rows), b - 0.3 * delta.mean(axis=0)
    recipe = Recipe(0.3, batch_size=7, epochs=2, monitors=WATCHED)
    training = Training(network, (x, y), recipe, np.random.default_rng(0))
    list(training.run(orders=orders))
    assert [one.iteration for one in training.iterations] == list(range(1, 11))
    assert [one.cost for one in training.iterations] == pytest.approx(expected, rel=1e-6)


def test_blocks_hold_the_mean_and_are_no_more_than_the_most() -> None:
    costs = np.random.default_rng(0).random(2 * MOST + 5)
    found = IterationCosts(len(costs))
    found.add(costs.tolist())
    assert len(found.whole) <= MOST
    assert [one.iteration for one in [*found.whole, *found.rest]] == [*range(3, len(costs), 3), len(costs)]
    assert [one.cost for one in found.whole] == pytest.approx(costs[: len(costs) // 3 * 3].reshape(-1, 3).mean(axis=1))


def test_blocks_do_not_depend_on_how_costs_arrive() -> None:
    costs = np.random.default_rng(0).random(3700).tolist()
    together, apart = IterationCosts(3700), IterationCosts(3700)
    together.add(costs)
    for first in range(0, 3700, 37):
        apart.add(costs[first : first + 37])
    assert (together.whole, together.rest) == (apart.whole, apart.rest)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("monitors", [WATCHED, Monitors(images=7), Monitors(layers=20)], ids=["costs", "images", "layers"])
def test_monitors_change_no_bit_and_survive_a_break(name: str, monitors: Monitors) -> None:
    recipe = replace(RECIPES[name], monitors=replace(monitors, images=monitors.images and max(7, RECIPES[name].batch_size)))
    watched, first, plain = training_of(recipe), training_of(recipe), training_of(RECIPES[name])
    for training in (watched, plain):
        list(training.run())
    assert watched.history == plain.history
    ours, theirs = watched.state(), plain.state()
    assert all(ours[key].tobytes() == array.tobytes() for key, array in theirs.items())
    assert len(ours) > len(theirs)
    list(first.run(until=2))
    second = training_of(recipe)
    second.restore(first.state())
    list(second.run())
    assert_same(second, watched)
    assert (second.iterations, second.layer_states, second.evaluations) == (
        watched.iterations,
        watched.layer_states,
        watched.evaluations,
    )


def test_evaluations_come_after_the_mini_batch_that_completes_the_images() -> None:
    x, y = blobs(50, seed=1)
    network = Network.create((INPUTS, 5, CLASSES), np.random.default_rng(0))
    recipe = Recipe(0.3, batch_size=7, epochs=2, monitors=Monitors(images=20))
    training = Training(network, (x, y), recipe, np.random.default_rng(0), blobs(40, seed=2))
    list(training.run())
    # Mini-batches end at 7, 14, 21 ... 49, 50, 57 ...; of these the first ones at or above 20, 40, 60 ...
    assert [one.images for one in training.evaluations] == [21, 42, 64, 85, 100]


def test_full_batch_methods_have_one_iteration_an_epoch() -> None:
    training = training_of(Recipe(1.0, optimizer="l-bfgs", epochs=5, monitors=WATCHED))
    epochs = list(training.run())
    assert [one.cost for one in training.iterations] == [epoch.training_cost for epoch in epochs]
