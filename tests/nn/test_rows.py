"""Rows and answers that a training, a network's scores and its gradient check refuse: one sentence each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hpsearch.errors import DataError
from hpsearch.nn.arrays import Array
from hpsearch.nn.gradcheck import check_gradient
from hpsearch.nn.network import Network
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.training.training import Training
from tests.nn.blobs import CLASSES, INPUTS, blobs

X, LABELS = blobs()
NUMBERS = X[:, 0].astype(np.float64)


def network(dtype: str = "float32") -> Network:
    return Network.create((INPUTS, 5, CLASSES), np.random.default_rng(0), dtype=dtype)


def regressor() -> Network:
    return Network.create((INPUTS, 5, 1), np.random.default_rng(0), cost="squared_error")


def train(x: Array, answers: Array, of: Network) -> None:
    list(Training(of, (x, answers), Recipe(0.1, epochs=1), np.random.default_rng(0)).run())


def with_nan(array: Array) -> Array:
    array = array.copy()
    array[(37, 2)[: array.ndim]] = np.nan
    return array


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: train(with_nan(X), LABELS, network()), r"x\[37, 2\] must be finite, got nan\. Drop or fill"),
        (lambda: train(X, LABELS + 1, network()), r"Labels must be in \[0, 3\), got 3\."),
        (lambda: train(X, NUMBERS, network()), r"y must be class indices, integers, got 'float64'\."),
        (lambda: train(X, LABELS, regressor()), r"y must be floats, the numbers to be predicted, got 'int64'\. Cast with"),
        (
            lambda: train(X, NUMBERS[:, None], regressor()),
            r"y must be one number for each of the 64 rows of x, got \(64, 1\)\.",
        ),
        (lambda: train(X, NUMBERS[1:], regressor()), r"y must be one number for each of the 64 rows of x, got \(63,\)\."),
        (lambda: train(X, with_nan(NUMBERS), regressor()), r"y\[37\] must be finite, got nan\."),
        (lambda: regressor().score(X, LABELS), r"y must be floats, the numbers to be predicted, got 'int64'\."),
        (lambda: regressor().predict(X[:, :4]), r"x must be of shape \(n, 6\), the network's inputs, got \(64, 4\)\."),
        (lambda: check_gradient(network("float64"), X[:, :4], LABELS), r"x must be of shape \(n, 6\)"),
        (lambda: check_gradient(network("float64"), X, LABELS + 3), r"Labels must be in \[0, 3\), got 5\."),
    ],
)
def test_refuses_in_one_sentence(make: Callable[[], object], message: str) -> None:
    with pytest.raises(DataError, match=rf"^{message}") as refusal:
        make()
    assert "\n" not in str(refusal.value)


def test_the_hinge_needs_two_classes() -> None:
    lone = Network.create((INPUTS, 1), np.random.default_rng(0), cost="hinge")
    with pytest.raises(DataError, match=r"Outputs of a network with cost 'hinge' must be 2 or more, one a class, got 1\."):
        lone.score(np.zeros((2, INPUTS)), np.zeros(2, int))
