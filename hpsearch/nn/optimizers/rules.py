"""Optimisers: stochastic gradient descent, plain or with momentum, and the rules that settings name, such as `Adam`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array, blas_of, known
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.full_batch import FULL_BATCH
from hpsearch.nn.optimizers.steps import AdamSteps, NesterovSteps, RMSPropSteps
from hpsearch.nn.passes.backprop import Backprop, Gradient, Minibatch
from hpsearch.nn.settings import Template, number, refuse_open, setting

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
    def arrays(self) -> dict[str, Array]:
        """Named arrays to save; there are none without momentum."""
        return {}


class SparseDescent(Descent):
    """Plain steps with L1: w <- (1 - eta decay) w - eta pull sgn(w) - eta/m sum grad, every sign that of w before the step.

    The signs need every weight at every step, so a lazy scale would save nothing.

    Args:
        pull: l1/n, see `hpsearch.nn.regularizers.L1.pull`.
    """

    def __init__(self, network: Network, decay: float, pull: float) -> None:
        super().__init__(network, decay)
        self._pull, self._axpy = pull, blas_of(network.weights[0]).axpy
        self._signed = [(w.reshape(-1), np.empty(w.size, w.dtype)) for w in network.weights]

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the network by one step along the mini-batch that ``passes`` has just run."""
        for w, sign in self._signed:
            np.sign(w, sign)
            if self._decay:
                np.multiply(w, 1.0 - rate * self._decay, w)
            self._axpy(sign, w, w.size, -rate * self._pull)
        by = -rate / passes.samples
        passes.accumulate(batch, self._into, 1.0, by, by)


class Momentum:
    """Steps with momentum: v <- mu v - eta grad C, w <- w + v, with the penalties as part of the gradient of the weights.

    Args:
        network: whose weights and biases are changed in place.
        decay: lambda/n, see `hpsearch.nn.regularizers.L2.decay`.
        momentum: mu in [0, 1).
        pull: l1/n, see `hpsearch.nn.regularizers.L1.pull`.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, eq. 107 and 108.
    """

    scale = 1.0

    def __init__(self, network: Network, decay: float, momentum: float, pull: float = 0.0) -> None:
        self._mu, self._decay, self._pull = momentum, decay, pull
        self._axpy = blas_of(network.weights[0]).axpy
        weights = [np.zeros_like(w) for w in network.weights]
        biases = [np.zeros_like(b) for b in network.biases]
        self._into = Gradient([v.T for v in weights], biases)
        # Flat views: a step along them is one call of BLAS per array.
        self._decaying = [(w.reshape(-1), v.reshape(-1)) for w, v in zip(network.weights, weights, strict=True)]
        self._moving = [*self._decaying, *zip(network.biases, biases, strict=True)]
        self._signs = [np.empty(w.size if pull else 0, w.dtype) for w in weights]
        self.arrays = {f"velocity_weights_{i}": v for i, v in enumerate(weights)}
        self.arrays |= {f"velocity_biases_{i}": v for i, v in enumerate(biases)}

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the network by one step along the mini-batch that ``passes`` has just run."""
        by = -rate / passes.samples
        passes.accumulate(batch, self._into, self._mu, by, by)
        if self._decay:
            for w, v in self._decaying:
                self._axpy(w, v, w.size, -rate * self._decay)
        if self._pull:
            for (w, v), sign in zip(self._decaying, self._signs, strict=True):
                self._axpy(np.sign(w, sign), v, w.size, -rate * self._pull)
        for w, v in self._moving:
            self._axpy(v, w, v.size, 1.0)

    def fold(self) -> None:
        """Do nothing: the stored weights are the true ones."""


class Optimizer(Protocol):
    """An optimiser, which changes the weights of one network; all that it remembers is in ``arrays``."""

    @property
    def scale(self) -> float:
        """What the stored weights must be multiplied by to be the true ones."""
        ...

    @property
    def arrays(self) -> dict[str, Array]:
        """Named arrays to save, written in place."""
        ...

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the network by one step along the mini-batch that ``passes`` has just run."""
        ...

    def fold(self) -> None:
        """Make the stored weights the true ones."""
        ...


def sgd(network: Network, decay: float = 0.0, momentum: float = 0.0, pull: float = 0.0) -> Optimizer:
    """Return the optimiser for a momentum, plain where it is 0.

    Raises:
        SettingError: if the momentum is outside [0, 1).
    """
    MOMENTUM("momentum", momentum)
    if momentum:
        return Momentum(network, decay, momentum, pull)
    return SparseDescent(network, decay, pull) if pull else Descent(network, decay)


