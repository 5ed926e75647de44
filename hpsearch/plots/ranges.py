"""The picture of a coarse-to-fine search: the range of each parameter from batch to batch, with the trials as dots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.history import Window
from hpsearch.analysis.scales import Scale, place, scale, short
from hpsearch.plots.chart import GREY, SKY, Axis, Boxes, Chart, Layer, Lines, Panel
from hpsearch.plots.marks import failure_marks, rank_colours, star, trial_dots
from hpsearch.space import Choice, Domain
from hpsearch.trial import Trial


def stage_ranges(findings: Findings) -> Chart | str:
    """Draw one panel per parameter of the study's space: what each batch was drawn from, and every trial; no checks."""
    windows = [window for window in findings.windows if window.trials and not window.trials[0].check]
    if not windows:
        return "No batch has ended yet."
    names = list(findings.space)
    return Chart(
        title="Where the search looked, stage by stage",
        caption="Shaded is what a batch could have drawn; dashed lines are the study's own range.",
        panels=[_panel(findings, name, windows) for name in names],
        columns=1 if len(names) == 1 else 2 if len(names) <= 8 else 3,
        colours=rank_colours(findings) if findings.finished else None,
    )


def _panel(findings: Findings, name: str, windows: Sequence[Window]) -> Panel:
    domain, first, last = findings.space[name], windows[0].trials[0].number, windows[-1].trials[-1].number
    up = _scale(domain, name, windows)

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


def _scale(domain: Domain, name: str, windows: Sequence[Window]) -> Scale:
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
