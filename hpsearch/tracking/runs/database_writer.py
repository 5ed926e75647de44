"""A chunk of trials written in one transaction, through MLflow's own session and tables."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hpsearch.ports import TrackedStudy
from hpsearch.tracking.lease import Lease, LeaseLost
from hpsearch.tracking.lease.claim import OWNER, find_claim
from hpsearch.tracking.runs import run_rows
from hpsearch.tracking.runs.chunk import ChunkWriter, Written
from hpsearch.tracking.runs.live_runs import LiveRuns
from hpsearch.tracking.runs.trial_keys import run_name
from hpsearch.tracking.runs.trial_run import Content, encode
from hpsearch.tracking.runs.writer import files_in_folder
from hpsearch.tracking.store.client import is_rejected
from hpsearch.tracking.store.schema import KNOWN_REVISIONS, read_revision
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Run

logger = logging.getLogger(__name__)


class DatabaseWriter:
    """Writes each chunk whole or not at all, so that a kill leaves no half-written run.

    Args:
        database: MLflow's store of the database.
        parent: the study's run.
        study: whose trials they are.
        live: the runs that trials had while they ran, with the lease that is checked in the same transaction.
        otherwise: completes these runs, and writes all trials where the tables are of an unknown revision.
    """

    def __init__(self, database: Any, parent: Run, study: TrackedStudy, live: LiveRuns, otherwise: ChunkWriter) -> None:
        self._database, self._parent, self._study, self._lease = database, parent, study, live.lease
        self._live, self._otherwise = live, otherwise
        self._unknown = ""
        # The runs of trials whose transaction failed; its response may have been lost after it was committed.
        self._tried: dict[int, str] = {}

    def write(self, trials: Sequence[Trial]) -> Written:
        """Write the trials, see `ChunkWriter`; where the store rejects their content, each in a transaction of its own."""
        shown = [trial for trial in trials if trial.number in self._live.runs]
        new = [trial for trial in trials if trial.number not in self._live.runs]
        written = self._write_new(new) if new else Written()
        if shown and all(map(is_rejected, written.errors.values())):
            completed = self._otherwise.write(shown)
            written = Written(written.runs | completed.runs, written.errors | completed.errors)
        return written

    def _write_new(self, trials: Sequence[Trial]) -> Written:
        chunk = _Chunk(self._database, self._parent, self._study, self._lease, self._tried)
        written = Written()
        try:
            is_known = chunk.write(trials, written)
        except LeaseLost:
            raise
        except Exception as error:
            if is_rejected(error) and len(trials) > 1:
                return self._write_each(trials)
            written = Written(errors={trials[0].number: error})
        else:
            if not is_known:
                self._warn_once(chunk.revision)
                return self._otherwise.write(trials)
        rejected = [number for number, why in written.errors.items() if is_rejected(why)]
        for number in (*written.runs, *rejected):
            self._tried.pop(number, None)
        return written

    @property
    def begun(self) -> Mapping[int, str]:
        """The runs that are not complete yet, by number of their trials: those that the client began."""
        return self._otherwise.begun

    def forget(self, number: int) -> str | None:
        """Drop what was begun of a trial, see `ChunkWriter`."""
        return self._tried.pop(number, None) or self._otherwise.forget(number)

    def _write_each(self, trials: Sequence[Trial]) -> Written:
        together = Written()
        for trial in trials:
            alone = self._write_new([trial])
            together.runs |= alone.runs
            together.errors |= alone.errors
            if any(not is_rejected(error) for error in alone.errors.values()):
                break
        return together

    def _warn_once(self, revision: str) -> None:
        if revision != self._unknown:
            logger.warning(
                "The tables of the store must be of revision %s to be written many trials at a time, got %r."
                " Each trial is written by itself, which takes longer.",
                " or ".join(KNOWN_REVISIONS), revision,
            )  # fmt: skip
        self._unknown = revision


class _Chunk:
    """One transaction."""

    def __init__(self, database: Any, parent: Run, study: TrackedStudy, lease: Lease | None, tried: dict[int, str]) -> None:
        self._database, self._parent, self._study, self._lease = database, parent, study, lease
        self._tried = tried
        self._rows = run_rows.Rows()
        self.revision = ""

    def write(self, trials: Sequence[Trial], written: Written) -> bool:
        """Write the trials; return False, with nothing written, where the tables are of an unknown revision."""
        lost: LeaseLost | None = None
        with self._database.ManagedSessionMaker(read_only=False) as session:
            self.revision = read_revision(session)
            if self.revision not in KNOWN_REVISIONS:
                return False
            self._encode(session, trials, written)
            # MLflow would wrap an error that is raised in here.
            lost = self._find_loss(session)
            if lost is None:
                self._rows.insert(session)
        if lost is not None:
            raise lost
        return True

    def _encode(self, session: Any, trials: Sequence[Trial], written: Written) -> None:
        """Prepare the rows, and write files, without which no run may be seen; an error of the store leaves out the rest."""
        location, there = self._artifacts(session), self._already_written(session)
        for trial in trials:
            run_id = self._tried.setdefault(trial.number, uuid.uuid4().hex)
            if run_id not in there:
                try:
                    self._add(trial, run_id, location)
                except Exception as error:
                    written.errors[trial.number] = error
                    if is_rejected(error):
                        continue
                    return
            written.runs[trial.number] = run_id

    def _add(self, trial: Trial, run_id: str, location: str) -> None:
        from mlflow.utils.uri import append_to_uri_path

        content, name = encode(trial, self._study), run_name(trial)
        run_rows.check(content)
        join: Any = append_to_uri_path
        artifacts = str(join(location, run_id, self._database.ARTIFACTS_FOLDER_NAME))
        if content.files:
            self._write_files(content, artifacts)
        self._rows.add(
            run_rows.run_row(content, self._parent, run_id, name, artifacts),
            run_rows.run_tags(content, self._parent, name, 0 if self._lease is None else self._lease.number),
            content,
            run_rows.metric_rows(self._database, content.points, content.end, run_id),
        )

    def _write_files(self, content: Content, artifacts: str) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        repository: Any = get_artifact_repository(artifacts, tracking_uri=self._database.db_uri)
        with files_in_folder(content.files) as folder:
            repository.log_artifacts(str(folder))

    def _artifacts(self, session: Any) -> str:
        """Return where the artifacts of the study's experiment are."""
        from mlflow.exceptions import MlflowException
        from mlflow.store.tracking.dbmodels.models import SqlExperiment

        experiment_id = int(self._parent.info.experiment_id)
        found = session.get(SqlExperiment, experiment_id)
        if found is None or found.lifecycle_stage != "active":
            raise MlflowException(f"The experiment {experiment_id} must be in the 'active' state.")
        return str(found.artifact_location)

    def _already_written(self, session: Any) -> set[str]:
        from mlflow.store.tracking.dbmodels.models import SqlRun
        from sqlalchemy import select

        tried = list(self._tried.values())
        return set(session.execute(select(SqlRun.run_uuid).where(SqlRun.run_uuid.in_(tried))).scalars()) if tried else set()

    def _find_loss(self, session: Any) -> LeaseLost | None:
        """Lock the study's run, so that no claim is made until this is written; return the error of one made before."""
        if self._lease is None:
            return None
        from mlflow.store.tracking.dbmodels.models import SqlParam, SqlRun
        from sqlalchemy import select

        run_id = self._parent.info.run_id
        session.execute(select(SqlRun.run_uuid).where(SqlRun.run_uuid == run_id).with_for_update())
        claims: Any = select(SqlParam.key, SqlParam.value).where(SqlParam.run_uuid == run_id, SqlParam.key.startswith(OWNER))
        try:
            self._lease.confirm(find_claim(dict(session.execute(claims).all()), {}))
        except LeaseLost as error:
            return error
        return None
