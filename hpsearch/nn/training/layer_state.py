"""Norms of each layer's gradient and weights, and the share of its units that are saturated or dead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.arrays import Array
from hpsearch.nn.engines.base import Rows
from hpsearch.nn.network import Network

# A bounded unit whose output is in the outer twentieth of its range, at either end, is saturated: its slope is a fifth of the
# steepest one or less.
OUTER = 0.05
GRADIENT, WEIGHT, SATURATED, DEAD = "gradient_norm", "weight_norm", "saturated", "dead"
# The rows that are measured where nothing else is asked for.
ROWS = 500


@dataclass(frozen=True)
class LayerState:
    """The layers of a network after an epoch; 0 is before the first.

    Args:
        epoch: its number.
        curves: ``gradient_norm_1``, ``weight_norm_1`` and ``saturated_1`` or ``dead_1`` of the first layer, and so on.
    """

    epoch: int
    curves: dict[str, float]


def curve_names(activation: str, layers: int) -> list[str]:
    """Return the names of the curves of a network.

    >>> curve_names("relu", 2)
    ['gradient_norm_1', 'gradient_norm_2', 'weight_norm_1', 'weight_norm_2', 'dead_1']
    """
    names = [f"{kind}_{layer}" for kind in (GRADIENT, WEIGHT) for layer in range(1, layers + 1)]
    share = _SHARES.get(activation)
    return names + ([] if share is None else [f"{share[0]}_{layer}" for layer in range(1, layers)])


def measure(network: Network, rows: Rows) -> dict[str, float]:
    """Return the curves' values, by name.

    The gradient is that of the mean cost of the rows, without penalty and dropout; its norm is over weights and biases.
    With batch normalisation the rows are one mini-batch, and scale and shift belong to the layer below.
    A sigmoid or tanh unit is **saturated** on a row where its output is in the outer twentieth of its range; the share is over
    units and rows. A ReLU, leaky ReLU or ELU unit is **dead** where it is not above zero on any row.
    """
    x, targets, *counts = rows
    _, weights, biases = network.cost_and_gradient(x, targets, sample_weights=counts[0] if counts else None)
    gradients = [float(reduce(np.hypot, map(_norm, arrays))) for arrays in network.by_layer(weights, biases)]
    values = [*gradients, *map(_norm, network.weights), *_idle_shares(network, x)]
    return dict(zip(curve_names(network.activation.name, len(weights)), values, strict=False))


def spread_rows(rows: Rows, most: int) -> Rows:
    """Return at most so many rows, evenly spread; they are a view."""
    taken = min(most, len(rows[1]))
    x, targets, *counts = (part[:: len(rows[1]) // taken][:taken] for part in rows)
    return (x, targets, counts[0]) if counts else (x, targets)


def to_array(states: Sequence[LayerState]) -> NDArray[np.float64]:
    """Return states as an array, one row each."""
    return np.array([[state.epoch, *state.curves.values()] for state in states], np.float64)


def from_array(rows: NDArray[np.float64], names: Sequence[str]) -> list[LayerState]:
    """Return the states of an array that `to_array` made."""
    return [LayerState(int(epoch), dict(zip(names, values, strict=True))) for epoch, *values in rows.tolist()]


def mean(states: Sequence[LayerState]) -> LayerState:
    """Return the mean of the states of several networks."""
    first = states[0]
    return LayerState(first.epoch, {name: sum(s.curves[name] for s in states) / len(states) for name in first.curves})


def _norm(array: Array) -> float:
    return float(np.sqrt(np.square(array, dtype=np.float64).sum()))


def _idle_shares(network: Network, x: Array) -> list[float]:
    """Return the share of each hidden layer; none for units that can neither saturate nor die."""
    share = _SHARES.get(network.activation.name)
    return [share[1](a) for a in network.hidden_outputs(x)] if share else []


def _saturated(low: float, high: float) -> Callable[[Array], float]:
    outer = OUTER * (high - low)
    return lambda a: float(np.mean((a < low + outer) | (a > high - outer)))


def _dead(a: Array) -> float:
    return float(np.mean(np.all(a <= 0, axis=1)))


# How a share is named and measured, by activation.
_SHARES: dict[str, tuple[str, Callable[[Array], float]]] = {
    "sigmoid": (SATURATED, _saturated(0.0, 1.0)),
    "tanh": (SATURATED, _saturated(-1.0, 1.0)),
    "relu": (DEAD, _dead),
    "leaky_relu": (DEAD, _dead),
    "elu": (DEAD, _dead),
}
