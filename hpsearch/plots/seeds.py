"""Panels for settings trained under several seeds: curves by epoch, or one number per seed, beside published ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import BLUE, GREEN, GREY, ORANGE, SKY, YELLOW, Axis, Dots, Layer, Lines, Panel
from hpsearch.trial import Curve

COLOURS = (BLUE, ORANGE, GREEN, YELLOW, SKY, GREY)

Seeds = Mapping[str, Sequence[Curve]]
Points = Mapping[str, Sequence[tuple[float, float]]]


def curves_panel(label: str, seeds: Seeds, published: Points, ends: tuple[float, float] | None = None) -> Panel:
    """Draw the mean curve of each setting over the curves of its seeds.

    Args:
        label: of the upright axis, with the unit.
        seeds: curves by the name of the setting; one without any is left out, and leaves the others their colours.
        published: points that are drawn as crosses, by the setting they belong to.
        ends: of the upright axis; None fits it to what is drawn.
    """
    layers: list[Layer] = []
    for (name, curves), colour in zip(seeds.items(), COLOURS, strict=False):
        layers += _curves(name, curves, colour) if curves else []
    layers += _crosses([point for name in seeds if seeds[name] for point in published.get(name, ())])
    every = [epoch for curves in seeds.values() for curve in curves for epoch, _ in curve]
    scale = None if ends is None else Scale(*ends)
    return Panel(Axis("epoch", Scale(min(every), max(every))), Axis(label, scale), layers)


def values_panel(label: str, seeds: Mapping[str, Sequence[float]], published: Mapping[str, float]) -> Panel:
    """Draw one dot a seed for each setting, a line at their mean, and a cross where a published value is."""
    layers: list[Layer] = []
    for i, (values, colour) in enumerate(zip(seeds.values(), COLOURS, strict=False)):
        mean = float(np.mean(values))
        layers.append(Dots([i + 0.3 * (2 * ((k * 0.618) % 1) - 1) for k in range(len(values))], list(values), colour))
        layers.append(Lines([i - 0.38, i + 0.38], [mean, mean], colour, width=2.4))
    layers += _crosses([(i, published[name]) for i, name in enumerate(seeds) if name in published])
    return Panel(Axis("", Scale(-0.5, len(seeds) - 0.5, options=tuple(seeds))), Axis(label), layers)


def _crosses(points: Sequence[tuple[float, float]]) -> list[Layer]:
    """Return published points as one layer; none where there are none."""
    x, y = [p[0] for p in points], [p[1] for p in points]
    return [Dots(x, y, "black", label="published", mark="cross")] if points else []


def _curves(name: str, curves: Sequence[Curve], colour: str) -> list[Layer]:
    gap = (math.nan, math.nan)
    points = list(chain.from_iterable([*curve, gap] for curve in curves))
    mean = _mean(curves)
    each = [Lines([p[0] for p in points], [p[1] for p in points], colour, width=0.5, faint=True)] if len(curves) > 1 else []
    return [*each, Lines([p[0] for p in mean], [p[1] for p in mean], colour, name, width=2.2)]


def _mean(curves: Sequence[Curve]) -> Curve:
    """Return the mean of the curves at every epoch that all of them have."""
    found = [dict(curve) for curve in curves]
    shared = sorted(set.intersection(*(set(one) for one in found)))
    return tuple((epoch, float(np.mean([one[epoch] for one in found]))) for epoch in shared)
