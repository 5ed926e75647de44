"""Colours of trials: by the rank of the value, by a parameter, or by a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import WIDE, Scale, scale, short
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.plots.chart import GREY, ColourBar
from hpsearch.plots.marks import rank_colours
from hpsearch.space import Choice
from hpsearch.trial import Trial, format_value


@dataclass(frozen=True)
class Colouring:
    """The colours of trials.

    Args:
        places: where each trial lies on the colour bar, by its number; those without a place are grey.
        bar: what the places mean.
        said: the clause of a caption.
        without: what grey ones lack.
        texts: what a browser shows beside the value.
    """

    places: Mapping[int, float]
    bar: ColourBar
    said: str
    without: str = ""
    texts: Mapping[int, str] = field(default_factory=dict)
    none: str = GREY

    def of(self, trials: Sequence[Trial]) -> list[float]:
        """Return the places of trials that have one."""
        return [self.places[trial.number] for trial in trials]


def by_rank(findings: Findings) -> Colouring:
    """Return the colours of ranks."""
    return Colouring(findings.ranks, rank_colours(findings), "dark ones are good")


def check_colour(findings: Findings, by: str) -> None:
    """Raise `SettingError` for what is neither a parameter nor a metric of a finished trial."""
    names = [*findings.space, *_metrics(findings)]
    if by and by not in names:
        advice = f"Take one of them.{did_you_mean(by, names)}"
        raise SettingError(must_be("by", f"one of the parameters and metrics {', '.join(names)}", by, advice))


def by_name(findings: Findings, name: str) -> Colouring:
    """Return the colours of a parameter or a metric."""
    domain = findings.space.domains.get(name)
    label, without = short(name, 40), f"without {short(name, 26)}"
    if isinstance(domain, Choice):
        count = len(domain.labels)
        at = {t.number: domain.index(t.params[name]) for t in findings.finished if name in t.params}
        ticks = [((i + 0.5) / count, short(text)) for i, text in enumerate(domain.labels)]
        texts = {number: f", {name} {domain.labels[i]}" for number, i in at.items()}
        places = {number: (i + 0.5) / count for number, i in at.items()}
        return Colouring(places, ColourBar(label, ticks, zero_on_top=False), f"coloured by {label}", without, texts)
    values = _values(findings, name, of_metric=domain is None)
    axis = _metric_scale(list(values.values())) if domain is None else scale(domain, values.values())
    texts = {number: f", {name} {format_value(value)}" for number, value in values.items()}
    places = {number: axis.unit(value) for number, value in values.items()}
    return Colouring(places, ColourBar(label, axis.ticks(), zero_on_top=False), f"coloured by {label}", without, texts)


def _metrics(findings: Findings) -> list[str]:
    return list(dict.fromkeys(name for t in findings.finished if t.outcome is not None for name in t.outcome.metrics))


def _values(findings: Findings, name: str, of_metric: bool) -> dict[int, float]:
    """Return the finite numbers of the finished trials, by trial number."""
    found = {}
    for trial in findings.finished:
        given = trial.outcome.metrics if of_metric and trial.outcome is not None else trial.params
        if name in given and math.isfinite(given[name]):
            found[trial.number] = float(given[name])
    return found


def _metric_scale(values: Sequence[float]) -> Scale:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low == high:
        return Scale(low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2)
    return Scale(low, high, log=low > 0 and high / low >= WIDE)
