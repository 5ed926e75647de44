"""Simulation of Bergstra and Bengio: how often T trials hit a target that fills one hundredth of the space.

A target is a box somewhere in the unit cube, either a cube or a rectangle of random sides. Many targets are drawn, a search
is run against each, and the share that was hit is its success. The success of random search is known exactly (`law`); a grid
and a Sobol sequence are compared with it.

Source: Bergstra and Bengio (2012), Random search for hyper-parameter optimization, JMLR 13, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import choice
from hpsearch.trial import Curve

Array = NDArray[np.float64]

VOLUME = 0.01
TARGETS = 10_000
# 1, 2, 4, ..., 512: the numbers of trials at which success is read off.
TRIALS = tuple(2**m for m in range(10))
# Success of a cell-centred grid of so many points, (points, share) by shape and dimension, to two digits.
GRID_REFERENCE: dict[tuple[str, int], Curve] = {
    ("cube", 3): ((64, 0.65), (125, 1.00)),
    ("rectangle", 3): ((64, 0.44), (125, 0.59)),
    ("rectangle", 5): ((243, 0.52),),
}


@dataclass(frozen=True)
class Targets:
    """Boxes in the unit cube: lower and upper corners, each of shape (n, d)."""

    low: Array
    high: Array

    def __len__(self) -> int:
        return len(self.low)

    @property
    def dimension(self) -> int:
        """The dimension d of the cube they lie in."""
        return int(self.low.shape[1])

    def hit_by(self, points: Array) -> NDArray[np.bool_]:
        """Return which points lie in the target of their row; ``points`` has shape (n, d)."""
        inside: NDArray[np.bool_] = np.all((self.low <= points) & (points <= self.high), axis=-1)
        return inside


def law(trials: float, volume: float = VOLUME) -> float:
    """Return the chance that ``trials`` independent points hit a region of that share: 1 - (1 - v)^T.

    >>> round(law(512), 3)
    0.994
    """
    return float(1 - (1 - volume) ** trials)


def place(shape: str, dimension: int, rng: np.random.Generator, count: int = TARGETS, volume: float = VOLUME) -> Targets:
    """Return ``count`` targets of one volume, uniform over all places where they lie inside the unit cube.

    A cube has sides v^(1/d). A rectangle's sides are drawn uniformly and scaled to the volume; one with a side above 1 is
    drawn again.
    """
    sides = _one_of("A target's shape", shape, _SIDES)(dimension, count, volume, rng)
    low = rng.random((count, dimension)) * (1 - sides)
    return Targets(low, low + sides)


def success(method: str, targets: Targets, rng: np.random.Generator) -> Curve:
    """Return (trials, share of the targets hit) for one way to search: ``"random"``, ``"sobol"`` or ``"grid"``.

    Each target is searched anew, with points of its own (a grid has the same for all). Random and Sobol searches are read off
    at 1, 2, 4 ... 512 trials; the grids are all those of m^d cell centres, up to 512.
    """
    curve: Curve = _one_of("A way to search", method, _METHODS)(targets, rng)
    return curve


def _cubes(dimension: int, count: int, volume: float, rng: np.random.Generator) -> Array:
    return np.full((count, dimension), volume ** (1 / dimension))


def _rectangles(dimension: int, count: int, volume: float, rng: np.random.Generator) -> Array:
    sides = np.empty((0, dimension))
    while len(sides) < count:
        drawn = rng.random((count, dimension))
        drawn *= (volume / drawn.prod(axis=1, keepdims=True)) ** (1 / dimension)
        sides = np.concatenate([sides, drawn[drawn.max(axis=1) <= 1]])
    return sides[:count]


def _random(targets: Targets, rng: np.random.Generator) -> Curve:
    first = np.full(len(targets), TRIALS[-1] + 1)
    for trial in range(TRIALS[-1], 0, -1):  # backwards, so that the earliest hit is written last
        first[targets.hit_by(rng.random(targets.low.shape))] = trial
    return _shares(first)


def _sobol(targets: Targets, rng: np.random.Generator) -> Curve:
    from scipy.stats import qmc

    doublings = TRIALS[-1].bit_length() - 1
    first = np.full(len(targets), TRIALS[-1] + 1)
    for i, (low, high) in enumerate(zip(targets.low, targets.high, strict=True)):
        points = qmc.Sobol(targets.dimension, rng=rng).random_base2(doublings)
        hits = np.flatnonzero(np.all((low <= points) & (points <= high), axis=1))
        first[i] = hits[0] + 1 if len(hits) else first[i]
    return _shares(first)


def _grid(targets: Targets, rng: np.random.Generator) -> Curve:
    counts = [m for m in range(1, TRIALS[-1] + 1) if m**targets.dimension <= TRIALS[-1]]
    return tuple((m**targets.dimension, _hit_by_grid(targets, m)) for m in counts)


def _hit_by_grid(targets: Targets, per_axis: int) -> float:
    """Return the share of targets that hold a cell centre (i + 1/2) / m in every dimension."""
    first, last = np.ceil(targets.low * per_axis - 0.5), np.floor(targets.high * per_axis - 0.5)
    return float(np.mean(np.all(first <= last, axis=1)))


def _shares(first: NDArray[np.int_]) -> Curve:
    return tuple((trials, float(np.mean(first <= trials))) for trials in TRIALS)


_SIDES: dict[str, Callable[[int, int, float, np.random.Generator], Array]] = {"cube": _cubes, "rectangle": _rectangles}
_METHODS: dict[str, Callable[[Targets, np.random.Generator], Curve]] = {"random": _random, "sobol": _sobol, "grid": _grid}


def _one_of(what: str, name: str, known: dict[str, Any]) -> Any:
    return known[choice(what, name, known)]
