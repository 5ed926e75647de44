"""A chunk of trials that are written together, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hpsearch.trial import Trial

# So many trials are written together at most, and none waits longer for others.
MOST_TRIALS, MOST_SECONDS = 100, 0.5


@dataclass
class Written:
    """The MLflow runs of the trials that the store has now, and the errors of those that it did not accept, by number.

    A trial that is in neither was not tried.
    """

    runs: dict[int, str] = field(default_factory=dict)
    errors: dict[int, Exception] = field(default_factory=dict)


class ChunkWriter(Protocol):
    """Writes trials as children of a study's run."""

    @property
    def begun(self) -> Mapping[int, str]:
        """The runs that are not complete yet, by number of their trials."""

    def write(self, trials: Sequence[Trial]) -> Written:
        """Write the trials; stop at an error that does not come from the content of a trial.

        Raises:
            LeaseLost: another process has taken the study over.
        """

    def forget(self, number: int) -> str | None:
        """Drop what was begun of a trial, which another run of it replaces; return the run that it may have."""
