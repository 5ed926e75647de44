"""The history of a training: one line an epoch, and evaluations within epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray


class Epoch(NamedTuple):
    """One line of a training's history; what was not monitored is None. Costs hold no penalty.

    Args:
        epoch: counted from 1.
        learning_rate: the rate it ran with.
        training_cost: running mean over the mini-batches, each before its own step; with dropout, of the thinned
            networks; of a full-batch method, the cost after its iteration.
        validation_cost: on the validation data, after the epoch.
        validation_accuracy: the same.
        full_training_cost: on all training data, after the epoch.
        full_training_accuracy: the same.
        sampled_training_cost: on a fixed sample of the training data, after the epoch.
        training_accuracy: the same.
    """

    epoch: int
    learning_rate: float
    training_cost: float | None = None
    validation_cost: float | None = None
    validation_accuracy: float | None = None
    full_training_cost: float | None = None
    full_training_accuracy: float | None = None
    sampled_training_cost: float | None = None
    training_accuracy: float | None = None

    @property
    def curves(self) -> dict[str, float]:
        """Everything that was recorded but the epoch itself, by name."""
        return {name: value for name, value in self._asdict().items() if name != "epoch" and value is not None}


class Evaluation(NamedTuple):
    """An evaluation of the network within an epoch, on some of the validation data.

    Args:
        images: training images seen so far, over all epochs.
        cost: on those validation rows.
        accuracy: the same; NaN where numbers are predicted.
    """

    images: int
    cost: float
    accuracy: float

    @property
    def curves(self) -> dict[str, float]:
        """Cost and accuracy, by names that do not meet those of an epoch."""
        curves = {"cost_by_images": self.cost, "accuracy_by_images": self.accuracy}
        return {name: value for name, value in curves.items() if not math.isnan(value)}


Line = TypeVar("Line", Epoch, Evaluation)


def mean(lines: Sequence[Line]) -> Line:
    """Return the mean of lines of several trainings; what one of them did not record is None.

    >>> mean([Evaluation(1000, 0.5, 0.75), Evaluation(1000, 1.5, 0.25)])
    Evaluation(images=1000, cost=1.0, accuracy=0.5)
    """
    columns: list[Any] = [None if None in column else sum(column) / len(column) for column in zip(*lines, strict=True)]
    return type(lines[0])(int(columns[0]), *columns[1:])


def to_array(history: list[Epoch]) -> NDArray[np.float64]:
    """Return a history as an array, one row an epoch, NaN for what was not recorded."""
    rows = [[math.nan if value is None else value for value in epoch] for epoch in history]
    return np.array(rows, np.float64).reshape(-1, len(Epoch._fields))


def evaluations_to_array(evaluations: list[Evaluation]) -> NDArray[np.float64]:
    """Return evaluations as an array, one row each."""
    return np.array(evaluations, np.float64).reshape(-1, len(Evaluation._fields))


def evaluations_from_array(rows: NDArray[np.float64]) -> list[Evaluation]:
    """Return the evaluations of an array that `evaluations_to_array` made."""
    return [Evaluation(int(images), cost, accuracy) for images, cost, accuracy in rows.tolist()]


def from_array(rows: NDArray[np.float64]) -> list[Epoch]:
    """Return the history of an array that `to_array` made.

    >>> from_array(to_array([Epoch(1, 0.5, 2.25)]))[0].curves
    {'learning_rate': 0.5, 'training_cost': 2.25}
    """
    return [_epoch(*row.tolist()) for row in rows]


def _epoch(number: float, learning_rate: float, *monitored: float) -> Epoch:
    return Epoch(int(number), learning_rate, *(None if math.isnan(value) else value for value in monitored))
