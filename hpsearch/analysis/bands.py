"""Tuning curves with bands: the best value after n random trials, and limits that hold the whole true curve at once.

The band comes from one around the distribution function of a trial's value (Learned-Miller and DeStefano), so that it holds
for all n together, for the median as for the mean, and says itself where the trials at hand end: beyond them it is wide.
Its critical value is simulated once per number of trials: .3 s for 20, 1.4 s for 64, 11 s for 256 (one core). Beyond 256 the
band is Kolmogorov and Smirnov's, which costs nothing and is wider at the ends.

It needs the library opda: pip install 'hpsearch[bands]'.
Source: Lourie, Cho and He (2024), Show your work with confidence, NAACL; opda is by its first author.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.sample import Array, check_level, sample
from hpsearch.errors import SettingError, must_be

# Up to so many trials the band is simulated; time and memory grow with the number.
MOST_SIMULATED = 256


@dataclass(frozen=True)
class TuningCurve:
    """The best value expected after so many trials, and its band; all arrays float64 of shape (len(trials),)."""

    trials: Array
    low: Array
    centre: Array
    high: Array
    level: float


def median_curve(values: ArrayLike, trials: ArrayLike, level: float = 0.95, least: float = -math.inf) -> TuningCurve:
    """Return the median best value after each number of trials: half of all searches of that length do better.

    F^-1(1 - (1/2)^(1/n)), the median of the lowest of n. Needs no bound: where the band does not end, it reaches ``least``.

    Args:
        values: of N independent trials (random search), shape (N,), N >= 3, float; failed ones as the worst (`scores`).
        trials: numbers n > 0, shape (m,).
        level: the share of such bands that hold the true curve everywhere.
        least: no value lies below it; 0 for errors.
    Raises:
        SettingError: if values are not finite or fewer than three, or lie below ``least``.

    >>> curve = median_curve([0.3, 0.1, 0.2, 0.4], [1, 4], least=0.0)
    >>> curve.centre, curve.low[-1]
    (array([0.2, 0.1]), np.float64(0.0))
    """
    ns, bands = _counts(trials), _bands(values, level, least, math.inf)
    low, centre, high = (band.quantile_tuning_curve(ns, 0.5, minimize=True) for band in reversed(bands))
    return TuningCurve(ns, low, centre, high, level)


def mean_curve(values: ArrayLike, trials: ArrayLike, least: float, most: float, level: float = 0.95) -> TuningCurve:
    """Return the mean best value after each number of trials, as `expected_best_with_replacement`, with its band.

    A mean can be anything unless values are bounded, hence ``least`` and ``most`` (0 and 1 for an error rate); the rest is
    as in `median_curve`.

    >>> curve = mean_curve([0.3, 0.1, 0.2, 0.4], [1, 4], least=0.0, most=1.0)
    >>> curve.centre[0].round(12), bool((curve.low < curve.centre).all() and (curve.centre < curve.high).all())
    (np.float64(0.25), True)
    """
    ns, bands = _counts(trials), _bands(values, level, least, most)
    low, centre, high = (band.average_tuning_curve(ns, minimize=True) for band in reversed(bands))
    return TuningCurve(ns, low, centre, high, level)


def _counts(trials: ArrayLike) -> Array:
    counts = np.atleast_1d(np.asarray(trials, float))
    if counts.ndim != 1 or not (counts > 0).all():
        raise SettingError(must_be("trials", "numbers > 0 in one dimension", counts.tolist(), "Try [1, 2, 4, 8]."))
    return counts


def _bands(values: ArrayLike, level: float, least: float, most: float) -> tuple[Any, Any, Any]:
    """Return opda's lower, middle and upper distribution; the upper one of F is the lower one of the values."""
    array = sample("values", values)
    check_level(level)
    if array.min() < least or array.max() > most:
        advice = "Widen the bounds to all values that are possible."
        raise SettingError(must_be("values", f"between {least} and {most}", (array.min(), array.max()), advice))
    distribution = _distribution()
    method = "ld_equal_tailed" if len(array) <= MOST_SIMULATED else "ks"
    with warnings.catch_warnings():
        # Equal values, as error rates have: the band then holds more often than asked, never less.
        warnings.filterwarnings("ignore", "Duplicates detected", RuntimeWarning)
        lower, middle, upper = distribution.confidence_bands(
            array, level, least, most, generator=_generator(len(array), level), method=method, n_jobs=1
        )
    return lower, middle, upper


def _distribution() -> Any:
    """Return opda's class for a distribution known from a sample."""
    if importlib.util.find_spec("opda") is None:
        advice = "Get it with: pip install 'hpsearch[bands]'."
        raise SettingError(f"A tuning curve with a band needs the package 'opda', which is not installed. {advice}")
    from opda.nonparametric import EmpiricalDistribution

    return EmpiricalDistribution


@cache
def _generator(n: int, level: float) -> np.random.Generator:
    """Return the generator that finds the band's critical value, a constant of n and level that opda simulates.

    A fixed seed makes equal trials have equal bands; and opda remembers by generator, so that it simulates once per n.
    """
    return np.random.default_rng(0)
