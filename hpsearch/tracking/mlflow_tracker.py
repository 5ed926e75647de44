"""The record of a study in MLflow: one experiment and one parent run per study, one flat child run per trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.errors import TrackingError
from hpsearch.ports import Exported, Recorded, StudyRecord
from hpsearch.tracking import test_access
from hpsearch.tracking.delivery.retry_queue import Outbox, waiting
from hpsearch.tracking.delivery.writer_thread import Courier
from hpsearch.tracking.models import log
from hpsearch.tracking.open_study import OpenStudy
from hpsearch.tracking.pages import links, note
from hpsearch.tracking.pages.publisher import Publisher
from hpsearch.tracking.runs import artifacts, experiment, study_run
from hpsearch.tracking.runs.best_curve import BestCurve
from hpsearch.tracking.runs.study_run import Children, read_children
from hpsearch.tracking.runs.trial_run import decode
from hpsearch.tracking.runs.writer import read_curve, read_file, write_best, write_points
from hpsearch.tracking.store.client import PAGE, search, told
from hpsearch.tracking.store.store import Store, project_root
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Run

ENDS = {"finished": "FINISHED", "killed": "KILLED", "failed": "FAILED"}


class MlflowTracker:
    """Records studies in an MLflow store; see `hpsearch.ports.tracker.Tracker` for the law of its methods.

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
        self._read: tuple[tuple[str, object], Children] | None = None
        if store is not None:
            self.store = store

    @cached_property
    def store(self) -> Store:
        """The store, opened on first use; a `TrackingError` where it cannot be used."""
        return Store.open(self._uri, self._root or project_root(Path.cwd()))

    @property
    def notes(self) -> list[str]:
        """Sentences the user should read: what was found and mended."""
        return self.store.notes

    def find(self, record: StudyRecord) -> Recorded | None:
        """Return what the store holds of the study, or None; curves are fetched when first looked at."""
        with told(f"Study {record.name!r} cannot be read from {self.store.shown}"):
            parent = self._parent(record)
            if parent is None:
                return self._lost(record)
            children = self._children(parent)
            study = self._at_hand(record, parent, children)
        if self._study is None or self._study.lock is None:
            self._study = study
        return Recorded(
            trials=study.in_order,
            identity=study_run.read_texts(parent, study_run.IDENTITY),
            facts=study_run.read_texts(parent, study_run.FACTS),
            interrupted=parent.info.status == "RUNNING",
            finished=parent.info.status == "FINISHED",
            dropped=len(children.half_written),
            attached=artifacts.attached(parent, len(study.trials)),
        )

    def start(self, record: StudyRecord, fresh: bool = False) -> None:
        """Open the study: take over its newest run, or begin a new one where there is none or ``fresh``.

        Raises:
            TrackingError: if another process runs it, or the store cannot be used.
        """
        lock = self.store.lock(record.name)
        try:
            with told(f"Study {record.name!r} cannot be recorded in {self.store.shown}"):
                self._study = self._begin(record, fresh)
                self._study.lock = lock
                self._study.outbox.send(at_once=True)
                self._study.outbox.save()
                self._study.curve.begin(self._study.trials.values())
                self._describe("running")
                self._study.courier = Courier(self._deliver)
        except BaseException:
            self._study = None
            lock.release()
            raise

    def record(self, trial: Trial) -> None:
        """Hand over one trial, to be written by a thread of our own; where the store is away it waits in memory.

        A trial that failed before and was run again takes the place of the failed one.
        """
        self._running().hand(trial)

    def finish(self, status: str, trials: Sequence[Trial]) -> None:
        """Close the study once all trials are written; those that cannot be go to a file that the next start takes up.

        Whatever interrupts the waiting, such as a Ctrl-C, sends what is left to that file and ends at once.

        Raises:
            TrackingError: if that file cannot be written either.
        """
        study = self._open()
        if study.courier is None:
            return
        try:
            study.courier.close(partial(self._end, status))
        except BaseException:
            study.outbox.shut = True
            study.outbox.pending += study.courier.abandon()
            study.outbox.save()
            raise
        finally:
            if study.lock is not None:
                study.lock.release()
            study.lock = study.courier = None

    def opening(self, record: StudyRecord, trial: Trial) -> int:
        """Count, before it happens, that the test part is opened to score ``trial``; return how often it was."""
        with told("The opening of the test part cannot be recorded"):
            return test_access.count_opening(self.store.client, self._recorded(record).run_id, trial)

    def tested(self, record: StudyRecord, trial: Trial, scores: Mapping[str, float]) -> None:
        """Log the test scores of a trial, on the study and on the trial."""
        with told("The scores on the test part cannot be recorded"):
            test_access.write_scores(self.store.client, self._recorded(record), trial, scores)

    def keep_model(self, record: StudyRecord, trial: Trial, export: Callable[[], Exported]) -> str:
        """Log the network of a trial as an MLflow model, unless it is logged already; return what loads it.

        Raises:
            TrackingError: if the trial is not in the store, or the store does not take the model.
        """
        failed = f"The network of trial {trial.number} cannot be logged"
        with told(failed):
            study = self._recorded(record)
        if trial.number not in study.outbox.runs:
            raise TrackingError(f"{failed}: the trial itself waits for the store. Run the study again.")
        place = log.Place(self.store.client, study.parent, study.outbox.runs[trial.number])
        return log.keep(place, record, trial, export, failed)

    def attach(self, record: StudyRecord, files: Mapping[str, bytes]) -> None:
        """Log files of the whole study as artifacts of its run, and show the pictures on its page."""
        client = self.store.client
        with told("The report cannot be recorded"):
            study = self._recorded(record)
            artifacts.attach(client, study.run_id, files, len(study.trials))
            study.pictures = artifacts.pictures({*study.pictures, *files})
            ended = client.get_run(study.run_id).info.status
            self._describe(next((word for word, status in ENDS.items() if status == ended), "running"))

    def link(self) -> str:
        """Return the address of the study at hand in the UI."""
        study, base = self._open(), self.store.uri if self.store.served else links.BASE
        with suppress(TrackingError), told("The view cannot be read"):
            found = self.store.client.get_experiment(study.parent.info.experiment_id)
            return links.link(found, study.run_id, study.record.maximize, base)
        return links.study_link(study.parent.info.experiment_id, study.run_id, base, shared=False)

    def _open(self) -> OpenStudy:
        if self._study is None:
            raise TrackingError("No study is open in this tracker. Call start() or find() first.")
        return self._study

    def _running(self) -> Courier:
        courier = self._open().courier
        if courier is None:
            raise TrackingError("No study is running in this tracker. Call start() first.")
        return courier

    def _recorded(self, record: StudyRecord) -> OpenStudy:
        """Return the study at hand, or find it; one that is not recorded has nothing to test."""
        if self._study is None or self._study.record.name != record.name:
            self.find(record)
        if self._study is None or self._study.record.name != record.name:
            raise TrackingError(f"Study {record.name!r} is not recorded in {self.store.shown}. Run it first.")
        return self._study

    def _parent(self, record: StudyRecord) -> Run | None:
        found = experiment.find(self.store, record.name)
        return None if found is None else study_run.newest(self.store.client, found.experiment_id)

    def _children(self, parent: Run) -> Children:
        """Return the trials in the store; read once by `find` and `start` together where nobody wrote in between."""
        seen = (str(parent.info.run_id), self.store.version())
        if seen[1] is None or self._read is None or self._read[0] != seen:
            self._read = (seen, read_children(self.store.client, parent, self._page_size))
        return self._read[1]

    def _lost(self, record: StudyRecord) -> Recorded | None:
        """Return what our own file kept of a study whose database was removed, if anything."""
        kept = sorted(waiting(self.store, record, None), key=lambda trial: trial.number)
        return Recorded(kept, record.identity, record.facts, interrupted=True) if kept else None

    def _at_hand(self, record: StudyRecord, parent: Run, children: Children) -> OpenStudy:
        """Return a study with the trials that the store and the file of unsent ones hold."""
        client = self.store.client
        runs = {number: str(run.info.run_id) for number, run in children.complete.items()}
        pages, outbox = Publisher.of(client, children.complete.values()), Outbox(self.store, record, parent, runs)
        study = OpenStudy(record, parent, outbox, BestCurve(record.maximize), pages)
        for number, run in children.complete.items():
            curve, file = partial(read_curve, client, runs[number]), partial(read_file, client, runs[number])
            study.trials[number] = decode(run, record, curve, file)
        study.pictures = artifacts.pictures(artifacts.attached(parent))
        study.outbox.load()
        study.trials |= {trial.number: trial for trial in study.outbox.pending}
        return study

    def _begin(self, record: StudyRecord, fresh: bool) -> OpenStudy:
        client = self.store.client
        experiment_id = experiment.ensure(self.store, record.name)
        if fresh:
            self._supersede(record, experiment_id)
        parent = study_run.newest(client, experiment_id)
        tags = study_run.tags(record, self.store.root)
        if parent is None:
            parent = client.create_run(experiment_id, tags=tags, run_name=note.title(record, ()))
            children = self._children(parent)
        else:
            children = self._children(parent)
            client.update_run(parent.info.run_id, "RUNNING")
            write_points(client, parent.info.run_id, {}, 0, 0.0, tags)
        self._read = None
        client.log_text(parent.info.run_id, study_run.document(record), "study.json")
        for run in [*children.half_written, *children.repeated]:
            client.delete_run(run.info.run_id)
        return self._at_hand(record, parent, children)

    def _supersede(self, record: StudyRecord, experiment_id: str) -> None:
        """Mark the runs of earlier starts, so that none of them is taken over again."""
        client = self.store.client
        self.store.unsent(record.name).unlink(missing_ok=True)
        for run in search(client, experiment_id, study_run.PARENTS):
            client.set_tag(run.info.run_id, study_run.SUPERSEDED, "true")
            if run.info.status == "RUNNING":
                client.set_terminated(run.info.run_id, "KILLED")

    def _deliver(self, trial: Trial | None) -> None:
        """Write what the courier brings, and how far the study is; all calls of a running study to MLflow are made here."""
        study = self._open()
        if trial is not None:
            study.take(trial)
        self._send()
        due = study.curve.points and time.monotonic() - study.curve.written > self.progress_seconds
        if due and not study.outbox.waiting:
            self._show_progress("running")

    def _send(self, at_once: bool = False) -> None:
        """Write what waits; where the store's file was removed, before or meanwhile, take everything back."""
        study = self._open()
        if not self.store.removed:
            study.outbox.send(at_once)
        if self.store.removed and not study.outbox.shut:
            study.outbox.rescue(study.in_order)

    def _end(self, status: str) -> None:
        """Write all that is left, or keep it in the file: the next start then finds the study interrupted."""
        study = self._open()
        self._send(at_once=True)
        study.outbox.save()
        if study.outbox.waiting:
            return
        study.noted = -float("inf")
        self._show_progress(status)
        with suppress(TrackingError), told("The end of the study could not be recorded"):
            study.outbox.clear()
            self.store.client.set_terminated(study.run_id, ENDS[status])

    def _show_progress(self, status: str) -> None:
        """Let the study's own run show how far it is; the note follows every few seconds."""
        study = self._open()
        with suppress(TrackingError), told("Progress could not be shown"):
            write_best(self.store.client, study.run_id, study.curve.points)
            study.curve.clear()
            if time.monotonic() - study.noted > self.note_seconds:
                self._describe(status)

    def _describe(self, status: str) -> None:
        """Write the study's pages as of now; the more that takes, the longer the pause until the next time."""
        study, began = self._open(), time.monotonic()
        study.pages.publish(study.page(status))
        study.noted = time.monotonic() + 20 * (time.monotonic() - began)
