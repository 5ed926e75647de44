"""Confidence intervals from few repetitions (Student's t, studentised bootstrap, shares), and bootstrap standard errors.

A statistic is a function that works along the last axis: ``lambda x: np.median(x, axis=-1)``. Data have the repetitions last,
shape (n,), or (k, n) for k quantities measured together: the bootstrap draws whole columns, so that pairs stay pairs.

No plain percentile bootstrap: on 10 normal repetitions its 95 % interval of the mean holds the truth 90 % of the time.
For paired contenders pass their differences, or both as one array of shape (2, n) and a statistic of the pair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.sample import Array, check_level, excerpt, sample
from hpsearch.errors import SettingError, must_be

Statistic = Callable[[Array], Array]

RESAMPLES = 1000
# Below, so many resamples are the same value n times over that the bootstrap's tails are made of them.
FEWEST_TO_RESAMPLE = 5
# Resamples of a resample, for the standard error within it: Efron and Tibshirani (1993) take 25 to 200.
INNER = 50


@dataclass(frozen=True)
class Interval:
    """An estimate (``centre``) and the limits that hold the truth in a share ``level`` of all repetitions of the whole."""

    low: float
    centre: float
    high: float
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """High minus low."""
        return self.high - self.low


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Return Student's t interval of the mean of n independent repetitions: mean -+ t_{n-1} s / sqrt(n).

    Args:
        values: shape (n,), n >= 3, float.
        level: the share of such intervals that hold the true mean; exact for normal values.
    Raises:
        SettingError: for fewer than three repetitions, or values that are not finite.
    Source: Student (1908), Biometrika 6; the quantile is scipy's.

    >>> interval = mean_interval([1.0, 2.0, 3.0, 4.0])
    >>> round(interval.low, 3), interval.centre, round(interval.high, 3)   # 2.5 -+ 3.182 * .645
    (0.446, 2.5, 4.554)
    """
    from scipy.special import stdtrit  # half a second, which `import hpsearch` should not cost

    array = sample("Repetitions", values)
    check_level(level)
    mean, n = float(array.mean()), len(array)
    margin = float(stdtrit(n - 1, (1 + level) / 2) * array.std(ddof=1) / math.sqrt(n))
    return Interval(mean - margin, mean, mean + margin, level)


