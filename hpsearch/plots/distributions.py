"""Panels for distributions: a histogram by bins, and box plots side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import BLUE, INK, ORANGE, Axis, Boxes, Layer, Lines, Panel
from hpsearch.plots.seeds import COLOURS


def histogram_panel(across: str, label: str, counts: Sequence[float], low: float, width: float, truth: float) -> Panel:
    """Draw counts as bars that touch, and a line at the true value.

    Args:
        across, label: of the two axes.
        counts: by bin, the first from ``low`` to ``low + width``.
        low, width: of the bins.
        truth: the true value.
    """
    top = max(counts)
    bars = [(low + i * width, low + (i + 1) * width, 0.0, count) for i, count in enumerate(counts) if count]
    edges = [Lines([a, a, b, b], [0.0, height, height, 0.0], BLUE, width=0.8) for a, b, _, height in bars]
    line = Lines([truth, truth], [0.0, 1.05 * top], ORANGE, "true value", width=2.0)
    ends = Scale(min(bar[0] for bar in bars) - width, max(bar[1] for bar in bars) + width)
    return Panel(Axis(across, ends), Axis(label, Scale(0.0, 1.05 * top)), [Boxes(bars, BLUE), *edges, line])


def boxes_panel(label: str, numbers: Mapping[str, Sequence[float]], truth: float) -> Panel:
    """Draw a box for each of several distributions, and a line at the true value.

    Args:
        label: of the upright axis.
        numbers: lowest, lower quartile, median, upper quartile and highest, by the name of the distribution.
        truth: the true value.
    """
    layers: list[Layer] = []
    for i, ((low, first, middle, third, high), colour) in enumerate(zip(numbers.values(), COLOURS, strict=False)):
        layers.append(Boxes([(i - 0.3, i + 0.3, first, third)], colour))
        layers.append(Lines([i, i], [low, first], INK))
        layers.append(Lines([i, i], [third, high], INK))
        layers.append(Lines([i - 0.3, i + 0.3], [middle, middle], INK, width=2.0))
    layers.append(Lines([-0.5, len(numbers) - 0.5], [truth, truth], ORANGE, "true value", width=2.0))
    return Panel(Axis("", Scale(-0.5, len(numbers) - 0.5, options=tuple(numbers))), Axis(label), layers)
