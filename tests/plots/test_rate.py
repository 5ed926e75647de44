"""The plot of the search for a learning rate: all curves, those that diverge at the top, and the threshold."""

from __future__ import annotations

import math
from pathlib import Path

from hpsearch.nn import FoundRate
from hpsearch.nn.rate import CostCurve
from hpsearch.plots import Plot, rate_chart
from hpsearch.plots.chart import Dots, Lines

CURVES = (
    CostCurve(0.01, (6.0, 5.0, 4.0)),
    CostCurve(0.1, (6.0, 3.0, 1.0)),
    CostCurve(1.0, (8.0, 30.0, 0.9)),
    CostCurve(10.0, (7.0, math.inf)),
)


def test_every_training_is_a_line_and_a_dot() -> None:
    by_epoch, by_rate = rate_chart(FoundRate(0.1, CURVES)).panels
    lines = [layer for layer in by_epoch.layers if isinstance(layer, Lines)]
    assert sum(sum(math.isnan(x) for x in line.x) for line in lines) == len(CURVES)
    dots = [layer for layer in by_rate.layers if isinstance(layer, Dots)]
    drawn = sorted((x, y) for layer in dots for x, y in zip(layer.x, layer.y, strict=True))
    assert drawn == [(0.01, 4.0), (0.1, 1.0), (1.0, 0.9), (10.0, 24.0)]  # three times the largest first cost is the top


def test_the_threshold_and_half_of_it_are_marked() -> None:
    marks = [layer for layer in rate_chart(FoundRate(0.1, CURVES)).panels[1].layers if isinstance(layer, Lines)]
    assert {line.label: set(line.x) for line in marks} == {"threshold, 0.1": {0.1}, "half of it, 0.05": {0.05}}


def test_it_is_saved_in_every_form(tmp_path: Path) -> None:
    plot = Plot(rate_chart(FoundRate(0.1, CURVES)))
    for ending in ("png", "svg", "pdf", "html"):
        assert plot.save(tmp_path / f"rate.{ending}").stat().st_size > 1000
