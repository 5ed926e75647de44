"""Activation functions of the hidden units, each with its slope worked out from its own output.

All of these have a derivative that can be written in terms of the output a = f(z), so that backpropagation need not
keep z. A new one is a subclass of `Elementwise` with a ``__call__`` and a ``slope``, and an entry in `ACTIVATIONS`.

Training pays for calls, not for numbers, and a constant factor is free where a product carries it anyway. So an
activation may split its constants off: f(z) = outside * raw(inside * z), and `pull` leaves out the factor ``steepness``.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hpsearch.nn.arrays import HALF, ONE, TWO, ZERO, Array


class Activation(Protocol):
    """An elementwise function and its derivative; both may write over their input (``out is z``).

    ``inside``, ``outside`` and ``steepness`` are powers of two, so that moving them into a product changes no digit.
    """

    inside: float
    outside: float
    steepness: float

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        """Return f(z), any shape, written into ``out`` where given."""
        ...

    def slope(self, a: Array, out: Array | None = None) -> Array:
        """Return f'(z) from the output a = f(z)."""
        ...

    def raw(self, y: Array) -> None:
        """Turn y = inside * z, in place, into f(z) / outside."""
        ...

    def pull(self, raw: Array, delta: Array, scratch: Array) -> None:
        """Multiply delta, in place, by f'(z) / steepness, from what `raw` left."""
        ...


class Elementwise:
    """An activation with no constants to split off."""

    inside = outside = steepness = 1.0

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        raise NotImplementedError

    def slope(self, a: Array, out: Array | None = None) -> Array:
        raise NotImplementedError

    def raw(self, y: Array) -> None:
        self(y, y)

    def pull(self, raw: Array, delta: Array, scratch: Array) -> None:
        self.slope(raw, scratch)
        np.multiply(delta, scratch, delta)


class Sigmoid:
    """f(z) = (1 + tanh(z/2)) / 2, which is 1 / (1 + exp(-z)) without overflow; f' = a (1 - a); f(0) = 1/2.

    Training works with h = 2 a = 1 + tanh(z/2), for which f' = h (2 - h) / 4.
    """

    inside, outside, steepness = 0.5, 0.5, 0.25

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        out = np.multiply(z, HALF, out)
        np.tanh(out, out)
        np.add(out, ONE, out)
        return np.multiply(out, HALF, out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        out = np.multiply(a, a, out)
        return np.subtract(a, out, out)

    def raw(self, y: Array) -> None:
        np.tanh(y, y)
        np.add(y, ONE, y)

    def pull(self, raw: Array, delta: Array, scratch: Array) -> None:
        np.subtract(TWO, raw, scratch)
        np.multiply(scratch, raw, scratch)
        np.multiply(delta, scratch, delta)


class Tanh(Elementwise):
    """f(z) = tanh(z); f' = 1 - a^2; f(0) = 0."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.tanh(z, out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        out = np.multiply(a, a, out)
        return np.subtract(ONE, out, out)


class Relu(Elementwise):
    """f(z) = max(0, z); f' = 1 for z > 0, else 0 (at the kink too); f(-1) = 0."""

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        return np.maximum(z, ZERO, out=out)

    def slope(self, a: Array, out: Array | None = None) -> Array:
        return np.sign(a, out)


ACTIVATIONS: dict[str, Activation] = {"sigmoid": Sigmoid(), "tanh": Tanh(), "relu": Relu()}
