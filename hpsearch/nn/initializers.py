"""Initialisers: the first weights and biases of a network, by name or as a rule whose scale may be searched.

A rule is a frozen dataclass (`Normal`, `Uniform`, `Glorot`); its fields may hold ranges. The names, with the variance of a
weight in a layer with n_in inputs and n_out units:

    "scaled"    normal, 1 / n_in; biases N(0, 1)
    "large"     normal, 1; biases N(0, 1)
    "he"        normal, 2 / n_in: for ReLU and its kind
    "xavier"    normal, 1 / n_in: for tanh
    "glorot"    uniform, 2 / (n_in + n_out): for tanh and sigmoid

Biases start at 0, except with the first two names. Random numbers are drawn in this order: the biases of all layers, then the
weights of all layers.
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


class Initializer(Protocol):
    """A rule for the first weights of a layer; it has no state."""

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
    """Weights whose variance is 2 / (inputs + units), or three times that.

    Args:
        distribution: ``"uniform"``, as published: on (-1, 1) times sqrt(6 / (inputs + units));
            ``"normal"``, of the same variance: N(0, 1) times sqrt(2 / (inputs + units));
            ``"wide_normal"``, of three times that variance: N(0, 1) times sqrt(6 / (inputs + units)).
    Source: Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, eq. 16.

    >>> float(Glorot().weights(3, 3, np.random.default_rng(0)).max()) < 1.0   # the bound is sqrt(6 / 6)
    True
    """

    distribution: str = "uniform"

    def __post_init__(self) -> None:
        known("Glorot distribution", self.distribution, ("uniform", "normal", "wide_normal"))

    @property
    def version(self) -> int:
        """2 for the normal distribution, which was drawn as the wide one in version 1; else 1."""
        return 2 if self.distribution == "normal" else 1

    def weights(self, inputs: int, units: int, rng: np.random.Generator) -> Array:
        shape = (units, inputs)
        if self.distribution == "uniform":
            return rng.uniform(-1.0, 1.0, shape) * math.sqrt(6.0 / (inputs + units))
        return rng.standard_normal(shape) * math.sqrt((2.0 if self.distribution == "normal" else 6.0) / (inputs + units))


@dataclass(frozen=True)
class _NormalBiases:
    """Weights N(0, 1) times a standard deviation, and biases N(0, 1).

    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, "Weight initialization".
    """

    deviation: Callable[[int], float]

    def weights(self, inputs: int, units: int, rng: np.random.Generator) -> Array:
        return rng.standard_normal((units, inputs)) * self.deviation(inputs)

    def biases(self, units: int, rng: np.random.Generator) -> Array:
        """Return the biases of a layer, (units,), float64."""
        return rng.standard_normal(units)


def _large(inputs: int) -> float:
    """Return 1: with 500 of 1000 inputs on, z has a standard deviation of sqrt(501) = 22.4 and the units saturate."""
    return 1.0


def _scaled(inputs: int) -> float:
    """Return 1 / sqrt(inputs): with 500 of 1000 inputs on, z has a standard deviation of sqrt(3/2) = 1.22."""
    return 1.0 / float(np.sqrt(inputs))


# "he" is normal as in He et al. (2015), Delving deep into rectifiers, section 2.2; "xavier" is its counterpart for units that
# are nearly linear at 0. "glorot" is uniform, as published and by default in most libraries.
INITIALIZERS: dict[str, Initializer] = {
    "large": _NormalBiases(_large),
    "scaled": _NormalBiases(_scaled),
    "he": Normal(math.sqrt(2.0)),
    "xavier": Normal(1.0),
    "glorot": Glorot("uniform"),
}


def check_init(init: object) -> None:
    """Raise unless ``init`` is a name in `INITIALIZERS` or a rule without open ranges."""
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
    """
    rows = [units * pieces for units in sizes[1:-1]] + [sizes[-1]]
    shapes = list(zip(rows, sizes[:-1], strict=True))
    rule = INITIALIZERS[init] if isinstance(init, str) else init
    biases = [rule.biases(units, rng) if isinstance(rule, _NormalBiases) else np.zeros(units) for units in rows]
    return [rule.weights(inputs, units, rng) for units, inputs in shapes], biases
