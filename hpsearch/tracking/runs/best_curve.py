"""The progress curves of a study's run: trials done, and the best value so far."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hpsearch.trial import Trial, best, flip_sign

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Trials done, the best value as the objective returned it or None, seconds since 1970.
ProgressPoint = tuple[int, float | None, float]


@dataclass
class BestCurve:
    """Points not written yet: one wherever the best value improved, and the latest. So few points show every step."""

    maximize: bool
    incumbent: Trial | None = None
    points: list[ProgressPoint] = field(default_factory=list)
    written: float = -float("inf")
    _improved: bool = True

    def begin(self, trials: Iterable[Trial]) -> None:
        """Start from the trials that are recorded already."""
        self.incumbent = next(iter(best(trials)), None)

    def add(self, trial: Trial, done: int) -> None:
        """Add one trial; ``done`` counts it."""
        before = self.incumbent
        self.begin([trial] if before is None else [before, trial])
        if self.points and not self._improved:
            self.points.pop()
        self._improved = self.incumbent is not before
        value = None if self.incumbent is None else flip_sign(self.incumbent.value, self.maximize)
        self.points.append((done, value, time.time()))

    def clear(self) -> None:
        """Drop the points after they were written."""
        self.points.clear()
        self.written = time.monotonic()
        self._improved = True


def write_best(client: MlflowClient, run_id: str, points: Sequence[ProgressPoint]) -> None:
    """Write progress points, each with its own time, in one call."""
    from mlflow.entities import Metric

    metrics = [Metric("trials_done", float(done), round(time * 1000), done) for done, _, time in points]
    metrics += [Metric("best_value", value, round(time * 1000), done) for done, value, time in points if value is not None]
    client.log_batch(run_id, metrics)
