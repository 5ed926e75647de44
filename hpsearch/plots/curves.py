"""Plot of the training curves of all trials, with the best one highlighted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

from hpsearch.analysis.curves import (
    MOST,
    Gap,
    by_iteration,
    curve_names,
    gap,
    is_of_layer,
    learning_curves,
    moving_average,
)
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import Scale, value_scale
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.plots.chart import BLUE, FIFTHS, GREY, ORANGE, SKY, Axis, Band, Chart, Layer, Lines, Panel
from hpsearch.plots.seeds import COLOURS
from hpsearch.trial import EPOCH, IMAGES, ITERATION, Curve, Trial, seconds_of, step_unit

# So many kinds of curve are drawn, and one more beside the panel of the gap, where there is one.
PANELS = 4
# Points of a panel: of longer curves an even choice is drawn, with the last one.
POINTS = 8000
_NAMES = ("best fifth of the trials", "second", "third", "fourth", "worst fifth")
# What lies across: the steps as they were reported, or the seconds of the training.
STEPS, SECONDS = "steps", "seconds"
_UNITS = {EPOCH: "step (epoch)", IMAGES: "training images", ITERATION: "iteration (mini-batch)"}
Points = Sequence[tuple[float, float]]
Having = Sequence[tuple[Trial, Points]]


# As many values of a parameter are told apart by colours.
MOST_VALUES = 6


def check_over(over: str) -> None:
    """Raise `SettingError` unless ``over`` is empty, ``"steps"`` or ``"seconds"``."""
    if over not in ("", STEPS, SECONDS):
        raise SettingError(must_be("What curves are drawn over", f"{STEPS!r} or {SECONDS!r}", over, "Leave it out for steps."))


def curves(findings: Findings, over: str = "", by: str = "") -> Chart | str:
    """Draw the kinds of curve, the value's own one first, and then the gap of the best trial between training and validation.

    The cost by iteration of the best trial is drawn with its moving average. Curves of layers have a plot of their own. Of very
    many trials the best and an even choice are drawn.

    Args:
        findings: of the study.
        over: what lies across, ``"steps"`` where it is empty, or ``"seconds"``.
        by: the parameter that colours the lines, of a few values; the rank of the trial where it is empty. With one the gap is
            not drawn.
    Raises:
        SettingError: for anything else.
    """
    check_over(over)
    view, values = _View(over == SECONDS), _values_of(findings, by) if by else []
    apart, iterations = None if by else gap(findings), by_iteration(findings)
    names = [name for name in curve_names(findings) if not is_of_layer(name) and step_unit(name) != ITERATION]
    names = [name for name in names if apart is None or name != apart.source]
    most = PANELS if apart is None else PANELS + 1
    if iterations and len(names) > most:  # an even number of panels
        most += 1
    found = {name: view.points(name, learning_curves(findings, name)) for name in names[:most]}
    shown = [(name, having) for name, having in found.items() if having]
    if by:
        panels = [_panel_by(by, values, name, having, view) for name, having in shown]
    else:
        panels = [_panel(findings, name, having, view) for name, having in shown]
    panels[1:1] = [_gap_panel(apart, view)] if apart and view.has_seconds(apart.trial, apart.source) else []
    panels += (
        [_iterations_panel(findings, *iterations, view)] if iterations and _best_has(findings, iterations[0], view) else []
    )
    if not panels:
        return _no_panel(bool(names or iterations))
    drawn, trials = max((len(having) for having in list(found.values())[:1]), default=1), len(findings.searching)
    chosen = f" {drawn} of {trials} trials are drawn: the best, and an even choice of the others."
    part = "" if drawn == trials else chosen if trials > MOST else f" {drawn} of {trials} trials have one."
    left = f" Not drawn: {', '.join(names[most:])}." if names[most:] else ""
    of_best = f" {_gap_sentence(apart)}" if apart else ""
    averaged = f" {_average_sentence(iterations[1])}" if iterations else ""
    caption = f"One line per trial, coloured by {by or 'its rank'}.{part}{of_best}{averaged}{left}"
    return Chart("Learning curves", caption, panels, min(len(panels), 2))


def _values_of(findings: Findings, by: str) -> list[Any]:
    """Return the values of a parameter that the trials have, in order, or raise."""
    if by not in findings.space.domains:
        known = ", ".join(findings.space.domains)
        advice = f"Take one of them.{did_you_mean(by, findings.space.domains)}"
        raise SettingError(must_be("What curves are coloured by", f"one of {known}", by, advice))
    found = dict.fromkeys(trial.params[by] for trial in findings.searching if by in trial.params)
    if len(found) > MOST_VALUES:
        constraint = f"a parameter of at most {MOST_VALUES} values"
        raise SettingError(must_be("What curves are coloured by", constraint, by, f"Its trials have {len(found)} values."))
    return sorted(found, key=lambda value: (isinstance(value, str), value))


def _panel_by(by: str, values: Sequence[Any], name: str, having: Having, view: _View) -> Panel:
    layers: list[Layer] = []
    for value, colour in zip(values, COLOURS, strict=False):
        some = [(trial, points) for trial, points in having if trial.params.get(by) == value]
        layers += [_lines(some, len(having), colour, f"{by} {value}", width=1.4)] if some else []
    return Panel(view.axis(name), Axis(name.replace("_", " "), _scale(having)), layers)


def _no_panel(reported: bool) -> str:
    if reported:
        return "Its trials were recorded by an earlier version, without the seconds. Run it under another name to have them."
    return "There are no learning curves: the objective reported none."


class _View:
    """What lies across: steps, or the seconds at which they were reached."""

    def __init__(self, seconds: bool) -> None:
        self.seconds = seconds

    def axis(self, name: str) -> Axis:
        """Return the axis across of a curve."""
        return Axis("seconds of training" if self.seconds else _UNITS[step_unit(name)])

    def has_seconds(self, trial: Trial, name: str) -> bool:
        """Return whether a trial can be drawn."""
        return bool(self.across(trial, name, [1]))

    def across(self, trial: Trial, name: str, steps: Sequence[int]) -> Sequence[float]:
        """Return the places of steps; none where their seconds are not known."""
        if not self.seconds:
            return steps
        return (seconds_of(name, steps, trial.outcome.times) if trial.outcome else None) or []

    def points(self, name: str, having: Sequence[tuple[Trial, Curve]]) -> Having:
        """Return curves by their places, those without seconds left out."""
        placed = [(trial, self.across(trial, name, [step for step, _ in curve]), curve) for trial, curve in having]
        return [(trial, [(at, value) for at, (_, value) in zip(x, curve, strict=True)]) for trial, x, curve in placed if x]


def _best_has(findings: Findings, name: str, view: _View) -> bool:
    return findings.chosen is not None and view.has_seconds(findings.chosen, name)


def _iterations_panel(findings: Findings, name: str, curve: Curve, view: _View) -> Panel:
    """Return the panel of the cost by iteration of the best trial, with its moving average."""
    best = findings.chosen
    assert best is not None
    x, values = view.across(best, name, [step for step, _ in curve]), [value for _, value in curve]
    average, points = moving_average(values)
    layers: list[Layer] = [
        Lines(x, values, SKY, "cost of mini-batches", width=0.8, faint=True),
        Lines(x, average, BLUE, f"moving average over {points} points", width=2.2),
    ]
    label = f"{name.replace('_', ' ')}, trial {best.number}, the best"
    return Panel(view.axis(name), Axis(label, value_scale(values)), layers)


def _average_sentence(curve: Curve) -> str:
    block = curve[0][0]
    each = "a mini-batch" if block == 1 else f"the mean of {block} mini-batches"
    return f"By iteration, each point is {each} of the best trial."


def _gap_panel(apart: Gap, view: _View) -> Panel:
    """Return the panel of the best trial, training and validation, the gap between them shaded."""
    low, high = ([pick(pair) for pair in zip(apart.training, apart.validation, strict=True)] for pick in (min, max))
    x = view.across(apart.trial, apart.source, apart.steps)
    layers: list[Layer] = [
        Band(x, low, high, GREY, "gap"),
        Lines(x, apart.training, BLUE, apart.source.replace("_", " "), width=2.0, dashed=True),
        Lines(x, apart.validation, ORANGE, f"validation {apart.name}".replace("_", " "), width=2.6),
    ]
    label = f"{apart.name} of trial {apart.trial.number}, the best".replace("_", " ")
    return Panel(view.axis(apart.source), Axis(label, value_scale([*apart.training, *apart.validation])), layers)


def _gap_sentence(apart: Gap) -> str:
    first, last = (abs(apart.training[i] - apart.validation[i]) for i in (0, -1))
    name = apart.name.replace("_", " ")
    return f"Shaded: training and validation {name} of the best trial are {first:.3g} apart at first and {last:.3g} in the end."


def _panel(findings: Findings, name: str, having: Having, view: _View) -> Panel:
    groups: list[list[tuple[Trial, Points]]] = [[] for _ in FIFTHS]
    failed = [pair for pair in having if not pair[0].ok]
    for pair in having:
        if pair[0].ok:
            groups[min(int(findings.ranks[pair[0].number] * len(FIFTHS)), len(FIFTHS) - 1)].append(pair)
    layers = [_lines(failed, len(having), GREY, "failed or stopped", dashed=True, width=0.9)] if failed else []
    drawn = [i for i in reversed(range(len(groups))) if groups[i]]  # the best on top
    layers += [_lines(groups[i], len(having), FIFTHS[i], _NAMES[i], faint=True) for i in drawn]
    best = [pair for pair in having if pair[0] is findings.chosen]
    layers += [_lines(best, len(having), ORANGE, f"best: trial {best[0][0].number}", width=2.6)] if best else []
    return Panel(view.axis(name), Axis(name.replace("_", " "), _scale(having)), layers)


def _thinned(curve: Points, curves: int) -> Points:
    """Return an even choice of a curve's points, so that all curves of a panel together stay within its points."""
    every = -(-len(curve) * curves // POINTS)
    return curve if every <= 1 else tuple(point for i, point in enumerate(curve) if (len(curve) - 1 - i) % every == 0)


def _lines(having: Having, count: int, colour: str, label: str, **look: float | bool) -> Lines:
    """Return curves as one layer, a gap after each."""
    gap = (math.nan, math.nan)
    having = [(trial, _thinned(curve, count)) for trial, curve in having]
    points = list(chain.from_iterable([*curve, gap] for _, curve in having))
    texts = list(chain.from_iterable([f"trial {trial.number}"] * (len(curve) + 1) for trial, curve in having))
    return Lines([p[0] for p in points], [p[1] for p in points], colour, label, texts=texts, **look)  # type: ignore[arg-type]


def _scale(having: Having) -> Scale:
    """Return an axis for curves of which nobody said whether high or low is good: extremes are cut off at both ends."""
    values = [value for _, curve in having for _, value in curve]
    low, high = value_scale(values), value_scale(values, maximize=True)
    if low.log:
        return low
    return low if low.high - low.low < high.high - high.low else high
