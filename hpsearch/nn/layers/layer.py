"""The protocol of a layer."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hpsearch.nn.arrays import Array


class Layer(Protocol):
    """A layer: ``backward`` goes back through the last ``forward``, of which the layer remembers what it needs."""

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """Return the outputs, (h, m), for inputs x, (d, m), which are left as they are.

        Args:
            x: inputs, one sample a column.
            rng: random numbers while training; None while scoring, with the whole network.
        """
        ...

    def backward(self, delta: Array) -> Array:
        """Return the derivative of the cost by the inputs, (d, m), from the one by the outputs, (h, m)."""
        ...

    def units(self, inputs: int) -> int:
        """Return how many outputs h there are for d inputs.

        Raises:
            SettingError: where the layer does not take so many.
        """
        ...
