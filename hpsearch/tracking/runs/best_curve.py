"""How far a study is, as curves on its own run: trials done, and the best value so far."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from hpsearch.trial import Trial, best, flip_sign


@dataclass
class BestCurve:
    """Points not written yet: one wherever the best value improved, and the latest, so that few of them show every step.

    A point is (trials done, best value as people read it or None, seconds since 1970).
    """

    maximize: bool
    winner: Trial | None = None
    points: list[tuple[int, float | None, float]] = field(default_factory=list)
    written: float = -float("inf")
    _improved: bool = True

    def begin(self, trials: Iterable[Trial]) -> None:
        """Start from the trials that a record holds already."""
        self.winner = next(iter(best(trials)), None)

    def add(self, trial: Trial, done: int) -> None:
        """Take one more trial into account; ``done`` counts it."""
        before = self.winner
        self.begin([trial] if before is None else [before, trial])
        if self.points and not self._improved:
            self.points.pop()
        self._improved = self.winner is not before
        value = None if self.winner is None else flip_sign(self.winner.value, self.maximize)
        self.points.append((done, value, time.time()))

    def clear(self) -> None:
        """Forget the points, which are written now."""
        self.points.clear()
        self.written = time.monotonic()
        self._improved = True
