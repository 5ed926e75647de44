"""The picture of the efficiency curve: boxes, levels and published medians at the right places."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch.analysis.efficiency import Best, Box
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Boxes, Dots, Lines
from hpsearch.plots.efficiency import efficiency_chart

BOXES = (Box(1, tuple(Best(error, 0.0) for error in (0.1, 0.2, 0.3, 0.4, 0.5))), Box(2, (Best(0.1, 0.0), Best(0.3, 0.0))))


def test_shows_accuracies() -> None:
    chart = efficiency_chart(BOXES, Best(0.05, 0.0), 9, {1: 0.9, 4: 0.95}, 0.96, "title")
    layers = chart.panels[0].layers
    shades = next(layer for layer in layers if isinstance(layer, Boxes))
    # Quartiles of the errors .1 to .5 are .2 and .4, so accuracies .6 and .8.
    assert shades.boxes[0][2:] == pytest.approx((0.6, 0.8))
    lines = {layer.label: layer for layer in layers if isinstance(layer, Lines)}
    assert lines["our grid (9 trials)"].y == pytest.approx([0.95, 0.95])
    assert lines["published grid"].y == [0.96, 0.96]
    median = lines["our median, middle half and extremes"]
    assert np.asarray(median.y)[[0, 3]] == pytest.approx([0.7, 0.8])
    dots = {layer.label: layer for layer in layers if isinstance(layer, Dots)}
    assert (list(dots["published median"].x), list(dots["published median"].y)) == ([0], [0.9])  # four trials are not shown
    assert len(dots["one experiment"].x) == 7
    assert still.png(chart)[:4] == b"\x89PNG"
    assert "published median" in interactive.page(chart)
