"""The plot of the layers: one panel a kind of measurement, one line a layer."""

from __future__ import annotations

from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Chart, Lines
from hpsearch.plots.layers import layers_chart
from hpsearch.trial import Curve
from tests.analysis.test_curves import COSTS, found

HISTORY: dict[str, Curve] = {
    "gradient_norm_1": ((0, 0.01), (1, 0.02)),
    "gradient_norm_2": ((0, 0.1), (1, 0.0)),
    "weight_norm_1": ((0, 5.0), (1, 6.0)),
    "weight_norm_2": ((0, 3.0), (1, float("inf"))),
    "dead_1": ((0, 0.25), (1, 1.0)),
}


def test_each_kind_has_a_panel_and_each_layer_a_line() -> None:
    chart = layers_chart(found([COSTS | HISTORY]))
    assert isinstance(chart, Chart)
    drawn = {panel.y.label: [line for line in panel.layers if isinstance(line, Lines)] for panel in chart.panels}
    assert {label: [line.label for line in lines] for label, lines in drawn.items()} == {
        "norm of the gradient": ["layer 1", "output layer"],
        "norm of the weights": ["layer 1", "output layer"],
        "share of units that are dead": ["layer 1"],
    }
    assert [panel.y.scale.log for panel in chart.panels if panel.y.scale] == [True, True, False]
    assert [list(line.y) for line in drawn["norm of the weights"]] == [[5.0, 6.0], [3.0]]
    assert len({line.colour for line in drawn["norm of the gradient"]}) == 2
    assert still.png(chart).startswith(b"\x89PNG")
    assert len(interactive.figure(chart).data) == 5


def test_norms_that_are_all_zero_have_an_axis() -> None:
    chart = layers_chart(found([{"gradient_norm_1": ((0, 0.0), (1, 0.0))}]))
    assert isinstance(chart, Chart)
    assert still.png(chart).startswith(b"\x89PNG")


def test_without_them_one_sentence_says_how_to_get_them() -> None:
    assert layers_chart(found([COSTS])) == "The layers were not measured: give TrainNetwork monitor_layers=True."
