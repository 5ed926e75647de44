"""The metrics of a trial's run as the study wrote them, apart from points that others logged later under the same names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hpsearch.tracking.runs.trial_keys import SECONDS
from hpsearch.trial import Curve

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run


@dataclass(frozen=True)
class OwnMetrics:
    """Reads the metrics of one run. Every point of ours has the time at which the trial ended: its start and its seconds.

    Args:
        run: of a trial.
        history: fetches all points of a metric.
        start: when the trial started, in milliseconds since 1970.
    """

    run: Run
    history: Callable[[str], Sequence[Metric]]
    start: int

    @cached_property
    def _latest(self) -> dict[str, Metric]:
        return {point.key: point for point in self.run.data._metric_objs}

    @cached_property
    def _end(self) -> Metric | None:
        """The point that holds the trial's seconds, whose time all points of ours share; None where no point fits."""
        latest = self._latest.get(SECONDS)
        if latest is None or self._is_end(latest):
            return latest
        return next(filter(self._is_end, self.history(SECONDS)), None)

    def _is_end(self, point: Metric) -> bool:
        return bool(point.timestamp == self.start + round(point.value * 1000))

    def _is_own(self, point: Metric) -> bool:
        return self._end is None or bool(point.timestamp == self._end.timestamp)

    @property
    def seconds(self) -> float:
        """How long the trial ran."""
        return float(self._end.value) if self._end is not None else 0.0

    def final(self, key: str) -> float | None:
        """Return the value of a final metric, or None where the run has none of this name."""
        latest = self._latest.get(key)
        if latest is None or (self._is_own(latest) and latest.step == 0):
            return None if latest is None else float(latest.value)
        own = [point for point in self.history(key) if self._is_own(point) and point.step == 0]
        return float((own or [latest])[0].value)

    def curve(self, key: str) -> Curve:
        """Return the points of a curve."""
        points = self.history(key)
        own = [point for point in points if self._is_own(point)]
        return tuple((point.step, point.value) for point in own or points)
