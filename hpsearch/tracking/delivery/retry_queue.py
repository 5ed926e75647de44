"""Trials on their way to the store: written in order, kept and tried again while the store is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hpsearch.ports import StudyRecord
from hpsearch.tracking.delivery import spool_file
from hpsearch.tracking.runs.writer import write_trial
from hpsearch.tracking.store.client import children, exists, reason, refused, search
from hpsearch.tracking.store.store import Store
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
        shut: nothing more is sent, everything is for the file.
    """

    store: Store
    record: StudyRecord
    parent: Run
    runs: dict[int, str]
    pending: list[Trial] = field(default_factory=list)
    begun: dict[int, str] = field(default_factory=dict)
    obsolete: list[str] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    away: bool = False
    shut: bool = False
    retry: float = -float("inf")

    @property
    def waiting(self) -> bool:
        """Whether trials wait for a store that is away, and not because it refuses their content."""
        return self.shut or any(trial.number not in self.refused for trial in self.pending)

    def send(self, at_once: bool = False) -> None:
        """Write what waits, in order; stop where the store is away, pass over what it refuses for its content."""
        if not at_once and time.monotonic() < self.retry:
            return
        for trial in list(self.pending):
            if self.shut:
                return
            if trial.number in self.refused and not at_once:
                continue
            try:
                self._write(trial)
            except Exception as error:
                self._complain(trial, error)
                if not refused(error):
                    self.retry, self.away = time.monotonic() + RETRY_SECONDS, True
                    return
                self.refused.add(trial.number)
        self._say_back()

    def forget(self, number: int) -> None:
        """Take a trial back, to be replaced by another run of it."""
        self.pending = [trial for trial in self.pending if trial.number != number]
        runs = (self.runs.pop(number, None), self.begun.pop(number, None))
        self.obsolete += [run for run in runs if run is not None]

    def clear(self) -> None:
        """Delete runs that nobody knows: begun by a call whose answer was lost in an outage, and then begun again."""
        where = f"{children(self.parent.info.run_id)} and attributes.status = 'RUNNING'"
        for run in search(self.store.client, self.parent.info.experiment_id, where):
            if run.info.run_id not in self.begun.values():
                self.store.client.delete_run(run.info.run_id)

    def rescue(self, trials: Sequence[Trial]) -> None:
        """Take all trials of the study back from a store whose file was removed, so that they go to our own file."""
        self.shut = True
        self.runs.clear()
        self.pending = list(_readable(trials))
        path = self.store.unsent(self.record.name)
        logger.warning(
            "The store %s was removed while the study ran: %d trials are kept and go to %s at the end.",
            self.store.shown, len(self.pending), path,
        )  # fmt: skip

    def load(self) -> None:
        """Take up the trials that an earlier end of the study left in its file."""
        found = waiting(self.store, self.record, str(self.parent.info.run_id))
        self.pending += [trial for trial in found if trial.number not in self.runs]

    def save(self) -> None:
        """Write what still waits to the study's file, or take that file away.

        Raises:
            TrackingError: if the file cannot be written.
        """
        path = self.store.unsent(self.record.name)
        pending = list(self.pending)
        spool_file.write(path, str(self.parent.info.run_id), pending, self.record)
        if pending:
            logger.warning("Trials %s wait in %s for the next start of the study.", spool_file.listed(pending), path)

    def _write(self, trial: Trial) -> None:
        while self.obsolete:
            self.store.client.delete_run(self.obsolete[0])
            del self.obsolete[0]
        self.runs[trial.number] = write_trial(self.store.client, self.parent, self.record, trial, self.begun)
        self.pending.remove(trial)

    def _complain(self, trial: Trial, error: Exception) -> None:
        """Say once per outage that trials gather."""
        if not self.away:
            logger.warning("Trial %d is kept in memory, the store did not take it: %s", trial.number, reason(error))

    def _say_back(self) -> None:
        if self.away:
            logger.warning("The store takes trials again; all that waited are written.")
        self.away = False


def waiting(store: Store, record: StudyRecord, run_id: str | None) -> list[Trial]:
    """Return the trials in a study's file that belong to its run, or to one that its store lost together with its database.

    Those of a run that the store still has, and that a fresh start superseded, stay away.
    """

    def lost(other: str, identity: str) -> bool:
        return identity == spool_file.identity(record) and not exists(store.client, other)

    return spool_file.read(store.unsent(record.name), run_id, record.space, lost)


def _readable(trials: Iterable[Trial]) -> Iterable[Trial]:
    """Yield the trials with everything they fetch from a store when first looked at; those that need a lost one, no more."""
    for trial in trials:
        try:
            if (outcome := trial.outcome) is not None:
                trial = replace(
                    trial, outcome=replace(outcome, history=dict(outcome.history), artifacts=dict(outcome.artifacts))
                )
        except Exception as error:
            logger.warning("Trial %d is lost with the store and will be run again: %s", trial.number, reason(error))
        else:
            yield trial
