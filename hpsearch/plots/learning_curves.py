"""Plot of learning curves: linear and logarithmic axes, published points beside ours, and extrapolations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from hpsearch.analysis.crossings import crossing_places
from hpsearch.analysis.extrapolation import Extrapolation
from hpsearch.analysis.learning_curve import LearningCurve
from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import BLUE, GREEN, GREY, ORANGE, SKY, YELLOW, Axis, Chart, Dots, Layer, Lines, Panel

# Models by the published protocol, and the two tuned ones.
COLOURS, TUNED = (BLUE, ORANGE, GREEN), (SKY, GREY)
# How many times the largest size a curve is carried on.
BEYOND = 100
Curves = Mapping[str, LearningCurve]
Carried = Sequence[tuple[LearningCurve, Sequence[Extrapolation]]]


def learning_curves_chart(ours: Curves, tuned: Curves, published: Curves, carried: Carried) -> Chart:
    """Draw four panels: as published on linear and on logarithmic axes, tuned, and the tuned curves carried on.

    Args:
        ours: the models by the published protocol.
        tuned: the same with params of their own.
        published: figures drawn as crosses, by the name of the model in ``ours``.
        carried: the curves of ``tuned`` with their extrapolations.
    """
    last = max(curve.sizes[-1] for curve in ours.values())
    shown = {name: _until(curve, last) for name, curve in published.items()}
    return Chart(
        title="Support vector machine against network by the size of the training set",
        caption="Crosses: published, one seed. Bars: 95 % intervals of the mean over seeds. Stars: the first curve is crossed.",
        panels=[
            _panel("as published, linear axes", ours, shown, log=False),
            _panel("as published, logarithmic axes", ours, shown, log=True),
            _panel("each tuned by equally many trials", tuned, {}, log=True, colours=TUNED),
            _carried("tuned, carried on by families of curves", carried),
        ],
        columns=2,
    )


def _until(curve: LearningCurve, size: int) -> LearningCurve:
    return LearningCurve(curve.name, {n: found for n, found in curve.errors.items() if n <= size}, curve.rows)


def _panel(title: str, curves: Curves, published: Curves, log: bool, colours: Sequence[str] = COLOURS) -> Panel:
    layers: list[Layer] = []
    for (name, curve), colour in zip(curves.items(), colours, strict=False):
        layers += _curve(curve, colour)
        if name in published:
            known = published[name]
            layers.append(Dots(known.sizes, _percent(known.means), colour, label=known.name, mark="cross"))
    layers += _stars(list(curves.values()))
    values = [value for curve in [*curves.values(), *published.values()] for value in _percent(curve.means)]
    sizes = [size for curve in curves.values() for size in curve.sizes]
    return Panel(_sizes(sizes, log), _errors(values, log), layers, title=title, stages=[(min(sizes), title)])


def _stars(curves: Sequence[LearningCurve]) -> list[Layer]:
    places = [place for other in curves[1:] for place in crossing_places(curves[0], other)]
    x, y = [size for size, _ in places], _percent(error for _, error in places)
    return [Dots(x, y, YELLOW, label="crossing", mark="star")] if places else []


def _curve(curve: LearningCurve, colour: str) -> list[Layer]:
    bars = [curve.interval(size) for size in curve.sizes]
    x = [place for size in curve.sizes for place in (size, size, math.nan)]
    y = [value for bar in bars for value in (max(100 * bar.low, 1e-6), 100 * bar.high, math.nan)]
    line = Lines(curve.sizes, _percent(curve.means), colour, curve.name, width=1.8)
    return [line, Dots(curve.sizes, _percent(curve.means), colour), Lines(x, y, colour, width=2.5)]


def _carried(title: str, curves: Carried) -> Panel:
    layers: list[Layer] = []
    values: list[float] = []
    sizes = [size for curve, _ in curves for size in curve.sizes] or [1, 10]
    places = np.geomspace(min(sizes), BEYOND * max(sizes), 60).tolist()
    for (curve, carried), colour in zip(curves, TUNED, strict=False):
        lines = [_percent(each.fit(places)) for each in carried]
        labels = [f"{curve.name}, carried on by {len(carried)} families"] + [""] * len(carried)
        layers += [Lines(places, line, colour, label, dashed=True) for line, label in zip(lines, labels, strict=False)]
        layers.append(Dots(curve.sizes, _percent(curve.means), colour))
        values += [*_percent(curve.means), *(line[-1] for line in lines)]
    return Panel(_sizes(places, True), _errors(values or [1.0], True), layers, title=title, stages=[(min(sizes), title)])


def _sizes(sizes: Sequence[float], log: bool) -> Axis:
    low, high = min(sizes), max(sizes)
    return Axis("training images", Scale(low if log else 0.0, high if high > low else 2 * high, log))


def _errors(values: Sequence[float], log: bool) -> Axis:
    low = 0.9 * max(min(values), 0.01) if log else 0.0
    return Axis("errors (%)", Scale(low, 1.05 * max(values), log))


def _percent(shares: Iterable[float]) -> list[float]:
    return [100 * float(share) for share in shares]
