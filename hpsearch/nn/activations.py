"""Activation functions of the hidden units, each with its slope worked out from its own output.

All of these have a derivative that can be written in terms of the output a = f(z), so that backpropagation need not
keep z. A new one is a class with a ``__call__`` and a ``slope``, and an entry in `ACTIVATIONS`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hpsearch.nn.arrays import HALF, ONE, ZERO, Array


class Activation(Protocol):
    """An elementwise function and its derivative; both may write over their input (``out is z``)."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        """Return f(z), any shape, written into ``out`` where given."""
        ...

    def slope(self, a: Array, out: Array | None = None) -> Array:
        """Return f'(z) from the output a = f(z)."""
        ...


class Sigmoid:
    """f(z) = (1 + tanh(z/2)) / 2, which is 1 / (1 + exp(-z)) without overflow; f' = a (1 - a); f(0) = 1/2."""

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

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.tanh(z, out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        out = np.multiply(a, a, out)
        return np.subtract(ONE, out, out)


class Relu:
    """f(z) = max(0, z); f' = 1 for z > 0, else 0 (at the kink too); f(-1) = 0."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.maximum(z, ZERO, out=out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        return np.sign(a, out)


ACTIVATIONS: dict[str, Activation] = {"sigmoid": Sigmoid(), "tanh": Tanh(), "relu": Relu()}
