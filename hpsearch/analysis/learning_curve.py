"""Learning curve: the error of one model against the number of rows it was trained on, for one seed or for several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hpsearch.analysis.intervals import Interval, mean_interval
from hpsearch.analysis.sample import FEWEST, Array
from hpsearch.errors import SettingError, must_be


@dataclass(frozen=True)
class LearningCurve:
    """Errors by training-set size.

    Args:
        name: of the model.
        errors: size -> the error of every seed, as a share of the rows scored; one error where the model draws no random
            numbers.
        rows: how many rows the errors were counted on.
    Raises:
        SettingError: for a size without errors, or an error outside [0, 1].

    >>> curve = LearningCurve("network", {200: [0.2, 0.3, 0.25], 100: [0.4, 0.4, 0.4]}, rows=1000)
    >>> curve.sizes, curve.means.round(12)
    ([100, 200], array([0.4 , 0.25]))
    """

    name: str
    errors: Mapping[int, Sequence[float]]
    rows: int

    def __post_init__(self) -> None:
        for size, found in self.errors.items():
            if not found or not all(0 <= error <= 1 for error in found):
                what = f"Errors of {self.name!r} at {size} rows"
                raise SettingError(must_be(what, "at least one, each in [0, 1]", list(found), "Run the missing seeds."))

    @cached_property
    def sizes(self) -> list[int]:
        """The sizes, rising."""
        return sorted(self.errors)

    @cached_property
    def means(self) -> Array:
        """The mean error at each size, float64, shape (sizes,)."""
        return np.array([float(np.mean(self.errors[size])) for size in self.sizes])

    def at(self, size: int) -> float:
        """Return the mean error at one of the sizes."""
        return float(self.means[self.sizes.index(size)])

    def interval(self, size: int) -> Interval:
        """Return Student's interval of the mean over the seeds; the mean alone where there are fewer than three."""
        mean = self.at(size)
        return mean_interval(self.errors[size]) if len(self.errors[size]) >= FEWEST else Interval(mean, mean, mean)

    def seed_error(self, size: int) -> float:
        """Return the standard error of the mean over the seeds; 0 for a single error, of which no spread is known."""
        found = self.errors[size]
        return float(np.std(found, ddof=1)) / math.sqrt(len(found)) if len(found) > 1 else 0.0

    def row_error(self, size: int) -> float:
        """Return the standard error that the choice of the scored rows leaves, sqrt(p (1 - p) / rows)."""
        return math.sqrt(self.at(size) * (1 - self.at(size)) / self.rows)
