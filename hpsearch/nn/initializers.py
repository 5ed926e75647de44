"""How the weights start: normal, with a standard deviation that depends on the layer's width.

Biases start as N(0, 1) in both. Drawn in this order: the biases of all layers, then the weights of all layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from hpsearch.nn.arrays import Array


def large(inputs: int, units: int) -> float:
    """Return 1: with 500 of 1000 inputs on, z has a standard deviation of sqrt(501) = 22.4 and the units saturate."""
    return 1.0


def scaled(inputs: int, units: int) -> float:
    """Return 1 / sqrt(inputs): with 500 of 1000 inputs on, z has a standard deviation of sqrt(3/2) = 1.22."""
    return 1.0 / float(np.sqrt(inputs))


# Name -> standard deviation of a weight, from the inputs and units of its layer.
INITIALIZERS: dict[str, Callable[[int, int], float]] = {"large": large, "scaled": scaled}


def draw(init: str, sizes: Sequence[int], rng: np.random.Generator) -> tuple[list[Array], list[Array]]:
    """Return the weights, (units, inputs), and the biases, (units,), of every layer, float64.

    Args:
        init: a name in `INITIALIZERS`.
        sizes: width of every layer, inputs first.
        rng: where the numbers come from.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, "Weight initialization".
    """
    spread = INITIALIZERS[init]
    biases = [rng.standard_normal(units) for units in sizes[1:]]
    weights = [rng.standard_normal((units, inputs)) * spread(inputs, units) for inputs, units in pairwise(sizes)]
    return weights, biases
