"""What is written down after every epoch, and more often where that is asked for."""

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
    """

    epoch: int
    learning_rate: float
    training_cost: float | None = None
    validation_cost: float | None = None
    validation_accuracy: float | None = None
    full_training_cost: float | None = None
    full_training_accuracy: float | None = None

    @property
    def curves(self) -> dict[str, float]:
        """Everything that was recorded but the epoch itself, by name."""
        return {name: value for name, value in self._asdict().items() if name != "epoch" and value is not None}


class Look(NamedTuple):
    """A look at the network within an epoch, on some of the validation data.

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
        named = {"cost_by_images": self.cost, "accuracy_by_images": self.accuracy}
        return {name: value for name, value in named.items() if not math.isnan(value)}


Line = TypeVar("Line", Epoch, Look)


def mean(lines: Sequence[Line]) -> Line:
    """Return the mean of several trainings' lines; what one of them did not record is None.

    >>> mean([Look(1000, 0.5, 0.75), Look(1000, 1.5, 0.25)])
    Look(images=1000, cost=1.0, accuracy=0.5)
    """
    columns: list[Any] = [None if None in column else sum(column) / len(column) for column in zip(*lines, strict=True)]
    return type(lines[0])(int(columns[0]), *columns[1:])


def to_array(history: list[Epoch]) -> NDArray[np.float64]:
    """Return a history as an array, one row an epoch, NaN for what was not recorded."""
    rows = [[math.nan if value is None else value for value in epoch] for epoch in history]
    return np.array(rows, np.float64).reshape(-1, len(Epoch._fields))


def looks_to_array(looks: list[Look]) -> NDArray[np.float64]:
    """Return looks as an array, one row a look."""
    return np.array(looks, np.float64).reshape(-1, len(Look._fields))


def looks_from_array(rows: NDArray[np.float64]) -> list[Look]:
    """Return the looks that `looks_to_array` was given."""
    return [Look(int(images), cost, accuracy) for images, cost, accuracy in rows.tolist()]


def from_array(rows: NDArray[np.float64]) -> list[Epoch]:
    """Return the history that `to_array` was given.

    >>> from_array(to_array([Epoch(1, 0.5, 2.25)]))[0].curves
    {'learning_rate': 0.5, 'training_cost': 2.25}
    """
    return [_epoch(*row.tolist()) for row in rows]


def _epoch(number: float, learning_rate: float, *monitored: float) -> Epoch:
    return Epoch(int(number), learning_rate, *(None if math.isnan(value) else value for value in monitored))
