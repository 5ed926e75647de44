"""Penalties on biases: the gradient, and steps of every optimizer against the formula for every bias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn import Network, Recipe, Training
from hpsearch.nn.averaging import MovingAverage
from hpsearch.nn.gradcheck import check_gradient
from hpsearch.nn.regularizers import L1, L2
from tests.nn.blobs import CLASSES, INPUTS, blobs

L2_STRENGTH, L1_STRENGTH = 20.0, 3.0


def network_of(dtype: str = "float64") -> Network:
    return Network.create((INPUTS, 5, CLASSES), np.random.default_rng(3), dtype=dtype)


@pytest.mark.parametrize(("l2", "l1"), [(None, None), (L2(3.0), None), (None, L1(2.0)), (L2(3.0), L1(2.0))])
def test_the_gradient_of_the_penalties_is_right(l2: L2 | None, l1: L1 | None) -> None:
    assert check_gradient(network_of(), *blobs(7), l2, l1=l1, decay_biases=True) <= 1e-7


def test_a_penalty_that_is_missing_in_the_gradient_is_found() -> None:
    class Forgetful(Network):
        def cost_and_gradient(self, *given: Any, **settings: Any) -> Any:
            return super().cost_and_gradient(*given, **{**settings, "decay_biases": False})

    right = network_of()
    assert check_gradient(Forgetful(right.weights, right.biases), *blobs(7), L2(3.0), decay_biases=True) > 1e-3


def test_the_cost_is_that_of_weights_and_biases() -> None:
    network, (x, labels) = network_of(), blobs(8)
    squares = sum((a**2).sum() for a in [*network.weights, *network.biases])
    wanted = network.score(x, labels).cost + 3.0 / 16 * squares
    assert network.mean_cost(x, labels, L2(3.0), decay_biases=True) == pytest.approx(wanted, rel=1e-12)


Rule = Callable[[np.ndarray, np.ndarray, dict[str, Any], float], np.ndarray]


def plain(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], rate: float) -> np.ndarray:
    return w - rate * g


def momentum(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], rate: float) -> np.ndarray:
    memory["v"] = 0.9 * memory.get("v", 0.0) - rate * g
    return np.asarray(w + memory["v"])


def rmsprop(w: np.ndarray, g: np.ndarray, memory: dict[str, Any], rate: float) -> np.ndarray:
    memory["s"] = 0.9 * memory.get("s", 0.0) + 0.1 * g**2
    return np.asarray(w - rate * g / (np.sqrt(memory["s"]) + 1e-8))


RULES: dict[str, tuple[Rule, dict[str, Any]]] = {
    "plain": (plain, {}),
    "momentum": (momentum, {"momentum": 0.9}),
    "rmsprop": (rmsprop, {"optimizer": "rmsprop"}),
}


@pytest.mark.parametrize("l1", [0.0, L1_STRENGTH])
@pytest.mark.parametrize(("rule", "settings"), RULES.values(), ids=RULES)
def test_steps_follow_the_formula(rule: Rule, settings: dict[str, Any], l1: float) -> None:
    wanted, (x, labels) = network_of(), blobs()
    arrays: list[np.ndarray] = [*wanted.weights, *wanted.biases]
    memories: list[dict[str, Any]] = [{} for _ in arrays]
    order = np.random.default_rng(1).permutation(64)
    for start in range(0, 64, 10):
        rows = order[start : start + 10]
        weights, biases = wanted.gradient(x[rows], labels[rows])
        for array, gradient, memory in zip(arrays, [*weights, *biases], memories, strict=True):
            g = gradient + L2_STRENGTH / 64 * array + l1 / 64 * np.sign(array)
            array[...] = rule(array, g, memory, 0.1)
    ours, recipe = network_of(), Recipe(0.1, l2=L2_STRENGTH, l1=l1, decay_biases=True, **settings)
    next(Training(ours, blobs(), recipe, np.random.default_rng(2)).run(orders=[order]))
    for one, other in zip([*ours.weights, *ours.biases], arrays, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-12)


def trained(**settings: Any) -> Network:
    network = network_of("float32")
    training = Training(network, blobs(), Recipe(**{"learning_rate": 0.1, "epochs": 30, **settings}), np.random.default_rng(2))
    list(training.run())
    assert isinstance(training.kept, Network)
    return training.kept


@pytest.mark.parametrize("optimizer", ["nesterov", "adam", "l-bfgs", "cg", "average"])
def test_biases_are_smaller_with_a_penalty(optimizer: str) -> None:
    settings: dict[str, Any] = {
        "nesterov": {"optimizer": "nesterov", "momentum": 0.9},
        "adam": {"optimizer": "adam"},
        "average": {"averaging": MovingAverage(0.9)},
    }.get(optimizer, {"optimizer": optimizer, "learning_rate": 1.0})
    free, decayed = (trained(l2=50.0, decay_biases=both, **settings) for both in (False, True))
    assert sum(np.abs(b).sum() for b in decayed.biases) < 0.7 * sum(np.abs(b).sum() for b in free.biases)


def test_a_full_batch_method_ends_where_the_penalised_gradient_is_zero() -> None:
    network = network_of()
    recipe = Recipe(1.0, l2=5.0, optimizer="l-bfgs", epochs=500, decay_biases=True)
    list(Training(network, blobs(), recipe, np.random.default_rng(0)).run())
    _, weights, biases = network.cost_and_gradient(*blobs(), L2(5.0), decay_biases=True)
    assert max(np.abs(g).max() for g in [*weights, *biases]) < 1e-4


def test_without_a_penalty_it_changes_no_bit() -> None:
    one, other = trained(), trained(decay_biases=True)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one.biases + one.weights, other.biases + other.weights, strict=True))


def test_refuses_what_is_neither_true_nor_false() -> None:
    with pytest.raises(SettingError, match=r"^decay_biases must be True or False, got 1\.0\. True lets l1 and l2"):
        Recipe(0.5, decay_biases=1.0)  # type: ignore[arg-type]
