"""Random search: independent draws from the space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.checks import integer
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Space
from hpsearch.trial import Trial


@dataclass(frozen=True)
class Random(StrategyBase):
    """Draw ``trials`` points independently, in one batch.

    A larger number of trials begins with the same ones, so a finished study can be extended. With T trials the chance of
    hitting a region of share p at least once is 1 - (1 - p)^T: .994 for p = .01 and T = 512.

    Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization, JMLR 13.
    """

    trials: int = 32

    def __post_init__(self) -> None:
        integer("Random trials", self.trials, 1, "Try 32.")

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch with all trials."""
        yield Batch([Proposal(space.sample(rng)) for _ in range(self.trials)])
