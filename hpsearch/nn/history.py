"""What is written down after every epoch."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Epoch(NamedTuple):
    """One line of a training's history; what was not monitored is None. Costs hold no penalty.

    Args:
        epoch: counted from 1.
        learning_rate: the rate it ran with.
        training_cost: running mean over the mini-batches, each before its own step; with dropout, of the thinned
            networks.
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


def to_array(history: list[Epoch]) -> NDArray[np.float64]:
    """Return a history as an array, one row an epoch, NaN for what was not recorded."""
    rows = [[math.nan if value is None else value for value in epoch] for epoch in history]
    return np.array(rows, np.float64).reshape(-1, len(Epoch._fields))


def from_array(rows: NDArray[np.float64]) -> list[Epoch]:
    """Return the history that `to_array` was given.

    >>> from_array(to_array([Epoch(1, 0.5, 2.25)]))[0].curves
    {'learning_rate': 0.5, 'training_cost': 2.25}
    """
    return [_epoch(*row.tolist()) for row in rows]


def _epoch(number: float, learning_rate: float, *monitored: float) -> Epoch:
    return Epoch(int(number), learning_rate, *(None if math.isnan(value) else value for value in monitored))
