"""Targets of a network, classes or numbers: their encoding for the training, and scores and outputs in the user's units."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.costs import COSTS, SquaredError
from hpsearch.nn.engines.base import Rows
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network, Score
from hpsearch.nn.prediction import SEVERAL

# The costs for each kind of targets, the default first.
CLASSIFICATION_COSTS = ("cross_entropy", *(name for name in COSTS if name not in ("cross_entropy", SEVERAL)))
REGRESSION_COSTS = tuple(name for name, cost in COSTS.items() if isinstance(cost, SquaredError))


def rows_of(part: Part, y: NDArray[Any]) -> Rows:
    """Return the rows of a part and their targets, with their weights where it has any."""
    return (part.x, y) if part.weights is None else (part.x, y, part.weights)


def costs_for(data: Dataset) -> tuple[str, ...]:
    """Return the costs that a network can have on a data set, the default first."""
    if data.several_numbers:
        return (SEVERAL,)
    return ("squared_error",) if data.regression else CLASSIFICATION_COSTS


class Targets(Protocol):
    """How targets of one kind are encoded, scored and decoded."""

    def encode(self, part: Part) -> Rows:
        """Return inputs and targets of a part as the training takes them."""
        ...

    def decode(self, network: Network | Ensemble) -> Network | Ensemble:
        """Return a trained network whose outputs are in the user's units."""
        ...

    def error(self, score: Score, part: Part, network: Network | Ensemble) -> float:
        """Return what a search minimises, of a network with this score on a part."""
        ...

    def metrics(self, score: Score, part: Part, network: Network | Ensemble) -> dict[str, float]:
        """Return a network's score on a part, by the names it is recorded under."""
        ...


def targets_for(data: Dataset, rows: Part) -> Targets:
    """Return the kind of targets of a data set; the units of numbers are those of the rows to train on."""
    if data.several_numbers:
        return SeveralNumbers.of(rows.y)
    return NumberTargets.of(rows.y) if data.regression else ClassTargets()


class ClassTargets:
    """Class indices or the probability of each class, which need no encoding; the error is 1 - accuracy."""

    def encode(self, part: Part) -> Rows:
        return rows_of(part, part.y if part.probabilities is None else part.probabilities)

    def decode(self, network: Network | Ensemble) -> Network | Ensemble:
        return network

    def error(self, score: Score, part: Part, network: Network | Ensemble) -> float:
        return score.error

    def metrics(self, score: Score, part: Part, network: Network | Ensemble) -> dict[str, float]:
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
        return _rescaled(network, np.array([self.mean]), np.array([self.spread]))

    def error(self, score: Score, part: Part, network: Network | Ensemble) -> float:
        return 2 * score.cost * self.spread**2

    def metrics(self, score: Score, part: Part, network: Network | Ensemble) -> dict[str, float]:
        """Return ``mse``, ``cost``, and ``r2`` = 1 - mse / variance, which is left out where all targets are alike."""
        middle = float(np.average(part.y, weights=part.weights))
        mse, variance = self.error(score, part, network), float(np.average((part.y - middle) ** 2, weights=part.weights))
        share = {"r2": 1 - mse / variance} if variance > 0 else {}
        return {"mse": mse, **share, "cost": score.cost}


class SeveralNumbers(NamedTuple):
    """Several numbers a row, each standardised with its mean and standard deviation over the training rows.

    The error is the mean of their mean squared errors, in the user's units, as scikit-learn's ``mean_squared_error``. The cost
    is half the sum of the shares of their variances that are left over, whatever their units are: half their number for
    guessing the means.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, y: NDArray[Any]) -> SeveralNumbers:
        """Return the units of the training rows' targets; where all of a column are alike, its spread is 1."""
        spread = y.std(axis=0)
        return cls(y.mean(axis=0), np.where(spread > 0, spread, 1.0))

    def encode(self, part: Part) -> Rows:
        return rows_of(part, (part.y - self.mean) / self.spread)

    def decode(self, network: Network | Ensemble) -> Network | Ensemble:
        """Scale the last layer, which is linear, to the user's units."""
        return _rescaled(network, self.mean, self.spread)

    def error(self, score: Score, part: Part, network: Network | Ensemble) -> float:
        return float(self._errors(part, network).mean())

    def metrics(self, score: Score, part: Part, network: Network | Ensemble) -> dict[str, float]:
        """Return ``mse``, the mean, ``mse_1`` and so on, ``cost``, and ``r2``, their mean where no target is always alike."""
        errors, weights = self._errors(part, network), part.weights
        variances = np.average((part.y - np.average(part.y, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
        share = {"r2": float((1 - errors / variances).mean())} if (variances > 0).all() else {}
        each = {f"mse_{number}": float(error) for number, error in enumerate(errors, 1)}
        return {"mse": float(errors.mean()), **each, **share, "cost": score.cost}

    def _errors(self, part: Part, network: Network | Ensemble) -> NDArray[np.float64]:
        """Return the mean squared error of each number, in the user's units."""
        x, targets, *weights = self.encode(part)
        squares = (network.predict(x) - targets) ** 2
        errors: NDArray[np.float64] = np.average(squares, axis=0, weights=weights[0] if weights else None) * self.spread**2
        return errors


def _rescaled(network: Network | Ensemble, mean: NDArray[np.float64], spread: NDArray[np.float64]) -> Network | Ensemble:
    """Return a network whose linear outputs are multiplied by their spreads, and have the means added."""
    if isinstance(network, Ensemble):
        return Ensemble([_rescaled(one, mean, spread) for one in network.networks])
    decoded = network.copy()
    np.copyto(decoded.weights[-1], network.weights[-1].astype(np.float64) * spread[:, None], casting="same_kind")
    np.copyto(decoded.biases[-1], network.biases[-1].astype(np.float64) * spread + mean, casting="same_kind")
    return decoded


def refuse_probabilities(what: str, data: Dataset) -> None:
    """Raise for data with the probability of each class, for what learns one class a row."""
    if any(part.probabilities is not None for part in (data.train, data.validation)):
        advice = "Take TrainNetwork, or y.argmax(axis=1)."
        raise SettingError(must_be(f"{what}'s data", "with one class for each row", "probabilities", advice))


def refuse_several_numbers(what: str, data: Dataset) -> None:
    """Raise for data with several numbers to predict for each row, for what predicts one."""
    if data.several_numbers:
        advice = "Take TrainNetwork, or a study for each number."
        raise SettingError(must_be(f"{what}'s data", "with one number to predict for each row", f"{data.outputs}", advice))
