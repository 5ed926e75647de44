"""Marks shared by the plots of trials: hover texts, the star of the best trial, crosses of failures, colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import Scale, beyond, value_scale
from hpsearch.plots.chart import GREY, ORANGE, YELLOW, Axis, ColourBar, Dots
from hpsearch.trial import Status, Trial, format_value

Place = Callable[[Trial], float]


def hover(findings: Findings, trials: Sequence[Trial]) -> list[str]:
    """Return the text that a browser shows at each trial's mark."""
    return [f"trial {t.number}: {format_value(findings.value(t)) if t.ok else t.status.value}" for t in trials]


def value_axis(findings: Findings) -> Axis:
    """Return the axis of the values as the objective returned them; its label counts those beyond it."""
    values = [findings.value(trial) for trial in findings.finished]
    scale = value_scale(values, findings.maximize)
    far = beyond(values, scale)
    return Axis(findings.measure + (f" ({far} beyond the axis)" if far else ""), scale)


def worst_end(findings: Findings, scale: Scale) -> float:
    """Return where trials without a value are marked: at the end of the axis where the worst values are."""
    return scale.low if findings.maximize else scale.high


def rank_colours(findings: Findings) -> ColourBar:
    """Return the colour bar of ranks, with the values that have them written beside it."""
    last = len(findings.finished) - 1
    ticks = [(u, format_value(findings.value(findings.finished[round(u * last)]))) for u in (0.0, 0.25, 0.5, 0.75, 1.0)]
    if last < 1:
        ticks = ticks[:1]
    return ColourBar(f"{findings.measure}, best to worst", ticks)


def trial_dots(findings: Findings, trials: Sequence[Trial], x: Place, y: Place, **look: Any) -> Dots:
    """Return the marks of trials, coloured by rank unless ``colour`` is given."""
    colour = look.pop("colour", None) or [findings.ranks[trial.number] for trial in trials]
    return Dots([x(t) for t in trials], [y(t) for t in trials], colour, hover(findings, trials), **look)


def failure_marks(findings: Findings, trials: Sequence[Trial], x: Place, y: Place) -> list[Dots]:
    """Return crosses for trials that failed and for those that were stopped early, each kind where there are any."""
    stopped = [trial for trial in trials if trial.status is Status.STOPPED]
    failed = [trial for trial in trials if trial.status is not Status.STOPPED]
    kinds = ((failed, ORANGE, "failed"), (stopped, GREY, "stopped early"))
    return [trial_dots(findings, group, x, y, colour=c, label=label, mark="cross") for group, c, label in kinds if group]


def star(findings: Findings, x: Place, y: Place) -> list[Dots]:
    """Return the star of the best trial, where there is one."""
    if findings.chosen is None:
        return []
    label = f"best: trial {findings.chosen.number}"
    return [trial_dots(findings, [findings.chosen], x, y, colour=YELLOW, label=label, mark="star")]


def left_out(findings: Findings, names: Sequence[str]) -> str:
    """Return a sentence on the parameters that a picture leaves out, with a space before it; empty where it has all."""
    count = len(findings.space)
    return f" Of {count} parameters, the {len(names)} most important are drawn." if len(names) < count else ""
