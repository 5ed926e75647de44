"""Targets of a network, classes or numbers: their encoding for the training, and scores and outputs in the user's units."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.data import Dataset, Part
from hpsearch.nn.costs import COSTS, SquaredError
from hpsearch.nn.engines.base import Rows
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network, Score

# The costs for each kind of targets, the default first.
CLASSIFICATION_COSTS = ("cross_entropy", *(name for name in COSTS if name != "cross_entropy"))
REGRESSION_COSTS = tuple(name for name, cost in COSTS.items() if isinstance(cost, SquaredError))


def rows_of(part: Part, y: NDArray[Any]) -> Rows:
    """Return the rows of a part and their targets, with their weights where it has any."""
    return (part.x, y) if part.weights is None else (part.x, y, part.weights)


def costs_for(data: Dataset) -> tuple[str, ...]:
    """Return the costs that a network can have on a data set, the default first."""
    return REGRESSION_COSTS if data.regression else CLASSIFICATION_COSTS


class Targets(Protocol):
    """How targets of one kind are encoded, scored and decoded."""

    def encode(self, part: Part) -> Rows:
        """Return inputs and targets of a part as the training takes them."""
        ...

    def decode(self, network: Network | Ensemble) -> Network | Ensemble:
        """Return a trained network whose outputs are in the user's units."""
        ...

    def error(self, score: Score) -> float:
        """Return what a search minimises."""
        ...

    def metrics(self, score: Score, part: Part) -> dict[str, float]:
        """Return a score on a part, by the names it is recorded under."""
        ...


def targets_for(data: Dataset, rows: Part) -> Targets:
    """Return the kind of targets of a data set; the units of numbers are those of the rows to train on."""
    return NumberTargets.of(rows.y) if data.regression else ClassTargets()


class ClassTargets:
    """Class indices, which need no encoding; the error is 1 - accuracy."""

    def encode(self, part: Part) -> Rows:
        return rows_of(part, part.y)

    def decode(self, network: Network | Ensemble) -> Network | Ensemble:
        return network

    def error(self, score: Score) -> float:
        return score.error

    def metrics(self, score: Score, part: Part) -> dict[str, float]:
        return {"accuracy": score.accuracy, "cost": score.cost}


class NumberTargets(NamedTuple):
    """Numbers, standardised with mean and standard deviation of the training rows; the error is the mean squared error.

    So one range of learning rates fits any unit. The cost is half the share of the variance that is left over: 0.5 for guessing
    the mean. Errors and decoded outputs are in the user's units.
    """

    mean: float
    spread: float

    @classmethod
    def of(cls, y: NDArray[Any]) -> NumberTargets:
        """Return the units of the training rows' targets; where all are alike, the spread is 1.

        >>> NumberTargets.of(np.array([1.0, 3.0]))
        NumberTargets(mean=2.0, spread=1.0)
        """
        return cls(float(y.mean()), float(y.std()) or 1.0)

    def encode(self, part: Part) -> Rows:
        return rows_of(part, (part.y - self.mean) / self.spread)

    def decode(self, network: Network | Ensemble) -> Network | Ensemble:
        """Scale the last layer, which is linear, to the user's units.

        In float32, outputs keep seven digits: of 1,000,000 +- 1 few are left. Subtract the mean first, or take float64.
        """
        if isinstance(network, Ensemble):
            return Ensemble([self.decode(one) for one in network.networks])
        decoded = network.copy()
        weights, biases = (a[-1].astype(np.float64) * self.spread for a in (network.weights, network.biases))
        np.copyto(decoded.weights[-1], weights, casting="same_kind")
        np.copyto(decoded.biases[-1], biases + self.mean, casting="same_kind")
        return decoded

    def error(self, score: Score) -> float:
        return 2 * score.cost * self.spread**2

    def metrics(self, score: Score, part: Part) -> dict[str, float]:
        """Return ``mse``, ``cost``, and ``r2`` = 1 - mse / variance, which is left out where all targets are alike."""
        middle = float(np.average(part.y, weights=part.weights))
        mse, variance = self.error(score), float(np.average((part.y - middle) ** 2, weights=part.weights))
        share = {"r2": 1 - mse / variance} if variance > 0 else {}
        return {"mse": mse, **share, "cost": score.cost}
