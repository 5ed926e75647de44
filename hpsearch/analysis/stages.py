"""Where a search looked, batch by batch: found again by handing its recorded trials back to the strategy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.ports import Search
from hpsearch.space import Space
from hpsearch.trial import Trial


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
