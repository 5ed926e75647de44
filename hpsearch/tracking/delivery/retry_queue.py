"""The queue of trials for the store: written in order, kept and retried while the store is unavailable."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from hpsearch.ports import TrackedStudy
from hpsearch.tracking.delivery import spool_file
from hpsearch.tracking.delivery.spool import Spool
from hpsearch.tracking.lease import Lease, LeaseLost
from hpsearch.tracking.runs.chunk import MOST_SECONDS, MOST_TRIALS, ChunkWriter, Written
from hpsearch.tracking.runs.client_writer import SERVER_THREADS, ClientWriter
from hpsearch.tracking.runs.database_writer import DatabaseWriter
from hpsearch.tracking.runs.live_runs import LiveRuns
from hpsearch.tracking.runs.study_run import read_children
from hpsearch.tracking.store.client import children, connect, exists, is_rejected, reason, search
from hpsearch.tracking.store.names import list_numbers
from hpsearch.tracking.store.schema import database_of
from hpsearch.tracking.store.store import Store
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Run

logger = logging.getLogger(__name__)
# An unavailable store can block each call for many seconds; between retries, trials only queue up.
RETRY_SECONDS = 10.0


@dataclass
class RetryQueue:
    """The trials of one study that are not in the store yet.

    Args:
        store: where they go.
        study: whose trials they are.
        parent: its run.
        runs: MLflow runs by trial number; grows as trials are written.
        spool: the file that each trial entered before it came here.
        lease: the right to write, which is checked before each trial; None where a file is locked instead.
        closed: nothing more is sent; every trial goes to the spool file.
    """

    store: Store
    study: TrackedStudy
    parent: Run
    runs: dict[int, str]
    spool: Spool
    lease: Lease | None = None
    pending: list[Trial] = field(default_factory=list)
    obsolete: list[str] = field(default_factory=list)
    rejected: set[int] = field(default_factory=set)
    unavailable: bool = False
    closed: bool = False
    retry: float = -float("inf")
    sent: float = -float("inf")

    @cached_property
    def writer(self) -> ChunkWriter:
        """What writes the trials: whole chunks into a database, several threads to a server."""
        client = self.store.client
        clients = [client, *(connect(self.store.uri) for _ in range(SERVER_THREADS - 1))] if self.store.served else [client]
        by_client = ClientWriter(clients, self.parent, self.study, self.live, lambda: not self.closed)
        database = database_of(client)
        return by_client if database is None else DatabaseWriter(database, self.parent, self.study, self.live, by_client)

    @cached_property
    def live(self) -> LiveRuns:
        """The runs of trials that have not ended."""
        return LiveRuns(self.parent, self.study, self.lease)

    @property
    def due(self) -> bool:
        """Whether it is time to write what waits: trials are collected for a moment, to be written together."""
        return len(self.pending) >= MOST_TRIALS or time.monotonic() - self.sent >= MOST_SECONDS

    @property
    def waiting(self) -> bool:
        """Whether trials wait for an unavailable store, and not because it rejected their content."""
        return self.closed or any(trial.number not in self.rejected for trial in self.pending)

    def send(self, at_once: bool = False) -> None:
        """Write what waits, in order; stop where the store is unavailable, skip trials whose content it rejected.

        Raises:
            LeaseLost: another process has taken the study over.
        """
        if not at_once and time.monotonic() < self.retry:
            return
        self.sent = time.monotonic()
        waiting = deque(trial for trial in self.pending if at_once or trial.number not in self.rejected)
        while waiting and not self.closed:
            chunk = [waiting.popleft() for _ in range(min(len(waiting), MOST_TRIALS))]
            try:
                written = self._write(chunk)
            except LeaseLost:
                raise
            except Exception as error:
                written = Written(errors={chunk[0].number: error})
            if not self._settle(chunk, written):
                return
        self.sent = time.monotonic()
        self._report_recovery()

    def forget(self, number: int) -> None:
        """Remove a trial, which another run of it replaces."""
        self.pending = [trial for trial in self.pending if trial.number != number]
        runs = (self.runs.pop(number, None), self.writer.forget(number))
        self.obsolete += [run for run in runs if run is not None]

    def delete_unknown_runs(self) -> None:
        """Delete runs begun by a call whose response was lost in an outage, and then begun again.

        Runs that an owner before this one wrote until just now are deleted too, where there is another of the same number.
        """
        if self.lease is not None and self.lease.inherited:
            for run in read_children(self.store, self.parent).repeated:
                self.store.client.delete_run(run.info.run_id)
        where = f"{children(self.parent.info.run_id)} and attributes.status = 'RUNNING'"
        for run in search(self.store.client, self.parent.info.experiment_id, where):
            if run.info.run_id not in self.writer.begun.values():
                self.store.client.delete_run(run.info.run_id)

    def rescue(self, trials: Sequence[Trial]) -> None:
        """Queue all trials of a study whose store was removed, for the spool file."""
        self.closed = True
        self.runs.clear()
        self.pending = list(_readable(trials))
        path = self.spool.keep(self.pending)
        logger.warning(
            "The store %s was removed while the study ran: %d trials are kept in %s.",
            self.store.display_uri, len(self.pending), path,
        )  # fmt: skip

    def load(self) -> None:
        """Add the trials that an earlier run of the study left in its spool file."""
        found = read_waiting(self.store, self.study, str(self.parent.info.run_id))
        self.spool.adopt(found)
        self.pending += [trial for trial in found if trial.number not in self.runs]

    def save(self) -> None:
        """Leave exactly what still waits in the study's spool file, or delete that file where nothing waits.

        Raises:
            TrackingError: if the file cannot be written.
        """
        pending = list(self.pending)
        path = self.spool.keep(pending)
        if pending:
            logger.warning(
                "Trials %s wait in %s for the next start of the study.", list_numbers(trial.number for trial in pending), path
            )

    def _write(self, chunk: Sequence[Trial]) -> Written:
        if self.lease is not None:
            self.lease.hold()
        while self.obsolete:
            if exists(self.store.client, self.obsolete[0]):
                self.store.client.delete_run(self.obsolete[0])
            del self.obsolete[0]
        return self.writer.write(chunk)

    def _settle(self, chunk: Sequence[Trial], written: Written) -> bool:
        """Drop what the store has now; return whether it can take more."""
        self.runs |= written.runs
        for trial in chunk:
            if trial.number in written.runs:
                self.pending.remove(trial)  # in place: an interrupted search adds what is left to it
                self.spool.settle(trial.number)
        failed = [(trial, written.errors[trial.number]) for trial in chunk if trial.number in written.errors]
        for trial, error in failed:
            self._warn_once(trial, error)
            if not is_rejected(error):
                self.retry, self.unavailable = time.monotonic() + RETRY_SECONDS, True
                return False
            self.rejected.add(trial.number)
        return True

    def _warn_once(self, trial: Trial, error: Exception) -> None:
        """Log a warning, once per outage."""
        if not self.unavailable:
            logger.warning("Trial %d is kept in a file, the store did not accept it: %s", trial.number, reason(error))

    def _report_recovery(self) -> None:
        """Log that an outage is over."""
        if self.unavailable:
            logger.warning("The store accepts trials again; all that waited are written.")
        self.unavailable = False


def read_waiting(store: Store, study: TrackedStudy, run_id: str | None) -> list[Trial]:
    """Return the trials in a study's spool file that belong to its run, or to one that was lost with the store's database.

    Those of a run that the store still has, and that a fresh start superseded, are left out.
    """

    def lost(other: str, identity: str) -> bool:
        return identity == spool_file.identity(study.record) and not exists(store.client, other)

    found = (
        trial for path in store.spool_files(study.record.name) for trial in spool_file.read(path, run_id, study.space, lost)
    )
    return list({trial.number: trial for trial in found}.values())


def _readable(trials: Iterable[Trial]) -> Iterable[Trial]:
    """Yield the trials with everything fetched that they would fetch later; leave out those whose store is lost."""
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
