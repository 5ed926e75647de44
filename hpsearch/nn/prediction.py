"""Prediction and scoring, shared by networks and ensembles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.errors import DataError, must_be
from hpsearch.nn import rows
from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.costs import Cost, encode_rows
from hpsearch.nn.soft_targets import check_soft_targets, is_soft

# The cost of several numbers.
SEVERAL = "squared_errors"
# Rows scored at a time; a chunk is a view of the data, never a copy.
_CHUNK = 1000


class Score(NamedTuple):
    """Mean cost without any penalty, and the share of samples whose class was found: NaN where numbers are predicted.

    >>> Score(0.5, 0.833).error
    0.167
    """

    cost: float
    accuracy: float

    @property
    def merit(self) -> float:
        """What rules watch, in [0, 1]: the accuracy, or 1 / (1 + cost) where numbers are predicted.

        >>> Score(3.0, math.nan).merit
        0.25
        """
        return 1 / (1 + self.cost) if math.isnan(self.accuracy) else self.accuracy

    @property
    def share(self) -> float | None:
        """The accuracy, or None where numbers are predicted."""
        return None if math.isnan(self.accuracy) else self.accuracy

    @property
    def error(self) -> float:
        """1 - accuracy, without the digits that the subtraction makes up."""
        return round(1.0 - self.accuracy, 12)


class Predictor:
    """Base of what predicts classes or numbers from the pre-activation of its output layer, and is scored."""

    cost: Cost
    cost_name: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer, inputs first."""
        raise NotImplementedError

    def predict(self, x: Array) -> Array:
        """Return the class of each row of x, (n, d), the one of the largest output, (n,); or the number it predicts.

        Where it predicts several numbers they are rows, (n, k).

        Raises:
            DataError: if x is of another shape or kind, or holds NaN or infinity.
        """
        parts = [(chunk, self._z(chunk)) for chunk in _chunks(self._check_input(x))]
        if not predicts_numbers(self):
            return np.concatenate([self._choose(chunk, z) for chunk, z in parts])
        numbers: Array = np.concatenate([self.cost.output(z).T for _, z in parts])
        return numbers if self.cost_name == SEVERAL else numbers[:, 0]

    def score(self, x: Array, labels: Array, weights: Array | None = None) -> Score:
        """Return cost and accuracy in one pass over x, (n, d), and labels, (n,), or the numbers that it predicts.

        Labels may be soft targets, (n, k): then the right class is the most probable one.
        With ``weights``, (n,), each row counts by its share of their sum.

        Raises:
            DataError: if either is of another shape or kind, or x holds NaN.
        """
        x = rows.check_inputs(x, self.sizes[0])
        labels, outputs = check_targets(labels, len(x), self), np.arange(self.sizes[-1])
        if weights is not None and np.any(weights):  # where no row counts, which some first rows may, all count alike
            return self._weighted_score(x, labels, weights)
        cost, right = 0.0, 0
        with np.errstate(all="ignore"):
            for chunk, wanted in zip(_chunks(x), _chunks(labels), strict=True):
                z = self._z(chunk)
                cost += self.cost.mean(z, encode_rows(wanted, outputs)) * len(wanted)
                right += int(np.count_nonzero(self._choose(chunk, z) == _classes_of(wanted)))
        if not np.isfinite(cost):  # rows are checked only after a failure, because a training scores after each epoch
            rows.check_finite(x)
        return Score(cost / len(labels), math.nan if predicts_numbers(self) else right / len(labels))

    def _weighted_score(self, x: Array, labels: Array, weights: Array) -> Score:
        cost, right, outputs = 0.0, 0.0, np.arange(self.sizes[-1])
        with np.errstate(all="ignore"):
            for chunk, wanted, counts in zip(_chunks(x), _chunks(labels), _chunks(weights), strict=True):
                z = self._z(chunk)
                cost += float(self.cost.each(z, encode_rows(wanted, outputs)) @ counts)
                right += float((self._choose(chunk, z) == _classes_of(wanted)) @ counts)
        if not np.isfinite(cost):
            rows.check_finite(x)
        total = float(weights.sum())
        return Score(cost / total, math.nan if predicts_numbers(self) else right / total)

    def accuracy(self, x: Array, labels: Labels) -> float:
        """Return the share of rows whose class is found."""
        return self.score(x, labels).accuracy

    def _check_input(self, x: Array) -> Array:
        checked = rows.check_inputs(x, self.sizes[0])
        rows.check_finite(checked)
        return checked

    def _z(self, x: Array) -> Array:
        """Return the pre-activation of the output layer, (k, n)."""
        raise NotImplementedError

    def _choose(self, x: Array, z: Array) -> Array:
        """Return the class of each row of x, (n,), from the pre-activation of the output layer, (k, n)."""
        chosen: Array = z.argmax(axis=0)
        return chosen


def _chunks(array: Array) -> Iterator[Array]:
    return (array[start : start + _CHUNK] for start in range(0, len(array), _CHUNK))


def _classes_of(targets: Array) -> Array:
    """Return the class of each row: of soft targets the most probable."""
    return targets.argmax(axis=1) if targets.ndim == 2 else targets


def predicts_numbers(network: Predictor) -> bool:
    """Return whether a network predicts a number, with one output and the cost for that, or several."""
    return network.cost_name == SEVERAL or (network.sizes[-1] == 1 and network.cost_name == "squared_error")


def _check_classes(network: Predictor) -> None:
    """Raise for a cost that compares the right class with others where there are none."""
    if network.cost_name == "hinge" and network.sizes[-1] < 2:
        advice = "Take an output for each class, or 'squared_error' for numbers."
        raise DataError(must_be("Outputs of a network with cost 'hinge'", "2 or more, one a class", network.sizes[-1], advice))


def check_targets(y: ArrayLike, count: int, network: Predictor) -> Array:
    """Return y as an array of shape (count,) that fits the network: numbers where it predicts numbers, else class indices.

    Soft targets are of shape (count, k), see `hpsearch.nn.soft_targets`.

    Raises:
        DataError: for another shape or kind, NaN or infinity, or a class that the network has no output for.
    """
    if not predicts_numbers(network):
        _check_classes(network)
        if isinstance(y, np.ndarray) and is_soft(y):
            return check_soft_targets(y, count, network.sizes[-1], network.cost_name)
        return rows.check_labels(y, count, network.sizes[-1])
    given, outputs = np.asarray(y), network.sizes[-1]
    if network.cost_name == SEVERAL and given.shape != (count, outputs):
        advice = "Give a row of numbers for each row of x."
        raise DataError(must_be("y", f"of shape ({count}, {outputs})", given.shape, advice))
    if network.cost_name != SEVERAL and given.shape != (count,):
        raise DataError(must_be("y", f"one number for each of the {count} rows of x", given.shape, "Use y.ravel()."))
    if given.dtype.kind != "f":
        advice = "Cast with y.astype(float); classes need an output each."
        raise DataError(must_be("y", "floats, the numbers to be predicted", str(given.dtype), advice))
    if not np.isfinite(given).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(given))[0])
        shown = ", ".join(map(str, where))
        raise DataError(must_be(f"y[{shown}]", "finite", float(given[where]), "Drop or fill such values first."))
    return given
