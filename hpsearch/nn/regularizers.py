"""Regularizers: L1 and L2 penalties on the weights, divided by the size of the training set.

Biases have none, as in the source, unless a recipe has ``decay_biases=True``: then each sum is over weights and biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.settings import Template, number, refuse_open, setting

STRENGTH = number(0.0, advice="Take 0 for no penalty, or try 0.1 to 10.")


@dataclass(frozen=True)
class L2(Template):
    """Weight decay: C = C0 + lambda/(2n) sum w^2 with n the size of the whole *training set*, not of the mini-batch.

    One step of plain gradient descent is then w <- (1 - eta lambda/n) w - eta grad C0. Many libraries call lambda/n the
    weight decay: lambda = 5 on 50,000 samples is a weight decay of 1e-4.

    Args:
        strength: lambda >= 0.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, eq. 87 to 94.

    >>> L2(5.0).decay(50_000)
    0.0001
    """

    strength: float = setting(STRENGTH)

    def decay(self, samples: int) -> float:
        """Return lambda/n: the penalty adds this share of each weight to its gradient."""
        return self.strength / samples

    def penalty(self, weights: Sequence[Array], samples: int) -> float:
        """Return lambda/(2n) sum w^2."""
        return self.decay(samples) / 2 * sum(float(np.square(w).sum(dtype=np.float64)) for w in weights)


@dataclass(frozen=True)
class L1(Template):
    """Weights pulled to 0 by the same amount each: C = C0 + l1/n sum |w| with n the size of the whole *training set*.

    One step of plain gradient descent is then w <- w - eta l1/n sgn(w) - eta grad C0 with sgn(0) = 0; a weight nearer to 0 than
    one such pull changes its sign. With an `L2` beside it the penalty is the elastic net.

    Args:
        strength: l1 >= 0.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, eq. 95 to 97.

    >>> L1(5.0).pull(50_000), L1(5.0).penalty([np.array([[1.0, -3.0, 0.0]])], 10)
    (0.0001, 2.0)
    """

    strength: float = setting(STRENGTH)

    def pull(self, samples: int) -> float:
        """Return l1/n: the penalty adds this times the sign of each weight to its gradient."""
        return self.strength / samples

    def penalty(self, weights: Sequence[Array], samples: int) -> float:
        """Return l1/n sum |w|."""
        return self.pull(samples) * sum(float(np.abs(w).sum(dtype=np.float64)) for w in weights)


@dataclass(frozen=True)
class WeightCost(Template):
    """The same penalty in another convention: C = C0 + strength sum w^2, not shared out over the training set.

    Its gradient is 2 strength w, so that on n samples it is `L2` with lambda = 2 n strength.

    >>> WeightCost(1e-5).decay(10_000) == L2(0.2).decay(10_000) == 2e-5
    True
    """

    strength: float = setting(STRENGTH)

    def decay(self, samples: int) -> float:
        """Return 2 strength, whatever the number of samples."""
        return 2 * self.strength


def check_l2(what: str, value: object) -> None:
    """Raise unless ``value`` is a lambda >= 0 or a `WeightCost` without an open range."""
    if isinstance(value, WeightCost):
        refuse_open(what, value)
    else:
        STRENGTH(what, value)


def decay(l2: float | WeightCost, samples: int) -> float:
    """Return the share of each weight that is added to its gradient, for either convention."""
    return (l2 if isinstance(l2, WeightCost) else L2(l2)).decay(samples)
