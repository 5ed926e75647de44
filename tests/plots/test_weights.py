"""The weights of the first layer as images: the very numbers of the network, the right way up, and where there are none."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from hpsearch import Choice, Space, Study, data
from hpsearch.objectives import TrainNetwork, TrainRNN, TuneEstimator
from hpsearch.plots import draw, interactive, still
from hpsearch.plots.chart import Cells, Chart
from hpsearch.report.report import draw_all
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

DIGITS = data.digits().at_most(200, 100)


def run(objective: Any, **domains: Any) -> Result:
    study = Study("weighed", Space(**domains), objective, Random(trials=2))
    return study.run(1, backend="sequential", tracker=MemoryTracker(), report=False)


def chart(result: Result) -> Chart:
    found = draw("weights", result.findings)
    assert isinstance(found, Chart), found
    return found


def cells(found: Chart) -> list[Cells]:
    return [layer for panel in found.panels for layer in panel.layers if isinstance(layer, Cells)]


@pytest.mark.parametrize("cost", ["log_likelihood", "hinge"])
def test_of_a_linear_classifier_are_an_image_for_each_class(cost: str) -> None:
    result = run(TrainNetwork(DIGITS, hidden=(), cost=cost, epochs=2), learning_rate=Choice(0.01, 0.05))
    found, network = chart(result), result.network()
    assert [panel.x.label for panel in found.panels] == [str(digit) for digit in range(10)]
    assert all(panel.square for panel in found.panels)
    weights = network.weights[0]  # type: ignore[union-attr]
    end = np.abs(weights).max()
    for one, row in zip(cells(found), weights, strict=True):
        image = np.array(one.places).T[::-1]  # the first row of an image is on top
        np.testing.assert_allclose(2 * end * (image - 0.5), row.reshape(8, 8), atol=1e-6)
    assert "bright inputs speak for it" in found.caption


def test_are_drawn_on_paper_and_for_the_browser() -> None:
    result = run(TrainNetwork(DIGITS, hidden=(), cost="hinge", epochs=1), learning_rate=Choice(0.01, 0.05))
    with Image.open(io.BytesIO(still.png(chart(result)))) as image:
        assert image.width == 1200
        assert len(set(image.convert("L").resize((60, 35)).tobytes())) > 5
    first = still._chart(chart(result), named=False).axes[0]
    assert not len(first.get_xticks())
    assert not len(first.get_yticks())
    assert "NaN" not in interactive.figure(chart(result)).to_html(full_html=False, include_plotlyjs=False)


def test_of_a_hidden_layer_are_the_first_thirty_units() -> None:
    found = chart(run(TrainNetwork(DIGITS, hidden=(35,), epochs=1), learning_rate=Choice(0.1, 0.5)))
    assert [panel.x.label for panel in found.panels] == [f"unit {i}" for i in range(1, 31)]
    assert "The first 30 of 35 are drawn." in found.caption


def test_of_rows_that_are_no_image_are_a_line_for_each_class() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 5))
    rows = data.arrays(x, np.where(x[:, 0] > 0, "yes", "no"))
    found = chart(run(TrainNetwork(rows, hidden=(), cost="hinge", epochs=2), learning_rate=Choice(0.01, 0.05)))
    assert [panel.x.label for panel in found.panels] == ["no", "yes"]
    assert [np.shape(one.places) for one in cells(found)] == [(5, 1)] * 2
    assert not any(panel.square for panel in found.panels)


def test_of_an_ensemble_are_those_of_its_first_member() -> None:
    one = TrainNetwork(DIGITS, hidden=(), cost="log_likelihood", epochs=1, members=2)
    assert len(chart(run(one, learning_rate=Choice(0.1, 0.2))).panels) == 10


def test_say_why_there_are_none_and_are_left_out_of_the_report() -> None:
    fitted = run(TuneEstimator(LogisticRegression(max_iter=50), DIGITS), C=Choice(0.1, 1.0))
    assert draw("weights", fitted.findings) == "The objective trains no network."
    assert "weights" not in draw_all(fitted)


def test_of_a_recurrent_network_are_none() -> None:
    result = run(TrainRNN(data.text("to be or not to be " * 100), hidden=4, epochs=1), learning_rate=Choice(0.01, 0.05))
    assert draw("weights", result.findings) == "The weights of a recurrent network are not drawn: plot its unit instead."
