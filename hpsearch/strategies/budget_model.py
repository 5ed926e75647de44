"""A model of values over settings and budgets, which proposes the settings that promise most at the full budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpsearch.space import Params, Space
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from hpsearch.surrogate import Posterior

Array = NDArray[np.float64]
# The first two warps take turns: ranks would hide how the values of different budgets lie.
_WARPS = 2


@dataclass
class BudgetModel:
    """What was observed in one search, and the Gaussian processes that were fitted to it, one per warp.

    Args:
        space: that is searched.
        least: the budget of the first rung.
        most: that of the last one.
        rng: the source of all chance.
    """

    space: Space
    least: int
    most: int
    rng: np.random.Generator
    observed: list[Trial] = field(default_factory=list)
    units: list[Array] = field(default_factory=list)
    budgets: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        from hpsearch.surrogate import WARPS, Encoding, WarpCycle  # takes half a second, so it is not imported with hpsearch

        self.cycle = WarpCycle(WARPS[:_WARPS])
        self.encoding = Encoding(self.space)

    @property
    def has_learned_nothing(self) -> bool:
        """Whether no trial finished."""
        return not any(trial.ok for trial in self.observed)

    def observe(self, trial: Trial, budget: int | None) -> None:
        """Learn the value of a trial at a budget; None is the full one."""
        self.observed.append(trial)
        self.units.append(self.encoding.to_snapped([trial.params])[0])
        self.budgets.append(budget or self.most)

    def snapped(self, unit: list[float]) -> Params:
        """Return the point of the space nearest to unit coordinates."""
        return self.encoding.to_params(self.encoding.snap(np.array([unit]))[0])

    def propose(self, count: int, drawn: int) -> list[Params]:
        """Return new settings: ``drawn`` of them at random, the others of the largest expected improvement."""
        return [self.encoding.to_params(row) for row in self._rows(count, min(drawn, count))] if count else []

    def _rows(self, count: int, drawn: int) -> Iterator[Array]:
        from hpsearch.surrogate import Proposer

        posterior, seen = self._fit(), list(self.units)
        for _ in range(drawn):
            row = self.encoding.snap(self.rng.random((1, len(self.space))))
            posterior = posterior.believe(self._at_full_budget(row))
            seen.append(row[0])
            yield row[0]
        proposer = Proposer(self.encoding, np.unique(np.array(seen), axis=0), posterior, encode=self._at_full_budget)
        for _ in range(count - drawn):
            yield proposer.propose(self.rng)

    def _fit(self) -> Posterior:
        """Return the posterior after a fit to the observations, in the warp whose turn it is."""
        from hpsearch.surrogate import impute_values, keep_best_and_newest

        told = impute_values(self.observed)
        values = on_log_scale(np.zeros(len(self.observed)) if told is None else told)
        kept = keep_best_and_newest(values)
        features = self._features(np.array(self.units)[kept], self._shares(np.array(self.budgets)[kept]))
        owners = np.append(self.encoding.owners, max(self.encoding.owners, default=-1) + 1)
        posterior = self.cycle.posterior(features, values[kept], owners, every=0)
        self.cycle.turn += 1
        return posterior

    def _shares(self, budgets: Array) -> Array:
        """Return the logarithms of budgets, 0 at the first rung and 1 at the last."""
        shares: Array = np.log(np.clip(budgets, self.least, self.most) / self.least) / np.log(self.most / self.least)
        return shares

    def _features(self, units: Array, shares: Array) -> Array:
        return np.hstack([self.encoding.features(units), shares[:, None]])

    def _at_full_budget(self, units: Array) -> Array:
        return self._features(units, np.ones(len(units)))


def on_log_scale(values: Array) -> Array:
    """Return the logarithms of positive values; else log(1 + v), v the distance from the least in units of the median one.

    >>> on_log_scale(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
    [0.0, 0.6931, 1.0986]
    """
    if values.min() > 0.0:
        logs: Array = np.log(values)
        return logs
    distances = values - values.min()
    unit = float(np.median(distances)) or float(distances.max()) or 1.0
    shifted: Array = np.log1p(distances / unit)
    return shifted
