"""The bootstrap: what a statistic would do on other samples, learnt by drawing from the one at hand with replacement.

Statistics are handed in as functions that work along the last axis: ``lambda x: np.median(x, axis=-1)``. Data have the
repetitions last, shape (n,), or (k, n) for k quantities measured together: whole columns are drawn, so pairs stay pairs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.sample import Array

Statistic = Callable[[Array], Array]

RESAMPLES = 1000


def resamples(values: Array, rng: np.random.Generator, count: int = RESAMPLES) -> Array:
    """Return ``count`` samples of the same size drawn with replacement along the last axis of ``values``.

    Args:
        values: shape (n,) or (k, n), float.
    Returns:
        Shape (count, n) or (count, k, n).
    """
    n = values.shape[-1]
    drawn = values[..., rng.integers(n, size=(count, n))]
    return np.moveaxis(drawn, -2, 0)


def standard_error(values: ArrayLike, statistic: Statistic, rng: np.random.Generator, count: int = RESAMPLES) -> float:
    """Return the bootstrap standard error of a statistic: its standard deviation over resamples (with count - 1).

    For the mean it tends to sqrt((n - 1) / n) s / sqrt(n).
    Source: Efron (1979), Annals of Statistics 7; James et al. (2013), An introduction to statistical learning, section 5.2.

    >>> errors = standard_error([1.0, 2.0, 3.0, 4.0], lambda x: x.mean(axis=-1), np.random.default_rng(0), 100_000)
    >>> round(errors, 2)   # sqrt(1.25 / 4) = .559
    0.56
    """
    return float(np.std(statistic(resamples(np.asarray(values, float), rng, count)), ddof=1))
