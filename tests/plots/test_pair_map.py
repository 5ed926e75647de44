"""The map of two parameters: its dots, their colours, and the surface of the model below them."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import Choice, Context, Float, Space
from hpsearch.analysis.model import fit_model
from hpsearch.errors import SettingError
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Cells, Chart, Dots
from hpsearch.plots.kinds import draw
from hpsearch.search.result import Result
from hpsearch.strategies import Random
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


@pytest.mark.parametrize("by", ["rate", "kind", "speed", "z"])
def test_dots_are_coloured_by_a_parameter_or_a_metric(found: Result, by: str) -> None:
    picture = chart(found, x="x", y="rate", by=by)
    big = [layer for layer in picture.panels[0].layers if isinstance(layer, Dots) and layer.mark == "big dot"]
    (dots,) = big
    trials = [trial for trial in found.findings.finished[::-1] if by == "speed" or by in trial.params]
    given = [trial.outcome.metrics[by] if by == "speed" else trial.params[by] for trial in trials if trial.outcome]
    keys = [str(value) for value in given] if by == "kind" else given
    assert not isinstance(dots.colour, str)
    assert [keys[i] for i in np.argsort(dots.colour, kind="stable")] == sorted(keys)  # type: ignore[type-var]
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
