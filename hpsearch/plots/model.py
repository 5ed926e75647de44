"""Plots of what a model of the trials believes: the value against each parameter, and against the two that matter most."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.model import Model, fit_model
from hpsearch.analysis.partial_dependence import Effect, JointEffect, effects, joint_effect, leading_pair
from hpsearch.analysis.scales import Scale, beyond, place, scale, short
from hpsearch.analysis.sentences import describe_gain
from hpsearch.plots.chart import BLUE, GREY, Axis, Band, Boxes, Chart, ColourBar, Dots, Layer, Lines, Panel
from hpsearch.plots.marks import hover, star
from hpsearch.plots.surface import ends, surface_cells
from hpsearch.space import Choice
from hpsearch.trial import Trial, flip_sign, format_value

# Panels of one parameter; with the map they fill three rows of three.
MOST = 8
# Length scales in the caption.
_LENGTHS = 12
EXPECTED, BAND, TRIALS = "expected value", "95 % band of the model", "trial"
# How much of an option's place its band takes.
_WIDE = 0.3
# What is left free at both ends of the axis of values, as a share of it.
_MARGIN = 0.04


def model_chart(findings: Findings) -> Chart | str:
    """Draw the map of the two parameters that matter most, and one panel per parameter, the strongest effect first."""
    found = fit_model(findings)
    if isinstance(found, str):
        return found
    every = effects(found)
    shown, names = every[:MOST], leading_pair(found)
    joint = joint_effect(found, names) if names is not None else None
    values = _value_axis(found, shown)
    panels = [] if joint is None else [_map(found, joint)]
    count = len(shown) + len(panels)
    columns = 2 if count == 4 else min(3, count)
    for each in shown:
        labelled = len(panels) % columns == 0 or len(panels) == 1
        panels.append(_panel(found, each, Axis(values.label if labelled else "", values.scale)))
    return Chart(
        title="What a model of the trials expects",
        caption=_caption(found, len(found.length_scales) - len(shown)),
        panels=panels,
        columns=columns,
        colours=None if joint is None else _colours(found, joint),
    )


def _caption(model: Model, left: int) -> str:
    """Return what was fitted to what, and how to read it."""
    budget = f" of budget {model.budget}" if model.budget is not None else ""
    value = "" if model.limit is None else format_value(flip_sign(model.limit, model.findings.maximize))
    clipped = f" Values worse than {value} count as {value}." if value else ""
    mean = "geometric mean" if model.is_log else "average"
    constant = f" Never varied: {', '.join(model.constant)}." if model.constant else ""
    more = f" {left} more parameters with weaker effects are not drawn." if left else ""
    scales = list(model.length_scales.items())
    lengths = ", ".join(f"{short(name, 30)} {length:.2g}" for name, length in scales[:_LENGTHS])
    lengths += f" and {len(scales) - _LENGTHS} longer ones" if len(scales) > _LENGTHS else ""
    advice = " ".join(describe_gain(Conclusions(model.findings)))
    return (
        f"A Gaussian process fitted to {len(model.trials)} trials{budget}. Each line is the value that it expects, the {mean} "
        f"over the other parameters, with the 95 % band of that {mean}; dots are trials.{clipped}{constant}{more} "
        f"Length scales, as shares of a range: {lengths}; a short one says that the value changes fast along the parameter. "
        f"{advice}"
    ).strip()


def _value_axis(model: Model, shown: Sequence[Effect]) -> Axis:
    """Return one axis for all panels, on which their effects can be compared: it holds the bands and the better trials."""
    findings = model.findings
    finished = [findings.value(trial) for trial in model.trials if trial.ok]
    better = sorted(finished, reverse=findings.maximize)[: len(finished) // 2 + 1]
    places = [*better, *(end for each in shown for end in (*each.low, *each.high))]
    scale = _around(min(places), max(places), model.is_log, min(finished) >= 0)
    far = beyond(finished, scale)
    return Axis(findings.measure + (f" ({far} beyond the axis)" if far else ""), scale)


def _around(low: float, high: float, log: bool, positive: bool) -> Scale:
    """Return an axis with a margin at both ends."""
    if log:
        factor = (high / low) ** _MARGIN
        return Scale(low / factor, high * factor, log=True)
    margin = _MARGIN * (high - low)
    # An error rate is never below 0, and its axis should not look as if.
    return Scale(max(low - margin, 0.0) if positive else low - margin, high + margin)


def _panel(model: Model, found: Effect, values: Axis) -> Panel:
    findings, name = model.findings, found.name
    domain = findings.space[name]
    assert values.scale is not None
    height = values.scale
    across = _axis(model, name)

    def x(trial: Trial) -> float:
        return place(domain, trial.params[name], trial.number)

    def y(trial: Trial) -> float:
        return height.clipped(findings.value(trial))

    having = [trial for trial in model.trials if trial.ok and name in trial.params]
    dots = Dots([x(t) for t in having], [y(t) for t in having], GREY, hover(findings, having), TRIALS)
    low, high = ([height.clipped(end) for end in ends] for ends in (found.low, found.high))
    # The chosen one may have another budget than the trials of the model: its value would not compare.
    best = star(findings, x, y) if findings.chosen in having else []
    drawn = _options(domain, found, low, high) if isinstance(domain, Choice) else _line(found, low, high)
    return Panel(Axis(short(name, 30), across), values, [dots, *drawn, *best])


def _line(found: Effect, low: list[float], high: list[float]) -> list[Layer]:
    x = [float(value) for value in found.values]
    return [Band(x, low, high, BLUE, BAND), Lines(x, found.means, BLUE, EXPECTED, width=2.0)]


def _options(domain: Choice, found: Effect, low: list[float], high: list[float]) -> list[Layer]:
    """Return a box and a line across it per option."""
    at = [domain.index(value) for value in found.values]
    boxes = [(i - _WIDE, i + _WIDE, below, above) for i, below, above in zip(at, low, high, strict=True)]
    x = [end for i in at for end in (i - _WIDE, i + _WIDE, math.nan)]
    y = [end for mean in found.means for end in (mean, mean, math.nan)]
    return [Boxes(boxes, BLUE, BAND), Lines(x, y, BLUE, EXPECTED, width=2.0)]


def _map(model: Model, joint: JointEffect) -> Panel:
    findings, names = model.findings, joint.names
    across, up = (_axis(model, name) for name in names)
    cells = surface_cells(model, joint, (across, up))
    having = [trial for trial in model.trials if trial.ok and all(name in trial.params for name in names)]

    def x(trial: Trial) -> float:
        return place(findings.space[names[0]], trial.params[names[0]], trial.number)

    def y(trial: Trial) -> float:
        return place(findings.space[names[1]], trial.params[names[1]], trial.number + 7)

    dots = Dots([x(t) for t in having], [y(t) for t in having], GREY, hover(findings, having), TRIALS)
    best = star(findings, x, y) if findings.chosen in having else []
    return Panel(Axis(short(names[0], 40), across), Axis(short(names[1], 40), up), [cells, dots, *best])


def _axis(model: Model, name: str) -> Scale:
    return scale(model.findings.space[name], [trial.params[name] for trial in model.trials if name in trial.params])


def _colours(model: Model, joint: JointEffect) -> ColourBar:
    low, high = model.scale.to_targets(np.array(ends(model, joint))).tolist()
    units = (0.0, 0.25, 0.5, 0.75, 1.0)
    values = model.scale.to_values(low + np.array(units) * (high - low)).tolist()
    texts = [format_value(flip_sign(value, model.findings.maximize)) for value in values]
    return ColourBar(f"{model.findings.measure} that the model expects (map)", list(zip(units, texts, strict=True)))
