"""Gaussian processes over values that are warped in several ways, which take turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hpsearch.surrogate.encoding import Array
from hpsearch.surrogate.fit import fit
from hpsearch.surrogate.kernel import Hyperparameters
from hpsearch.surrogate.predict import Posterior
from hpsearch.surrogate.warps import WARPS, Warp


@dataclass
class WarpCycle:
    """One process per warp; each fit begins where the last one of the same warp ended.

    Args:
        warps: in the order of their turns.
        turn: the number of turns so far.
    """

    warps: Sequence[Warp] = WARPS
    turn: int = 0
    # Per warp: the hyperparameters, and the number of values that they were fitted to.
    _fitted: dict[int, tuple[Hyperparameters, int]] = field(default_factory=dict, init=False)

    def posterior(
        self,
        features: Array,
        values: Array,
        owners: NDArray[np.intp],
        kept: NDArray[np.intp] | None = None,
        every: int = 1,
    ) -> Posterior:
        """Return the process whose turn it is, conditioned on warped values.

        Args:
            features: (points, features), of the values that are kept.
            values: all values, which are warped together.
            owners: (features,), the length scale of each feature.
            kept: the indices of the values to condition on; None takes all.
            every: the hyperparameters are fitted anew once there are so many more values than at the last fit.
        """
        index = self.turn % len(self.warps)
        warped = self.warps[index](values)
        targets = warped if kept is None else warped[kept]
        hyper, count = self._fitted.get(index, (None, 0))
        if hyper is None or len(values) - count >= every:
            hyper = fit(features, targets, owners, hyper)
            self._fitted[index] = hyper, len(values)
        return Posterior(features, targets, hyper, owners)

    def restart(self) -> None:
        """Forget all hyperparameters: the points are encoded in another way from now on."""
        self._fitted.clear()
