"""How the best value fell (or rose) while a study ran: over its trials and over the computing time they took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.trial import Trial


@dataclass(frozen=True)
class Moment:
    """The study after one of its trials.

    ``seconds`` is the computing time until then, summed over the trials: it does not depend on the number of workers, nor on
    breaks between two starts. ``best`` is the best trial so far, None before the first finished one.
    """

    trial: Trial
    seconds: float
    best: Trial | None


def moments(trials: Sequence[Trial]) -> list[Moment]:
    """Return one moment per trial, in the order given.

    >>> from hpsearch.trial import Outcome, Status
    >>> ended = [Trial(n, {}, "all", Status.FINISHED, Outcome(v), seconds=2.0) for n, v in enumerate([3.0, 1.0, 2.0])]
    >>> [(m.seconds, m.best.value) for m in moments(ended) if m.best]
    [(2.0, 3.0), (4.0, 1.0), (6.0, 1.0)]
    """
    found: list[Moment] = []
    seconds, best = 0.0, None
    for trial in trials:
        seconds += trial.seconds
        if trial.ok and (best is None or trial.value < best.value):
            best = trial
        found.append(Moment(trial, seconds, best))
    return found


def in_order_of_ending(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials as they ended, by the clock; the order depends on the number of workers."""
    return sorted(trials, key=lambda trial: (trial.started + trial.seconds, trial.number))
