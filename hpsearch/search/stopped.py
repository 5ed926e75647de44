"""What a strategy is sent for trials that were stopped by their curve: the curve, and a value that it makes likely.

A stopped trial has no value. Sent as it is, it would look like a failed one, however good its curve was beside those of
finished trials. The record keeps the trial as it ended.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hpsearch.ports import Search
from hpsearch.search.batches import next_batch
from hpsearch.search.stopping import MedianStop
from hpsearch.trial import Curve, Status, Trial


def estimate_stopped(search: Search, curves: FinishedCurves) -> Search:
    """Yield a search's batches and send it their trials, the stopped ones as `FinishedCurves.estimate` returns them."""
    batch = next_batch(search, None)
    while batch is not None:
        ended = yield batch
        batch = next_batch(search, curves.estimate_all(ended))


@dataclass
class FinishedCurves:
    """The curves of finished trials by step, each point with the final value of its trial.

    A curve and the value may differ in unit and in direction, so that curves are compared with curves alone.

    Args:
        rule: that stops trials; it names the curve and says which direction is better.
    """

    rule: MedianStop
    _points: dict[int, list[tuple[float, int, float]]] = field(default_factory=dict, init=False)
    _count: int = field(default=0, init=False)

    def estimate_all(self, trials: Sequence[Trial]) -> list[Trial]:
        """Take the finished ones among some trials, and return all of them, with estimates for the stopped ones."""
        for trial in trials:
            if trial.ok and not trial.is_preflight:
                self._count += 1
                for step, value in self._curve(trial):
                    insort(self._points.setdefault(step, []), (value, self._count, trial.value))
        return [self.estimate(trial) if trial.status is Status.STOPPED else trial for trial in trials]

    def estimate(self, trial: Trial) -> Trial:
        """Return a stopped trial with the value of the finished trial whose curve ranks nearest, and with its curve alone.

        They are compared at the last step that the trial reached and some finished trial reported; without one the value is
        NaN. Of the two neighbours in rank the one counts whose curve is nearer there. The curve in the history is such that
        smaller is better.
        """
        if trial.outcome is None:
            return trial
        curve = self._curve(trial)
        common = [(step, value) for step, value in curve if step in self._points]
        value = self._value_at(*common[-1]) if common else math.nan
        return replace(trial, outcome=replace(trial.outcome, value=value, history={self.rule.curve: curve}))

    def _value_at(self, step: int, value: float) -> float:
        points = self._points[step]
        above = bisect_left(points, (value, 0, 0.0))
        if above == len(points):
            return points[-1][2]
        if above == 0 or points[above][0] == value:
            return points[above][2]
        lower, upper = points[above - 1], points[above]
        return lower[2] if value - lower[0] < upper[0] - value else upper[2]

    def _curve(self, trial: Trial) -> Curve:
        """Return the watched curve, times the rule's sign; NaN is the worst value there is."""
        curve = () if trial.outcome is None else trial.outcome.history.get(self.rule.curve, ())
        return tuple((step, math.inf if math.isnan(value) else self.rule.sign * value) for step, value in curve)
