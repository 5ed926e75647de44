"""Trials on their way to the store: written in order, kept and tried again while the store is away."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hpsearch.ports import StudyRecord
from hpsearch.tracking import unsent
from hpsearch.tracking.client import reason, refused
from hpsearch.tracking.store import Store
from hpsearch.tracking.writer import write_trial
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Run

logger = logging.getLogger(__name__)
# A store that is away can hold up each call for many seconds; in between, trials only gather.
RETRY_SECONDS = 10.0


@dataclass
class Outbox:
    """The trials of one study that the store has not taken yet.

    Args:
        store: where they go.
        record: the study.
        parent: its run.
        runs: MLflow runs by trial number; grows as trials are sent.
    """

    store: Store
    record: StudyRecord
    parent: Run
    runs: dict[int, str]
    pending: list[Trial] = field(default_factory=list)
    begun: dict[int, str] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    retry: float = -float("inf")

    @property
    def waiting(self) -> bool:
        """Whether trials wait for a store that is away, and not because it refuses their content."""
        return any(trial.number not in self.refused for trial in self.pending)

    def send(self, at_once: bool = False) -> None:
        """Write what waits, in order; stop where the store is away, pass over what it refuses for its content."""
        if not at_once and time.monotonic() < self.retry:
            return
        for trial in list(self.pending):
            if trial.number in self.refused and not at_once:
                continue
            try:
                self.runs[trial.number] = write_trial(self.store.client, self.parent, self.record, trial, self.begun)
            except Exception as error:
                logger.warning("Trial %d is kept in memory, the store did not take it: %s", trial.number, reason(error))
                if not refused(error):
                    self.retry = time.monotonic() + RETRY_SECONDS
                    return
                self.refused.add(trial.number)
            else:
                self.pending.remove(trial)

    def forget(self, number: int) -> bool:
        """Take a trial back, to be replaced by another run of it; return whether that was possible."""
        waiting = [trial for trial in self.pending if trial.number == number]
        for trial in waiting:
            self.pending.remove(trial)
        if number in self.runs:
            try:
                self.store.client.delete_run(self.runs[number])
            except Exception as error:
                logger.warning("Trial %d could not be replaced: %s", number, reason(error))
                return False
            del self.runs[number]
        self.begun.pop(number, None)
        return True

    def load(self) -> None:
        """Take up the trials that an earlier end of the study left in its file."""
        path = self.store.unsent(self.record.name)
        found = unsent.read(path, self.parent.info.run_id, self.record.space)
        self.pending += [trial for trial in found if trial.number not in self.runs]

    def save(self) -> None:
        """Write what still waits to the study's file, or take that file away.

        Raises:
            TrackingError: if the file cannot be written.
        """
        path = self.store.unsent(self.record.name)
        unsent.write(path, self.parent.info.run_id, self.pending, self.record.space)
        if self.pending:
            numbers = ", ".join(str(trial.number) for trial in self.pending)
            logger.warning("Trials %s wait in %s for the next start of the study.", numbers, path)
