"""The start of a study's record: its run, new or resumed, and the right to write it."""

from __future__ import annotations

import getpass
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hpsearch.ports import TrackedStudy
from hpsearch.tracking.lease import Lease, LeaseTimes, check_somebody, newest_claim, take, wait_until_free
from hpsearch.tracking.lease.owner import host_name
from hpsearch.tracking.pages import note
from hpsearch.tracking.runs import candidate, location, study_run
from hpsearch.tracking.store import names
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True)
class StudyStart:
    """How a study is started.

    Args:
        store: that records it; a local one is locked already, on a server the lease is taken here.
        study: what is started.
        fresh: whether its record begins anew.
        times: of the lease.
        take_over: whether a silent owner is not waited for as long as usual.
        token: random text that only this start has, by which another process addresses it.
    """

    store: Store
    study: TrackedStudy
    fresh: bool
    times: LeaseTimes
    take_over: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def begin(self) -> tuple[Run, Lease | None]:
        """Return the study's run, not marked as running yet, and its lease, which a local store does not need.

        Raises:
            TrackingError: another process runs the study.
        """
        experiment_id = location.ensure_experiment(self.store, self.study.record.name)
        return self._begin_leased(experiment_id) if self.store.database is None else (self._begin_locked(experiment_id), None)

    def _begin_locked(self, experiment_id: str) -> Run:
        client, parent = self.store.client, study_run.newest(self.store.client, experiment_id, self._name)
        claim = None if parent is None else newest_claim(parent)
        if self.take_over:
            check_somebody(self._name, claim)
        if parent is not None and claim is not None:  # it was run through a server on this file, and may be still
            wait_until_free(client, parent.info.run_id, self._name, claim, self.times, self.take_over)
        if self.fresh:
            self._drop(experiment_id)
        if parent is None or self.fresh:
            return client.create_run(experiment_id, tags=self._tags, run_name=self._title)
        return parent

    def _begin_leased(self, experiment_id: str) -> tuple[Run, Lease]:
        client = self.store.client
        while (parent := study_run.newest(client, experiment_id, self._name)) is None:
            if self.take_over:
                check_somebody(self._name, None)
            made = candidate.make_first(client, experiment_id, self._title, self._tags, self._name, self.times)
            if made is not None:
                return client.get_run(made[0]), made[1]
        run_id = str(parent.info.run_id)
        lease = take(client, run_id, self._name, self.times, self.take_over)
        if not self.fresh:
            return parent, lease
        run_id, claim = candidate.make_next(client, experiment_id, self._title, self._name, self.times)
        self._drop(experiment_id)
        lease.release()
        lease = candidate.begin(client, run_id, self._tags, claim, self._name)
        return client.get_run(run_id), lease

    def mark(self, run: Run) -> None:
        """Mark the study's run as running, and write what the study is now; MLflow lets no param change, so the first stays."""
        from mlflow.entities import Param, RunTag

        tags, client = self._tags, self.store.client
        client.update_run(run.info.run_id, "RUNNING")
        texts = study_run.params(self.study.record, tags[study_run.HOST], tags.get("mlflow.user"))
        new = [Param(name, text) for name, text in texts.items() if name not in run.data.params]
        client.log_batch(run.info.run_id, params=new, tags=[RunTag(name, text) for name, text in tags.items()])

    def _drop(self, experiment_id: str) -> None:
        """Leave what is recorded to itself, and forget what waits to be recorded."""
        for path in self.store.spool_files(self._name):
            path.unlink(missing_ok=True)
        study_run.supersede(self.store.client, experiment_id, self._name)

    @property
    def _name(self) -> str:
        return self.study.record.name

    @property
    def _title(self) -> str:
        return note.title(self.study, ())

    @property
    def _tags(self) -> dict[str, str]:
        return (
            study_run.tags(self.study.record, self.store.root)
            | {study_run.START: self.token, study_run.HOST: host_name()}
            | _user()
        )


def _user() -> dict[str, str]:
    """Return who starts the study, by the tag that MLflow shows; nothing where the system does not know."""
    with suppress(OSError, KeyError, ImportError):
        return {"mlflow.user": names.fit_text(getpass.getuser())}
    return {}
