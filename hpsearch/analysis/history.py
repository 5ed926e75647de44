"""History of a search: the best value after each trial, and the ranges that each batch was drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.ports import Search
from hpsearch.space import Space
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


@dataclass(frozen=True)
class Window:
    """The ranges that the trials of one batch were drawn from, and what the strategy said of it."""

    stage: str
    space: Space
    trials: tuple[Trial, ...]
    note: str = ""


def windows(search: Search, space: Space, trials: Sequence[Trial]) -> list[Window]:
    """Return one window per batch, in order, as far as the trials go.

    Args:
        search: the strategy's search from its beginning, ``study.search()``.
        space: the study's space, which a batch has unless it brings its own.
        trials: the study's trials in number order, ``result.trials``.
    """
    found: list[Window] = []
    done = 0
    try:
        batch = next(search)
        while True:
            ended = tuple(trials[done : done + len(batch.proposals)])
            if len(ended) < len(batch.proposals):
                return found
            done += len(ended)
            found.append(Window(batch.stage, batch.space or space, ended, batch.note))
            batch = search.send(ended)
    except StopIteration:
        return found
    finally:
        search.close()
