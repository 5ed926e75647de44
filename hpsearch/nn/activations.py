"""Activation functions of the hidden units, each with its slope computed from its own output.

All but `Maxout` work on each element alone and have a derivative that can be written in terms of the output a = f(z), so that
backpropagation need not keep z. A new one is a class with a ``name``, a ``__call__`` and a ``slope``, an entry in
`ACTIVATIONS`, and a line where logged networks are read (`hpsearch.tracking.models.pyfunc_network`). `LeakyRelu`, `Elu`
and `Maxout` have a setting, which may be searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from hpsearch.nn.arrays import HALF, ONE, ZERO, Array, known
from hpsearch.nn.settings import Template, number, refuse_open, setting, whole


class Activation(Protocol):
    """A function of the pre-activations, which may write over its input (``out is z``)."""

    @property
    def name(self) -> str:
        """What it is called in settings and in a saved network."""
        ...

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        """Return f(z), written into ``out`` where given."""
        ...


class Elementwise(Activation, Protocol):
    """A function of each element alone, any shape, and its derivative, which may not write over its input."""

    def slope(self, a: Array, out: Array | None = None) -> Array:
        """Return f'(z) from the output a = f(z)."""
        ...


class Sigmoid:
    """f(z) = (1 + tanh(z/2)) / 2, which is 1 / (1 + exp(-z)) without overflow; f' = a (1 - a); f(0) = 1/2."""

    name: ClassVar[str] = "sigmoid"

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        out = np.multiply(z, HALF, out)
        np.tanh(out, out)
        np.add(out, ONE, out)
        return np.multiply(out, HALF, out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        out = np.multiply(a, a, out)
        return np.subtract(a, out, out)


class Tanh:
    """f(z) = tanh(z); f' = 1 - a^2; f(0) = 0."""

    name: ClassVar[str] = "tanh"

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.tanh(z, out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        out = np.multiply(a, a, out)
        return np.subtract(ONE, out, out)


class Relu:
    """f(z) = max(0, z); f' = 1 for z > 0, else 0 (at the kink too); f(-1) = 0."""

    name: ClassVar[str] = "relu"

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.maximum(z, ZERO, out=out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        return np.sign(a, out)


@dataclass(frozen=True)
class LeakyRelu(Template):
    """f(z) = max(z, leak z); f' = 1 for z > 0, else ``leak`` (at the kink too); f(-1) = -0.01 by default.

    Args:
        leak: from 0, which is `Relu`, to less than 1; 0.01 is usual.
    Source: Maas, Hannun and Ng (2013), Rectifier nonlinearities improve neural network acoustic models, eq. 2.

    >>> LeakyRelu(0.1)(np.array([-2.0, 3.0])).tolist()
    [-0.2, 3.0]
    """

    name: ClassVar[str] = "leaky_relu"

    leak: float = setting(number(0.0, 1.0, open_high=True, advice="0.01 is usual, 0 is relu."), default=0.01)

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        below = np.less(z, ZERO)
        out = np.positive(z, out)
        return np.multiply(out, self.leak, out, where=below)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        out = np.greater(a, ZERO, np.empty_like(a) if out is None else out)
        return np.maximum(out, self.leak, out=out)


@dataclass(frozen=True)
class Elu(Template):
    """f(z) = z for z > 0, else alpha (exp(z) - 1); f' = 1 for z > 0, else a + alpha; f(-1) = -0.632 by default.

    The exponential sees no z above 0, so that nothing overflows. With alpha = 1 the slope has no jump at 0.

    Args:
        alpha: > 0; the output falls to -alpha.
    Source: Clevert, Unterthiner and Hochreiter (2016), Fast and accurate deep network learning by
    exponential linear units, eq. 15.

    >>> Elu()(np.array([-1e4, 0.0, 3.0])).tolist()
    [-1.0, 0.0, 3.0]
    """

    name: ClassVar[str] = "elu"

    alpha: float = setting(number(0.0, open_low=True, advice="1 is usual."), default=1.0)

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        above = np.maximum(z, ZERO)
        out = np.minimum(z, ZERO, out=out)
        np.expm1(out, out)
        np.multiply(out, self.alpha, out)
        return np.add(out, above, out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        out = np.add(a, self.alpha, out)
        np.copyto(out, ONE, where=a > ZERO)
        return out


class Linear:
    """f(z) = z; f' = 1. Layers of it are together one linear map, which is what they are good for: a lower bound."""

    name: ClassVar[str] = "linear"

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.positive(z, out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        out = np.empty_like(a) if out is None else out
        out.fill(1.0)
        return out


@dataclass(frozen=True)
class Maxout(Template):
    """The largest of ``pieces`` pre-activations that a unit has of its own: f(z) = max_j z_j, convex and piecewise linear.

    A layer of h units holds weights for ``h * pieces`` rows, those of one unit side by side. The derivative is 1 for the
    largest piece (of equal ones the first) and 0 for the others.

    Args:
        pieces: >= 2; with as many weights, more pieces are fewer units.
    Source: Goodfellow et al. (2013), Maxout networks, section 3.

    >>> Maxout(2)(np.array([[1.0], [3.0], [-2.0], [-5.0]])).tolist()
    [[3.0], [-2.0]]
    """

    name: ClassVar[str] = "maxout"

    pieces: int = setting(whole(2, "2 to 5 are usual, 1 is linear."), default=2)

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        """Return the largest pieces, (h, m), for z, (h * pieces, m); ``out``, which would be too large, is left alone."""
        largest: Array = self._parts(z).max(axis=1)
        return largest

    def back(self, z: Array, delta: Array) -> Array:
        """Return the derivative of the cost by z, (h * pieces, m), from the one by the outputs, (h, m)."""
        parts = self._parts(z)
        winners = parts.argmax(axis=1)
        found = np.zeros_like(parts)
        np.put_along_axis(found, winners[:, None], delta[:, None], axis=1)
        return found.reshape(z.shape)

    def _parts(self, z: Array) -> Array:
        return z.reshape(-1, self.pieces, z.shape[-1])


ELEMENTWISE: dict[str, Elementwise] = {
    function.name: function for function in (Sigmoid(), Tanh(), Relu(), LeakyRelu(), Elu(), Linear())
}
ACTIVATIONS: dict[str, Activation] = {**ELEMENTWISE, Maxout.name: Maxout()}


def elementwise(activation: Activation) -> Elementwise:
    """Return an activation that works on each element alone; `Maxout` does not, and has `hpsearch.nn.layers` for its passes."""
    if not hasattr(activation, "slope"):
        raise TypeError(f"{activation!r} has no slope as a function of its output.")
    return activation  # type: ignore[return-value]  # it has a slope


def pieces_of(activation: Activation) -> int:
    """Return how many pre-activations a unit has: 1 but for `Maxout`."""
    return activation.pieces if isinstance(activation, Maxout) else 1


def check_activation(activation: object) -> None:
    """Raise unless ``activation`` is a name in `ACTIVATIONS` or a function without an open range."""
    if isinstance(activation, type) or not (isinstance(activation, Maxout) or hasattr(activation, "slope")):
        known("activation", activation, ACTIVATIONS)
    else:
        refuse_open("activation", activation)
