"""Progress of a running study: counts, the incumbent, the time left."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from hpsearch.trial import Status, Trial, best


@dataclass
class Progress:
    """What a display needs to know after each trial.

    ``total`` is the number of trials the study will have where the strategy says so, ``found`` a sentence on what an earlier
    run left behind, ``notes`` what the strategy said, ``last`` the trial that ended last.
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
    started: float = field(default_factory=time.monotonic)

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
        """Seconds until the last known trial will have ended, at the pace so far; None before the first one."""
        new = self.done - self.taken_over
        return None if new == 0 else self.seconds / new * (self.expected - self.done)

    def _count(self, trial: Trial) -> None:
        self.done += 1
        self.failed += not trial.ok and trial.status is not Status.STOPPED
        self.best = next(iter(best([t for t in (self.best, trial) if t is not None])), None)
