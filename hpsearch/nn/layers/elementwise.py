"""A function of each element alone, as a layer."""

from __future__ import annotations

import numpy as np

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
