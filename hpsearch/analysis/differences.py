"""Paired comparison of two contenders: the interval of the mean difference, and a verdict that can be a tie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.intervals import Interval, mean_interval
from hpsearch.analysis.ranks import holm
from hpsearch.analysis.sample import Array, differences
from hpsearch.errors import SettingError, must_be

Verdict = Literal["better", "worse", "tie"]


@dataclass(frozen=True)
class Difference:
    """The first contender minus the second over paired repetitions: below zero the first is better, as values are minimised."""

    interval: Interval
    p_value: float
    alpha: float = 0.05

    @property
    def verdict(self) -> Verdict:
        """Whether the first is ``"better"`` or ``"worse"``, or ``"tie"`` where p >= alpha: inside the noise, not equal."""
        if self.p_value >= self.alpha:
            return "tie"
        return "better" if self.interval.centre < 0 else "worse"


def difference(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Difference:
    """Compare two contenders on paired repetitions by the paired t test, two-sided.

    Two identical strategies are called different in a share 1 - level of all comparisons, hardly more with skewed values: the
    difference of two equal contenders is symmetric whatever their noise. A difference of one standard deviation (of the
    differences) at 20 repetitions is found with probability .989.

    Args:
        a, b: values to minimise of n >= 3 repetitions, float, shape (n,); place i of both had the same seed.
    Raises:
        SettingError: for fewer than three repetitions, unequal numbers of them, or values that are not finite.
    Source: Student (1908), Biometrika 6; checked against scipy.stats.ttest_rel.

    >>> found = difference([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 3.5, 5.5])
    >>> found.verdict, round(found.p_value, 4)   # mean -1.25, s .6455: t = -3.873 with 3 degrees of freedom
    ('better', 0.0305)
    """
    apart = differences(a, b)
    return Difference(mean_interval(apart, level), _p_value(apart), 1 - level)


def all_differences(arms: Mapping[str, ArrayLike], level: float = 0.95) -> dict[tuple[str, str], Difference]:
    """Compare every pair of contenders, with p-values adjusted for the number m of pairs by Holm's rule.

    The chance of even one false difference stays below 1 - level. The intervals hold jointly (each has the level
    1 - (1 - level) / m, Bonferroni); Holm's rule finds somewhat more than they do, so one that just touches zero may belong
    to a difference.

    Args:
        arms: name -> values to minimise, shape (n,), all on the same seeds.
    Raises:
        SettingError: as `difference`, and for fewer than two contenders.

    >>> found = all_differences({"a": [1, 2, 3], "b": [1, 2, 3], "c": [11, 12, 13]})
    >>> [(pair, one.verdict) for pair, one in found.items()]
    [(('a', 'b'), 'tie'), (('a', 'c'), 'better'), (('b', 'c'), 'better')]
    """
    pairs = list(combinations(arms, 2))
    if not pairs:
        raise SettingError(must_be("A comparison", "of at least two contenders", list(arms), "Add one to compare with."))
    found = [difference(arms[one], arms[other], 1 - (1 - level) / len(pairs)) for one, other in pairs]
    adjusted = holm([each.p_value for each in found])
    alpha = 1 - level
    return {pair: replace(each, p_value=p, alpha=alpha) for pair, each, p in zip(pairs, found, adjusted, strict=True)}


def _p_value(apart: Array) -> float:
    """Return the two-sided p-value of the mean of differences; constant ones are certain, or certainly none."""
    from scipy.special import stdtr  # half a second, which `import hpsearch` should not cost

    mean, error = float(apart.mean()), float(apart.std(ddof=1)) / math.sqrt(len(apart))
    if error == 0:
        return float(mean == 0)
    return float(2 * stdtr(len(apart) - 1, -abs(np.float64(mean) / error)))
