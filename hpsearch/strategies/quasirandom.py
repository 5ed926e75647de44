"""Quasi-random search: a Sobol sequence, which fills the space more evenly than independent draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.checks import integer
from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Space
from hpsearch.trial import Trial


@dataclass(frozen=True)
class QuasiRandom(StrategyBase):
    """Try the first ``trials`` points of a scrambled Sobol sequence over the space, in one batch.

    One coordinate per parameter, conditional ones included. The first 2^m points put one point into each of 2^m equal slices
    of every range, so powers of two fill the space best; any number works, and a larger one begins with the same points.
    Known value: in the unit square the centred discrepancy of 64 points is about .0002, of 64 independent draws .005.

    Source: Owen (1998), Scrambling Sobol' and Niederreiter-Xing points, Journal of Complexity 14; `scipy.stats.qmc.Sobol`.
    """

    trials: int = 64

    def __post_init__(self) -> None:
        integer("QuasiRandom trials", self.trials, 1, "Try 64.")

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch with all trials."""
        from scipy.stats import qmc  # takes half a second, so it is not imported with hpsearch

        # Draw a power of two and cut it: SciPy warns about any other number, and the points are the same.
        points = qmc.Sobol(len(space), rng=rng).random_base2((self.trials - 1).bit_length())
        yield Batch([Proposal(space.from_unit(point)) for point in points[: self.trials].tolist()])
