"""Progress of a running study: counts, the incumbent, running trials, the time left."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hpsearch.trial import Status, Trial, best


@dataclass(frozen=True)
class Running:
    """A trial that runs.

    Args:
        since: when it began, by `time.monotonic`.
        step: the last one that it has reported.
        metrics: the last value of each.
    """

    since: float
    step: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since it began."""
        return time.monotonic() - self.since


@dataclass
class Progress:
    """What a display needs to know, at any time.

    ``total`` is the number of trials the study will have where the strategy says so, ``found`` a sentence on what an earlier
    run left behind, ``notes`` what the strategy said, ``last`` the trial that ended last, ``failures`` those that failed in
    this run, ``doing`` what is done after the last trial, and ``latest`` the running trials by their number, another mapping
    about once a second.
    """

    total: int | None = None
    jobs: int = 1
    found: str = ""
    notes: list[str] = field(default_factory=list)
    done: int = 0
    failed: int = 0
    taken_over: int = 0
    proposed: int = 0
    best: Trial | None = None
    last: Trial | None = None
    failures: list[Trial] = field(default_factory=list)
    doing: str = ""
    latest: Mapping[int, Running] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    _began: float = math.inf
    _worked: float = 0.0

    def count_replayed(self, trials: Iterable[Trial], proposed: int) -> None:
        """Count trials that a record held, and the size of the table so far."""
        self.proposed = proposed
        for trial in trials:
            self.taken_over += 1
            self._count(trial)

    def add_note(self, note: str) -> bool:
        """Keep what the strategy says of its next batch; return whether it says anything."""
        self.notes += [note] if note else []
        return bool(note)

    @property
    def messages(self) -> list[str]:
        """Everything there is to say in sentences, oldest first."""
        return [self.found] * bool(self.found) + self.notes

    def count_ended(self, trial: Trial) -> None:
        """Count a trial that has just ended."""
        self.last = trial
        self._began = min(self._began, trial.started or math.inf)
        self._worked += trial.seconds
        self.failures += [trial] * _has_failed(trial)
        self._count(trial)

    @property
    def expected(self) -> int:
        """How many trials there will be, as far as is known."""
        return max(self.total or 0, self.proposed)

    @property
    def running(self) -> int:
        """How many trials are being run."""
        return min(self.jobs, self.proposed - self.done)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the start."""
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the last known trial will have ended; None before the first one has.

        The first few trials tell it by their mean duration, less what running ones have done; later it is the pace since the
        first one began. What went before, such as the start of workers, does not count.
        """
        new, left = self.done - self.taken_over, self.expected - self.done
        if new == 0:
            return None
        if new >= 2 * self.jobs:
            return (time.time() - self._began) / new * left
        mean = self._worked / new
        ahead = sum(min(running.seconds, mean) for running in self.latest.values())
        return max(mean * left - ahead, 0.0) / max(min(self.jobs, left), 1)

    def _count(self, trial: Trial) -> None:
        self.done += 1
        self.failed += _has_failed(trial)
        self.best = next(iter(best([t for t in (self.best, trial) if t is not None])), None)


def _has_failed(trial: Trial) -> bool:
    """Return whether a trial ended without a result; one that was stopped by its curve has one."""
    return not trial.ok and trial.status is not Status.STOPPED
