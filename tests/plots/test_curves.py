"""The panel of the gap between training and validation, and which curves are drawn beside it."""

from __future__ import annotations

from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Band, Chart, Lines, Panel
from hpsearch.plots.curves import curves
from hpsearch.trial import Curve
from tests.analysis.test_curves import ACCURACY, COSTS, found

RATE: dict[str, Curve] = {"learning_rate": ((1, 0.5), (2, 0.5), (3, 0.5))}


def drawn(history: dict[str, Curve]) -> Chart:
    worse = {name: curve[:2] for name, curve in history.items()}
    chart = curves(found([history, worse], measure="validation accuracy"))
    assert isinstance(chart, Chart)
    return chart


def labels(chart: Chart) -> list[str]:
    return [panel.y.label for panel in chart.panels]


def gap_panel(chart: Chart) -> tuple[Panel, Band, Lines, Lines]:
    panel = chart.panels[1]
    band, training, validation = panel.layers
    assert isinstance(band, Band)
    assert isinstance(training, Lines)
    assert isinstance(validation, Lines)
    return panel, band, training, validation


def test_training_and_validation_of_the_best_trial_are_in_one_panel_with_the_gap_shaded() -> None:
    chart = drawn(COSTS | ACCURACY | RATE)
    order = ["validation accuracy", "accuracy of trial 0, the best", "validation cost", "training cost", "learning rate"]
    assert labels(chart) == order
    panel, band, training, validation = gap_panel(chart)
    assert (list(training.x), list(training.y), list(validation.y)) == ([1, 2, 3], [0.5, 0.8, 0.95], [0.5, 0.7, 0.75])
    assert (band.low, band.high) == ([0.5, 0.7, 0.75], [0.5, 0.8, 0.95])
    assert (training.label, validation.label) == ("training accuracy", "validation accuracy")
    assert training.dashed != validation.dashed  # told apart without colours
    assert panel.y.scale is not None
    assert panel.y.scale.low < 0.5 < 0.95 < panel.y.scale.high
    assert "accuracy of the best trial are 0 apart at first and 0.2 in the end." in chart.caption


def test_the_shade_lies_between_curves_that_cross() -> None:
    _, band, *_ = gap_panel(drawn(COSTS))
    assert (band.low, band.high) == ([2.0, 1.0, 0.5], [2.5, 1.5, 1.75])


def test_there_is_no_such_panel_without_both() -> None:
    chart = drawn(dict.fromkeys(("validation_cost", "a", "b", "c", "d"), COSTS["validation_cost"]))
    assert labels(chart) == ["validation cost", "a", "b", "c"]
    assert chart.caption == "One line per trial, coloured by its rank. Not drawn: d."


def test_it_is_drawn_on_paper_and_for_the_browser() -> None:
    chart = drawn(COSTS | ACCURACY | RATE)
    assert still.png(chart).startswith(b"\x89PNG")
    shades = [trace for trace in interactive.figure(chart).data if trace.fill == "toself"]
    assert len(shades) == 1
    assert list(shades[0].y) == [0.5, 0.7, 0.75, 0.95, 0.8, 0.5]
