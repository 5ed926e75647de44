"""Pictures of settings under several seeds: what is drawn, in which colours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hpsearch.plots import still
from hpsearch.plots.chart import BLUE, GREEN, ORANGE, Band, Chart, Dots, Lines
from hpsearch.plots.seeds import COLOURS, curves_panel, intervals_panel, values_panel

CURVES = {"a": [((1, 1.0), (2, 2.0)), ((1, 3.0), (2, 4.0), (3, 5.0))], "b": [], "c": [((1, 7.0), (2, 8.0))]}


def test_the_mean_of_the_seeds_over_each_of_them() -> None:
    panel = curves_panel("accuracy (%)", CURVES, {"c": [(2, 9.0)], "b": [(1, 1.0)]})
    lines = [layer for layer in panel.layers if isinstance(layer, Lines)]
    named = {line.label: (line.colour, list(line.y)) for line in lines if line.label}
    assert named == {"a": (BLUE, [2.0, 3.0]), "c": (GREEN, [7.0, 8.0])}  # the colour of b stays free
    assert len([line for line in lines if line.faint]) == 1  # one seed is its own mean
    crosses = [layer for layer in panel.layers if isinstance(layer, Dots)]
    assert [(dots.colour, list(dots.y), dots.mark) for dots in crosses] == [("black", [9.0], "cross")]
    assert (panel.x.scale.low, panel.x.scale.high) == (1, 3) if panel.x.scale else False


def test_a_training_that_is_evaluated_once_has_an_axis() -> None:
    panel = curves_panel("accuracy (%)", {"a": [((2, 1.0),), ((2, 3.0),)]}, {})
    assert panel.x.scale is not None
    assert panel.x.scale.low < 2 < panel.x.scale.high
    assert still.png(Chart("Which?", "", [panel])).startswith(b"\x89PNG")


def test_a_dot_for_each_seed_and_a_cross_where_something_is_published() -> None:
    panel = values_panel("accuracy (%)", {"a": [1.0, 3.0], "b": [5.0]}, {"b": 6.0})
    dots = [layer for layer in panel.layers if isinstance(layer, Dots)]
    assert [(d.colour, list(d.y)) for d in dots] == [(BLUE, [1.0, 3.0]), (ORANGE, [5.0]), ("black", [6.0])]
    assert [list(layer.y) for layer in panel.layers if isinstance(layer, Lines)] == [[2.0, 2.0], [5.0, 5.0]]
    assert panel.x.scale is not None
    assert panel.x.scale.options == ("a", "b")


def test_both_are_drawn() -> None:
    chart = Chart("Which?", "", [curves_panel("cost", CURVES, {}, (0, 10)), values_panel("cost", {"a": [1.0]}, {})], 2)
    assert still.png(chart).startswith(b"\x89PNG")


def test_values_of_more_settings_than_there_are_colours_are_all_drawn() -> None:
    panel = values_panel("accuracy (%)", {str(i): [float(i)] for i in range(9)}, {})
    assert sorted(x for layer in panel.layers if isinstance(layer, Dots) for x in map(round, layer.x)) == list(range(9))


OVER_TRIES = {
    "one": [((1.0, 2.0), (10.0, 4.0)), ((1.0, 4.0), (10.0, 5.0)), ((1.0, 3.0), (10.0, 9.0))],
    "other": [((1.0, 1.0),)],
}


def test_the_band_is_students_interval_of_the_mean_at_each_place() -> None:
    panel = intervals_panel("height", OVER_TRIES, "tries", level=(0.5, "chance"))
    bands = [layer for layer in panel.layers if isinstance(layer, Band)]
    assert len(bands) == 1  # a single seed has no interval
    for place, values in enumerate(([2.0, 4.0, 3.0], [4.0, 5.0, 9.0])):
        low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
        assert (bands[0].low[place], bands[0].high[place]) == (pytest.approx(low), pytest.approx(high))
    one, other, level = (layer for layer in panel.layers if isinstance(layer, Lines))
    assert list(one.y) == [3.0, 6.0]
    assert list(other.y) == [1.0]
    assert (list(level.x), list(level.y), level.dashed) == ([1.0, 10.0], [0.5, 0.5], True)
    assert panel.x.scale is not None
    assert panel.x.scale.log


def test_colours_are_those_asked_for() -> None:
    for colours in (COLOURS, ("black", "red")):
        panel = intervals_panel("height", OVER_TRIES, "tries", colours=colours)
        drawn = [layer.colour for layer in panel.layers if isinstance(layer, Lines)]
        assert drawn == list(colours[:2])
