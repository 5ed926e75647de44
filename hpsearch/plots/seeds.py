"""Panels for settings trained under several seeds: curves by epoch, or one number per seed, beside published ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from hpsearch.analysis.intervals import mean_interval
from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import BLUE, GREEN, GREY, ORANGE, SKY, YELLOW, Axis, Band, Dots, Layer, Lines, Panel

COLOURS = (BLUE, ORANGE, GREEN, YELLOW, SKY, GREY)

# (place across, height) from left to right; a `Curve` by epoch is one.
Points = tuple[tuple[float, float], ...]


def curves_panel(
    label: str,
    seeds: Mapping[str, Sequence[Points]],
    published: Mapping[str, Sequence[tuple[float, float]]],
    ends: tuple[float, float] | None = None,
    across: str = "epoch",
    log: bool = False,
    dashed: Sequence[str] = (),
) -> Panel:
    """Draw the mean curve of each setting over the curves of its seeds.

    Args:
        label: of the upright axis, with the unit.
        seeds: curves by the name of the setting; one without any is left out, and leaves the others their colours.
        published: points that are drawn as crosses, by the setting they belong to.
        ends: of the upright axis; None fits it to what is drawn.
        across: label of the other axis.
        log: whether that one is logarithmic.
        dashed: settings whose mean is drawn dashed, above the others.
    """
    layers: list[Layer] = []
    for (name, curves), colour in zip(seeds.items(), COLOURS, strict=False):
        layers += _curves(name, curves, colour, name in dashed) if curves else []
    layers += _crosses([point for name in seeds if seeds[name] for point in published.get(name, ())])
    every = [epoch for curves in seeds.values() for curve in curves for epoch, _ in curve]
    scale = None if ends is None else Scale(*ends)
    low, high = min(every), max(every)
    if low == high and not log:  # evaluated once
        low, high = low - 1, high + 1
    return Panel(Axis(across, Scale(low, high, log)), Axis(label, scale), layers)


def intervals_panel(
    label: str,
    seeds: Mapping[str, Sequence[Points]],
    across: str,
    ends: tuple[float, float] | None = None,
    log: bool = True,
    level: tuple[float, str] | None = None,
    colours: Sequence[str] = COLOURS,
) -> Panel:
    """Draw the mean curve of each setting, and around it the 95 % interval of the mean over its seeds.

    Args:
        label: of the upright axis, with the unit.
        seeds: curves over the same places by the name of the setting, at most as many as ``colours``.
        across: label of the other axis.
        ends: of the upright axis; None fits it to what is drawn.
        log: whether the other axis is logarithmic.
        level: a height that is drawn dashed, and what it is.
        colours: of the settings, in their order.
    """
    layers: list[Layer] = []
    every = [place for curves in seeds.values() for curve in curves for place, _ in curve]
    for (name, curves), colour in zip(seeds.items(), colours, strict=False):
        mean, x = _mean(curves), [place for place, _ in _mean(curves)]
        if len(curves) > 1:
            found = [mean_interval([dict(curve)[place] for curve in curves]) for place in x]
            layers.append(Band(x, [one.low for one in found], [one.high for one in found], colour))
        layers.append(Lines(x, [value for _, value in mean], colour, name, width=2.0))
    if level is not None:
        layers.append(Lines([min(every), max(every)], [level[0]] * 2, "black", level[1], dashed=True))
    scale = None if ends is None else Scale(*ends)
    return Panel(Axis(across, Scale(min(every), max(every), log)), Axis(label, scale), layers)


def values_panel(label: str, seeds: Mapping[str, Sequence[float]], published: Mapping[str, float], log: bool = False) -> Panel:
    """Draw one dot a seed for each setting, a line at their mean, and a cross where a published value is.

    ``log`` draws the upright axis logarithmic, and the line at the geometric mean; all values are then above 0.
    """
    layers: list[Layer] = []
    for i, values in enumerate(seeds.values()):
        colour = COLOURS[i % len(COLOURS)]  # its place says which setting it is
        mean = float(np.exp(np.mean(np.log(values))) if log else np.mean(values))
        layers.append(Dots([i + 0.3 * (2 * ((k * 0.618) % 1) - 1) for k in range(len(values))], list(values), colour))
        layers.append(Lines([i - 0.38, i + 0.38], [mean, mean], colour, width=2.4))
    layers += _crosses([(i, published[name]) for i, name in enumerate(seeds) if name in published])
    every = [*chain.from_iterable(seeds.values()), *published.values()]
    up = Scale(min(every), max(every), log=True) if log else None
    return Panel(Axis("", Scale(-0.5, len(seeds) - 0.5, options=tuple(seeds))), Axis(label, up), layers)


def _crosses(points: Sequence[tuple[float, float]]) -> list[Layer]:
    """Return published points as one layer; none where there are none."""
    x, y = [p[0] for p in points], [p[1] for p in points]
    return [Dots(x, y, "black", label="published", mark="cross")] if points else []


def _curves(name: str, curves: Sequence[Points], colour: str, dashed: bool) -> list[Layer]:
    gap = (math.nan, math.nan)
    points = list(chain.from_iterable([*curve, gap] for curve in curves))
    mean = _mean(curves)
    each = [Lines([p[0] for p in points], [p[1] for p in points], colour, width=0.5, faint=True)] if len(curves) > 1 else []
    return [*each, Lines([p[0] for p in mean], [p[1] for p in mean], colour, name, width=2.2, dashed=dashed)]


def _mean(curves: Sequence[Points]) -> Points:
    """Return the mean of the curves at every epoch that all of them have."""
    found = [dict(curve) for curve in curves]
    shared = sorted(set.intersection(*(set(one) for one in found)))
    return tuple((epoch, float(np.mean([one[epoch] for one in found]))) for epoch in shared)
