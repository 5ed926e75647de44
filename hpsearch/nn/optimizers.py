"""How a gradient becomes a step: stochastic gradient descent, plain or with momentum, with weight decay at no cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpsearch.nn.arrays import Array, blas_of
from hpsearch.nn.backprop import Backprop, Gradient, Minibatch
from hpsearch.nn.settings import number

if TYPE_CHECKING:
    from hpsearch.nn.network import Network

MOMENTUM = number(
    0.0,
    1.0,
    open_high=True,
    advice="1 or more adds speed without friction and diverges, less than 0 turns back; 0 is none, 0.9 is usual.",
)
# The stored weights times the scale are the weights; beyond these bounds the scale is multiplied in before digits are lost.
_LOW, _HIGH = 2.0**-10, 2.0**10


class Descent:
    """Plain steps: w <- (1 - eta decay) w - eta/m sum grad, b <- b - eta/m sum grad.

    The gradient accumulates straight into the weights. Decay multiplies one number, `scale`, instead of all weights; the
    true weights are ``scale`` times the stored ones until `fold` multiplies it in, which the epoch's end does.

    Args:
        network: whose weights and biases are changed in place.
        decay: lambda/n, see `hpsearch.nn.regularizers.L2.decay`.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.scale = 1.0
        self._weights = network.weights
        self._into = Gradient([w.T for w in network.weights], network.biases)
        self._decay = decay

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the network by one step along the mini-batch that ``passes`` has just run."""
        self.scale *= 1.0 - rate * self._decay
        if not _LOW < self.scale < _HIGH:
            self.fold()
        by = -rate / passes.samples
        passes.accumulate(batch, self._into, 1.0, by / self.scale, by)

    def fold(self) -> None:
        """Make the stored weights the true ones."""
        if self.scale != 1.0:
            for weights in self._weights:
                np.multiply(weights, self.scale, weights)
            self.scale = 1.0

    @property
    def velocities(self) -> dict[str, Array]:
        """Named arrays to save; there are none without momentum."""
        return {}


class Momentum:
    """Steps with momentum: v <- mu v - eta grad C, w <- w + v, with the decay as part of the gradient of the weights.

    Args:
        network: whose weights and biases are changed in place.
        decay: lambda/n, see `hpsearch.nn.regularizers.L2.decay`.
        momentum: mu in [0, 1).
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, eq. 107 and 108.
    """

    scale = 1.0

    def __init__(self, network: Network, decay: float, momentum: float) -> None:
        self._mu, self._decay = momentum, decay
        self._axpy = blas_of(network.weights[0]).axpy
        weights = [np.zeros_like(w) for w in network.weights]
        biases = [np.zeros_like(b) for b in network.biases]
        self._into = Gradient([v.T for v in weights], biases)
        # Flat views: a step along them is one call of BLAS per array.
        self._decaying = [(w.reshape(-1), v.reshape(-1)) for w, v in zip(network.weights, weights, strict=True)]
        self._moving = [*self._decaying, *zip(network.biases, biases, strict=True)]
        self.velocities = {f"velocity_weights_{i}": v for i, v in enumerate(weights)}
        self.velocities |= {f"velocity_biases_{i}": v for i, v in enumerate(biases)}

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the network by one step along the mini-batch that ``passes`` has just run."""
        by = -rate / passes.samples
        passes.accumulate(batch, self._into, self._mu, by, by)
        if self._decay:
            for w, v in self._decaying:
                self._axpy(w, v, w.size, -rate * self._decay)
        for w, v in self._moving:
            self._axpy(v, w, v.size, 1.0)

    def fold(self) -> None:
        """Do nothing: the stored weights are the true ones."""


Optimizer = Descent | Momentum


def sgd(network: Network, decay: float = 0.0, momentum: float = 0.0) -> Optimizer:
    """Return the optimiser for a momentum, plain where it is 0.

    Raises:
        SettingError: if the momentum is outside [0, 1).
    """
    MOMENTUM("momentum", momentum)
    return Momentum(network, decay, momentum) if momentum else Descent(network, decay)
