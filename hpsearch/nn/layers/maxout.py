"""The largest of some neighbouring elements, as a layer."""

from __future__ import annotations

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.activations import Maxout
from hpsearch.nn.arrays import Array


class MaxoutLayer:
    """a_i = max_j x_(i pieces + j): as many outputs as inputs divided by ``pieces``.

    Args:
        function: with its number of pieces, see `hpsearch.nn.activations.Maxout`.
    """

    def __init__(self, function: Maxout) -> None:
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
