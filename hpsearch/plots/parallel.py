"""Parallel coordinates: one upright axis per parameter, one line per trial, coloured by rank."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.analysis.findings import Findings, spread
from hpsearch.analysis.scales import place, scale, short
from hpsearch.plots.chart import Parallel, Upright
from hpsearch.plots.marks import rank_colours, value_axis
from hpsearch.trial import Trial

MOST = 1000
# Where a conditional parameter stands in trials that lack it: below its range.
ABSENT = -0.12


def parallel(findings: Findings) -> Parallel | str:
    """Draw the finished trials; of more than a thousand, the best and an even choice of the others."""
    if not findings.finished:
        return findings.why_nothing
    trials = spread(sorted(findings.finished, key=lambda t: t.number), findings.ranks, MOST)
    trials.sort(key=lambda trial: -findings.ranks[trial.number])  # the best are drawn last, on top
    part = f" {len(trials)} of {len(findings.finished)} are drawn." if len(trials) < len(findings.finished) else ""
    return Parallel(
        title="Parallel coordinates: the params of the good trials, dark, and of the bad ones, bright",
        caption=f"One line per finished trial, the best one in orange. "
        f"On the page, drag along an axis to keep the trials that pass there.{part}",
        axes=[*(_upright(findings, name, trials) for name in findings.space), _values(findings, trials)],
        places=[findings.ranks[trial.number] for trial in trials],
        best=next((i for i, trial in enumerate(trials) if trial is findings.chosen), len(trials) - 1),
        colours=rank_colours(findings),
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
