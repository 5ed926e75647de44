"""The cost of every mini-batch of a training, in means over blocks of iterations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpsearch.nn.arrays import Array

# A whole training has at most so many blocks.
MOST = 1000


class Iteration(NamedTuple):
    """The mean cost of a block of mini-batches, each before its own step.

    Args:
        iteration: the last one of the block, counted over all epochs.
        cost: without penalty; with dropout, of the thinned networks.
    """

    iteration: int
    cost: float

    @property
    def curves(self) -> dict[str, float]:
        """The cost, by the name of its curve."""
        return {"cost_by_iteration": self.cost}


class IterationCosts:
    """The costs of a training's mini-batches so far; their blocks depend on its planned length alone.

    Args:
        planned: the iterations of the whole training.

    >>> costs = IterationCosts(2000)
    >>> costs.add([3.0, 1.0, 0.5])
    >>> costs.whole, costs.rest
    ([Iteration(iteration=2, cost=2.0)], [Iteration(iteration=3, cost=0.5)])
    """

    def __init__(self, planned: int) -> None:
        self._block = -(-planned // MOST)
        self.whole: list[Iteration] = []
        self._open: list[float] = []

    def add(self, costs: Sequence[float]) -> None:
        """Add the costs of mini-batches, in their order."""
        self._open.extend(costs)
        while len(self._open) >= self._block:
            block, self._open = self._open[: self._block], self._open[self._block :]
            self.whole.append(Iteration(self._done + self._block, float(np.mean(block))))

    @property
    def rest(self) -> list[Iteration]:
        """The last block where it is not whole yet."""
        return [Iteration(self._done + len(self._open), float(np.mean(self._open)))] if self._open else []

    @property
    def _done(self) -> int:
        return len(self.whole) * self._block

    @property
    def arrays(self) -> dict[str, Array]:
        """Everything that later blocks depend on, by name."""
        return {"iterations": np.array(self.whole, np.float64).reshape(-1, 2), "iterations_open": np.array(self._open)}

    def restore(self, whole: NDArray[np.float64], rest: NDArray[np.float64]) -> None:
        """Continue from ``arrays``."""
        self.whole = [Iteration(int(iteration), cost) for iteration, cost in whole.tolist()]
        self._open = rest.tolist()
