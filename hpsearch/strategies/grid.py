"""Grid search: all combinations of a few values per parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hpsearch.ports import Batch, Proposal, Search, StrategyBase
from hpsearch.space import Space, Spacing
from hpsearch.trial import Trial


@dataclass(frozen=True)
class Grid(StrategyBase):
    """Try the full product of values, in one batch, the last parameter varying fastest.

    Args:
        points: the number of values per range, evenly spaced on its scale: one count for all, or a dict from parameter to
            count or to the values. Choices always take all their options, and ranges of at most 100 values, such as
            ``Int(1, 15)`` or ``Float(0, 1, step=0.1)``, take all of them where no count is given.
        spacing: ``"ends"`` includes both ends of a range, ``"cells"`` takes the centres of equal cells.

    Two ranges of 4 points give 16 trials, and 4 different values of each parameter; random search gives 16 of each.
    """

    # A resumed study runs failed cells again, so that the grid has no holes.
    complete: ClassVar[bool] = True

    points: int | Mapping[str, Any] | None = None
    spacing: Spacing = "ends"

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        """Yield one batch, in the order of the product."""
        yield Batch([Proposal(params) for params in space.grid(self.points, self.spacing)])
