"""The map of two parameters: its dots, their colours, and the surface of the model below them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch import Choice, Context, Float, Space
from hpsearch.analysis.model import fit_model
from hpsearch.errors import SettingError
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Cells, Chart, Dots
from hpsearch.plots.kinds import draw
from hpsearch.search.result import Result
from hpsearch.strategies import Grid, Random
from hpsearch.trial import Params
from tests.plots.sample import STUDIES, result

UNIT = Space(x=Float(0.0, 1.0), rate=Float(1e-4, 1.0, log=True), kind=Choice("a", "b"), z=Float(0, 1, when={"kind": "b"}))


def objective(params: Params) -> dict[str, float]:
    return {"value": params["x"] + 0.01 * params["rate"], "speed": 10 ** (3 * params["x"])}


@pytest.fixture(scope="module")
def found() -> Result:
    return result(UNIT, objective, strategy=Random(trials=32))


def chart(found: Result, **names: str) -> Chart:
    picture = draw("map", found.findings, **names)
    assert isinstance(picture, Chart)
    return picture


def cells(chart: Chart) -> list[Cells]:
    return [layer for layer in chart.panels[0].layers if isinstance(layer, Cells)]


def test_the_surface_is_what_the_model_expects_and_dark_where_that_is_good(found: Result) -> None:
    picture = chart(found, x="x", y="rate")
    (surface,) = cells(picture)
    model = fit_model(found.findings)
    assert not isinstance(model, str)
    expected = np.array([[float(text.split()[0]) for text in column] for column in surface.texts])
    assert expected.mean(1) == pytest.approx(np.linspace(0, 1, len(expected)), abs=0.1)  # the value is x, nearly
    order = np.argsort(np.array(surface.places).ravel())
    assert np.diff(expected.ravel()[order]).min() > -1e-3
    assert surface.grey
    assert f"from {expected.min():.4g} (dark) to {expected.max():.4g} (bright)" in picture.caption
    assert "that a model of the trials expects, on average over the other parameters" in picture.caption


def test_of_a_maximised_study_the_surface_is_dark_where_values_are_large() -> None:
    picture = chart(result(UNIT, objective, maximize=True), x="x", y="rate")
    (surface,) = cells(picture)
    assert np.mean(surface.places[0]) > 0.9
    assert np.mean(surface.places[-1]) < 0.1


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (lambda: result(UNIT, objective, strategy=Random(trials=5)), {}),  # too few trials for a model
        (lambda: result(UNIT, objective, strategy=Random(trials=32)), {"x": "z"}),  # absent from half of the trials
        (STUDIES["one constant value"], {}),
    ],
)
def test_without_a_model_of_both_there_is_no_surface(made: object, names: dict[str, str]) -> None:
    picture = chart(made(), **names)  # type: ignore[operator]
    if names:  # a parameter that is present with its choice alone has an average over its own trials
        return
    assert cells(picture) == []
    assert "model" not in picture.caption


@pytest.mark.parametrize("by", ["rate", "speed", "z"])
def test_dots_are_coloured_by_a_parameter_or_a_metric(found: Result, by: str) -> None:
    picture = chart(found, x="x", y="rate", by=by)
    big = [layer for layer in picture.panels[0].layers if isinstance(layer, Dots) and layer.mark == "big dot"]
    (dots,) = big
    trials = [trial for trial in found.findings.finished[::-1] if by == "speed" or by in trial.params]
    given = [trial.outcome.metrics[by] if by == "speed" else trial.params[by] for trial in trials if trial.outcome]
    assert not isinstance(dots.colour, str)
    assert [given[i] for i in np.argsort(dots.colour, kind="stable")] == sorted(given)
    assert 0 <= min(dots.colour) <= max(dots.colour) <= 1
    assert all(f", {by} " in text for text in dots.texts)
    assert picture.colours is not None
    assert picture.colours.label == by
    assert f"coloured by {by}" in picture.caption
    without = [layer for layer in picture.panels[0].layers if isinstance(layer, Dots) and layer.label == f"without {by}"]
    assert sum(len(layer.x) for layer in without) == len(found.findings.finished) - len(trials)
    assert still.png(picture)
    assert interactive.figure(picture).data


def test_one_name_is_enough(found: Result) -> None:
    assert [axis.label for axis in (chart(found, y="kind").panels[0].x, chart(found, y="kind").panels[0].y)] == ["x", "kind"]
    assert chart(found, x="x").panels[0].y.label != "x"


@pytest.mark.parametrize(
    ("kind", "names", "sentence"),
    [
        ("map", {"x": "rat"}, "x must be one of the parameters x, rate, kind, z, got 'rat'.*Did you mean 'rate'"),
        ("map", {"y": "speed"}, "y must be one of the parameters"),
        ("map", {"x": "rate", "y": "rate"}, "y must be another parameter than x, which is 'rate', got 'rate'"),
        ("map", {"by": "sped"}, "by must be one of the parameters and metrics .*, got 'sped'.*Did you mean 'speed'"),
        ("slice", {"by": "rate"}, "A kind with x, y or by must be 'map', got 'slice'"),
    ],
)
def test_wrong_names_are_one_sentence(found: Result, kind: str, names: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        found.plot(kind, **names)


def test_a_metric_that_is_no_number_everywhere_leaves_those_dots_grey() -> None:
    def sometimes(params: Params, context: Context) -> dict[str, float]:
        return {"value": params["x"]} | ({"extra": params["x"]} if params["x"] < 0.5 else {})

    picture = chart(result(UNIT, sometimes), x="x", y="rate", by="extra")
    labels = {layer.label: layer for layer in picture.panels[0].layers if isinstance(layer, Dots)}
    assert min(labels["without extra"].x) >= 0.5


RATE_DECAY = Space(
    learning_rate=Float(1e-3, 10.0, log=True), l2=Float(1e-2, 1e2, log=True), unit=Choice("sigmoid", "relu", "linear", "none")
)


def interacting(params: Params) -> float:
    """Return a valley along rate times decay = 1 / 10, deeper for some units; one of them always fails."""
    if params["unit"] == "none":
        raise ValueError("no units")
    depth = {"sigmoid": 0.0, "relu": 0.5, "linear": 1.0}[params["unit"]]
    return depth + abs(math.log10(params["learning_rate"] * params["l2"]) + 1.0)


@pytest.fixture(scope="module")
def models() -> Result:
    return result(RATE_DECAY, interacting, strategy=Grid(points=5), replicates=2)


def test_each_option_of_a_choice_has_a_panel_with_the_same_colours(models: Result) -> None:
    picture = chart(models, by="unit")
    assert [panel.stages[0][1] for panel in picture.panels] == ["unit sigmoid", "unit relu", "unit linear"]
    assert picture.caption.startswith("Every trial where its params lie; dark ones are good. One panel for each option of unit")
    places = {}
    for panel in picture.panels:
        (dots,) = [layer for layer in panel.layers if isinstance(layer, Dots) and layer.mark == "big dot"]
        assert len(dots.x) == 50  # 5 x 5 settings, twice
        places[panel.stages[0][1]] = min(dots.colour)
    # Ranks among all trials: the best of each unit.
    assert places["unit sigmoid"] == 0.0
    assert places["unit sigmoid"] < places["unit relu"] < places["unit linear"]
    stars = [layer for panel in picture.panels for layer in panel.layers if isinstance(layer, Dots) and layer.mark == "star"]
    assert len(stars) == 1
    assert still.png(picture)
    assert interactive.figure(picture).data


def test_the_surfaces_of_all_panels_share_their_greys(models: Result) -> None:
    """The expected values rise with the grey, over all panels together."""
    surfaces = [layer for panel in chart(models, by="unit").panels for layer in panel.layers if isinstance(layer, Cells)]
    assert len(surfaces) == 3
    expected = np.array([[[float(text.split()[0]) for text in row] for row in cells.texts] for cells in surfaces])
    order = np.argsort(np.array([cells.places for cells in surfaces]).ravel(), kind="stable")
    assert np.diff(expected.ravel()[order]).min() > -2e-3 * expected.max()


def test_the_river_is_ringed(models: Result) -> None:
    """Along rate times decay = 1 / 10 all values are equal, so each panel's river is those settings and no others."""
    for panel in chart(models, by="unit").panels:
        (rings,) = [layer for layer in panel.layers if isinstance(layer, Dots) and layer.mark == "halo"]
        assert [x * y for x, y in zip(rings.x, rings.y, strict=True)] == pytest.approx([0.1] * len(rings.x))
        assert len(rings.x) == 5
    assert "Ringed: within one standard error of the best" in chart(models, by="unit").caption


def test_more_options_than_panels_leave_the_best() -> None:
    space = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0), unit=Choice(*range(12)))
    found = result(space, lambda params: params["unit"] + params["x"], strategy=Grid(points=2))
    titles = [panel.stages[0][1] for panel in chart(found, by="unit").panels]
    assert titles == [f"unit {i}" for i in range(9)]


def test_an_option_by_itself_colours_the_dots() -> None:
    space = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0), unit=Choice("a"))
    assert len(chart(result(space, lambda params: params["x"]), by="unit").panels) == 1
