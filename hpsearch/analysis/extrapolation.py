"""Extrapolation of learning curves to larger training sets, by several families of curves.

No family is the true one. Beyond the largest size they differ more than the interval of each suggests. So all are returned,
each with its own bootstrap, and each predicts the largest size from the smaller ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.intervals import Interval
from hpsearch.analysis.learning_curve import LearningCurve
from hpsearch.analysis.sample import Array
from hpsearch.errors import SettingError, must_be

RESAMPLES = 100
FEWEST_SIZES = 4
# A smaller error counts as none, and its logarithm stays finite.
_LEAST = 1e-9


@dataclass(frozen=True)
class Family:
    """A form of error curves in r, the size over the smallest one; the first value is what no number of rows goes below.

    Args:
        name: what it is called.
        formula: for the reader, with a as the first value.
        law: (r, *values) -> error.
        start: values from which a fit begins, for a curve from 1 down to 0.
        high: the largest values allowed; the smallest are 0.
    """

    name: str
    formula: str
    law: Callable[..., Array]
    start: tuple[float, ...]
    high: tuple[float, ...]


def _power(r: Array, a: float, b: float, c: float) -> Array:
    return a + b * r**-c


def _logarithm(r: Array, a: float, b: float, c: float) -> Array:
    return a + b / (1 + c * np.log(r))


def _exponential(r: Array, a: float, b: float, c: float, d: float) -> Array:
    return a + b * np.exp(-c * (r**d - 1))


FAMILIES = (
    Family("power law", "a + b n^-c", _power, (0.01, 1.0, 0.5), (1.0, 10.0, 5.0)),
    Family("logarithm", "a + b / (1 + c log n)", _logarithm, (0.01, 1.0, 1.0), (1.0, 10.0, 100.0)),
    Family("stretched exponential", "a + b exp(-c n^d)", _exponential, (0.01, 1.0, 1.0, 0.3), (1.0, 10.0, 50.0, 1.0)),
)


@dataclass(frozen=True)
class Fit:
    """A family with its values; ``smallest`` is the size at which r is 1."""

    family: Family
    values: tuple[float, ...]
    smallest: float

    def __call__(self, sizes: ArrayLike) -> Array:
        """Return the error at each size, float64; at infinity the asymptote."""
        n = np.atleast_1d(np.asarray(sizes, float))
        found = np.full(n.shape, self.values[0])
        finite = np.isfinite(n)
        found[finite] = self.family.law(n[finite] / self.smallest, *self.values)
        return found


@dataclass(frozen=True)
class Extrapolation:
    """One family carried on from a learning curve, with refits to redrawn curves that show how little is known."""

    fit: Fit
    refits: tuple[Fit, ...]
    misfit: float
    level: float = 0.95

    def at(self, size: float) -> Interval:
        """Return the error at a size (``math.inf``: the asymptote) with the middle 95 % of the refits."""
        found = [float(refit(size)[0]) for refit in self.refits]
        low, high = np.quantile(found, [(1 - self.level) / 2, (1 + self.level) / 2])
        centre = float(self.fit(size)[0])
        return Interval(min(float(low), centre), centre, max(float(high), centre), self.level)

    @cached_property
    def asymptote(self) -> Interval:
        """The error that no number of rows goes below."""
        return self.at(math.inf)


def fit(family: Family, sizes: ArrayLike, errors: ArrayLike, start: Sequence[float] | None = None) -> Fit:
    """Fit a family by least squares of the logarithm of the error, so that a tenth more counts alike at every size.

    Args:
        family: one of `FAMILIES`.
        sizes: rising, shape (k,), with k larger than the number of the family's values.
        errors: in (0, 1], shape (k,).
        start: values to begin from.
    Raises:
        SettingError: for too few sizes.
    Source: least squares by scipy.optimize.curve_fit; the families are reviewed by Viering and Loog (2023), The shape of
        learning curves, IEEE TPAMI 45, who find that none is best everywhere.

    >>> sizes = np.array([100, 200, 400, 800, 1600])
    >>> [round(value, 4) for value in fit(FAMILIES[0], sizes, 0.02 + 0.3 * (sizes / 100) ** -0.5).values]
    [0.02, 0.3, 0.5]
    """
    n, error = np.asarray(sizes, float), np.asarray(errors, float)
    _check(len(n), len(family.start))
    values = _least_squares(family, n / n[0], np.log(np.maximum(error, _LEAST)), start or _scaled(family, error))
    return Fit(family, values, float(n[0]))


def extrapolate(
    curve: LearningCurve, rng: np.random.Generator, families: Sequence[Family] = FAMILIES, count: int = RESAMPLES
) -> list[Extrapolation]:
    """Extrapolate a learning curve by every family that has fewer values than the curve has sizes.

    Each is fitted again to ``count`` curves made of the fit and its own deviations, drawn with replacement and enlarged by
    sqrt(k / (k - values)): that holds noise and misfit, but not the doubt about the family, which the others show.

    Raises:
        SettingError: for a curve of fewer than four sizes.
    """
    n, errors = np.array(curve.sizes, float), curve.means
    _check(len(n), FEWEST_SIZES - 1)
    return [_extrapolation(family, n, errors, rng, count) for family in families if len(family.start) < len(n)]


def predict_largest(curve: LearningCurve, families: Sequence[Family] = FAMILIES) -> dict[str, float]:
    """Predict the error at the largest size from the smaller sizes alone, by each family."""
    n, errors = np.array(curve.sizes, float), curve.means
    fits = [fit(family, n[:-1], errors[:-1]) for family in families if len(family.start) < len(n) - 1]
    return {found.family.name: float(found(n[-1])[0]) for found in fits}


foretold = predict_largest  # the earlier name


def _extrapolation(family: Family, n: Array, errors: Array, rng: np.random.Generator, count: int) -> Extrapolation:
    found = fit(family, n, errors)
    residuals = np.log(np.maximum(errors, _LEAST)) - np.log(found(n))
    enlarged = (residuals - residuals.mean()) * math.sqrt(len(n) / (len(n) - len(found.values)))
    drawn = enlarged[rng.integers(len(n), size=(count, len(n)))]
    refits = tuple(fit(family, n, found(n) * np.exp(each), found.values) for each in drawn)
    return Extrapolation(found, refits, float(np.sqrt(np.mean(residuals**2))))


def _scaled(family: Family, errors: Array) -> list[float]:
    """Return first values for a curve that falls from the first error to the last one."""
    first, last = float(errors[0]), float(errors[-1])
    return [last / 2, max(first - last / 2, _LEAST), *family.start[2:]]


def _least_squares(family: Family, r: Array, logs: Array, start: Sequence[float]) -> tuple[float, ...]:
    from scipy.optimize import curve_fit  # half a second, which `import hpsearch` should not cost

    def log_law(r: Array, *values: float) -> Array:
        return np.asarray(np.log(np.maximum(family.law(r, *values), _LEAST)))

    bounds = (np.zeros(len(start)), np.array(family.high))
    inside = np.clip(start, 1e-9, bounds[1] * (1 - 1e-9))
    try:
        values, _ = curve_fit(log_law, r, logs, inside, bounds=bounds, x_scale=np.maximum(inside, 1e-3), max_nfev=2000)
    except RuntimeError:  # no end within 2,000 evaluations: where it began is as good as any
        return tuple(map(float, inside))
    return tuple(map(float, values))


def _check(sizes: int, values: int) -> None:
    if sizes <= values:
        constraint = f"at least {values + 1} sizes"
        raise SettingError(must_be("A learning curve", constraint, sizes, "Train at further sizes."))
