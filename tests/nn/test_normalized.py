"""Networks with batch normalisation: steps against an independent implementation, and the plain network that is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn import Monitors, Network, Recipe, Training, load, save, train
from hpsearch.nn.activations import ACTIVATIONS, Maxout
from hpsearch.nn.averaging import MovingAverage, Snapshots, TailAverage
from hpsearch.nn.costs import COSTS
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.gradcheck import check_gradient
from hpsearch.nn.normalized import NormalizedNetwork
from hpsearch.nn.passes.layered import forward
from hpsearch.nn.regularizers import L1, L2
from hpsearch.nn.schedules import Cyclic
from hpsearch.nn.training import layer_state
from tests.nn.blobs import CLASSES, INPUTS, blobs, blobs_for

HIDDEN = (5, 4)


def network_of(dtype: str = "float64", **settings: Any) -> Network:
    return Network.create((INPUTS, *HIDDEN, CLASSES), np.random.default_rng(3), dtype=dtype, **settings)


def training_of(dtype: str = "float64", activation: Any = "tanh", **settings: Any) -> Training:
    network = network_of(dtype, activation=activation, cost="log_likelihood")
    recipe = Recipe(**{"learning_rate": 0.3, "epochs": 4, "batch_size": 16, "batch_norm": True, **settings})
    return Training(network, blobs(seed=1), recipe, np.random.default_rng(5), blobs(40, seed=2))


@pytest.mark.parametrize(("l2", "l1"), [(None, None), (L2(3.0), L1(2.0))])
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_with_every_activation_cost_and_penalty(activation: str, cost: str, l2: L2 | None, l1: L1 | None) -> None:
    network = NormalizedNetwork.of(network_of(activation=activation, cost=cost))
    assert check_gradient(network, *blobs_for(cost, 7), l2, l1=l1, decay_biases=True) <= 1e-7


def cost_of(arrays: list[np.ndarray], x: np.ndarray, labels: np.ndarray) -> Any:
    """The mean cost, row by row as in the source, of numbers that may be complex: [w1, w2, w3, b, gamma1, beta1, ...]."""
    a = x
    for w, gamma, beta in zip(arrays[:2], arrays[4::2], arrays[5::2], strict=True):
        z = a @ w.T
        mean = sum(z) / len(z)
        variance = sum((z - mean) ** 2) / len(z)
        a = np.tanh(gamma * (z - mean) / np.sqrt(variance + 1e-5) + beta)
    z = a @ arrays[2].T + arrays[3]
    return sum(np.log(np.exp(row).sum()) - row[label] for row, label in zip(z, labels, strict=True)) / len(x)


def slopes_of(arrays: list[np.ndarray], x: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """The gradient by complex steps, which knows nothing of backpropagation and is exact to rounding."""
    found = []
    for number, array in enumerate(arrays):
        slope = np.empty_like(array)
        for place in np.ndindex(array.shape):
            moved = [a.astype(complex) for a in arrays]
            moved[number][place] += 1e-30j
            slope[place] = cost_of(moved, x, labels).imag / 1e-30
        found.append(slope)
    return found


@pytest.mark.parametrize("momentum", [0.0, 0.8])
@pytest.mark.parametrize("l2", [0.0, 20.0])
def test_steps_are_those_of_an_independent_implementation(l2: float, momentum: float) -> None:
    training, (x, labels) = training_of(l2=l2, momentum=momentum), blobs(seed=1)
    started = training.network
    arrays = [a.copy() for a in (*started.weights, *started.biases)]
    assert [a.shape for a in arrays[3:]] == [(3,), (5,), (5,), (4,), (4,)]
    velocities = [np.zeros_like(a) for a in arrays]
    order, firsts = np.random.default_rng(9).permutation(64), []
    for start in range(0, 64, 16):
        rows = order[start : start + 16]
        firsts.append(x[rows].astype(np.float64) @ arrays[0].T)
        slopes = slopes_of(arrays, x[rows].astype(np.float64), labels[rows])
        for number, (array, slope, velocity) in enumerate(zip(arrays, slopes, velocities, strict=True)):
            decay = l2 / 64 if number < 3 else 0.0  # neither of gamma and beta
            velocity[...] = momentum * velocity - 0.3 * (slope + decay * array)
            array += velocity
    next(training.run(orders=[order]))
    for ours, theirs in zip((*training.network.weights, *training.network.biases), arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(training.network.statistics[0], np.mean([z.mean(0) for z in firsts], axis=0), rtol=1e-9)
    np.testing.assert_allclose(training.network.statistics[1], np.mean([z.var(0, ddof=1) for z in firsts], axis=0), rtol=1e-9)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", Maxout(3)], ids=repr)
def test_the_kept_network_is_plain_and_scores_as_the_layers_do(activation: Any) -> None:
    training, (x, labels) = training_of(activation=activation, epochs=3), blobs(30, seed=4)
    list(training.run())
    trained = training.network
    assert isinstance(trained, NormalizedNetwork)
    assert type(trained.plain) is Network
    assert type(training.kept) is Network
    np.testing.assert_allclose(trained.plain._z(x), forward(trained.layers, x.T), rtol=1e-10, atol=1e-12)
    assert trained.score(x, labels) == trained.plain.score(x, labels)
    assert trained.predict(x).tolist() == trained.plain.predict(x).tolist()
    assert training.kept.score(*blobs(40, seed=2)) == training.kept_score


def test_the_network_that_was_handed_in_is_left_as_it_is() -> None:
    network, twin = network_of(), network_of()
    list(Training(network, blobs(), Recipe(0.5, batch_norm=True), np.random.default_rng(0)).run())
    assert all(
        a.tobytes() == b.tobytes() for a, b in zip(network.weights + network.biases, twin.weights + twin.biases, strict=True)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 7, "l2": 1.0},  # 64 = 9 * 7 + 1: a row is left over
        {"momentum": 0.9, "dropout": 0.3, "input_dropout": 0.1, "max_norm": 1.0},
        {"optimizer": "adam", "learning_rate": 0.01, "decay_biases": True, "l2": 1.0, "monitors": Monitors(images=20)},
        {"averaging": Snapshots(), "schedule": Cyclic(2), "optimizer": "nesterov", "momentum": 0.5},
    ],
)
def test_a_break_changes_no_bit(settings: dict[str, Any], dtype: str) -> None:
    straight, first, second = (training_of(dtype, **settings) for _ in range(3))
    list(straight.run())
    list(first.run(until=2))
    second.restore(first.state())
    list(second.run())
    ours, theirs = straight.state(), second.state()
    assert ours.keys() == theirs.keys() >= {"statistics_0", "kept_statistics_5", "biases_4"}
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)
    x = blobs(10, seed=4)[0]
    assert straight.kept.forward(x).tobytes() == second.kept.forward(x).tobytes()


def test_snapshots_are_an_ensemble_of_plain_networks() -> None:
    training = training_of(averaging=Snapshots(), schedule=Cyclic(2))
    list(training.run())
    kept = training.kept
    assert isinstance(kept, Ensemble)
    assert {type(member) for member in kept.networks} == {Network}


def test_scales_of_the_inputs_hardly_matter() -> None:
    """The hidden layers see the same numbers whatever the scale, but for epsilon."""
    x = blobs(seed=1)[0]
    outputs = []
    for scale in (1.0, 100.0):
        network = NormalizedNetwork.of(network_of())
        outputs.append(network.contrast(x * scale))
    assert outputs[1] == pytest.approx(outputs[0], rel=1e-3)
    assert network_of().contrast(x * 100) != pytest.approx(network_of().contrast(x), rel=0.1)


def test_layers_are_measured_as_they_are_trained() -> None:
    network, (x, labels) = NormalizedNetwork.of(network_of(activation="relu", cost="log_likelihood")), blobs(20, seed=4)
    found = layer_state.measure(network, (x, labels))
    _, weights, (bias, *pairs) = network.cost_and_gradient(x, labels)
    for i, arrays in enumerate([[weights[0], *pairs[:2]], [weights[1], *pairs[2:]], [weights[2], bias]], start=1):
        assert found[f"gradient_norm_{i}"] == pytest.approx(np.linalg.norm(np.concatenate([a.ravel() for a in arrays])))
    z = network.weights[0] @ x.T
    normal = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    np.testing.assert_allclose(next(network.hidden_outputs(x)), np.maximum(normal, 0), atol=1e-4)
    assert found["dead_1"] == 0.0  # a unit with mean 0 is above it on some row


def test_is_saved_loaded_and_returned_by_one_call(tmp_path: Path) -> None:
    network = train(blobs(), blobs(40, seed=2), hidden=8, batch_norm=True, epochs=5)
    assert type(network) is Network
    save(network, tmp_path / "network.npz")
    x = blobs(9, seed=4)[0]
    np.testing.assert_array_equal(load(tmp_path / "network.npz").forward(x), network.forward(x))
    training = training_of("float32")
    list(training.run())
    save(training.network, tmp_path / "trained.npz")
    np.testing.assert_array_equal(load(tmp_path / "trained.npz").forward(x), training.network.forward(x))


def test_without_hidden_layers_it_changes_no_bit() -> None:
    one, other = (train(blobs(), hidden=(), batch_norm=norm, epochs=3) for norm in (False, True))
    x = blobs(9, seed=4)[0]
    assert one.forward(x).tobytes() == other.forward(x).tobytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 1}, r"batch_size must be at least 2 with batch_norm, got 1\. One row has no variance\."),
        ({"batch_norm": "yes"}, r"batch_norm must be True or False, got 'yes'\. True normalises the hidden layers"),
        (
            {"averaging": MovingAverage()},
            r"averaging must be Snapshots\(\) or None with batch normalisation, got Moving",
        ),
        ({"averaging": TailAverage()}, r"averaging must be Snapshots\(\) or None with batch normalisation, got TailAverage"),
        (
            {"optimizer": "cg", "learning_rate": 1.0},
            r"batch_norm must be left out, or False, with 'cg', got True\. Its",
        ),
    ],
)
def test_refuses_what_does_not_go_with_it(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=f"^{message}"):
        Recipe(**{"learning_rate": 0.3, "batch_norm": True, **settings})
