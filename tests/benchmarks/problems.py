"""Problems to plant faults in: a data set and a network, with the settings that suit them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from tests.benchmarks.curve_data import dataset
from tests.benchmarks.curves_of_networks import History, Made, history
from tests.benchmarks.remedies import finite, level

LONGEST = 45
_TRIED = (0.005, 200.0)
_COSTS = {"cross_entropy": 0.4, "log_likelihood": 0.4, "quadratic": 0.2}


@dataclass(frozen=True)
class Problem:
    """A data set and a network with the settings that suit them."""

    good: Made
    threshold: float
    rng: np.random.Generator

    def some(self, *options: float) -> float:
        return float(self.rng.choice(options))


def problem(name: str, seed: int) -> Problem | None:
    """Return a problem, or None where no setting was found that settles in time."""
    rng = np.random.default_rng([seed, sum(map(ord, name))])
    rows = min(int(rng.choice([300, 500])), len(dataset(name).train))
    hidden = [(16,), (30,), (60,), (30, 20)][rng.integers(4)]
    activation, cost = rng.choice(["sigmoid", "tanh", "relu"]), rng.choice(list(_COSTS), p=list(_COSTS.values()))
    batch, momentum = int(rng.choice([10, 20, 50])), float(rng.choice([0.0, 0.0, 0.0, 0.9]))
    made = Made(name, rows, seed, hidden, str(activation), str(cost), batch, momentum, 1.0, 5)
    limit = threshold(made)
    if limit is None:
        return None
    tried = [
        replace(made, learning_rate=limit / part, l2=share * rows, epochs=LONGEST)
        for part in (2, 6)
        for share in (0.0, 5e-4, 3e-3)
    ]
    costs = [(level(curves, "validation_cost"), made) for made in tried if finite(curves := history(made))]
    if not costs:
        return None
    good = min(costs, key=lambda pair: pair[0])[1]
    curves, chance = history(good), guessing(good)
    if level(curves, "validation_accuracy") < chance + 0.3 * (1 - chance):
        return None
    return Problem(replace(good, epochs=_settled(curves)), limit, rng)


def threshold(made: Made) -> float | None:
    """Return the largest rate of a series by factors of two that is below the threshold, or None where the first is not."""
    rate, last, lowest = _TRIED[0], None, math.inf
    while rate < _TRIED[1]:
        curves = history(replace(made, learning_rate=rate))
        costs = [value for _, value in curves["training_cost"]]
        rises = any(not after <= 1.03 * before for before, after in pairwise(costs))
        if rises or not finite(curves) or costs[-1] > 1.5 * lowest:
            return last
        lowest = min(lowest, costs[-1])
        rate, last = 2 * rate, rate
    return last


def _settled(curves: History) -> int:
    """Return half as many epochs again as it takes to come within 3 % of the lowest validation cost."""
    costs = [value for _, value in curves["validation_cost"]]
    first = next(i for i, cost in enumerate(costs, 1) if cost <= 1.03 * min(costs))
    return int(np.clip(1.5 * first, 12, LONGEST))


def guessing(made: Made) -> float:
    """Return the accuracy of guessing the commonest class."""
    y = dataset(made.data).validation.y
    return float(np.bincount(y).max() / len(y))
