"""Steps that need the whole gradient before the weights change: Nesterov's momentum, RMSProp, Adam.

Unlike plain descent they cannot accumulate it in the weights. The gradient of all layers is one flat buffer, so that an
operation on every element is one call for the whole network.
"""

from __future__ import annotations

import math

import numpy as np

from hpsearch.nn.arrays import Array, blas_of
from hpsearch.nn.network import Network
from hpsearch.nn.passes.backprop import Backprop, Gradient, Minibatch


class _WholeGradient:
    """The gradient of the mean cost of a mini-batch, penalties included, and the way to move the network along an array.

    Args:
        network: whose weights and biases are read, and moved in place.
        decay: the share of each weight that is added to its gradient.
        pull: what is added in the direction of each weight, see `hpsearch.nn.regularizers.L1.pull`.
    """

    scale = 1.0

    def __init__(self, network: Network, decay: float, pull: float) -> None:
        self._decay, self._pull = decay, pull
        self._axpy = blas_of(network.weights[0]).axpy
        arrays = [*network.weights, *network.biases]
        self.gradient = np.zeros(sum(a.size for a in arrays), arrays[0].dtype)
        ends = np.cumsum([a.size for a in arrays]).tolist()
        self._slices = [slice(end - a.size, end) for a, end in zip(arrays, ends, strict=True)]
        self._flat = [a.reshape(-1) for a in arrays]
        views = [self.gradient[part].reshape(a.shape) for a, part in zip(arrays, self._slices, strict=True)]
        layers = len(network.weights)
        self._into = Gradient([g.T for g in views[:layers]], views[layers:])
        self._penalised = list(zip(self._flat[:layers], self._slices[:layers], strict=True))
        self._signs = [np.empty_like(w) if pull else w for w, _ in self._penalised]

    def _compute_gradient(self, passes: Backprop, batch: Minibatch) -> Array:
        by = 1 / passes.samples
        passes.accumulate(batch, self._into, 0.0, by, by)
        for (w, part), sign in zip(self._penalised, self._signs, strict=True):
            if self._decay:
                self._axpy(w, self.gradient[part], w.size, self._decay)
            if self._pull:
                self._axpy(np.sign(w, sign), self.gradient[part], w.size, self._pull)
        return self.gradient

    def _move(self, along: Array, by: float) -> None:
        for w, part in zip(self._flat, self._slices, strict=True):
            self._axpy(along[part], w, w.size, by)

    def fold(self) -> None:
        """Do nothing: the stored weights are the true ones."""


class NesterovSteps(_WholeGradient):
    """See `hpsearch.nn.optimizers.Nesterov`."""

    def __init__(self, network: Network, decay: float, pull: float, momentum: float) -> None:
        super().__init__(network, decay, pull)
        self._mu, self._velocity = momentum, np.zeros_like(self.gradient)
        self.arrays = {"velocity": self._velocity}

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the network by one step along the mini-batch that ``passes`` has just run."""
        g, v = self._compute_gradient(passes, batch), self._velocity
        np.multiply(v, self._mu, v)
        self._axpy(g, v, v.size, -rate)
        self._move(v, self._mu)
        self._move(g, -rate)


class RMSPropSteps(_WholeGradient):
    """See `hpsearch.nn.optimizers.RMSProp`."""

    def __init__(self, network: Network, decay: float, pull: float, rho: float, epsilon: float) -> None:
        super().__init__(network, decay, pull)
        self._rho, self._epsilon = rho, epsilon
        self._square, self._scratch = np.zeros_like(self.gradient), np.zeros_like(self.gradient)
        self.arrays = {"gradient_square": self._square}

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the network by one step along the mini-batch that ``passes`` has just run."""
        g, s, scratch = self._compute_gradient(passes, batch), self._square, self._scratch
        np.multiply(s, self._rho, s)
        self._axpy(np.multiply(g, g, scratch), s, s.size, 1 - self._rho)
        np.sqrt(s, scratch)
        np.add(scratch, self._epsilon, scratch)
        self._move(np.divide(g, scratch, scratch), -rate)


class AdamSteps(_WholeGradient):
    """See `hpsearch.nn.optimizers.Adam`."""

    def __init__(self, network: Network, decay: float, pull: float, betas: tuple[float, float], epsilon: float) -> None:
        super().__init__(network, decay, pull)
        self._betas, self._epsilon = betas, epsilon
        self._mean, self._square, self._scratch = (np.zeros_like(self.gradient) for _ in range(3))
        self._steps = np.zeros(1)
        self.arrays = {"gradient_mean": self._mean, "gradient_square": self._square, "steps": self._steps}

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the network by one step along the mini-batch that ``passes`` has just run."""
        g, m, s, scratch = self._compute_gradient(passes, batch), self._mean, self._square, self._scratch
        self._steps += 1
        (beta1, beta2), t = self._betas, float(self._steps[0])
        np.multiply(m, beta1, m)
        self._axpy(g, m, m.size, 1 - beta1)
        np.multiply(s, beta2, s)
        self._axpy(np.multiply(g, g, scratch), s, s.size, 1 - beta2)
        np.sqrt(s, scratch)
        np.multiply(scratch, 1 / math.sqrt(1 - beta2**t), scratch)
        np.add(scratch, self._epsilon, scratch)
        self._move(np.divide(m, scratch, scratch), -rate / (1 - beta1**t))
