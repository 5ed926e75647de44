"""Plots of the params: the value of every trial against each parameter, and parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hpsearch.analysis.findings import Findings, spread
from hpsearch.analysis.importance import most_important
from hpsearch.analysis.scales import place, scale, short
from hpsearch.plots.chart import Axis, Chart, ColourBar, Panel, Parallel, Upright
from hpsearch.plots.marks import failure_marks, hover, left_out, rank_colours, star, trial_dots, value_axis, worst_end
from hpsearch.trial import Trial

# Lines in a picture of parallel coordinates.
MOST = 1000
# Panels, and axes of parameters; of more, the most important ones are drawn.
PANELS, AXES = 9, 12
# Where a conditional parameter stands in trials that lack it: below its range.
ABSENT = -0.12


def slices(findings: Findings) -> Chart | str:
    """Draw one panel per parameter with the trials that have it, coloured by when they ran."""
    if not findings.finished:
        return findings.why_nothing
    last = findings.trials[-1].number
    ticks = [(u, str(round(u * last))) for u in (0.0, 0.25, 0.5, 0.75, 1.0)] if last >= 4 else [(0.0, "0"), (1.0, str(last))]
    names = most_important(findings, PANELS)
    columns = min(len(names), 2 if len(names) in (2, 4) else 3 if len(names) <= 9 else 4)
    panels = [_panel(findings, name, max(last, 1)) for name in names]
    panels = [p if i % columns == 0 else replace(p, y=replace(p.y, label="")) for i, p in enumerate(panels)]
    return Chart(
        title=f"{findings.measure[:1].upper()}{findings.measure[1:]} against each parameter",
        caption="Every trial as a dot; the options of a choice are spread a little. Conditional parameters show the trials "
        f"that have them.{left_out(findings, names)}",
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


def parallel(findings: Findings) -> Parallel | str:
    """Draw the finished trials; of more than a thousand, the best and an even choice of the others."""
    if not findings.finished:
        return findings.why_nothing
    trials = spread(sorted(findings.finished, key=lambda t: t.number), findings.ranks, MOST)
    trials.sort(key=lambda trial: -findings.ranks[trial.number])  # the best are drawn last, on top
    part = f" {len(trials)} of {len(findings.finished)} are drawn." if len(trials) < len(findings.finished) else ""
    names = most_important(findings, AXES)
    return Parallel(
        title="Parallel coordinates: the params of the good trials, dark, and of the bad ones, bright",
        caption=f"One line per finished trial, the best one in orange.{part}{left_out(findings, names)} "
        "On an interactive page, drag along an axis to keep the trials that pass there.",
        axes=[*(_upright(findings, name, trials) for name in names), _values(findings, trials)],
        places=[findings.ranks[trial.number] for trial in trials],
        best=next((i for i, trial in enumerate(trials) if trial is findings.chosen), len(trials) - 1),
        colours=rank_colours(findings),
        texts=hover(findings, trials),
    )


def _upright(findings: Findings, name: str, trials: Sequence[Trial]) -> Upright:
    domain = findings.space[name]
    axis = scale(domain, [trial.params[name] for trial in trials if name in trial.params])
    column = 7 * list(findings.space).index(name)  # options are spread differently on each axis
    at = {t.number: axis.unit(place(domain, t.params[name], t.number + column)) for t in trials if name in t.params}
    places = [at.get(trial.number, ABSENT) for trial in trials]
    ticks = axis.ticks() if len(axis.options) <= 12 else axis.ticks()[:: len(axis.options) // 12 + 1]
    return Upright(short(name), ([(ABSENT, "absent")] if ABSENT in places else []) + ticks, places)


def _values(findings: Findings, trials: Sequence[Trial]) -> Upright:
    axis = value_axis(findings)
    assert axis.scale is not None
    places = [axis.scale.unit(axis.scale.clipped(findings.value(trial))) for trial in trials]
    return Upright(short(axis.label, 30), axis.scale.ticks(), places)
