"""The picture of a search as it went: every trial, and the best value so far, over trials and over computing time."""

from __future__ import annotations

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.history import Moment, in_order_of_ending, moments
from hpsearch.plots.chart import BLUE, SKY, Axis, Chart, Layer, Lines, Panel
from hpsearch.plots.marks import failure_marks, star, trial_dots, value_axis, worst_end
from hpsearch.trial import Trial


def history(findings: Findings) -> Chart | str:
    """Draw the best value so far; failed trials are marked at the edge, new stages by lines."""
    if not findings.finished:
        return findings.why_nothing
    starts = dict(findings.stages) if len(findings.stages) > 1 else {}
    by_number, by_end = moments(findings.searching), moments(in_order_of_ending(findings.searching))
    numbers = {moment.trial.number: float(moment.trial.number) for moment in by_number}
    seconds = {moment.trial.number: moment.seconds for moment in by_end}
    return Chart(
        title=f"Best {findings.measure} so far",
        caption="Every trial as a dot, the best value so far as a line. Computing time is summed over the trials, whatever "
        "number of them ran side by side.",
        panels=[
            _panel(findings, "trial", numbers, by_number, starts),
            _panel(findings, "computing time of all trials (s)", seconds, by_end, {}),
        ],
        columns=2,
    )


def _panel(findings: Findings, label: str, where: dict[int, float], ended: list[Moment], starts: dict[int, str]) -> Panel:
    axis = value_axis(findings)
    assert axis.scale is not None
    scale, worst = axis.scale, worst_end(findings, axis.scale)

    def x(trial: Trial) -> float:
        return where[trial.number]

    def y(trial: Trial) -> float:
        return scale.clipped(findings.value(trial)) if trial.ok else worst

    layers: list[Layer] = [
        trial_dots(findings, findings.finished, x, y, colour=SKY, label="trial"),
        *failure_marks(findings, findings.unfinished, x, y),
        _best_line(findings, where, ended),
        *star(findings, x, y),
    ]
    return Panel(Axis(label), axis, layers, stages=[(number - 0.5, name) for number, name in starts.items()])


def _best_line(findings: Findings, where: dict[int, float], ended: list[Moment]) -> Lines:
    """Return the steps of the best value: a point where it changes, and one at the end."""
    points = [(where[m.trial.number], findings.value(m.best)) for m in ended if m.best is m.trial and m.best is not None]
    points += [(max(where.values()), points[-1][1])]
    x, y = zip(*points, strict=True)
    return Lines(x, y, BLUE, "best so far", width=2.2, steps=True)
