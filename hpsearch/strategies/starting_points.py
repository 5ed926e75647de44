"""Points with which a search begins, before there is anything to learn from."""

from __future__ import annotations

import numpy as np

from hpsearch.space import Params, Space

# How far from the centre the first point may lie, as a share of each range: not all studies of a space begin with one point.
_NEAR = 0.025


def near_centre(space: Space, rng: np.random.Generator) -> list[float]:
    """Return the unit coordinates of a point near the centre of a space: people lay ranges around what they expect."""
    near: list[float] = (0.5 + _NEAR * rng.uniform(-1.0, 1.0, len(space))).tolist()
    return near


def sobol_points(space: Space, count: int, rng: np.random.Generator) -> list[list[float]]:
    """Return the unit coordinates of the first ``count`` points of a scrambled Sobol sequence."""
    from scipy.stats import qmc  # takes half a second, so it is not imported with hpsearch

    # Draw a power of two and cut it: SciPy warns about any other number, and the points are the same.
    points: list[list[float]] = qmc.Sobol(len(space), rng=rng).random_base2((count - 1).bit_length())[:count].tolist()
    return points


def latin_hypercube(space: Space, count: int, rng: np.random.Generator) -> list[list[float]]:
    """Return the unit coordinates of a Latin hypercube: every range cut into ``count`` equal slices, one point in each."""
    slices = np.array([rng.permutation(count) for _ in range(len(space))]).T
    points: list[list[float]] = ((slices + rng.random(slices.shape)) / count).tolist()
    return points


def first_points(space: Space, count: int, centre: bool, rng: np.random.Generator) -> list[Params]:
    """Return points that fill the space: one near its centre where that is wished, the others of a Sobol sequence."""
    points = [near_centre(space, rng)] if centre else []
    if count > len(points):
        points += sobol_points(space, count - len(points), rng)
    return [space.from_unit(point) for point in points[:count]]
