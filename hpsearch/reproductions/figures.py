"""Rows that compare a published figure with ours, and say whether one published seed may be one of ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hpsearch.analysis.intervals import mean_interval, prediction_interval
from hpsearch.reproductions.curve_metrics import metric_value
from hpsearch.reproductions.reproduction import Row
from hpsearch.trial import Trial

AS_PUBLISHED, INSIDE, DIFFERS, TOO_FEW = "as published", "within the interval", "differs", "too few seeds to say"
FEWEST = 3
# The finished trials of every setting by its name, in the order of their seeds.
Found = Mapping[str, Sequence[Trial]]


class Figure(Protocol):
    """What makes a row of the table."""

    def row(self, found: Found) -> Row: ...


def verdict(published: float, ours: Sequence[float]) -> str:
    """Return whether a published seed lies where one more seed of ours would in 95 % of all cases.

    >>> verdict(3.0, [1.0, 2.0, 3.0, 4.0]), verdict(8.0, [1.0, 2.0, 3.0, 4.0])   # 2.5 -+ 4.6
    ('within the interval', 'differs (-5.5)')
    """
    if len(ours) < FEWEST:
        return TOO_FEW
    one = prediction_interval(ours)
    # Ends that rounding made up: where all seeds agree, the interval is a point.
    return INSIDE if one.low - 1e-9 <= published <= one.high + 1e-9 else f"{DIFFERS} ({one.centre - published:+.3g})"


@dataclass(frozen=True)
class OneSeed:
    """A number that one published training came to.

    Args:
        what: the row's head.
        published: the number.
        metric: ours, of one trial; accuracies are shown in per cent.
        setting: name of the setting it belongs to.
        unit: behind each number.
        digits: behind the point.
        shown: how it was published, where that was not the plain number.
        note: why it differs, where that is known; shown only where it does.
    """

    what: str
    published: float
    metric: str
    setting: str
    unit: str = " %"
    digits: int = 2
    shown: str = ""
    note: str = ""

    def row(self, found: Found) -> Row:
        """Return published beside ours."""
        ours = [metric_value(trial, self.metric) for trial in found[self.setting]]
        said = verdict(self.published, ours)
        note = f"; {self.note}" if self.note and said.startswith(DIFFERS) else ""
        return Row(self.what, self.shown or self._text(self.published), self._ours(ours), said + note)

    def _ours(self, ours: Sequence[float]) -> str:
        if len(ours) < FEWEST:
            return ", ".join(map(self._text, ours)) or "-"
        mean, one = mean_interval(ours), prediction_interval(ours)
        low, high = (f"{end:.{self.digits}f}" for end in (one.low, one.high))
        doubt = f"{mean.width / 2:.{self.digits}f}"
        return f"{self._text(mean.centre)} (mean of {len(ours)} seeds, ± {doubt}; one seed {low} to {high})"

    def _text(self, value: float) -> str:
        return f"{value:.{self.digits}f}{self.unit}"


@dataclass(frozen=True)
class Exact:
    """A number that no chance is involved in: ours must round to it.

    Args:
        what: the row's head.
        published: the number as printed.
        metric: ours.
        setting: name of the setting it belongs to.
    """

    what: str
    published: str
    metric: str
    setting: str

    def row(self, found: Found) -> Row:
        """Return published beside ours."""
        ours = metric_value(found[self.setting][0], self.metric)
        digits = len(self.published.partition(".")[2])
        said = AS_PUBLISHED if f"{ours:.{digits}f}" == self.published else DIFFERS
        return Row(self.what, self.published, f"{ours:.4f}", said)


@dataclass(frozen=True)
class Claim:
    """Something said in words, of every training of a setting: a metric lies between two ends.

    Args:
        what: the row's head.
        published: the claim, short.
        metric: what it is read off; accuracies are in per cent.
        setting: name of the setting it belongs to.
        low, high: the ends, which belong to it.
    """

    what: str
    published: str
    metric: str
    setting: str
    low: float = -math.inf
    high: float = math.inf

    def row(self, found: Found) -> Row:
        """Return for how many seeds it holds, and the extremes."""
        ours = [metric_value(trial, self.metric) for trial in found[self.setting]]
        held = sum(self.low <= value <= self.high for value in ours)
        extremes = " to ".join(f"{value:.4g}" for value in dict.fromkeys((min(ours), max(ours))))
        count = f" ({held} of {len(ours)} seeds)" if len(ours) > 1 else ""
        return Row(self.what, self.published, extremes + count, AS_PUBLISHED if held == len(ours) else DIFFERS)


@dataclass(frozen=True)
class Gain:
    """By how much one setting is ahead of another on the same seeds.

    Args:
        what: the row's head.
        metric: what is compared, more is better.
        setting, over: names of the two settings.
        published: the difference of two published seeds, or None.
        level: of the interval; higher where several are read side by side.
    """

    what: str
    metric: str
    setting: str
    over: str
    published: float | None = None
    level: float = 0.95

    def row(self, found: Found) -> Row:
        """Return the mean difference with its interval; the verdict is on ours, since one published pair says little."""
        shown = "-" if self.published is None else f"{self.published:+.2f} points"
        apart = paired(self.metric, found[self.setting], found[self.over])
        if len(apart) < FEWEST:
            return Row(self.what, shown, ", ".join(f"{one:+.2f} points" for one in apart) or "-", TOO_FEW)
        mean = mean_interval(apart, self.level)
        ends = f"{mean.low:+.2f} to {mean.high:+.2f}"
        ours = f"{mean.centre:+.2f} points (mean of {len(apart)} pairs, {100 * self.level:.3g} % interval {ends})"
        inside = verdict(self.published, apart) if self.published is not None else ""
        return Row(self.what, shown, ours, "; ".join(filter(None, (inside, _ahead(mean.low, mean.high)))))


@dataclass(frozen=True)
class Lead:
    """By how many points something is ahead of something else within each trial of a setting; nothing was published.

    Args:
        what: the row's head.
        metric: the difference, in points, more is better.
        setting: name of the setting it belongs to.
    """

    what: str
    metric: str
    setting: str

    def row(self, found: Found) -> Row:
        """Return the mean difference with its interval."""
        ours = [metric_value(trial, self.metric) for trial in found[self.setting]]
        if len(ours) < FEWEST:
            return Row(self.what, "-", ", ".join(f"{one:+.2f} points" for one in ours) or "-", TOO_FEW)
        mean = mean_interval(ours)
        shown = f"{mean.centre:+.2f} points (mean of {len(ours)} seeds, 95 % interval {mean.low:+.2f} to {mean.high:+.2f})"
        return Row(self.what, "-", shown, _ahead(mean.low, mean.high))


def paired(metric: str, ours: Sequence[Trial], others: Sequence[Trial]) -> list[float]:
    """Return the difference of every pair of trials that had the same seed."""
    by_seed = {trial.replicate: metric_value(trial, metric) for trial in others}
    return [metric_value(trial, metric) - by_seed[trial.replicate] for trial in ours if trial.replicate in by_seed]


def _ahead(low: float, high: float) -> str:
    return "better" if low > 0 else "worse" if high < 0 else "no difference outside the noise"
