"""Warps of values before a Gaussian process is fitted: each shows the good ones in detail, in a way of its own.

A process that sees the values as they are gives most of its attention to the worst ones. Each warp keeps the order, as far
as it tells values apart, and returns values of mean 0 and deviation 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from hpsearch.surrogate.encoding import Array

Warp = Callable[[Array], Array]
# How strongly `compress` stretches the good end.
_STRETCH = 1.5


def compress(values: Array) -> Array:
    """Replace values above the median by scaled normal scores of their ranks, and stretch the good end logarithmically.

    With t = (y - min) / (max - min) after the first step: log(1 + (s - 1) t) / log(s), s = 1.5.
    Source: Song et al. (2024), The Vizier Gaussian process bandit algorithm, section on output warping.
    """
    median = np.median(values)
    bad, scores = values > median, _scores(values)
    good = scores[~bad]
    spread = np.sqrt(np.mean((values[~bad] - median) ** 2)) or 1.0
    per_score = spread / max(float(np.sqrt(np.mean(good**2))), 1e-9)
    halved = np.where(bad, median + per_score * np.maximum(scores, 0.0), values)
    low, high = halved.min(), halved.max()
    share = (halved - low) / (high - low) if high > low else np.zeros_like(halved)
    return _standardize(np.log1p((_STRETCH - 1.0) * share) / np.log(_STRETCH))


def clip(values: Array) -> Array:
    """Clip values at the median plus three times its distance from the least one."""
    median = np.median(values)
    return _standardize(np.minimum(values, median + 3.0 * (median - values.min())))


def to_scores(values: Array) -> Array:
    """Replace values by the normal scores of their ranks; all that equal the least one share the lowest score."""
    scores = _scores(values)
    scores[np.isclose(values, values.min(), rtol=1e-9, atol=0.0)] = scores.min()
    return _standardize(scores)


def _scores(values: Array) -> Array:
    """Return normal scores: the quantiles of a normal distribution at the ranks, equal values sharing their mean rank."""
    scores: Array = ndtri((rankdata(values) - 0.5) / len(values))
    return scores


def _standardize(values: Array) -> Array:
    spread = float(values.std())
    standard: Array = (values - values.mean()) / (spread if spread > 1e-12 else 1.0)
    return standard


# In the order of their turns.
WARPS: tuple[Warp, ...] = (compress, clip, to_scores)
