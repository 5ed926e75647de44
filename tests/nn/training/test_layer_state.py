"""Norms and idle units of layers: against numerical derivatives and networks made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn import Monitors, Network, Recipe, Stack, Training
from hpsearch.nn.activations import Relu
from hpsearch.nn.layers import Affine, SoftmaxWithLoss
from hpsearch.nn.training import layer_state
from hpsearch.nn.training.committee import Committee
from tests.nn.blobs import CLASSES, INPUTS, blobs

ROWS = blobs(25, seed=1)


def network_of(activation: str, sizes: tuple[int, ...] = (INPUTS, 4, 3, CLASSES)) -> Network:
    return Network.create(sizes, np.random.default_rng(0), activation=activation, dtype="float64")


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "maxout", "linear"])
def test_norms_are_those_of_two_sided_differences(activation: str) -> None:
    network = network_of(activation)
    found = layer_state.measure(network, ROWS)
    for layer, arrays in enumerate(zip(network.weights, network.biases, strict=True), 1):
        slopes = []
        for array in arrays:
            for place in np.ndindex(array.shape):
                kept = array[place]
                costs = []
                for step in (1e-6, -1e-6):
                    array[place] = kept + step
                    costs.append(network.mean_cost(*ROWS))
                array[place] = kept
                slopes.append((costs[0] - costs[1]) / 2e-6)
        assert found[f"gradient_norm_{layer}"] == pytest.approx(np.linalg.norm(slopes), rel=1e-4)
        assert found[f"weight_norm_{layer}"] == pytest.approx(np.linalg.norm(arrays[0]))


def made_by_hand(activation: str) -> Network:
    """Four units of one input x: always at or below 0, always far above, x itself, and 10 x."""
    weights = [np.array([[0.0], [0.0], [1.0], [10.0]]), np.zeros((2, 4))]
    return Network(weights, [np.array([-1.0, 9.0, 0.0, 0.0]), np.zeros(2)], activation)


@pytest.mark.parametrize(
    ("activation", "name", "share"),
    [
        ("relu", "dead_1", 1 / 4),
        ("leaky_relu", "dead_1", 1 / 4),
        ("elu", "dead_1", 1 / 4),
        # Over .95 or under .05 is beyond 2.944; of 8 outputs those are 9 and 9, and 10 and -10.
        ("sigmoid", "saturated_1", 4 / 8),
        ("tanh", "saturated_1", 4 / 8),
    ],
)
def test_shares_of_units_made_by_hand(activation: str, name: str, share: float) -> None:
    rows = np.array([[1.0], [-1.0]]), np.array([0, 1])
    found = layer_state.measure(made_by_hand(activation), rows)
    assert found[name] == share
    assert list(found) == layer_state.curve_names(activation, 2)


@pytest.mark.parametrize("activation", ["maxout", "linear"])
def test_other_units_have_no_share(activation: str) -> None:
    assert not [name for name in layer_state.measure(network_of(activation), ROWS) if name.startswith(("dead", "saturated"))]


def test_states_are_those_before_and_after_each_epoch() -> None:
    recipe = Recipe(0.3, epochs=3, monitors=Monitors(layers=10))
    training = Training(network_of("tanh"), ROWS, recipe, np.random.default_rng(0), blobs(9, seed=2))
    first = layer_state.measure(training.network, layer_state.spread_rows(ROWS, 10))
    list(training.run())
    assert [state.epoch for state in training.layer_states] == [0, 1, 2, 3]
    assert training.layer_states[0].curves == first
    assert training.layer_states[-1].curves == layer_state.measure(training.network, layer_state.spread_rows(ROWS, 10))


def test_of_members_the_mean_is_taken() -> None:
    recipe = Recipe(0.3, epochs=1, monitors=Monitors(layers=25, iterations=True))
    validation = blobs(9, seed=2)
    networks = [Network.create((INPUTS, 4, CLASSES), np.random.default_rng(seed)) for seed in (1, 2)]
    committee = Committee([Training(n, ROWS, recipe, np.random.default_rng(0), validation) for n in networks], validation)
    list(committee.run())
    one, other = (member.layer_states[1].curves["gradient_norm_1"] for member in committee.members)
    assert committee.layer_states[1].curves["gradient_norm_1"] == (one + other) / 2
    assert [block.iteration for block in committee.iterations] == [1, 2, 3]


def test_the_layers_of_a_stack_raise() -> None:
    rng = np.random.default_rng(0)
    stack = Stack(Affine.create(INPUTS, 4, rng), Relu(), Affine.create(4, CLASSES, rng), SoftmaxWithLoss())
    with pytest.raises(SettingError, match=r"monitor_layers must be left out for a Stack, got 10\. Its layers"):
        Training(stack, ROWS, Recipe(0.3, monitors=Monitors(layers=10)), rng)
