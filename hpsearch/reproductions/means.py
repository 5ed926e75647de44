"""Rows on what several seeds have in common: a mean, the most frequent choice, and the spread of two settings."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from hpsearch.analysis.intervals import mean_interval
from hpsearch.reproductions.curve_metrics import metric_value
from hpsearch.reproductions.figures import AS_PUBLISHED, DIFFERS, FEWEST, TOO_FEW, Found
from hpsearch.reproductions.reproduction import Row

UNDECIDED = "not decided by these seeds"
_LEVEL = 0.05


@dataclass(frozen=True)
class Mean:
    """Something said in words of what happens on average: the mean of a metric lies between two ends.

    Args:
        what: the row's head.
        published: the claim, short.
        metric: what is averaged over the seeds.
        setting: name of the setting it belongs to.
        low, high: the ends. The claim holds where the whole interval of the mean lies between them, and fails where all of it
            lies outside.
        digits: behind the point.
    """

    what: str
    published: str
    metric: str
    setting: str
    low: float = -math.inf
    high: float = math.inf
    digits: int = 3

    def row(self, found: Found) -> Row:
        """Return the mean with its interval, and whether the claim holds."""
        ours = [metric_value(trial, self.metric) for trial in found[self.setting]]
        if len(ours) < FEWEST:
            return Row(self.what, self.published, ", ".join(map(self._text, ours)) or "-", TOO_FEW)
        mean = mean_interval(ours)
        shown = f"{self._text(mean.centre)} (mean of {len(ours)} seeds, ± {mean.width / 2:.{self.digits}f})"
        return Row(self.what, self.published, shown, self._verdict(mean.low, mean.high))

    def _verdict(self, low: float, high: float) -> str:
        if self.low <= low and high <= self.high:
            return AS_PUBLISHED
        return DIFFERS if high < self.low or low > self.high else UNDECIDED

    def _text(self, value: float) -> str:
        return f"{value:.{self.digits}f}"


@dataclass(frozen=True)
class MostOften:
    """A whole number that one published data set led to: ours must lead to it more often than to any other."""

    what: str
    published: str
    metric: str
    setting: str

    def row(self, found: Found) -> Row:
        """Return how often each number came out, the most frequent first."""
        counts = Counter(f"{metric_value(trial, self.metric):.0f}" for trial in found[self.setting])
        first, *others = counts.most_common()
        said = AS_PUBLISHED if first[0] == self.published and all(n < first[1] for _, n in others) else DIFFERS
        shown = ", ".join(f"{number}: {count}" for number, count in counts.most_common())
        return Row(self.what, self.published, f"{shown} (of {counts.total()} seeds)", said)


@dataclass(frozen=True)
class Spread:
    """By how much one setting varies more from seed to seed than another.

    Args:
        what: the row's head.
        published: the claim, short: that the first one varies more.
        metric: whose standard deviation is compared; of accuracies in points of per cent.
        setting, over: names of the two settings.
    Source of the test: Brown and Forsythe (1974), Journal of the American Statistical Association 69.
    """

    what: str
    published: str
    metric: str
    setting: str
    over: str

    def row(self, found: Found) -> Row:
        """Return both standard deviations; the claim holds where they differ beyond the noise."""
        from scipy.stats import levene

        first, second = ([metric_value(trial, self.metric) for trial in found[name]] for name in (self.setting, self.over))
        if min(len(first), len(second)) < FEWEST:
            return Row(self.what, self.published, "-", TOO_FEW)
        wide, narrow = (float(np.std(values, ddof=1)) for values in (first, second))
        same = np.ptp(first) == np.ptp(second) == 0
        p = 1.0 if same else float(levene(first, second, center="median").pvalue)
        shown = f"{wide:.2f} and {narrow:.2f} (standard deviations, p = {p:.2g})"
        said = UNDECIDED if p > _LEVEL else AS_PUBLISHED if wide > narrow else DIFFERS
        return Row(self.what, self.published, shown, said)
