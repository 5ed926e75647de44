"""The panel of the gap between training and validation, and which curves are drawn beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.analysis.findings import Findings
from hpsearch.errors import SettingError
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Band, Chart, Lines, Panel
from hpsearch.plots.curves import curves
from hpsearch.plots.kinds import check_kind
from hpsearch.space import Choice, Space
from hpsearch.trial import Candidate, Curve, Times
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


def timed(histories: list[dict[str, Curve]], times: list[Times]) -> Findings:
    """Return findings whose trials have seconds."""
    of = found(histories, measure="validation accuracy")
    trials = [replace(t, outcome=replace(t.outcome, times=at)) for t, at in zip(of.trials, times, strict=True) if t.outcome]
    return replace(of, trials=trials, setting=Candidate({}, None, (trials[0],)))


ITERATIONS: dict[str, Curve] = {"cost_by_iteration": tuple((3 * n, float(n % 2)) for n in range(1, 101))}


def test_the_cost_by_iteration_has_a_panel_of_the_best_trial_with_its_moving_average() -> None:
    """Values of 0 and 1 in turn: the mean of any five around one is 0.4 or 0.6, and of all of them a half."""
    chart = drawn(COSTS | ITERATIONS)
    points, average = chart.panels[-1].layers
    assert isinstance(points, Lines)
    assert isinstance(average, Lines)
    assert (list(points.x), list(points.y)) == ([p[0] for p in ITERATIONS["cost_by_iteration"]], [n % 2 for n in range(1, 101)])
    assert {round(y, 9) for y in average.y[2:-2]} == {0.4, 0.6}
    assert average.label == "moving average over 5 points"
    assert chart.panels[-1].x.label == "iteration (mini-batch)"
    assert "By iteration, each point is the mean of 3 mini-batches of the best trial." in chart.caption
    assert [label for label in labels(chart) if "iteration" in label] == ["cost by iteration, trial 0, the best"]


def test_curves_by_images_have_an_axis_of_their_own_and_those_of_layers_another_plot() -> None:
    chart = drawn(COSTS | {"accuracy_by_images": ((1000, 0.5), (2000, 0.75)), "gradient_norm_1": ((0, 1.0), (1, 2.0))})
    axes = {panel.y.label: panel.x.label for panel in chart.panels}
    assert axes["accuracy by images"] == "training images"
    assert "gradient norm 1" not in axes
    assert "gradient_norm_1" not in chart.caption


def test_all_curves_are_drawn_over_seconds() -> None:
    history = COSTS | ITERATIONS
    times = {"epoch": ((1, 2.0), (3, 3.0)), "iteration": ((300, 3.0),)}
    chart = curves(timed([history, history], [times, {}]), over="seconds")
    assert isinstance(chart, Chart)
    assert {panel.x.label for panel in chart.panels} == {"seconds of training"}
    _, training, _ = chart.panels[1].layers
    assert isinstance(training, Lines)
    assert list(training.x) == [2.0, 2.5, 3.0]
    points, _ = chart.panels[-1].layers
    assert isinstance(points, Lines)
    assert list(points.x)[-1] == 3.0
    assert "1 of 2 trials have one." in chart.caption  # the other has no seconds


def test_trials_without_seconds_are_said_to_have_none() -> None:
    sentence = "Its trials were recorded by an earlier version, without the seconds. Run it under another name to have them."
    assert curves(timed([COSTS | ITERATIONS], [{}]), over="seconds") == sentence


def test_other_axes_raise() -> None:
    with pytest.raises(SettingError, match=r"What curves are drawn over must be 'steps' or 'seconds', got 'minutes'\. Leave"):
        curves(found([COSTS]), over="minutes")
    with pytest.raises(SettingError, match=r"A kind with over must be 'curves', got 'history'\. Leave it out"):
        check_kind("history", over="seconds")


def coloured(values: list[object]) -> Findings:
    """Return findings of trials with a curve each and a parameter of these values."""
    of = found([COSTS] * len(values), measure="validation cost")
    trials = [replace(trial, params={"size": value}) for trial, value in zip(of.trials, values, strict=True)]
    return replace(
        of, trials=trials, space=Space(size=Choice(*dict.fromkeys(values))), setting=Candidate({}, None, (trials[0],))
    )


def test_a_parameter_of_few_values_colours_the_lines() -> None:
    chart = curves(coloured([10, 1, 10, 100]), by="size")
    assert isinstance(chart, Chart)
    assert labels(chart) == ["validation cost", "training cost"]
    lines = [layer for layer in chart.panels[0].layers if isinstance(layer, Lines)]
    assert [line.label for line in lines] == ["size 1", "size 10", "size 100"]
    assert len(lines[1].x) == 2 * (3 + 1)  # two trials of three epochs, a gap after each
    assert len({line.colour for line in lines}) == 3
    assert chart.caption.startswith("One line per trial, coloured by size.")


def test_a_parameter_of_many_values_or_none_raises() -> None:
    with pytest.raises(
        SettingError, match=r"coloured by must be a parameter of at most 6 values, got 'size'\. Its trials have 7"
    ):
        curves(coloured(list(range(7))), by="size")
    with pytest.raises(
        SettingError, match=r"coloured by must be one of size, got 'sise'\. Take one of them\. Did you mean 'size'"
    ):
        curves(coloured([1, 2]), by="sise")
