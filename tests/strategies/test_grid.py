"""Grid search: the full product, log-spaced where the range is, against numpy's own spacing."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from hpsearch import Choice, Float, Int, Space, Study
from hpsearch.errors import SpaceError
from hpsearch.space import Params
from hpsearch.strategies import Grid, Random
from hpsearch.testing import drive
from hpsearch.tracking import MemoryTracker


def test_is_the_product_in_order() -> None:
    space = Space(rate=Float(0.01, 1.0, log=True), c=Choice("a", "b"))
    _, trials = drive(Grid(points=3), space)
    expected = [{"rate": r, "c": c} for r in np.geomspace(0.01, 1.0, 3).round(12).tolist() for c in ("a", "b")]
    assert [t.params for t in trials] == expected


def test_cells_are_centres() -> None:
    """Five equal cells of [0, 1] have their centres at .1, .3, .5, .7, .9."""
    _, trials = drive(Grid(points=5, spacing="cells"), Space(x=Float(0.0, 1.0)))
    assert [t.params["x"] for t in trials] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])


def test_points_may_be_given_per_parameter() -> None:
    space = Space(rate=Float(0.01, 1.0), n=Int(1, 100))
    _, trials = drive(Grid(points={"rate": [0.1, 0.5], "n": 2}), space)
    assert [tuple(t.params.values()) for t in trials] == [(0.1, 1), (0.1, 100), (0.5, 1), (0.5, 100)]


def test_a_range_needs_a_count() -> None:
    with pytest.raises(SpaceError, match=r"A grid over Float\(0.0, 1.0\) must be given a number of points"):
        drive(Grid(), Space(x=Float(0.0, 1.0)))


@pytest.mark.parametrize("points", [None, {"x": np.int64(2)}, {"x": np.array([0.0, 1.0])}, {"x": (v for v in (0, 1))}])
def test_ranges_of_few_values_need_no_count(points: object) -> None:
    """The independent source is itertools: the product of all values in order."""
    space = Space(n=Int(1, 15), x=Float(0, 1, step=1.0), fixed=Float(0.5, 0.5), k=Int(3, 3))
    _, trials = drive(Grid(points=points), space)  # type: ignore[arg-type]
    expected = list(itertools.product(range(1, 16), [0.0, 1.0], [0.5], [3]))
    assert repr([tuple(t.params.values()) for t in trials]) == repr(expected)


@pytest.mark.parametrize("points", [2.5, {"x": 2.5}, {"x": "23"}, {"x": True}])
def test_what_is_no_count_raises(points: object) -> None:
    with pytest.raises(SpaceError, match="A number of grid points must be a whole number >= 1, got"):
        drive(Grid(points=points), Space(x=Float(0.0, 1.0)))  # type: ignore[arg-type]


def test_a_point_outside_raises() -> None:
    with pytest.raises(SpaceError, match="Grid point of 'x' must be in"):
        drive(Grid(points={"x": [2.0]}), Space(x=Float(0.0, 1.0)))


def test_an_unknown_parameter_raises() -> None:
    with pytest.raises(SpaceError, match="Did you mean 'rate'"):
        drive(Grid(points={"rat": 3}), Space(rate=Float(0.0, 1.0)))


def test_a_failed_point_of_a_grid_is_run_again(tmp_path: Path) -> None:
    """A grid is complete only with all of its points, so a second run repeats those that failed; a random search goes on."""
    fail = tmp_path / "fail"

    def objective(params: Params) -> float:
        if fail.exists() and params["x"] > 0.5:
            raise ValueError("not now")
        return float(params["x"])

    for strategy, repeated in ((Grid(points=3), True), (Random(trials=6), False)):
        fail.touch()
        study, tracker = Study(f"again {repeated}", Space(x=Float(0.0, 1.0)), objective, strategy), MemoryTracker()
        first = study.run(tracker=tracker, backend="sequential").trials
        fail.unlink()
        second = study.run(tracker=tracker, backend="sequential").trials
        assert not all(trial.ok for trial in first)
        assert all(trial.ok for trial in second) is repeated
