"""Activation functions of the hidden units, each with its slope worked out from its own output.

All of these have a derivative that can be written in terms of the output a = f(z), so that backpropagation need not
keep z. A new one is a class with a ``name``, a ``__call__`` and a ``slope``, an entry in `ACTIVATIONS`, and a line where logged
networks are read (`hpsearch.tracking.pyfunc_network`). `LeakyRelu` and `Elu` have a setting, which may be searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from hpsearch.nn.arrays import HALF, ONE, ZERO, Array, known
from hpsearch.nn.settings import Template, number, refuse_open, setting


class Activation(Protocol):
    """An elementwise function, which may write over its input (``out is z``), and its derivative, which may not."""

    @property
    def name(self) -> str:
        """What it is called in settings and in a saved network."""
        ...

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        """Return f(z), any shape, written into ``out`` where given."""
        ...

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


ACTIVATIONS: dict[str, Activation] = {
    function.name: function for function in (Sigmoid(), Tanh(), Relu(), LeakyRelu(), Elu(), Linear())
}


def check_activation(activation: object) -> None:
    """Refuse what is neither a name in `ACTIVATIONS` nor a function with its setting filled in."""
    if isinstance(activation, type) or not hasattr(activation, "slope"):
        known("activation", activation, ACTIVATIONS)
    else:
        refuse_open("activation", activation)
