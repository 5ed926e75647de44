"""Dropout as a layer."""

from __future__ import annotations

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.settings import number

DROPOUT = number(
    0.0,
    1.0,
    open_high=True,
    advice="It is the share that is left out: 0.5 of the hidden units, 0.2 of the inputs are usual, 0 is none.",
)


class Dropout:
    """Each element is left out with probability ``rate`` and else divided by 1 - rate; while scoring, x is passed on unchanged.

    Args:
        rate: in [0, 1); 0.5 of hidden units, 0.2 of inputs are usual. See `hpsearch.nn.passes.dropout` for the rule.
    Raises:
        SettingError: for a rate out of range.
    """

    def __init__(self, rate: float = 0.5) -> None:
        DROPOUT("Dropout rate", rate)
        self.rate = rate
        self._mask: Array | None = None

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        self._mask = None
        if rng is None or not self.rate:
            return x
        self._mask = draw_mask(rng, self.rate, np.empty(x.shape, x.dtype))
        return np.multiply(x, self._mask)

    def backward(self, delta: Array) -> Array:
        return delta if self._mask is None else np.multiply(delta, self._mask)

    def units(self, inputs: int) -> int:
        return inputs


def draw_mask(rng: np.random.Generator, rate: float, mask: Array) -> Array:
    """Fill a mask: 0 with probability ``rate``, else 1 / (1 - rate)."""
    rng.random(out=mask, dtype=mask.dtype.type)
    np.greater_equal(mask, rate, mask)
    return np.multiply(mask, 1.0 / (1.0 - rate), mask)
