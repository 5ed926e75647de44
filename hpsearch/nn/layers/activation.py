"""Activation functions as layers."""

from __future__ import annotations

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn import activations
from hpsearch.nn.arrays import Array


class Elementwise:
    """a = f(x), for sigmoid, tanh, ReLU, leaky ReLU, ELU and linear units.

    Args:
        function: one of `hpsearch.nn.activations`.

    >>> layer = Elementwise(activations.Relu())
    >>> layer.forward(np.array([[-1.0, 2.0]])).tolist(), layer.backward(np.array([[5.0, 5.0]])).tolist()
    ([[0.0, 2.0]], [[0.0, 5.0]])
    """

    def __init__(self, function: activations.Elementwise) -> None:
        self.function = function
        self._a = np.empty((0, 0))

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        self._a = self.function(x)
        return self._a

    def backward(self, delta: Array) -> Array:
        below: Array = self.function.slope(self._a)
        below *= delta
        return below

    def units(self, inputs: int) -> int:
        return inputs


class MaxoutLayer:
    """a_i = max_j x_(i pieces + j): as many outputs as inputs divided by ``pieces``.

    Args:
        function: with its number of pieces, see `hpsearch.nn.activations.Maxout`.
    """

    def __init__(self, function: activations.Maxout) -> None:
        self.function = function
        self._x = np.empty((0, 0))

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        self._x = x
        return self.function(x)

    def backward(self, delta: Array) -> Array:
        return self.function.back(self._x, delta)

    def units(self, inputs: int) -> int:
        units, rest = divmod(inputs, self.function.pieces)
        if rest:
            constraint = f"a multiple of its {self.function.pieces} pieces"
            raise SettingError(must_be("Inputs of a Maxout layer", constraint, inputs, "Widen the layer below."))
        return units
