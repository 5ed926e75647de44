"""Gradient checking: a network's gradient against differences of its cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn import rows
from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.network import Network
from hpsearch.nn.prediction import check_targets
from hpsearch.nn.regularizers import L1, L2
from hpsearch.nn.settings import whole
from hpsearch.nn.stack import Stack


def numeric_gradient(
    function: Callable[[], float], arrays: Sequence[Array], step: float = 1e-5, *, one_sided: bool = False
) -> list[Array]:
    """Return the gradient of a function by every element of some arrays, from two-sided differences.

    df/dw = (f(w + e) - f(w - e)) / 2e, whose error falls with e^2: for f = w^3 at 1 and e = 0.01 it gives 3.0001. The one-sided
    quotient (f(w + e) - f(w)) / e is there to be compared: its error falls with e only, and it gives 3.0301.

    Args:
        function: reads the arrays, which are changed and restored one element at a time.
        arrays: float64, any shapes.
        step: e.
        one_sided: take the worse quotient.
    Returns:
        One array of each shape.

    >>> w = np.array([1.0])
    >>> [round(float(numeric_gradient(lambda: w[0] ** 3, [w], 0.01, one_sided=s)[0][0]), 6) for s in (False, True)]
    [3.0001, 3.0301]
    """
    below = 0.0 if one_sided else -step
    return [_differences(function, array, step, below) for array in arrays]


def check_gradient(
    network: Network,
    x: Array,
    labels: Labels,
    l2: L2 | None = None,
    step: float = 1e-5,
    *,
    l1: L1 | None = None,
    directions: int | None = None,
    decay_biases: bool = False,
) -> float:
    """Return how far a network's gradient is from two-sided differences: |g - n| / (|g| + |n|), over all of it.

    About 1e-9 for a right gradient, more than 1e-2 for a wrong one; where a kink of relu lies within ``step`` of a
    sample, something in between. Takes two evaluations a weight, so hand in a small network and few samples, or directions.

    Args:
        network: float64, a `hpsearch.nn.stack.Stack` too; changed on the way and set back. What its `Dropout` layers leave out
            is the same in every evaluation.
        x: inputs, (n, d).
        labels: class indices, or numbers to be predicted, (n,).
        l2: a penalty to include.
        step: of the differences.
        l1: another one, whose kinks are weights of 0.
        directions: check the slopes along so many random directions in the space of all weights instead, at two evaluations
            each; a wrong gradient is at right angles to none of them. 10 are plenty. For networks of any size.
        decay_biases: whether the penalties are those of the biases too.
    Raises:
        SettingError: for a float32 network, whose rounding drowns the differences.
        DataError: for data that do not fit it.
    Source: Stanford CS231n notes, "Gradient checks".
    """
    if network.dtype != np.float64:
        raise SettingError(must_be("dtype", "float64 for a gradient check", str(network.dtype), "Create it so."))
    x = rows.check_inputs(x, network.sizes[0])
    labels = check_targets(labels, len(x), network)
    _, weights, biases = network.cost_and_gradient(x, labels, l2, l1, decay_biases=decay_biases)
    arrays, cost = [*network.weights, *network.biases], _cost(network, x, labels, l2, l1, decay_biases)
    g = np.concatenate([part.ravel() for part in [*weights, *biases]])
    if directions is None:
        n = np.concatenate([part.ravel() for part in numeric_gradient(cost, arrays, step)])
    else:
        whole(1, "10 are plenty.")("directions", directions)
        along = _directions(g.size, directions)
        g, n = along @ g, np.array([_slope(cost, arrays, direction, step) for direction in along])
    return float(np.linalg.norm(g - n) / (np.linalg.norm(g) + np.linalg.norm(n)))


def _cost(network: Network, x: Array, labels: Labels, l2: L2 | None, l1: L1 | None, decay_biases: bool) -> Callable[[], float]:
    """Return the cost to check: the one of scoring, unless training has another one, with dropout or batch normalisation."""
    if isinstance(network, Stack) and network.varies:
        return lambda: network.cost_and_gradient(x, labels, l2, l1, decay_biases=decay_biases)[0]
    return lambda: network.mean_cost(x, labels, l2, l1, decay_biases=decay_biases)


def _differences(function: Callable[[], float], array: Array, above: float, below: float) -> Array:
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + above
        upper = function()
        array[index] = kept + below
        lower = function()
        array[index] = kept
        gradient[index] = (upper - lower) / (above - below)
    return gradient


def _directions(size: int, count: int) -> Array:
    """Return random unit vectors, always the same ones."""
    drawn = np.random.default_rng(0).standard_normal((count, size))
    unit: Array = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def _slope(function: Callable[[], float], arrays: Sequence[Array], direction: Array, step: float) -> float:
    """Return the two-sided difference of a function along a direction through all arrays, which are restored."""
    kept = [array.copy() for array in arrays]
    parts = np.split(direction, np.cumsum([array.size for array in arrays])[:-1])
    values = []
    for by in (step, -step):
        for array, start, part in zip(arrays, kept, parts, strict=True):
            np.copyto(array, start + by * part.reshape(array.shape))
        values.append(function())
    for array, start in zip(arrays, kept, strict=True):
        np.copyto(array, start)
    return (values[0] - values[1]) / (2 * step)
