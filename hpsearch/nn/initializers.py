"""How the weights start: by name, or as a rule whose scale may be searched.

The named ones are normal with a standard deviation that depends on the layer's width, and start the biases as N(0, 1). A rule
is a frozen dataclass (`Normal`, `Uniform`, `Glorot`); its fields may hold ranges, and its biases start at 0.
Drawn in this order: the biases of all layers, then the weights of all layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hpsearch.nn.arrays import Array, known
from hpsearch.nn.settings import Template, number, refuse_open, setting

_SCALE = number(0.0, open_low=True, advice="1 is usual, 0.2 to 2 a wide range.")


def large(inputs: int, units: int) -> float:
    """Return 1: with 500 of 1000 inputs on, z has a standard deviation of sqrt(501) = 22.4 and the units saturate."""
    return 1.0


def scaled(inputs: int, units: int) -> float:
    """Return 1 / sqrt(inputs): with 500 of 1000 inputs on, z has a standard deviation of sqrt(3/2) = 1.22."""
    return 1.0 / float(np.sqrt(inputs))


# Name -> standard deviation of a weight, from the inputs and units of its layer.
INITIALIZERS: dict[str, Callable[[int, int], float]] = {"large": large, "scaled": scaled}


class Initializer(Protocol):
    """The law of a rule: it keeps nothing and draws the weights of one layer."""

    def weights(self, inputs: int, units: int, rng: np.random.Generator) -> Array:
        """Return the weights of a layer, (units, inputs), float64."""
        ...


@dataclass(frozen=True)
class Normal(Template):
    """Weights N(0, 1) times ``scale`` / sqrt(inputs).

    >>> bool(abs(Normal(2.0).weights(100, 10_000, np.random.default_rng(0)).std() - 0.2) < 1e-3)
    True
    """

    scale: float = setting(_SCALE, default=1.0)

    def weights(self, inputs: int, units: int, rng: np.random.Generator) -> Array:
        return rng.standard_normal((units, inputs)) * (self.scale / math.sqrt(inputs))


@dataclass(frozen=True)
class Uniform(Template):
    """Weights uniform on (-1, 1) times ``scale`` / sqrt(inputs); their standard deviation is 1/sqrt(3) of `Normal`'s."""

    scale: float = setting(_SCALE, default=1.0)

    def weights(self, inputs: int, units: int, rng: np.random.Generator) -> Array:
        return rng.uniform(-1.0, 1.0, (units, inputs)) * (self.scale / math.sqrt(inputs))


@dataclass(frozen=True)
class Glorot(Template):
    """Weights uniform on (-1, 1), or N(0, 1), times sqrt(6 / (inputs + units)).

    Args:
        distribution: ``"uniform"`` (as published) or ``"normal"``.
    Source: Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, eq. 16.

    >>> float(Glorot().weights(3, 3, np.random.default_rng(0)).max()) < 1.0   # the bound is sqrt(6 / 6)
    True
    """

    distribution: str = "uniform"

    def __post_init__(self) -> None:
        known("Glorot distribution", self.distribution, ("uniform", "normal"))

    def weights(self, inputs: int, units: int, rng: np.random.Generator) -> Array:
        shape = (units, inputs)
        drawn = rng.uniform(-1.0, 1.0, shape) if self.distribution == "uniform" else rng.standard_normal(shape)
        return drawn * math.sqrt(6.0 / (inputs + units))


def check_init(init: object) -> None:
    """Refuse what is neither a name in `INITIALIZERS` nor a rule with all its ranges filled in."""
    if isinstance(init, type) or not hasattr(init, "weights"):
        known("init", init, INITIALIZERS)
    else:
        refuse_open("init", init)


def draw(
    init: str | Initializer, sizes: Sequence[int], rng: np.random.Generator, pieces: int = 1
) -> tuple[list[Array], list[Array]]:
    """Return the weights, (units, inputs), and the biases, (units,), of every layer, float64.

    Args:
        init: a name in `INITIALIZERS`, or a rule.
        sizes: width of every layer, inputs first.
        rng: where the numbers come from.
        pieces: rows of weights that each hidden unit has, see `hpsearch.nn.activations.Maxout`.
    Source: of the named ones, Nielsen, Neural Networks and Deep Learning, ch. 3, "Weight initialization".
    """
    rows = [units * pieces for units in sizes[1:-1]] + [sizes[-1]]
    shapes = list(zip(rows, sizes[:-1], strict=True))
    if not isinstance(init, str):
        return [init.weights(inputs, units, rng) for units, inputs in shapes], [np.zeros(units) for units in rows]
    spread = INITIALIZERS[init]
    biases = [rng.standard_normal(units) for units in rows]
    weights = [rng.standard_normal((units, inputs)) * spread(inputs, units) for units, inputs in shapes]
    return weights, biases
