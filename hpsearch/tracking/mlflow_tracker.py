"""The tracker for MLflow: one experiment and one parent run per study, one flat child run per trial."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.errors import RecordChanged, TrackingError
from hpsearch.ports import ExportedModel, Recorded, RunningTrial, StudyRecord, TrackedStudy, TrackerBase
from hpsearch.tracking import test_access
from hpsearch.tracking.delivery.retry_queue import read_waiting
from hpsearch.tracking.delivery.writer_thread import WriterThread
from hpsearch.tracking.lease import LeaseTimes, check_somebody, newest_claim
from hpsearch.tracking.models import log
from hpsearch.tracking.open_study import ENDS, OpenStudy, open_study
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import location, study_run
from hpsearch.tracking.runs.study_run import Children, read_children
from hpsearch.tracking.store.client import PAGE, reraised_as_tracking_error
from hpsearch.tracking.store.project import store_root
from hpsearch.tracking.store.store import Store
from hpsearch.tracking.study_start import StudyStart
from hpsearch.trial import Status, Trial

if TYPE_CHECKING:
    from mlflow.entities import Run

logger = logging.getLogger(__name__)


class MlflowTracker(TrackerBase):
    """Records studies in an MLflow store; `hpsearch.ports.Tracker` describes the methods.

    Args:
        uri: the store; else ``MLFLOW_TRACKING_URI``, else ``mlruns/mlflow.db`` under ``root``.
        root: the project folder; else the project of the file that defines the first study, else that of the current folder.
        store: a store already open, instead of the two above.
        page_size: how many runs are read at a time.
        take_over: whether a study on a server whose process went silent is taken over without waiting as long as usual.
        times: how often a study on a server gives a sign of life, and how long a silent one is waited for; else those of
            HPSEARCH_HEARTBEAT_SECONDS and HPSEARCH_PATIENCE_SECONDS, 15 and 60 seconds by default.
    """

    note_seconds = 5.0
    progress_seconds = 0.5

    def __init__(
        self,
        uri: str | None = None,
        root: Path | None = None,
        store: Store | None = None,
        page_size: int = PAGE,
        take_over: bool = False,
        times: LeaseTimes | None = None,
    ) -> None:
        self._uri, self._root = uri, root
        self._take_over, self._times = take_over, times
        self._page_size = page_size
        self._study: OpenStudy | None = None
        self._known: dict[str, TrackedStudy] = {}
        self._found: dict[str, frozenset[tuple[int, Status]]] = {}
        self._read: tuple[tuple[str, object], Children] | None = None
        if store is not None:
            self.store = store

    @cached_property
    def store(self) -> Store:
        """The store, opened on first use; a `TrackingError` where it cannot be used."""
        return Store.open(self._uri, self._root or store_root(None))

    @property
    def notes(self) -> list[str]:
        """Sentences the user should read: what was found and repaired on opening."""
        return self.store.notes

    def states_folder(self, record: StudyRecord) -> Path:
        """Return the folder for the saved states of a study's paused trials; it is local, whatever the store."""
        return self.store.states_folder(record.name)

    def find(self, study: TrackedStudy) -> Recorded | None:
        """Return what the store holds of the study, or None; curves are fetched on first use."""
        record = self._remember(study)
        with reraised_as_tracking_error(f"Study {record.name!r} cannot be read from {self.store.display_uri}"):
            parent = self._parent(record)
            # Also where no trial is left to run, so that nothing would be taken over.
            if self._take_over and not self.store.busy(record.name):
                check_somebody(record.name, None if parent is None else newest_claim(parent))
            if parent is None:
                lost = self._read_lost(study)
                self._found[record.name] = _states([] if lost is None else lost.trials)
                return lost
            children = self._children(parent)
            # Pages that are written from here on tell of what the study was before, whoever asks for them.
            earlier, identity_v1 = study_run.read_earlier(parent), study_run.read_identity_v1(parent)
            study = replace(study, record=replace(record, earlier=earlier, identity_v1=identity_v1))
            self._remember(study)
            found = open_study(self.store, study, parent, children)
        self._found[record.name] = _states(found.trials.values())
        for damage in found.damaged:
            logger.warning("%s", damage)
        if self._study is None or self._study.lock is None:
            self._study = found
        return Recorded(
            trials=found.in_order,
            identity=study_run.read_identity(parent),
            facts=study_run.read_facts(parent),
            interrupted=parent.info.status == "RUNNING",
            finished=parent.info.status == "FINISHED",
            dropped=len(children.half_written),
            attached=study_run.attached(parent, len(found.trials)),
            earlier=earlier,
            identity_v1=identity_v1,
            moved=self._has_moved(record, parent),
            lost=tuple(damage.number for damage in found.damaged if damage.number is not None),
        )

    def start(self, study: TrackedStudy, fresh: bool = False) -> None:
        """Open the study: resume its newest run, or begin a new one where there is none or ``fresh``.

        Raises:
            TrackingError: if another process runs it, or the store cannot be used.
            RecordChanged: if another process has recorded trials of it since `find`.
        """
        record = self._remember(study)
        lock = self.store.lock(record.name)
        self._study = None
        try:
            with reraised_as_tracking_error(f"Study {record.name!r} cannot be recorded in {self.store.display_uri}"):
                self._study = begun = self._begin(study, fresh)
                begun.lock = lock
                begun.note_seconds, begun.progress_seconds = self.note_seconds, self.progress_seconds
                begun.queue.send(at_once=True)
                begun.queue.save()
                begun.curve.begin(begun.trials.values())
                begun.describe("running")
                begun.writer = WriterThread(begun.deliver, begun.idle)
        except BaseException:
            if self._study is not None and self._study.queue.lease is not None:
                self._study.queue.lease.release()
            self._study = None
            lock.release()
            raise

    def on_stop(self, stop: Callable[[str], None]) -> None:
        """Call ``stop`` from the writer thread where ``hpsearch stop`` asks for the end of the running study."""
        self._open().on_stop = stop

    def record(self, trial: Trial) -> None:
        """Add one trial to the spool file and queue it for the writer thread; it leaves the file once the store has it.

        A trial that failed before and was run again replaces the failed one.
        """
        writer, study = self._running(), self._open()
        study.queue.spool.add(trial)
        writer.put(trial)

    def show(self, running: RunningTrial) -> None:
        """Give a trial that still runs an MLflow run, with what it has reported; its record completes this run."""
        study = self._study
        if study is not None and study.writer is not None:
            study.writer.offer(running)

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
            if study.queue.lease is not None and not study.queue.unavailable:
                study.queue.lease.release()
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

    def keep_model(self, record: StudyRecord, trial: Trial, export: Callable[[], ExportedModel]) -> str:
        """Log the network or estimator of a trial as an MLflow model, unless it is logged already; return its address.

        Raises:
            TrackingError: if the trial is not in the store, or the store does not accept the model.
        """
        failed = f"The model of trial {trial.number} cannot be logged"
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
        if self._root is None and study.record.source is not None:
            self._root = store_root(Path(study.record.source))
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
        found = location.find(self.store, record.name)
        return None if found is None else found[1]

    def _has_moved(self, record: StudyRecord, parent: Run) -> bool:
        """Return whether the study is recorded with another file than the one that defines it now."""
        source = study_run.relative(record.source, self.store.root)
        return source is not None and source != parent.data.tags.get(study_run.SOURCE)

    def _children(self, parent: Run) -> Children:
        """Return the trials in the store; `find` and `start` share one reading unless somebody wrote in between."""
        seen = (str(parent.info.run_id), self.store.version())
        if seen[1] is None or self._read is None or self._read[0] != seen:
            self._read = (seen, read_children(self.store, parent, self._page_size))
        return self._read[1]

    def _read_lost(self, study: TrackedStudy) -> Recorded | None:
        """Return what the spool file holds of a study whose database was removed, if anything."""
        kept = sorted(read_waiting(self.store, study, None), key=lambda trial: trial.number)
        return Recorded(kept, study.record.identity, study.record.facts, interrupted=True) if kept else None

    def _begin(self, study: TrackedStudy, fresh: bool) -> OpenStudy:
        """Return the study with its run marked as running, and without leftovers of a kill."""
        client, times = self.store.client, self._times or LeaseTimes.from_environment()
        start = StudyStart(self.store, study, fresh, times, self._take_over)
        parent, lease = start.begin()
        try:
            children = self._children(parent)
            begun = open_study(self.store, study, parent, children, lease)
            if not fresh:
                self._check_unchanged(begun)
            start.mark(parent)
            self._read = None
            client.log_text(parent.info.run_id, study_run.document(study), "study.json")
            unreadable = [damage.run_id for damage in (*children.damaged, *begun.damaged)]
            surplus = [run.info.run_id for run in (*children.half_written, *children.repeated)]
            for run_id in dict.fromkeys([*surplus, *unreadable]):
                client.delete_run(run_id)
            if unreadable:  # such a trial is run again, and gets a new run
                begun = open_study(self.store, study, parent, read_children(self.store, parent), lease)
        except BaseException:
            if lease is not None:
                lease.release()
            raise
        begun.token = start.token
        return begun

    def _check_unchanged(self, begun: OpenStudy) -> None:
        """Raise an error where another process has recorded trials since `find` read them."""
        before = self._found.pop(begun.record.name, None)
        if before is not None and before != _states(begun.trials.values()):
            self._take_over = False  # it has been
            raise RecordChanged(
                f"Study {begun.record.name!r} was run by another process until just now. Run it again to go on from there."
            )


def _states(trials: Iterable[Trial]) -> frozenset[tuple[int, Status]]:
    """Return which trials there are, and how each ended."""
    return frozenset((trial.number, trial.status) for trial in trials)
