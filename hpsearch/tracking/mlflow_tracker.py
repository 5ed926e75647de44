"""The tracker for MLflow: one experiment and one parent run per study, one flat child run per trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.errors import TrackingError
from hpsearch.ports import Exported, Recorded, StudyRecord, TrackedStudy, TrackerBase
from hpsearch.tracking import test_access
from hpsearch.tracking.delivery.retry_queue import read_waiting
from hpsearch.tracking.delivery.writer_thread import WriterThread
from hpsearch.tracking.models import log
from hpsearch.tracking.open_study import ENDS, OpenStudy, open_study
from hpsearch.tracking.pages import links, note
from hpsearch.tracking.runs import study_run
from hpsearch.tracking.runs.study_run import Children, read_children
from hpsearch.tracking.runs.writer import write_points
from hpsearch.tracking.store.client import PAGE, reraised_as_tracking_error
from hpsearch.tracking.store.store import Store, project_root
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Run


class MlflowTracker(TrackerBase):
    """Records studies in an MLflow store; `hpsearch.ports.Tracker` describes the methods.

    Args:
        uri: the store; else ``MLFLOW_TRACKING_URI``, else ``mlruns/mlflow.db`` under ``root``.
        root: the project folder; else the one that holds the current folder.
        store: a store already open, instead of the two above.
        page_size: how many runs are read at a time.
    """

    note_seconds = 5.0
    progress_seconds = 0.5

    def __init__(
        self, uri: str | None = None, root: Path | None = None, store: Store | None = None, page_size: int = PAGE
    ) -> None:
        self._uri, self._root = uri, root
        self._page_size = page_size
        self._study: OpenStudy | None = None
        self._known: dict[str, TrackedStudy] = {}
        self._read: tuple[tuple[str, object], Children] | None = None
        if store is not None:
            self.store = store

    @cached_property
    def store(self) -> Store:
        """The store, opened on first use; a `TrackingError` where it cannot be used."""
        return Store.open(self._uri, self._root or project_root(Path.cwd()))

    @property
    def notes(self) -> list[str]:
        """Sentences the user should read: what was found and repaired on opening."""
        return self.store.notes

    def find(self, study: TrackedStudy) -> Recorded | None:
        """Return what the store holds of the study, or None; curves are fetched on first use."""
        record = self._remember(study)
        with reraised_as_tracking_error(f"Study {record.name!r} cannot be read from {self.store.display_uri}"):
            parent = self._parent(record)
            if parent is None:
                return self._read_lost(study)
            children = self._children(parent)
            # Pages that are written from here on tell of what the study was before, whoever asks for them.
            earlier, identity_v1 = study_run.read_earlier(parent), study_run.read_identity_v1(parent)
            study = replace(study, record=replace(record, earlier=earlier, identity_v1=identity_v1))
            self._remember(study)
            found = open_study(self.store, study, parent, children)
        if self._study is None or self._study.lock is None:
            self._study = found
        return Recorded(
            trials=found.in_order,
            identity=study_run.read_identity(parent),
            facts=study_run.read_texts(parent, study_run.FACTS),
            interrupted=parent.info.status == "RUNNING",
            finished=parent.info.status == "FINISHED",
            dropped=len(children.half_written),
            attached=study_run.attached(parent, len(found.trials)),
            earlier=earlier,
            identity_v1=identity_v1,
        )

    def start(self, study: TrackedStudy, fresh: bool = False) -> None:
        """Open the study: resume its newest run, or begin a new one where there is none or ``fresh``.

        Raises:
            TrackingError: if another process runs it, or the store cannot be used.
        """
        record = self._remember(study)
        lock = self.store.lock(record.name)
        try:
            with reraised_as_tracking_error(f"Study {record.name!r} cannot be recorded in {self.store.display_uri}"):
                self._study = begun = self._begin(study, fresh)
                begun.lock = lock
                begun.note_seconds, begun.progress_seconds = self.note_seconds, self.progress_seconds
                begun.queue.send(at_once=True)
                begun.queue.save()
                begun.curve.begin(begun.trials.values())
                begun.describe("running")
                begun.writer = WriterThread(begun.deliver)
        except BaseException:
            self._study = None
            lock.release()
            raise

    def record(self, trial: Trial) -> None:
        """Queue one trial for the writer thread; while the store is unavailable it waits in memory.

        A trial that failed before and was run again replaces the failed one.
        """
        self._running().put(trial)

    def finish(self, status: str, trials: Sequence[Trial]) -> None:
        """Close the study once all trials are written; those that cannot be go to the spool file, for the next start.

        An interrupt while waiting, such as Ctrl-C, sends what is left to the spool file and ends at once.

        Raises:
            TrackingError: if the spool file cannot be written.
        """
        study = self._open()
        if study.writer is None:
            return
        try:
            study.writer.close(partial(study.end, status))
        except BaseException:
            study.queue.closed = True
            study.queue.pending += study.writer.abandon()
            study.queue.save()
            raise
        finally:
            if study.lock is not None:
                study.lock.release()
            study.lock = study.writer = None

    def opening(self, record: StudyRecord, trial: Trial) -> int:
        """Count that the test part is about to be opened to score ``trial``; return how often it was, this time included."""
        with reraised_as_tracking_error("The opening of the test part cannot be recorded"):
            return test_access.count_opening(self.store.client, self._recorded(record).run_id, trial)

    def tested(self, record: StudyRecord, trial: Trial, scores: Mapping[str, float]) -> None:
        """Log the test scores of a trial, on the study and on the trial."""
        with reraised_as_tracking_error("The scores on the test part cannot be recorded"):
            test_access.write_scores(self.store.client, self._recorded(record), trial, scores)

    def keep_model(self, record: StudyRecord, trial: Trial, export: Callable[[], Exported]) -> str:
        """Log the network of a trial as an MLflow model, unless it is logged already; return its address.

        Raises:
            TrackingError: if the trial is not in the store, or the store does not accept the model.
        """
        failed = f"The network of trial {trial.number} cannot be logged"
        with reraised_as_tracking_error(failed):
            study = self._recorded(record)
        if trial.number not in study.queue.runs:
            raise TrackingError(f"{failed}: the trial itself waits for the store. Run the study again.")
        place = log.Place(self.store.client, study.parent, study.queue.runs[trial.number])
        return log.keep(place, study.study, trial, export, failed)

    def attach(self, record: StudyRecord, files: Mapping[str, bytes]) -> None:
        """Log files of the whole study as artifacts of its run, and show the pictures on its page."""
        client = self.store.client
        with reraised_as_tracking_error("The report cannot be recorded"):
            study = self._recorded(record)
            study_run.attach(client, study.run_id, files, len(study.trials))
            study.pictures = study_run.pictures({*study.pictures, *files})
            ended = client.get_run(study.run_id).info.status
            study.describe(next((word for word, status in ENDS.items() if status == ended), "running"))

    def link(self) -> str:
        """Return the address of the current study in the UI."""
        study, base = self._open(), self.store.address if self.store.served else links.BASE
        with suppress(TrackingError), reraised_as_tracking_error("The view cannot be read"):
            found = self.store.client.get_experiment(study.parent.info.experiment_id)
            return links.link(found, study.run_id, study.record.maximize, base)
        return links.study_link(study.parent.info.experiment_id, study.run_id, base, shared=False)

    def _open(self) -> OpenStudy:
        if self._study is None:
            raise TrackingError("No study is open in this tracker. Call start() or find() first.")
        return self._study

    def _running(self) -> WriterThread:
        writer = self._open().writer
        if writer is None:
            raise TrackingError("No study is running in this tracker. Call start() first.")
        return writer

    def _remember(self, study: TrackedStudy) -> StudyRecord:
        """Keep a study for the methods that name it by its record, and return that."""
        self._known[study.record.name] = study
        return study.record

    def _recorded(self, record: StudyRecord) -> OpenStudy:
        """Return the current study, or find it; raise where it is not recorded."""
        if self._study is None or self._study.record.name != record.name:
            if record.name not in self._known:
                raise TrackingError(f"Study {record.name!r} was not opened by this tracker. Call find() or start() first.")
            self.find(self._known[record.name])
        if self._study is None or self._study.record.name != record.name:
            raise TrackingError(f"Study {record.name!r} is not recorded in {self.store.display_uri}. Run it first.")
        return self._study

    def _parent(self, record: StudyRecord) -> Run | None:
        found = study_run.find_experiment(self.store, record.name)
        return None if found is None else study_run.newest(self.store.client, found.experiment_id)

    def _children(self, parent: Run) -> Children:
        """Return the trials in the store; `find` and `start` share one reading unless somebody wrote in between."""
        seen = (str(parent.info.run_id), self.store.version())
        if seen[1] is None or self._read is None or self._read[0] != seen:
            self._read = (seen, read_children(self.store.client, parent, self._page_size))
        return self._read[1]

    def _read_lost(self, study: TrackedStudy) -> Recorded | None:
        """Return what the spool file holds of a study whose database was removed, if anything."""
        kept = sorted(read_waiting(self.store, study, None), key=lambda trial: trial.number)
        return Recorded(kept, study.record.identity, study.record.facts, interrupted=True) if kept else None

    def _begin(self, study: TrackedStudy, fresh: bool) -> OpenStudy:
        """Return the study with its run marked as running, and without leftovers of a kill."""
        client, record = self.store.client, study.record
        experiment_id = study_run.ensure_experiment(self.store, record.name)
        if fresh:
            self.store.spool_file(record.name).unlink(missing_ok=True)
            study_run.supersede(client, experiment_id)
        parent = study_run.newest(client, experiment_id)
        tags = study_run.tags(record, self.store.root)
        if parent is None:
            parent = client.create_run(experiment_id, tags=tags, run_name=note.title(study, ()))
            children = self._children(parent)
        else:
            children = self._children(parent)
            client.update_run(parent.info.run_id, "RUNNING")
            write_points(client, parent.info.run_id, {}, 0, 0.0, tags)
        self._read = None
        client.log_text(parent.info.run_id, study_run.document(study), "study.json")
        for run in [*children.half_written, *children.repeated]:
            client.delete_run(run.info.run_id)
        return open_study(self.store, study, parent, children)
