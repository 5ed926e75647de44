"""Estimates of a model's error from its own data (validation set, k folds, leaving one out), and their bias and variance.

Models are passed as functions: ``fit(x, y)`` trains and returns ``predict(x)``. x has the examples first, shape (n, ...),
y shape (n,). Against a known distribution of the data the estimates' bias and variance are seen by simulation (`assess`).

What to expect (James et al., 2013, section 5.1): a model trained on fewer examples errs more, so that a validation set of
half the data overstates the error most, five folds less, ten still less, and leaving one out hardly at all. That leaving
one out varies most, as said there, holds for procedures that one example can turn over (the majority class of balanced
labels), not for least squares, where it varies least: tests/analysis/test_resampling.py shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.analysis.intervals import Interval, mean_interval
from hpsearch.analysis.sample import Array
from hpsearch.checks import integer

Data = NDArray[Any]
Indices = NDArray[np.int64]
Predict = Callable[[Data], Data]
Fit = Callable[[Data, Data], Predict]
Loss = Callable[[Data, Data], Array]
# (x, y, rng) -> what the error of a model trained on all of x and y is estimated to be.
Estimate = Callable[[Data, Data, np.random.Generator], float]


def squared(predicted: Data, true: Data) -> Array:
    """Return the squared error of each example, for numbers; shape (n,)."""
    return np.asarray((predicted - true) ** 2, float)


def misclassified(predicted: Data, true: Data) -> Array:
    """Return 1 for each example whose class is wrong, else 0; shape (n,)."""
    return np.asarray(predicted != true, float)


def folds(n: int, k: int, rng: np.random.Generator) -> list[Indices]:
    """Return k disjoint random sets of places that together are 0 ... n - 1, of sizes that differ by at most one.

    Raises:
        SettingError: unless 2 <= k <= n; k = n leaves one out.

    >>> [len(fold) for fold in folds(10, 4, np.random.default_rng(0))]
    [3, 3, 2, 2]
    """
    integer("k", k, 2, "Try 5 or 10.", most=n)
    return np.array_split(rng.permutation(n), k)


def cross_validation(fit: Fit, x: Data, y: Data, k: int, rng: np.random.Generator, loss: Loss = squared) -> float:
    """Return the mean loss over all examples, each predicted by a model that was trained on the other folds.

    >>> mean = lambda x, y: lambda new: np.full(len(new), y.mean())
    >>> x, y = np.zeros(3), np.array([0.0, 3.0, 6.0])
    >>> cross_validation(mean, x, y, 3, np.random.default_rng(0))   # left out: 0 against 4.5, 3 against 3, 6 against 1.5
    13.5
    """
    return _mean_loss(fit, x, y, folds(len(y), k, rng), loss)


def validation_set(fit: Fit, x: Data, y: Data, rng: np.random.Generator, loss: Loss = squared) -> float:
    """Return the mean loss on a random half of the examples, predicted by a model that was trained on the other half."""
    return _mean_loss(fit, x, y, folds(len(y), 2, rng)[:1], loss)


def errors_of(
    fits: Mapping[str, Fit], x: Data, y: Data, k: int, rng: np.random.Generator, loss: Loss = squared
) -> dict[str, float]:
    """Return the cross-validated error of several models on the same folds, to choose a degree or a K by."""
    parts = folds(len(y), k, rng)
    return {name: _mean_loss(fit, x, y, parts, loss) for name, fit in fits.items()}


@dataclass(frozen=True)
class Quality:
    """An estimate of the error, over many data sets: its bias (mean estimate minus mean true error) and its variance."""

    bias: Interval
    variance: float


def assess(
    draw: Callable[[np.random.Generator], tuple[Data, Data]],
    risk: Callable[[Data, Data], float],
    estimates: Mapping[str, Estimate],
    repetitions: int,
    rng: np.random.Generator,
) -> dict[str, Quality]:
    """Return the quality of each estimate of the error of a model trained on a whole data set.

    Args:
        draw: makes one data set (x, y) from a generator.
        risk: the true error of the model trained on that data set, known since the distribution of the data is.
        estimates: by name, such as ``{"5 folds": lambda x, y, rng: cross_validation(fit, x, y, 5, rng)}``.
        repetitions: data sets to draw, at least 3.
    """
    true = np.empty(repetitions)
    found = {name: np.empty(repetitions) for name in estimates}
    for i in range(repetitions):
        x, y = draw(rng)
        true[i] = risk(x, y)
        for name, estimate in estimates.items():
            found[name][i] = estimate(x, y, rng)
    return {name: Quality(mean_interval(values - true), float(values.var(ddof=1))) for name, values in found.items()}


def _mean_loss(fit: Fit, x: Data, y: Data, parts: list[Indices], loss: Loss) -> float:
    losses = [_left_out(fit, x, y, part, loss) for part in parts]
    return float(np.concatenate(losses).mean())


def _left_out(fit: Fit, x: Data, y: Data, part: Indices, loss: Loss) -> Array:
    rest = np.ones(len(y), bool)
    rest[part] = False
    return loss(fit(x[rest], y[rest])(x[part]), y[part])
