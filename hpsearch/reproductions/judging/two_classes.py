"""Simulated two-class problem with a known Bayes error, and the models that are fitted to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.analysis.resampling import Data, Fit, Predict

Floats = NDArray[np.float64]
# x is uniform on the square [-1, 1]^2, and P(class 1 | x) = 1 / (1 + exp(-STEEP (x2 - HEIGHT sin(WAVES x1)))). The height and
# the waves were chosen so that degrees 1 to 4 err about as published; the steepness makes the Bayes error .133.
HEIGHT, WAVES, STEEP = 0.5, 5.0, 5.05
# Midpoints of a grid over the square: errors of a classifier are exact to about 1e-4.
_SIDE = 100
# The inverse of the penalty on logistic weights; so weak that it only keeps separable data finite.
_FREE = 1e4


def probability(x: Data) -> Floats:
    """Return P(class 1 | x) for points of shape (n, 2)."""
    return np.asarray(1 / (1 + np.exp(-STEEP * (x[:, 1] - HEIGHT * np.sin(WAVES * x[:, 0])))))


def draw(rng: np.random.Generator, rows: int) -> tuple[Data, Data]:
    """Return a data set: points of shape (rows, 2) and their classes, 0 or 1."""
    x = rng.uniform(-1, 1, (rows, 2))
    return x, (rng.random(rows) < probability(x)).astype(int)


def grid() -> Floats:
    """Return points that fill the square evenly, shape (n, 2)."""
    side = (np.arange(_SIDE) + 0.5) * 2 / _SIDE - 1
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def bayes_error() -> float:
    """Return the error of the best classifier there is, by numerical integration of min(p, 1 - p) over the square."""
    p = probability(grid())
    return float(np.minimum(p, 1 - p).mean())


def true_error(predict: Predict) -> float:
    """Return the probability that a classifier is wrong on a new point, by numerical integration over the square."""
    points = grid()
    p = probability(points)
    return float(np.where(predict(points) == 1, 1 - p, p).mean())


def logistic(degree: int) -> Fit:
    """Return a fit of logistic regression on the powers 1 to ``degree`` of each input, as in the document (eq. 5.6)."""

    def fit(x: Data, y: Data) -> Predict:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=_FREE, max_iter=5000).fit(_powers(x, degree), y)
        return lambda new: np.asarray(model.predict(_powers(new, degree)))

    return fit


def nearest(count: int) -> Fit:
    """Return a fit of the majority among the ``count`` nearest neighbours."""

    def fit(x: Data, y: Data) -> Predict:
        from sklearn.neighbors import KNeighborsClassifier

        model = KNeighborsClassifier(count).fit(x, y)
        return lambda new: np.asarray(model.predict(new))

    return fit


def _powers(x: Data, degree: int) -> Data:
    return np.concatenate([x**power for power in range(1, degree + 1)], axis=1)
