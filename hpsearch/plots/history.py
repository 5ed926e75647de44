"""Plots of a search over time: the best value so far, and the range of each parameter from batch to batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.history import Moment, Window, in_order_of_ending, moments
from hpsearch.analysis.importance import most_important
from hpsearch.analysis.scales import Scale, place, scale, short
from hpsearch.plots.chart import BLUE, GREY, SKY, Axis, Boxes, Chart, Layer, Lines, Panel
from hpsearch.plots.marks import failure_marks, left_out, rank_colours, star, trial_dots, value_axis, worst_end
from hpsearch.space import Choice, Domain
from hpsearch.trial import Trial

# Panels of parameters; of more, the most important ones are drawn.
PANELS = 9


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
    height, worst = axis.scale, worst_end(findings, axis.scale)

    def x(trial: Trial) -> float:
        return where[trial.number]

    def y(trial: Trial) -> float:
        return height.clipped(findings.value(trial)) if trial.ok else worst

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


def stage_ranges(findings: Findings) -> Chart | str:
    """Draw one panel per parameter of the study's space: what each batch was drawn from, and every trial; no checks."""
    windows = [window for window in findings.windows if window.trials and not window.trials[0].is_preflight]
    if not windows:
        return "No batch has ended yet."
    if all(window.space == findings.space for window in windows):
        return "The strategy draws every batch from the study's own ranges, so there are no others to draw."
    names = most_important(findings, PANELS)
    return Chart(
        title="Where the search looked, stage by stage",
        caption=f"Shaded is what a batch could have drawn; dashed lines are the study's own range.{left_out(findings, names)}",
        panels=[_range_panel(findings, name, windows) for name in names],
        columns=1 if len(names) == 1 else 2 if len(names) <= 8 else 3,
        colours=rank_colours(findings) if findings.finished else None,
    )


def _range_panel(findings: Findings, name: str, windows: Sequence[Window]) -> Panel:
    domain, first, last = findings.space[name], windows[0].trials[0].number, windows[-1].trials[-1].number
    up = _range_scale(domain, name, windows)

    def y(trial: Trial) -> float:
        return place(domain, trial.params[name], trial.number)

    def x(trial: Trial) -> float:
        return float(trial.number)

    layers: list[Layer] = [Boxes(list(_boxes(name, windows)), SKY, "range of the batch")]
    if not isinstance(domain, Choice):
        for end in (domain.low, domain.high):
            layers.append(Lines([first - 1, last + 1], [end, end], GREY, "first range", dashed=True))
    finished, unfinished = ([t for t in some if name in t.params] for some in (findings.finished, findings.unfinished))
    layers += [trial_dots(findings, finished[::-1], x, y), *failure_marks(findings, unfinished, x, y)]
    layers += star(findings, x, y) if findings.chosen in finished else []
    stages = [(number - 0.5, stage) for number, stage in findings.stages]
    return Panel(Axis("trial", Scale(first - 1, last + 1)), Axis(short(name, 26), up), layers, stages=stages)


def _range_scale(domain: Domain, name: str, windows: Sequence[Window]) -> Scale:
    ends = [] if isinstance(domain, Choice) else [x for w in windows for x in (w.space[name].low, w.space[name].high)]  # type: ignore[union-attr]
    return scale(domain, ends)


def _boxes(name: str, windows: Sequence[Window]) -> Iterator[tuple[float, float, float, float]]:
    """Yield what each run of batches with the same range could have drawn: an interval, or a cell for each option left."""
    for domain, group in groupby(windows, key=lambda window: window.space[name]):
        batches = list(group)
        ends = batches[0].trials[0].number - 0.5, batches[-1].trials[-1].number + 0.5
        if isinstance(domain, Choice):
            yield from ((*ends, i - 0.4, i + 0.4) for i in map(domain.index, domain.kept))
        else:
            yield (*ends, domain.low, domain.high)
