"""The protocols of a layer, and of one that learns parameters of its own."""

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


class LearningLayer(Layer, Protocol):
    """A layer with parameters of its own, which the optimizer trains as it does the biases of `Affine` layers.

    ``parameters`` is a list of arrays, of the dtype of the network. It is an attribute that every pass reads anew: a copy of
    the layer gets a list of its own. The optimizer changes the arrays in place. An attribute ``decays = True`` lets l1 and l2
    apply to them; without it they have no penalty. `hpsearch.nn.gradcheck.check_gradient` checks their gradients too.
    """

    parameters: list[Array]

    def gradients(self) -> list[Array]:
        """Return the derivatives of the cost by each of the parameters, summed over the samples of the last ``backward``."""
        ...


def learns(layer: object) -> bool:
    """Return whether a layer has parameters of its own."""
    return hasattr(layer, "gradients")