def prediction_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Return Student's interval for one further repetition: mean -+ t_{n-1} s sqrt(1 + 1/n).

    What a single published run is compared with: were it one more of ours, it would lie inside in a share ``level`` of all
    cases, however few ours are; with few the interval is wide.

    Args:
        values: shape (n,), n >= 3, float.
        level: exact for normal values.
    Raises:
        SettingError: for fewer than three repetitions, or values that are not finite.
    Source: Student (1908), Biometrika 6; the quantile is scipy's.

    >>> interval = prediction_interval([1.0, 2.0, 3.0, 4.0])
    >>> round(interval.low, 3), interval.centre, round(interval.high, 3)   # 2.5 -+ 3.182 * 1.291 * sqrt(1.25)
    (-2.093, 2.5, 7.093)
    """
    mean, n = mean_interval(values, level), len(np.asarray(values))
    margin = mean.width / 2 * math.sqrt(n + 1)
    return Interval(mean.centre - margin, mean.centre, mean.centre + margin, level)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Statistic,
    rng: np.random.Generator,
    level: float = 0.95,
    count: int = RESAMPLES,
    error: Statistic | None = None,
) -> Interval:
    """Return the studentised bootstrap (bootstrap-t) interval of any statistic.

    Each resample has t* = (s* - s) / e*, with e* its own standard error, found by resampling it in turn; the limits are
    s - t*_{(1+level)/2} e and s - t*_{(1-level)/2} e. Unlike Student's interval it follows skewness.

    Args:
        values: shape (n,), or (k, n) for quantities measured together (paired contenders: k = 2); n >= 5.
        statistic: works along the last axis, shape (..., n) -> (...), or (..., k, n) -> (...).
        count: resamples; each is resampled again 50 times.
        error: closed form of the statistic's standard error, same shapes, which saves the second resampling.
    Returns:
        An interval whose ends are infinite where too many resamples have no spread of their own to say anything.
    Raises:
        SettingError: for fewer than five repetitions, or values that are not finite.
    Source: Efron and Tibshirani (1993), An introduction to the bootstrap, section 12.5.

    >>> rng = np.random.default_rng(0)
    >>> bootstrap_interval([2.0] * 5, lambda x: x.mean(axis=-1), rng)   # no spread, no doubt
    Interval(low=2.0, centre=2.0, high=2.0, level=0.95)
    """
    array = _columns(values)
    check_level(level)
    inner = error or (lambda drawn: _inner_errors(drawn, statistic, rng))
    drawn = resamples(array, rng, count)
    centre = float(statistic(array))
    spread = float(error(array)) if error else float(np.std(statistic(drawn), ddof=1))
    pivots = _pivots(statistic(drawn) - centre, inner(drawn))
    # Values that occurred, since none lies between a finite pivot and an infinite one.
    low = float(np.quantile(pivots, (1 - level) / 2, method="lower"))
    high = float(np.quantile(pivots, (1 + level) / 2, method="higher"))
    return Interval(_limit(centre, high, spread), centre, _limit(centre, low, spread), level)


def share_interval(share: float, n: int, level: float = 0.95) -> Interval:
    """Return Wilson's interval of a probability that was seen as a share of n repetitions (ties may count half).

    (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n). Never of width zero: 10 out of 10 are no certainty.

    Source: Wilson (1927), Journal of the American Statistical Association 22.

    >>> interval = share_interval(1.0, 10)
    >>> round(interval.low, 4), interval.high
    (0.7225, 1.0)
    """
    from scipy.special import ndtri  # half a second, which `import hpsearch` should not cost

    check_level(level)
    if not 0 <= share <= 1 or n < 1:
        raise SettingError(must_be("A share of n repetitions", "in [0, 1] with n >= 1", (share, n), "Divide by n."))
    square = float(ndtri((1 + level) / 2)) ** 2
    middle = share + square / (2 * n)
    margin = math.sqrt(square * share * (1 - share) / n + square**2 / (4 * n * n))
    low, high = ((middle + side * margin) / (1 + square / n) for side in (-1, 1))
    return Interval(min(max(low, 0.0), share), share, max(min(high, 1.0), share), level)


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


def _columns(values: ArrayLike) -> Array:
    array = np.asarray(values, float)
    if array.ndim == 1:
        return sample("Repetitions", array, FEWEST_TO_RESAMPLE)
    if array.ndim != 2 or not np.isfinite(array).all():
        constraint = "finite numbers of shape (n,) or (k, n)"
        raise SettingError(must_be("Repetitions", constraint, excerpt(values), "Put the repetitions last."))
    sample("Repetitions", array[0], FEWEST_TO_RESAMPLE)
    return array


def _inner_errors(drawn: Array, statistic: Statistic, rng: np.random.Generator) -> Array:
    """Return the bootstrap standard error within each resample; ``drawn`` has shape (count, [k,] n)."""
    n = drawn.shape[-1]
    places = rng.integers(n, size=(INNER, len(drawn), *[1] * (drawn.ndim - 2), n))
    again = np.take_along_axis(drawn[None], places, axis=-1)
    return np.asarray(np.std(statistic(again), axis=0, ddof=1), float)


def _pivots(deviations: Array, errors: Array) -> Array:
    """Return (s* - s) / e*; infinite where a resample deviates and shows no spread, 0 where it does neither."""
    sure = errors > 0
    away = np.where(deviations == 0, 0.0, np.copysign(np.inf, deviations))
    return np.where(sure, deviations / np.where(sure, errors, 1.0), away)


def _limit(centre: float, pivot: float, spread: float) -> float:
    return centre - pivot * spread if spread > 0 else centre
