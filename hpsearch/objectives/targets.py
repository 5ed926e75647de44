"""What a network answers, classes or numbers: how answers are told to it, and what its scores and outputs mean to the user."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.data import Part
from hpsearch.nn.costs import COSTS, SquaredError
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network, Score

Rows = tuple[NDArray[np.float32], NDArray[Any]]
# The costs that go with each kind, the usual one first.
FOR_CLASSES = ("cross_entropy", *(name for name in COSTS if name != "cross_entropy"))
FOR_NUMBERS = tuple(name for name, cost in COSTS.items() if isinstance(cost, SquaredError))


class Answers(Protocol):
    """The law of a kind of answers."""

    def rows(self, part: Part) -> Rows:
        """Return inputs and answers of a part as the network is told them."""
        ...

    def unfold(self, network: Network | Ensemble) -> Network | Ensemble:
        """Return a trained network that answers in the user's terms."""
        ...

    def error(self, score: Score) -> float:
        """Return what a search minimises."""
        ...

    def metrics(self, score: Score, part: Part) -> dict[str, float]:
        """Return a score on a part by the names it is recorded under."""
        ...


class Classes:
    """Answers that are class indices, which the network is told as they are; the error is 1 - accuracy."""

    def rows(self, part: Part) -> Rows:
        return part.x, part.y

    def unfold(self, network: Network | Ensemble) -> Network | Ensemble:
        return network

    def error(self, score: Score) -> float:
        return score.error

    def metrics(self, score: Score, part: Part) -> dict[str, float]:
        return {"accuracy": score.accuracy, "cost": score.cost}


class Numbers(NamedTuple):
    """Answers that are numbers, told as so many standard deviations above their mean; the error is the mean squared error.

    So one range of learning rates fits any unit. The cost is half the share of the variance that is left over: 0.5 for guessing
    the mean. Mean and spread are those of the training rows; errors and outputs are in the user's units.
    """

    mean: float
    spread: float

    @classmethod
    def of(cls, y: NDArray[Any]) -> Numbers:
        """Return the units for the answers of the training rows; where all are alike, the spread is 1.

        >>> Numbers.of(np.array([1.0, 3.0]))
        Numbers(mean=2.0, spread=1.0)
        """
        return cls(float(y.mean()), float(y.std()) or 1.0)

    def rows(self, part: Part) -> Rows:
        return part.x, (part.y - self.mean) / self.spread

    def unfold(self, network: Network | Ensemble) -> Network | Ensemble:
        """The last layer, being linear, takes the units in.

        In float32 answers keep seven digits, so that of 1,000,000 +- 1 few are left: take the mean off, or float64.
        """
        if isinstance(network, Ensemble):
            return Ensemble([self.unfold(one) for one in network.networks])
        unfolded = network.copy()
        weights, biases = (a[-1].astype(np.float64) * self.spread for a in (network.weights, network.biases))
        np.copyto(unfolded.weights[-1], weights, casting="same_kind")
        np.copyto(unfolded.biases[-1], biases + self.mean, casting="same_kind")
        return unfolded

    def error(self, score: Score) -> float:
        return 2 * score.cost * self.spread**2

    def metrics(self, score: Score, part: Part) -> dict[str, float]:
        """``r2`` is 1 - mse / variance, left out where all answers are alike."""
        mse, variance = self.error(score), float(np.var(part.y))
        share = {"r2": 1 - mse / variance} if variance > 0 else {}
        return {"mse": mse, **share, "cost": score.cost}
