"""Slices: the value of every trial against each parameter."""

from __future__ import annotations

from dataclasses import replace

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import place, scale, short
from hpsearch.plots.chart import Axis, Chart, ColourBar, Panel
from hpsearch.plots.marks import failure_marks, star, trial_dots, value_axis, worst_end
from hpsearch.trial import Trial


def slices(findings: Findings) -> Chart | str:
    """Draw one panel per parameter with the trials that have it, coloured by when they ran."""
    if not findings.finished:
        return findings.why_nothing
    last = findings.trials[-1].number
    ticks = [(u, str(round(u * last))) for u in (0.0, 0.25, 0.5, 0.75, 1.0)] if last >= 4 else [(0.0, "0"), (1.0, str(last))]
    names = list(findings.space)
    columns = min(len(names), 2 if len(names) in (2, 4) else 3 if len(names) <= 9 else 4)
    panels = [_panel(findings, name, max(last, 1)) for name in names]
    panels = [p if i % columns == 0 else replace(p, y=replace(p.y, label="")) for i, p in enumerate(panels)]
    return Chart(
        title=f"{findings.measure[:1].upper()}{findings.measure[1:]} against each parameter",
        caption="Every trial as a dot; the options of a choice are spread a little. Conditional parameters show the trials "
        "that have them.",
        panels=panels,
        columns=columns,
        colours=ColourBar("number of the trial", ticks),
    )


def _panel(findings: Findings, name: str, last: int) -> Panel:
    domain, values = findings.space[name], value_axis(findings)
    having = [trial for trial in findings.finished if name in trial.params]
    assert values.scale is not None
    height, worst = values.scale, worst_end(findings, values.scale)

    def x(trial: Trial) -> float:
        return place(domain, trial.params[name], trial.number)

    def y(trial: Trial) -> float:
        return height.clipped(findings.value(trial)) if trial.ok else worst

    layers = [
        trial_dots(findings, having, x, y, colour=[trial.number / last for trial in having]),
        *failure_marks(findings, [trial for trial in findings.unfinished if name in trial.params], x, y),
    ]
    if findings.chosen is not None and name in findings.chosen.params:
        layers += star(findings, x, y)
    every = [trial.params[name] for trial in findings.searching if name in trial.params]
    return Panel(Axis(short(name, 30), scale(domain, every)), values, layers)
