"""Outputs of hidden layers: against the formula written out, of ensembles and table networks, and what there is none of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpsearch import data
from hpsearch.errors import DataError, SettingError
from hpsearch.nn import Ensemble, Network, Recipe, Stack, Training
from hpsearch.nn.activations import Maxout, Relu
from hpsearch.nn.layers import Affine, SoftmaxWithLoss
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from tests.nn.blobs import CLASSES, INPUTS, blobs


def network_of(seed: int = 0, hidden: tuple[int, ...] = (5, 4), activation: object = "tanh") -> Network:
    sizes = (INPUTS, *hidden, CLASSES)
    return Network.create(sizes, np.random.default_rng(seed), activation=activation, dtype="float64")  # type: ignore[arg-type]


def test_are_the_formula_written_out() -> None:
    network, x = network_of(), blobs(9)[0].astype(np.float64)
    first = np.tanh(x @ network.weights[0].T + network.biases[0])
    np.testing.assert_allclose(network.features(x, 1), first, rtol=1e-12)
    second = np.tanh(first @ network.weights[1].T + network.biases[1])
    np.testing.assert_allclose(network.features(x, layer=2), second, rtol=1e-12)
    top = Network([network.weights[2]], [network.biases[2]], "tanh")
    np.testing.assert_allclose(top.forward(network.features(x, 2)), network.forward(x), rtol=1e-12)


def test_of_maxout_have_a_column_for_each_unit() -> None:
    network, x = network_of(activation=Maxout(3)), blobs(9)[0].astype(np.float64)
    pieces = (x @ network.weights[0].T + network.biases[0]).T
    found = network.features(x, 1)
    assert found.shape == (9, 5)
    assert found.flags.c_contiguous
    grouped = [pieces.reshape(5, 3, 9).max(axis=1).T, pieces.reshape(3, 5, 9).max(axis=0).T]
    assert any(np.allclose(found, one) for one in grouped)


def test_change_nothing() -> None:
    network, x = network_of(), blobs(9)[0].astype(np.float64)
    before = x.tobytes(), network.weights[0].tobytes()
    network.features(x, 1)
    assert (x.tobytes(), network.weights[0].tobytes()) == before


def test_of_an_ensemble_are_side_by_side() -> None:
    members, x = [network_of(0), network_of(1, (3,))], blobs(9)[0].astype(np.float64)
    found = Ensemble(members).features(x, 1)
    assert found.shape == (9, 5 + 3)
    assert found[:, 5:].tobytes() == np.ascontiguousarray(members[1].features(x, 1)).tobytes() or np.array_equal(
        found[:, 5:], members[1].features(x, 1)
    )


def test_of_a_batch_normalised_network_are_those_of_the_plain_one() -> None:
    training = Training(network_of(), blobs(), Recipe(0.1, epochs=1, batch_norm=True), np.random.default_rng(0))
    list(training.run())
    x = blobs(9)[0]
    assert training.network.plain.features(x, 1).tobytes() == training.network.features(x, 1).tobytes()


def test_of_a_table_network_take_rows_as_they_are() -> None:
    rows = {"a": [float(i % 5) for i in range(60)], "b": ["x", "y", "z"] * 20}
    frame = pd.DataFrame(rows).assign(answer=["no" if i % 5 < 2 else "yes" for i in range(60)])
    network = TrainNetwork(data.table(frame, target="answer"), 4, learning_rate=0.5, epochs=1).network(
        {}, Context(np.random.default_rng(0))
    )
    assert network.features(rows, 1).shape == (60, 4)


@pytest.mark.parametrize("layer", [0, 3, 1.5, "1", True, None])
def test_refuse_a_layer_that_there_is_not(layer: object) -> None:
    with pytest.raises(SettingError, match=rf"^layer must be a whole number in \[1, 2\], got {layer!r}\. Hidden layers are"):
        network_of().features(blobs(2)[0], layer)  # type: ignore[arg-type]


def test_refuse_what_has_no_hidden_layers_and_rows_of_another_width() -> None:
    with pytest.raises(SettingError, match=r"^layer must be one of a network with hidden layers, got 1\."):
        network_of(hidden=()).features(blobs(2)[0], 1)
    rng = np.random.default_rng(0)
    stack = Stack(Affine.create(INPUTS, 5, rng), Relu(), Affine.create(5, CLASSES, rng), SoftmaxWithLoss())
    with pytest.raises(SettingError, match=r"^A network with features must be a Network, got 'a Stack'\."):
        stack.features(blobs(2)[0], 1)
    with pytest.raises(DataError):
        network_of().features(np.zeros((2, INPUTS + 1)), 1)
