"""Quality of predictions beyond one number: the classes confused, how true probabilities are, how residuals spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.ports import Predictions

# Probabilities are put into so many bins of equal width, and predicted numbers into so many groups of equal size.
BINS, GROUPS = 10, 10


def confusion(found: Predictions) -> NDArray[np.int64]:
    """Return how many rows of each class (first axis) were predicted as each class (second axis)."""
    from sklearn.metrics import confusion_matrix

    counts: NDArray[np.int64] = confusion_matrix(found.truth, found.predicted, labels=np.arange(len(found.classes)))
    return counts


@dataclass(frozen=True)
class Reliability:
    """How true the probabilities of one class are.

    Args:
        name: of the class.
        predicted: the mean probability in each bin that has rows.
        observed: the share of rows there that are of the class.
        counts: the rows there.
        brier: the mean squared distance between probability and truth; 0 is perfect.
    """

    name: str
    predicted: Sequence[float]
    observed: Sequence[float]
    counts: Sequence[int]
    brier: float


def reliability(found: Predictions) -> list[Reliability]:
    """Return how true the probabilities are: of two classes for the second one, of more for each class against all others."""
    assert found.probabilities is not None
    k = len(found.classes)
    return [_reliability(found, index) for index in ([1] if k == 2 else range(k))]


def _reliability(found: Predictions, index: int) -> Reliability:
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import brier_score_loss

    assert found.probabilities is not None
    # A sum of shares may round to a little more than 1.
    truth, share = found.truth == index, np.clip(found.probabilities[:, index], 0.0, 1.0)
    observed, predicted = calibration_curve(truth, share, n_bins=BINS)
    bins = np.searchsorted(np.linspace(0.0, 1.0, BINS + 1)[1:-1], share)
    counts = np.bincount(bins, minlength=BINS)
    brier = float(brier_score_loss(truth, share, labels=[False, True]))
    return Reliability(found.classes[index], predicted.tolist(), observed.tolist(), counts[counts > 0].tolist(), brier)


@dataclass(frozen=True)
class Spread:
    """Truth - prediction of rows with similar predictions, whose middle is given: mean and standard deviation."""

    middle: float
    mean: float
    deviation: float
    rows: int


def residual_spread(found: Predictions) -> list[Spread]:
    """Return the residuals in groups of equal size, by what is predicted."""
    order = np.argsort(found.predicted, kind="stable")
    residuals = found.truth - found.predicted
    groups = np.array_split(order, min(GROUPS, max(1, len(order) // 5)))
    return [
        Spread(float(np.mean(found.predicted[g])), float(np.mean(residuals[g])), float(np.std(residuals[g])), len(g))
        for g in groups
    ]
