"""Soft targets: probabilities (n, k) in the place of class indices, given as rows or made by smoothing the labels.

With outputs a, the cross-entropy of a target y in [0, 1] is smallest at a = y, and there it is the binary entropy of y: 0.6109
for y = 0.3. With softmax outputs the targets of a row are the probabilities of its classes, and sum to 1.
"""

from __future__ import annotations

import numpy as np

from hpsearch.errors import DataError, SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.costs import encode_rows
from hpsearch.nn.settings import number

# The costs whose formulas hold for targets between 0 and 1.
SOFT_COSTS = ("cross_entropy", "log_likelihood")
SMOOTHING = number(0.0, 1.0, open_high=True, advice="It is the share that all classes get alike; 0.1 is usual.")
# How far the sum of a row may be from 1.
_ROUNDING = 1e-5


def is_soft(y: Array) -> bool:
    """Return whether targets are those of each class, floats of shape (n, k)."""
    return y.ndim == 2 and y.dtype.kind == "f"


def check_soft_targets(y: Array, count: int, classes: int, cost: str) -> Array:
    """Return soft targets that fit a network.

    Raises:
        DataError: for another shape, a value outside [0, 1], or rows that do not sum to 1 where the outputs do.
    """
    if cost not in SOFT_COSTS:
        what, advice = f"y with cost {cost!r}", "Take 'cross_entropy' for probabilities as targets, or y.argmax(axis=1)."
        raise DataError(must_be(what, "class indices of shape (n,)", f"{y.dtype} of shape {y.shape}", advice))
    if y.shape != (count, classes):
        advice = "Give a probability for each class of each row."
        raise DataError(must_be("y", f"of shape ({count}, {classes})", y.shape, advice))
    check_probabilities(y)
    if cost == "log_likelihood":
        advice = "Divide each row by its sum, or take 'cross_entropy', whose outputs are independent."
        check_sums(y, advice, f" with cost {cost!r}")
    return y


def check_probabilities(y: Array, advice: str = "Targets are probabilities.") -> None:
    """Raise a DataError for a target outside [0, 1]; NaN is one."""
    outside = ~((y >= 0) & (y <= 1))
    if outside.any():
        row, column = (int(i) for i in np.argwhere(outside)[0])
        raise DataError(must_be(f"y[{row}, {column}]", "in [0, 1]", float(y[row, column]), advice))


def check_sums(y: Array, advice: str, where: str = "") -> None:
    """Raise a DataError for a row of probabilities whose sum is not 1."""
    sums = y.sum(axis=1, dtype=np.float64)
    row = int(np.abs(sums - 1).argmax())
    if abs(sums[row] - 1) > _ROUNDING:
        raise DataError(must_be(f"The sum of y[{row}]{where}", "1", float(sums[row]), advice))


def check_smoothing(smoothing: object, cost: str, numbers: bool = False) -> None:
    """Raise for a share that is out of range, or where a network has no use for it."""
    SMOOTHING("smoothing", smoothing)
    if smoothing and (numbers or cost not in SOFT_COSTS):
        with_cost = "numbers to predict" if numbers else f"cost {cost!r}"
        advice = "It is for classes, with 'cross_entropy' or 'log_likelihood'."
        raise SettingError(must_be("smoothing", f"0 with {with_cost}", smoothing, advice))


def smooth(y: Array, classes: int, smoothing: float, dtype: np.dtype) -> Array:
    """Return (1 - smoothing) t + smoothing / k for the targets t of class indices, (n,), or soft targets: (n, k).

    Source: Szegedy et al. (2016), Rethinking the Inception architecture for computer vision, section 7.

    >>> smooth(np.array([0, 1]), 2, 0.2, np.dtype("float64")).round(3).tolist()
    [[0.9, 0.1], [0.1, 0.9]]
    """
    targets = np.array(encode_rows(y, np.arange(classes)).T, dtype, order="C")
    targets *= 1 - smoothing
    targets += smoothing / classes
    return targets
