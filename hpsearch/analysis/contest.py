"""Comparison of contenders, each searched repeatedly on paired seeds: mean curves, differences and speed-ups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from hpsearch.analysis.differences import Difference, all_differences
from hpsearch.analysis.intervals import Interval, mean_interval
from hpsearch.analysis.regret import Progress, Unit, progress
from hpsearch.analysis.sample import FEWEST, Array
from hpsearch.analysis.speedup import SpeedUp, chance_of_beating, speed_up
from hpsearch.errors import SettingError, must_be
from hpsearch.trial import Trial, flip_sign

# Budgets at which curves are compared where there are more than that.
_POINTS = 60


@dataclass(frozen=True, eq=False)
class Contest:
    """Contenders at equal budget: ``searches`` maps a contender's name to its repetitions; place i of all had the same seed.

    Args:
        searches: per contender and repetition, the trials of one whole search in number order; at least two contenders and
            three repetitions.
        unit: what is spent, ``"trials"``, ``"epochs"`` or ``"seconds"`` (of computing time, whatever ran side by side).
        budget: the largest budget compared; if left out, the least that any of the searches spent.
        measure: what a value is, as in "validation error".
        maximize: whether larger values are better; trials hold such values negated.
        level: of all intervals.
    Raises:
        SettingError: for fewer contenders or repetitions, unequal numbers of them, or a search in which nothing finished.
    """

    searches: Mapping[str, Sequence[Sequence[Trial]]]
    unit: Unit = "trials"
    budget: float | None = None
    measure: str = "value"
    maximize: bool = False
    level: float = 0.95

    def __post_init__(self) -> None:
        if len(self.searches) < 2:
            raise SettingError(must_be("A comparison", "of at least two contenders", list(self.searches), "Add one."))
        counts = {name: len(repeated) for name, repeated in self.searches.items()}
        if len(set(counts.values())) > 1 or self.repetitions < FEWEST:
            constraint = f"at least {FEWEST}, the same for all contenders"
            raise SettingError(must_be("Repetitions of a comparison", constraint, counts, "Repeat with further seeds."))
        for name, repeated in self.searches.items():
            if not all(any(trial.ok for trial in trials) for trials in repeated):
                raise SettingError(f"Contender {name!r} has a search without a finished trial, so there is nothing to compare.")

    @property
    def arms(self) -> list[str]:
        """The names of the contenders, in the order given."""
        return list(self.searches)

    @property
    def repetitions(self) -> int:
        """The number of searches of each contender."""
        return min(len(repeated) for repeated in self.searches.values())

    @cached_property
    def runs(self) -> dict[str, list[Progress]]:
        """Every search as its best value so far."""
        return {name: [progress(trials, self.unit) for trials in repeated] for name, repeated in self.searches.items()}

    @cached_property
    def budgets(self) -> Array:
        """The budgets at which all are compared, rising, shape (m,): from the first result of the slowest to the common end."""
        every = [run for runs in self.runs.values() for run in runs]
        first = max(float(run.spent[np.isfinite(run.best)][0]) for run in every)
        last = min(float(run.spent[-1]) for run in every)
        last = min(last, math.inf if self.budget is None else float(self.budget))
        if last < first:
            advice = "Take a larger one, or give the search that ends first more trials."
            raise SettingError(must_be("The budget", f"at least {first:g} {self.unit}", last, advice))
        if self.unit == "trials" and last - first < _POINTS:
            return np.arange(first, last + 1)
        points = np.geomspace(first, last, _POINTS)
        points = np.unique(np.round(points)) if self.unit == "trials" else np.unique(points)
        return np.asarray(points, float)

    @cached_property
    def best(self) -> dict[str, Array]:
        """Best value so far (to minimise) per contender, float64, shape (repetitions, m)."""
        return {name: np.array([run.at(self.budgets) for run in runs]) for name, runs in self.runs.items()}

    def curve(self, arm: str) -> list[Interval]:
        """Return the mean best value at each budget, as the objective returns it, with Student's t interval."""
        return [self._turned(mean_interval(column, self.level)) for column in self.best[arm].T]

    @cached_property
    def differences(self) -> dict[tuple[str, str], Difference]:
        """The verdict on every pair at the full budget; p-values adjusted for the number of pairs."""
        return all_differences({name: best[:, -1] for name, best in self.best.items()}, self.level)

    def chances(self, arm: str, other: str) -> list[Interval]:
        """Return per budget the probability that a search of ``arm`` is ahead of one of ``other``; ties count half."""
        return chance_of_beating(self.best[arm], self.best[other], self.level)

    def speed_up(self, arm: str, other: str) -> SpeedUp:
        """Return how much sooner ``arm`` is where ``other`` ends."""
        return speed_up(self.best[arm], self.best[other], self.budgets, level=self.level)

    def faster(self) -> Iterator[tuple[str, str, SpeedUp]]:
        """Yield for every pair the contender with the better mean at the end, the other, and its speed-up."""
        for pair in combinations(self.arms, 2):
            ahead, behind = sorted(pair, key=lambda arm: float(self.best[arm][:, -1].mean()))
            yield ahead, behind, self.speed_up(ahead, behind)

    def _turned(self, interval: Interval) -> Interval:
        ends = [flip_sign(end, self.maximize) for end in (interval.low, interval.high)]
        return Interval(min(ends), flip_sign(interval.centre, self.maximize), max(ends), interval.level)
