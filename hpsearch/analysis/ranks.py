"""Rank tests of contenders over several data sets, whose values have no common scale.

Scores have shape (data sets, contenders) and are minimised, so that rank 1 is the best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.sample import Array, check_level, differences, excerpt
from hpsearch.errors import SettingError, must_be

Alternative = Literal["two-sided", "less", "greater"]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number by Holm's step-down rule, in the order given, each at most 1.

    Source: Holm (1979), Scandinavian Journal of Statistics 6.

    >>> [round(p, 6) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    steps = [(len(order) - i) * p_values[place] for i, place in enumerate(order)]
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(p) for p in adjusted]


def signed_rank(a: ArrayLike, b: ArrayLike, alternative: Alternative = "two-sided") -> float:
    """Return the p-value of Wilcoxon's signed-rank test of two contenders over n >= 3 data sets, each array of shape (n,).

    ``"less"`` asks whether ``a`` is lower. Contenders that nowhere differ have p = 1.
    Source: Wilcoxon (1945), Biometrics Bulletin 1; `scipy.stats.wilcoxon`.

    >>> signed_rank([1, 2, 3, 4, 5], [2, 4, 6, 8, 10])   # all five lower: 2 of the 32 patterns of signs
    0.0625
    """
    from scipy.stats import wilcoxon  # half a second, which `import hpsearch` should not cost

    apart = differences(a, b)
    return float(wilcoxon(apart, alternative=alternative).pvalue) if apart.any() else 1.0


def average_ranks(scores: ArrayLike) -> Array:
    """Return each contender's mean rank over the data sets, ties sharing their ranks;
    shape (contenders,), their mean (k + 1) / 2.

    >>> average_ranks([[0.1, 0.2, 0.3], [0.1, 0.3, 0.3]])
    array([1.  , 2.25, 2.75])
    """
    from scipy.stats import rankdata

    return np.asarray(rankdata(_table(scores), axis=1).mean(axis=0), float)


def friedman(scores: ArrayLike) -> float:
    """Return the p-value of Friedman's test that k >= 3 contenders rank alike over the data sets.

    The test uses chi-square, corrected for ties.

    Source: Friedman (1937), Journal of the American Statistical Association 32; `scipy.stats.friedmanchisquare`.

    >>> round(friedman([[1, 2, 3]] * 4), 4)   # chi-square 8 with 2 degrees of freedom
    0.0183
    """
    from scipy.stats import friedmanchisquare

    table = _table(scores)
    if (table == table[:, :1]).all():
        return 1.0
    return float(friedmanchisquare(*table.T).pvalue)


def critical_difference(arms: int, data_sets: int, level: float = 0.95) -> float:
    """Return by how much two average ranks must differ for any two of k contenders to differ
    over N data sets (Nemenyi).

    q sqrt(k (k + 1) / 6 N), with q the studentised range of k means and infinitely many degrees of freedom, over sqrt(2).
    Source: Demšar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7, section 3.2.2.

    >>> round(critical_difference(4, 14), 2)
    1.25
    """
    from scipy.stats import studentized_range

    check_level(level)
    if arms < 2 or data_sets < 1:
        advice = "Pass the numbers of contenders and of data sets."
        raise SettingError(must_be("(contenders, data sets)", "at least (2, 1)", (arms, data_sets), advice))
    q = float(studentized_range.ppf(level, arms, np.inf)) / math.sqrt(2)
    return q * math.sqrt(arms * (arms + 1) / (6 * data_sets))


def _table(scores: ArrayLike) -> Array:
    """Return scores as an array of at least 2 data sets and 3 contenders."""
    table = np.asarray(scores, float)
    if table.ndim != 2 or min(table.shape[0], table.shape[1] - 1) < 2 or not np.isfinite(table).all():
        constraint = "finite, of shape (data sets >= 2, contenders >= 3)"
        raise SettingError(must_be("scores", constraint, excerpt(scores), "For two contenders take the signed-rank test."))
    return table
