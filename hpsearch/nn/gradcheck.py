"""Checks a network's gradient against differences of its cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.network import Network
from hpsearch.nn.regularizers import L1, L2


def numeric_gradient(function: Callable[[], float], arrays: Sequence[Array], step: float = 1e-5) -> list[Array]:
    """Return the gradient of a function by every element of some arrays, from two-sided differences.

    df/dw = (f(w + e) - f(w - e)) / 2e, whose error falls with e^2 (the one-sided quotient's only with e): for f = w^3 at 1
    and e = 0.01 it gives 3.0001.

    Args:
        function: reads the arrays, which are changed and set back one element at a time.
        arrays: float64, any shapes.
        step: e.
    Returns:
        One array of each shape.

    >>> w = np.array([1.0])
    >>> round(float(numeric_gradient(lambda: float(w[0] ** 3), [w], step=0.01)[0][0]), 6)
    3.0001
    """
    return [_differences(function, array, step) for array in arrays]


def check_gradient(
    network: Network, x: Array, labels: Labels, l2: L2 | None = None, step: float = 1e-5, *, l1: L1 | None = None
) -> float:
    """Return how far a network's gradient is from two-sided differences: |g - n| / (|g| + |n|), over all of it.

    About 1e-9 for a right gradient, more than 1e-2 for a wrong one; where a kink of relu lies within ``step`` of a
    sample, something in between. Takes two evaluations a weight, so hand in a small network and few samples.

    Args:
        network: float64; changed on the way and set back.
        x: inputs, (n, d).
        labels: class indices, (n,).
        l2: a penalty to include.
        step: of the differences.
        l1: another one, whose kinks are weights of 0.
    Raises:
        SettingError: for a float32 network, whose rounding drowns the differences.
    Source: Stanford CS231n notes, "Gradient checks".
    """
    if network.dtype != np.float64:
        raise SettingError(must_be("dtype", "float64 for a gradient check", str(network.dtype), "Create it so."))
    weights, biases = network.gradient(x, labels, l2, l1)
    arrays = [*network.weights, *network.biases]
    numeric = numeric_gradient(lambda: network.mean_cost(x, labels, l2, l1), arrays, step)
    g, n = (np.concatenate([part.ravel() for part in parts]) for parts in ([*weights, *biases], numeric))
    return float(np.linalg.norm(g - n) / (np.linalg.norm(g) + np.linalg.norm(n)))


def _differences(function: Callable[[], float], array: Array, step: float) -> Array:
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        below = function()
        array[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient
