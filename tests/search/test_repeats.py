"""Points that are run more than once are told in one line; what is meant to be repeated is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hpsearch import Choice, Float, Int, Space, Study
from hpsearch.strategies import Bayesian, Grid, Halving, QuasiRandom, Random, Staged
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params

THREE = Space(kind=Choice("a", "b", "c"))
WIDE = Space(x=Float(0.0, 1.0))


def value(params: Params, context: Any) -> float:
    return float(context.rng.random()) / (context.budget or 1)


def notes(space: Space, strategy: Any, **changes: Any) -> list[str]:
    study = replace(Study("twice", space, value, strategy, seed=1), **changes)
    return [note for note in study.run(backend="sequential", tracker=MemoryTracker()).notes if "distinct" in note]


@pytest.mark.parametrize(
    ("space", "strategy", "said"),
    [
        (
            THREE,
            Random(trials=10),
            "10 trials have only 3 distinct points: 7 run a point again, under random numbers of their own.",
        ),
        (THREE, QuasiRandom(trials=8), "8 trials have only 3 distinct points: 5 run a point again"),
        (Space(n=Int(1, 4)), Grid(points={"n": [1, 2, 2, 4]}), "4 trials have only 3 distinct points: 1 runs a point again"),
        (THREE, Bayesian(trials=20, startup=2), "20 trials have only 3 distinct points: 17 run a point again"),
    ],
)
def test_repeated_points_are_told_once(space: Space, strategy: Any, said: str) -> None:
    """By hand: three points, so all trials beyond three repeat one; a grid with the value 2 twice."""
    found = notes(space, strategy)
    assert [note[: len(said)] for note in found] == [said]
    assert found[0].endswith("replicates=2 runs every point twice.")
    assert ("Give each value of the grid once" in found[0]) == isinstance(strategy, Grid)


def test_a_search_in_batches_says_at_its_end_what_it_repeated_between_them() -> None:
    (found,) = notes(Space(n=Int(1, 12)), Bayesian(trials=24, batch_size=1, startup=2))
    assert found.startswith("24 trials have only ")


def test_what_is_meant_to_be_repeated_is_not_told() -> None:
    assert notes(WIDE, Random(trials=10)) == []
    assert notes(WIDE, Random(trials=4), replicates=3, confirm=2) == []
    assert notes(WIDE, Halving(trials=9, max_epochs=9)) == []
    assert notes(WIDE, Staged(trials=20, epochs=(1, 2, 4))) == []
    assert notes(Space(rows=Int(1, 9), x=Float(0.0, 1.0)), Halving(trials=9, resource="rows")) == []


def test_a_setting_of_ones_own_that_a_grid_repeats_is_told() -> None:
    (found,) = notes(Space(n=Int(1, 4)), Grid(), first=[{"n": 2}])
    assert found.startswith("5 trials have only 4 distinct points: 1 runs a point again")
