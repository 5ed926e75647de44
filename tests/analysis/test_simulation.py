"""The simulation against closed forms and reference values: random search's law, grids, Sobol points.

With 10,000 targets the standard error of a share is at most half a point, so that two points are four of them.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch.analysis.simulation import GRID_REFERENCE, TARGETS, TRIALS, law, place, success
from hpsearch.errors import SettingError
from hpsearch.trial import Curve

CELLS = [(shape, dimension) for shape in ("cube", "rectangle") for dimension in (3, 5)]


def simulate(method: str, shape: str, dimension: int, seed: int = 0) -> Curve:
    rng = np.random.default_rng(seed)
    return success(method, place(shape, dimension, rng), rng)


@pytest.mark.parametrize(("shape", "dimension"), CELLS)
def test_random_search_follows_its_law(shape: str, dimension: int) -> None:
    curve = simulate("random", shape, dimension)
    assert [trials for trials, _ in curve] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert [share for _, share in curve] == pytest.approx([1 - 0.99**t for t in TRIALS], abs=0.02)


@pytest.mark.parametrize(("shape", "dimension"), list(GRID_REFERENCE))
def test_grids_succeed_as_often_as_the_reference(shape: str, dimension: int) -> None:
    curve, expected = dict(simulate("grid", shape, dimension)), dict(GRID_REFERENCE[shape, dimension])
    assert {points: curve[points] for points in expected} == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("dimension", [3, 5])
def test_grids_on_cubes_follow_their_closed_form(dimension: int) -> None:
    """In each dimension the lower end is uniform on [0, 1 - s]; integrate numerically where a centre is inside."""
    side = 0.01 ** (1 / dimension)
    low = (np.arange(100_000) + 0.5) / 100_000 * (1 - side)
    for points, share in simulate("grid", "cube", dimension):
        m = round(points ** (1 / dimension))
        inside = [(low <= (i + 0.5) / m) & ((i + 0.5) / m <= low + side) for i in range(m)]
        assert share == pytest.approx(np.mean(np.any(inside, axis=0)) ** dimension, abs=0.02)


@pytest.mark.parametrize(("shape", "dimension"), CELLS)
def test_sobol_points_are_never_below_random_ones(shape: str, dimension: int) -> None:
    """Four standard errors of the difference of two shares, both near the law."""
    for (trials, sobol), (_, random) in zip(
        simulate("sobol", shape, dimension), simulate("random", shape, dimension, seed=1), strict=True
    ):
        margin = 4 * math.sqrt(2 * law(trials) * (1 - law(trials)) / TARGETS)
        assert sobol >= random - margin, trials


@pytest.mark.parametrize(("shape", "dimension"), CELLS)
def test_targets_have_one_volume_and_lie_inside(shape: str, dimension: int) -> None:
    targets = place(shape, dimension, np.random.default_rng(0), count=500)
    assert (targets.high - targets.low).prod(axis=1) == pytest.approx(np.full(500, 0.01))
    assert targets.low.min() >= 0
    assert targets.high.max() <= 1


def test_same_random_numbers_same_curve() -> None:
    assert simulate("random", "rectangle", 3) == simulate("random", "rectangle", 3)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SettingError, match=r"shape must be one of 'cube', 'rectangle', got 'cub'.*Did you mean 'cube'"):
        place("cub", 3, np.random.default_rng(0))
    with pytest.raises(SettingError, match="A way to search must be one of 'random', 'sobol', 'grid', got 'sobl'"):
        success("sobl", place("cube", 3, np.random.default_rng(0), count=2), np.random.default_rng(0))
