"""Crossings of two learning curves, and the sizes at which one of two models is ahead beyond the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hpsearch.analysis.intervals import Interval
from hpsearch.analysis.learning_curve import LearningCurve
from hpsearch.analysis.sample import Array
from hpsearch.errors import SettingError, must_be

DRAWS = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class Gap:
    """The error of the first model minus that of the second at one size: below zero the first is better."""

    size: int
    interval: Interval

    @property
    def verdict(self) -> Literal["first", "second", "tie"]:
        """Which model is ahead; ``"tie"`` where the interval holds zero."""
        if 0 in self.interval:
            return "tie"
        return "first" if self.interval.centre < 0 else "second"


@dataclass(frozen=True)
class Crossing:
    """A size at which the curves change places; ``chance`` is the share of redrawn pairs of curves that cross at all there."""

    size: Interval
    ahead_after: Literal["first", "second"]
    chance: float


def gaps(first: LearningCurve, second: LearningCurve) -> list[Gap]:
    """Return the difference of two models at every size they share, with its 95 % interval.

    Two kinds of noise are added: the seeds' (Student's t) and that of the rows scored (binomial). The rows count as if each
    model had rows of its own, though both were scored on the same: the intervals are rather too wide than too narrow.

    >>> one, other = (LearningCurve(name, {100: [error]}, rows=10_000) for name, error in (("a", 0.10), ("b", 0.12)))
    >>> [gap.verdict for gap in gaps(one, other)]   # -.02 -+ 1.96 sqrt(.09 / 10000 + .1056 / 10000) = -.02 -+ .0087
    ['first']
    """
    return [_gap(first, second, size) for size in shared(first, second)]


def find_crossings(first: LearningCurve, second: LearningCurve, rng: np.random.Generator, draws: int = DRAWS) -> list[Crossing]:
    """Return every size where the mean curves cross, straight lines over the logarithm of the size being drawn between sizes.

    Uncertainty: curves are redrawn with their noise (each size with its seeds', and one shift of the rows scored for all
    sizes, since those are the same rows); the interval holds 95 % of the nearest crossings of the redrawn pairs.

    >>> flat = LearningCurve("flat", {100: [0.2], 10_000: [0.2]}, rows=10**9)
    >>> steep = LearningCurve("steep", {100: [0.3], 10_000: [0.1]}, rows=10**9)
    >>> [found] = find_crossings(flat, steep, np.random.default_rng(0))
    >>> round(found.size.centre), found.ahead_after, found.chance
    (1000, 'second', 1.0)
    """
    sizes, apart = _apart(first, second)
    logs = np.log(sizes)
    redrawn = [_zeros(logs, line) for line in _redrawn(first, second, sizes, apart, rng, draws)]
    return [_crossing(place, after, redrawn) for place, after in zip(*_zeros_and_signs(logs, apart), strict=True)]


crossings = find_crossings  # the earlier name


def crossing_places(first: LearningCurve, second: LearningCurve) -> list[tuple[float, float]]:
    """Return (size, error) where the mean curves cross, for a mark in a picture."""
    sizes, apart = _apart(first, second)
    errors = [first.at(n) for n in sizes]
    return [(math.exp(log), float(np.interp(log, np.log(sizes), errors))) for log in _zeros(np.log(sizes), apart)]


def shared(first: LearningCurve, second: LearningCurve) -> list[int]:
    """Return the sizes both models were trained at, rising."""
    sizes = [size for size in first.sizes if size in second.errors]
    if not sizes:
        names = (first.name, second.name)
        raise SettingError(must_be("Two learning curves", "at least one size in common", names, "Run both on the same sizes."))
    return sizes


def _apart(first: LearningCurve, second: LearningCurve) -> tuple[list[int], Array]:
    sizes = shared(first, second)
    return sizes, np.array([first.at(n) - second.at(n) for n in sizes])


def _gap(first: LearningCurve, second: LearningCurve, size: int) -> Gap:
    from scipy.special import ndtri  # half a second, which `import hpsearch` should not cost

    z = float(ndtri((1 + LEVEL) / 2))
    seeds = math.hypot(*(curve.interval(size).width / 2 for curve in (first, second)))
    rows = z * math.hypot(first.row_error(size), second.row_error(size))
    centre, margin = first.at(size) - second.at(size), math.hypot(seeds, rows)
    return Gap(size, Interval(centre - margin, centre, centre + margin, LEVEL))


def _redrawn(
    first: LearningCurve, second: LearningCurve, sizes: Sequence[int], apart: Array, rng: np.random.Generator, draws: int
) -> Array:
    """Return differences of redrawn curves, shape (draws, sizes)."""
    seeds = np.array([math.hypot(first.seed_error(n), second.seed_error(n)) for n in sizes])
    rows = np.array([math.hypot(first.row_error(n), second.row_error(n)) for n in sizes])
    own, common = rng.standard_normal((draws, len(sizes))), rng.standard_normal((draws, 1))
    return np.asarray(apart + own * seeds + common * rows)


def _crossing(place: float, sign: float, redrawn: Sequence[Array]) -> Crossing:
    near = [float(places[np.argmin(abs(places - place))]) for places in redrawn if len(places)]
    low, high = np.quantile(near, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if near else (place, place)
    size = Interval(math.exp(min(low, place)), math.exp(place), math.exp(max(high, place)), LEVEL)
    return Crossing(size, "first" if sign < 0 else "second", len(near) / len(redrawn))


def _zeros(logs: Array, apart: Array) -> Array:
    return _zeros_and_signs(logs, apart)[0]


def _zeros_and_signs(logs: Array, apart: Array) -> tuple[Array, Array]:
    """Return where a broken line changes sign, and its sign thereafter; sizes with no difference at all are passed over."""
    kept = np.flatnonzero(apart)
    x, y = logs[kept], apart[kept]
    turns = np.flatnonzero(np.sign(y[:-1]) != np.sign(y[1:]))
    places = x[turns] + (x[turns + 1] - x[turns]) * y[turns] / (y[turns] - y[turns + 1])
    return places, np.sign(y[turns + 1])
