"""Repetitions as arrays, checked before a statistic is computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.errors import SettingError, must_be
from hpsearch.trial import Trial

# float64 throughout, as close errors are subtracted.
Array = NDArray[np.float64]
# Fewer repetitions say next to nothing about their own spread.
FEWEST = 3


def sample(what: str, values: ArrayLike, fewest: int = FEWEST) -> Array:
    """Return one-dimensional values as float64, shape (n,).

    Raises:
        SettingError: if they are not finite numbers in one dimension, or fewer than ``fewest``.

    >>> sample("Errors", [1, 2, 4])
    array([1., 2., 4.])
    """
    array = np.asarray(values, float)
    if array.ndim != 1 or not np.isfinite(array).all():
        advice = "Leave failed repetitions out, or put in the worst value for them."
        raise SettingError(must_be(what, "finite numbers in one dimension", excerpt(values), advice))
    if len(array) < fewest:
        constraint = f"at least {fewest} repetitions"
        raise SettingError(must_be(what, constraint, len(array), "Repeat with further seeds."))
    return array


def differences(a: ArrayLike, b: ArrayLike, fewest: int = FEWEST) -> Array:
    """Return a - b for repetitions paired by place (the same seed, the same fold), shape (n,).

    Raises:
        SettingError: as `sample`, or if the two do not pair up.

    >>> differences([1, 2, 4], [1, 1, 1])
    array([0., 1., 3.])
    """
    first, second = sample("The first contender", a, fewest), sample("The second contender", b, fewest)
    if len(first) != len(second):
        numbers = (len(first), len(second))
        raise SettingError(must_be("Paired contenders", "repeated equally often", numbers, "Repeat both on the same seeds."))
    return first - second


def scores(trials: Sequence[Trial]) -> Array:
    """Return the values of a search's trials in order, checks left out; a trial without one counts as the worst finite value.

    A failed trial has cost as much as another, so that leaving it out would make its search look better than it is.

    Returns:
        Values to minimise, float64, shape (n,); empty where no trial has a finite value.
    """
    found = [trial.value if trial.ok else np.inf for trial in trials if not trial.is_preflight]
    finite = [value for value in found if np.isfinite(value)]
    return np.minimum(found, max(finite)) if finite else np.empty(0)


def check_level(level: float) -> None:
    """Raise `SettingError` unless the level lies between 0 and 1."""
    if not 0 < level < 1:
        raise SettingError(must_be("level", "between 0 and 1", level, "Try 0.95."))


def excerpt(values: Any) -> Any:
    """Return the part of many values that an error message shows: up to five of them, or their shape."""
    array = np.asarray(values)
    return array.tolist() if array.size <= 5 else array.shape
