"""A network's answers, against products written out and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special
from sklearn.metrics import accuracy_score, log_loss

from hpsearch.errors import SettingError
from hpsearch.nn.network import Network
from hpsearch.nn.regularizers import L2
from tests.nn.blobs import CLASSES, INPUTS, blobs


def softmax_network(dtype: str = "float64") -> Network:
    rng = np.random.default_rng(0)
    return Network.create((INPUTS, 5, CLASSES), rng, activation="tanh", cost="log_likelihood", dtype=dtype)


def test_forward_is_the_product_written_out() -> None:
    network, (x, _) = softmax_network(), blobs()
    hidden = np.tanh(np.einsum("nd,hd->nh", x.astype(np.float64), network.weights[0]) + network.biases[0])
    z = np.einsum("nh,kh->nk", hidden, network.weights[1]) + network.biases[1]
    np.testing.assert_allclose(network.forward(x), special.softmax(z, axis=1), rtol=1e-12)


def test_scores_are_the_ones_of_scikit_learn() -> None:
    network, (x, labels) = softmax_network(), blobs(2500)  # more than one chunk, the last one smaller
    score = network.score(x, labels)
    assert score.accuracy == accuracy_score(labels, network.predict(x))
    assert score.cost == pytest.approx(log_loss(labels, network.forward(x)), rel=1e-12)
    assert network.accuracy(x, labels) == score.accuracy


def test_mean_cost_with_penalty() -> None:
    network, (x, labels) = softmax_network(), blobs(50)
    squares = sum((w**2).sum() for w in network.weights)
    wanted = network.score(x, labels).cost + 4.0 / (2 * 50) * squares
    assert network.mean_cost(x, labels, L2(4.0)) == pytest.approx(wanted)


def test_float32_answers_are_float32_and_close() -> None:
    x, _ = blobs()
    assert softmax_network("float32").forward(x).dtype == np.float32
    np.testing.assert_allclose(softmax_network("float32").forward(x), softmax_network().forward(x), atol=1e-6)


def test_copy_shares_nothing() -> None:
    network = softmax_network()
    twin = network.copy()
    twin.weights[0][...] = 0
    twin.biases[0][...] = 0
    assert network.weights[0].any()
    assert network.biases[0].any()
    assert twin.sizes == network.sizes == (INPUTS, 5, CLASSES)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": "sigmoyd"}, r"activation must be one of .*, got 'sigmoyd'\. .*Did you mean 'sigmoid'\?"),
        ({"cost": "crossentropy"}, r"cost must be one of .*, got 'crossentropy'\. .*Did you mean 'cross_entropy'\?"),
        ({"init": "hee"}, r"init must be one of 'large', 'scaled', 'he', 'xavier', 'glorot', got 'hee'\."),
        ({"dtype": "float16"}, r"dtype must be one of 'float32', 'float64', got 'float16'\."),
    ],
)
def test_refuses_unknown_names(settings: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Network.create((2, 2, 2), np.random.default_rng(0), **settings)


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([], [], "Number of weight and bias arrays must be equal"),
        ([np.ones((2, 3))], [np.ones(3)], r"Weights must be \(units, inputs\) layer by layer"),
        ([np.ones((4, 3)), np.ones((2, 3))], [np.ones(4), np.ones(2)], r"Weights must be \(units, inputs\)"),
        ([np.ones((2, 3)).astype(int)], [np.ones(2)], "Weights and biases must be all float32 or all float64"),
        ([np.ones((3, 2)).T], [np.ones(2)], "Weights and biases must be C-contiguous"),
    ],
)
def test_refuses_arrays_that_do_not_fit(weights: list[np.ndarray], biases: list[np.ndarray], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Network(weights, biases)