class Rule(Protocol):
    """A rule that starts an optimiser; it has no state. ``takes_momentum`` says whether it uses a momentum."""

    takes_momentum: ClassVar[bool]

    def start(self, network: Network, decay: float, pull: float, momentum: float) -> Optimizer:
        """Return an optimiser for a network."""
        ...


@dataclass(frozen=True)
class SGD(Template):
    """Stochastic gradient descent: `Descent`, or `Momentum` where there is a momentum."""

    takes_momentum: ClassVar[bool] = True

    def start(self, network: Network, decay: float, pull: float, momentum: float) -> Optimizer:
        return sgd(network, decay, momentum, pull)


@dataclass(frozen=True)
class Nesterov(Template):
    """Momentum whose gradient is that of the place it is about to reach: v <- mu v - eta g, w <- w + mu v - eta g.

    The weights that are stored and scored are those of that place. From rest, the first step is -(1 + mu) eta g.
    Source: Sutskever et al. (2013), On the importance of initialization and momentum in deep learning, eq. 3 and 4, with
    the weights shifted by mu v as in Bengio et al. (2013), Advances in optimizing recurrent networks, eq. 7.
    """

    takes_momentum: ClassVar[bool] = True

    def start(self, network: Network, decay: float, pull: float, momentum: float) -> Optimizer:
        return NesterovSteps(network, decay, pull, momentum)


_SHARE = number(
    0.0, 1.0, open_high=True, advice="It is the share of the past that is kept in each step; 0.9 to 0.999 are usual."
)
_EPSILON = number(0.0, open_low=True, advice="1e-8 is usual.")


@dataclass(frozen=True)
class RMSProp(Template):
    """Steps divided by the recent size of the gradient: s <- rho s + (1 - rho) g^2, w <- w - eta g / (sqrt(s) + epsilon).

    Penalties are part of g. The first step is eta / sqrt(1 - rho) = 3.16 eta against the sign of g, whatever its size.
    Source: Tieleman and Hinton (2012), Neural networks for machine learning, lecture 6.5.
    """

    takes_momentum: ClassVar[bool] = False

    rho: float = setting(_SHARE, default=0.9)
    epsilon: float = setting(_EPSILON, default=1e-8)

    def start(self, network: Network, decay: float, pull: float, momentum: float) -> Optimizer:
        return RMSPropSteps(network, decay, pull, self.rho, self.epsilon)


@dataclass(frozen=True)
class Adam(Template):
    """Running means of the gradient and of its square, freed of their start at 0.

    m <- beta1 m + (1 - beta1) g, s <- beta2 s + (1 - beta2) g^2, and in step t
    w <- w - eta m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + epsilon).
    Penalties are part of g. The first step is eta against the sign of g, whatever its size; 0.001 is a usual eta.
    Source: Kingma and Ba (2015), Adam: a method for stochastic optimization, algorithm 1.
    """

    takes_momentum: ClassVar[bool] = False

    beta1: float = setting(_SHARE, default=0.9)
    beta2: float = setting(_SHARE, default=0.999)
    epsilon: float = setting(_EPSILON, default=1e-8)

    def start(self, network: Network, decay: float, pull: float, momentum: float) -> Optimizer:
        return AdamSteps(network, decay, pull, (self.beta1, self.beta2), self.epsilon)


OPTIMIZERS: dict[str, Rule] = {"sgd": SGD(), "nesterov": Nesterov(), "rmsprop": RMSProp(), "adam": Adam()}
OPTIMIZERS |= FULL_BATCH


def rule_of(optimizer: str | Rule) -> Rule:
    """Return the rule of a name, or the rule itself."""
    return OPTIMIZERS[optimizer] if isinstance(optimizer, str) else optimizer


def check_optimizer(optimizer: str | Rule, momentum: float) -> None:
    """Raise unless ``optimizer`` is a name or a rule without open ranges, and ``momentum`` goes with it."""
    if isinstance(optimizer, type) or not hasattr(optimizer, "start"):
        known("optimizer", optimizer, OPTIMIZERS)
    refuse_open("optimizer", optimizer)
    rule = rule_of(optimizer)
    if momentum and not rule.takes_momentum:
        advice = "Take it out; in a space, write when={'optimizer': 'sgd'} behind its range."
        raise SettingError(must_be("momentum", f"0 with {rule!r}", momentum, advice))
    if not momentum and isinstance(rule, Nesterov):
        advice = "0.9 is usual; without momentum, take optimizer='sgd'."
        raise SettingError(must_be("momentum", "above 0 with Nesterov()", momentum, advice))
