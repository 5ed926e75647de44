"""Max-norm: the weights into each hidden unit are scaled down to a fixed norm after every step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.optimizers.around import StepsAround
from hpsearch.nn.optimizers.rules import Optimizer
from hpsearch.nn.passes.backprop import Backprop, Minibatch
from hpsearch.nn.settings import number

_NORM = number(0.0, open_low=True, advice="Take None for no limit; 2 to 4 are usual.")


def check_max_norm(what: str, value: object) -> None:
    """Raise unless ``value`` is a number above 0, or None."""
    if value is not None:
        _NORM(what, value)


class MaxNormSteps(StepsAround):
    """Steps as those of another optimizer, after each of which no hidden unit's incoming weights are longer than c.

    w <- w min(1, c / |w|) for the vector w of the weights into one hidden unit, (3, 4) -> (0.6, 0.8) with c = 1. Biases and the
    output layer are free; a `Maxout` unit has one such vector for each of its pieces. A velocity is left as it is.

    Args:
        optimizer: takes the steps.
        hidden: the weight arrays of the hidden layers, (units, inputs), changed in place.
        limit: c > 0.
    Source: Hinton et al. (2012), Improving neural networks by preventing co-adaptation of feature detectors; Srivastava et al.
    (2014), Dropout, section 5.1: "the incoming weight vector at each hidden unit". c of 3 to 4 there.
    """

    def __init__(self, optimizer: Optimizer, hidden: Sequence[Array], limit: float) -> None:
        super().__init__(optimizer)
        self._hidden, self._limit = hidden, limit

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        super().step(passes, batch, rate)
        for weights in self._hidden:
            limit_norms(weights, self._limit / self.scale)


def limit_norms(weights: Array, limit: float) -> None:
    """Scale the rows down that are longer than ``limit``, in place; the others keep their bits.

    >>> w = np.array([[3.0, 4.0], [0.3, 0.4]])
    >>> limit_norms(w, 1.0)
    >>> w.tolist()
    [[0.6000000000000001, 0.8], [0.3, 0.4]]
    """
    norms = np.sqrt(np.einsum("ij,ij->i", weights, weights))
    if not np.isfinite(norms).all():  # squares that float32 cannot hold
        norms = np.linalg.norm(weights.astype(np.float64), axis=1)
    long = np.flatnonzero(norms > limit)
    if len(long):
        weights[long] *= (limit / norms[long])[:, None].astype(weights.dtype)
