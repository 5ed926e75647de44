"""Trials written through MLflow's client, a run at a time; to a server, by several threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Thread
from typing import TYPE_CHECKING

from hpsearch.ports import TrackedStudy
from hpsearch.tracking.lease import LeaseLost
from hpsearch.tracking.runs.chunk import Written
from hpsearch.tracking.runs.live_runs import LiveRuns
from hpsearch.tracking.runs.writer import write_trial
from hpsearch.tracking.store.client import is_rejected
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# A server on another continent answers each of a trial's three calls after a tenth of a second.
SERVER_THREADS = 16
_HOLD_SECONDS = 0.25


class ClientWriter:
    """Writes each trial with three calls of MLflow's client.

    Args:
        clients: one for each thread; a single one is used by the thread that calls.
        parent: the study's run.
        study: whose trials they are.
        live: the runs that trials had while they ran; they are completed.
        proceed: whether to begin another trial.
    """

    def __init__(
        self,
        clients: Sequence[MlflowClient],
        parent: Run,
        study: TrackedStudy,
        live: LiveRuns,
        proceed: Callable[[], bool],
    ) -> None:
        self._clients, self._parent, self._study, self._lease = clients, parent, study, live.lease
        self._live, self._proceed = live, proceed
        # Runs by number until they are complete: another attempt goes on with the run of the first.
        self.begun: dict[int, str] = {}

    def write(self, trials: Sequence[Trial]) -> Written:
        """Write the trials, see `hpsearch.tracking.runs.chunk.ChunkWriter`."""
        chunk = _Chunk(deque(trials), self._write, self._proceed)
        clients = self._clients[: len(trials)]
        if len(clients) == 1:
            chunk.run(clients[0], self._hold)
            return chunk.written
        threads = [Thread(target=chunk.run, args=(client,), name="hpsearch-server", daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(_HOLD_SECONDS)
                    self._renew()
        finally:
            chunk.waiting.clear()
        return chunk.written

    def forget(self, number: int) -> str | None:
        """Drop what was begun of a trial, which another run of it replaces; return its run."""
        live = self._live.runs.pop(number, None)
        return self.begun.pop(number, None) or live

    def _write(self, client: MlflowClient, trial: Trial) -> str:
        owner = 0 if self._lease is None else self._lease.number
        live = self._live.runs.get(trial.number)
        run_id = write_trial(client, self._parent, self._study, trial, self.begun, owner, live)
        self._live.runs.pop(trial.number, None)
        return run_id

    def _hold(self) -> None:
        if self._lease is not None:
            self._lease.hold()

    def _renew(self) -> None:
        if self._lease is not None:
            self._lease.renew()


class _Chunk:
    """Trials that several threads take from one end."""

    def __init__(self, waiting: deque[Trial], write: Callable[[MlflowClient, Trial], str], proceed: Callable[[], bool]) -> None:
        self.waiting, self._write, self._proceed = waiting, write, proceed
        self.written = Written()

    def run(self, client: MlflowClient, before: Callable[[], None] | None = None) -> None:
        """Write trials until none is left, or one fails for another reason than its content."""
        while self._proceed():
            try:
                trial = self.waiting.popleft()
            except IndexError:
                return
            try:
                if before is not None:
                    before()
                self.written.runs[trial.number] = self._write(client, trial)
            except LeaseLost:
                raise
            except Exception as error:
                self.written.errors[trial.number] = error
                if not is_rejected(error):
                    self.waiting.clear()
