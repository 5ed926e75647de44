"""Expected best of n trials, from the values of N trials that were drawn independently.

With the values sorted, y_1 <= ... <= y_N, both estimators are sums over the gaps between them,

    E[min] = y_1 + sum_{i=1}^{N-1} (y_{i+1} - y_i) S_i,        S_i = P(all n draws lie above y_i),

whose terms are all positive, so that nothing cancels however large n and N are. Values are minimised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.analysis.sample import Array, sample
from hpsearch.errors import SettingError, must_be

Counts = NDArray[np.int64]


def expected_best(values: ArrayLike, n: ArrayLike) -> Array:
    """Return the unbiased estimate of the expected lowest of n trials (a U-statistic: n of the N without replacement).

    S_i = C(N - i, n) / C(N, n), built up as a product of ratios. It is the mean of the minimum over all subsets of n.

    Args:
        values: of N independent trials, float, shape (N,).
        n: numbers of trials, int in [1, N], any shape.
    Returns:
        float64 in the shape of ``n``. Equals the mean for n = 1 and the minimum for n = N; the work takes len(n) N numbers.
    Raises:
        SettingError: if n is beyond N (no unbiased estimate exists) or values are not finite.
    Source: Hoeffding (1948), Annals of Mathematical Statistics 19; for searches Tang et al. (2020), ACL, section 3.

    >>> expected_best([3.0, 1.0, 2.0], [1, 2, 3]).round(12)
    array([2.        , 1.33333333, 1.        ])
    """
    ordered, counts = _sorted(values), _counts(n)
    size = len(ordered)
    if counts.max(initial=1) > size:
        advice = "Run more trials, or estimate with replacement."
        raise SettingError(must_be("n", f"at most the {size} values at hand", int(counts.max()), advice))
    place = np.arange(1, size)
    survival = np.cumprod(np.maximum(size - counts[..., None] - place + 1, 0) / (size - place + 1), axis=-1)
    return _over_gaps(ordered, survival)


def expected_best_with_replacement(values: ArrayLike, n: ArrayLike) -> Array:
    """Return the expected lowest of n draws with replacement from N values (a V-statistic).

    S_i = (1 - i / N)^n. It is exact where the values are all there are (a table), and a consistent but optimistic
    or pessimistic one where they are a sample: for values to minimise it lies above `expected_best`.

    Args:
        values: shape (N,), float.
        n: numbers of draws, int >= 1, any shape; may exceed N.
    Returns:
        float64 in the shape of ``n``.
    Source: Dodge et al. (2019), Show your work, EMNLP, equation 7 (there for a maximum).

    >>> expected_best_with_replacement([3.0, 1.0, 2.0], [1, 2]).round(12)
    array([2.        , 1.55555556])
    """
    ordered, counts = _sorted(values), _counts(n)
    place = np.arange(1, len(ordered))
    # Through the logarithm: the rounding of 1 - i / N would be raised to the power n.
    return _over_gaps(ordered, np.exp(counts[..., None] * np.log1p(-place / len(ordered))))


def _over_gaps(ordered: Array, survival: Array) -> Array:
    expected: Array = ordered[0] + survival @ np.diff(ordered)
    return expected


def _sorted(values: ArrayLike) -> Array:
    return np.sort(sample("values", values, fewest=1))


def _counts(n: ArrayLike) -> Counts:
    counts = np.asarray(n)
    if not np.issubdtype(counts.dtype, np.integer) or (counts < 1).any():
        raise SettingError(must_be("n", "whole numbers >= 1", counts.tolist(), "Try [1, 2, 4, 8]."))
    return counts.astype(np.int64)
