"""A study open in a tracker: its runs, its trials so far, and their delivery to the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from filelock import FileLock

from hpsearch.errors import TrackingError
from hpsearch.ports import RunningTrial, StudyRecord, TrackedStudy
from hpsearch.tracking.delivery.retry_queue import RetryQueue
from hpsearch.tracking.delivery.spool import Spool
from hpsearch.tracking.delivery.writer_thread import IDLE_SECONDS, WriterThread
from hpsearch.tracking.lease import Lease
from hpsearch.tracking.pages import links
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.pages.publisher import Publisher
from hpsearch.tracking.runs import stop_request, study_run
from hpsearch.tracking.runs.collector import collector_paused
from hpsearch.tracking.runs.database_reader import PointsReader
from hpsearch.tracking.runs.study_run import Children
from hpsearch.tracking.runs.trial_decoding import decode
from hpsearch.tracking.runs.trial_tags import Damage, DamagedRun
from hpsearch.tracking.runs.writer import BestCurve, read_file, write_best
from hpsearch.tracking.store.client import reraised_as_tracking_error
from hpsearch.tracking.store.store import Store
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Run

# How often a request to end the study is looked for.
STOP_SECONDS = 1.0
ENDS = {"finished": "FINISHED", "killed": "KILLED", "failed": "FAILED"}


@dataclass
class OpenStudy:
    """A study that is being read or recorded.

    Args:
        study: as the tracker got it.
        parent: its own MLflow run.
        queue: the trials that are not in the store yet, and the runs of those that are.
        curve: progress points that are not written yet.
        pages: what people read in MLflow.
        note_seconds: the shortest time between two versions of the note.
        progress_seconds: the shortest time between two progress points.
        lock: held while the study runs.
        writer: the thread that makes all calls to the store while the study runs.
        pictures: attached files that the note shows.
        damaged: the trials that cannot be read, and are left out.
        token: what addresses this start of the study.
        on_stop: called with who asked, where another process asks for the end.
    """

    study: TrackedStudy
    parent: Run
    queue: RetryQueue
    curve: BestCurve
    pages: Publisher
    note_seconds: float = 5.0
    progress_seconds: float = 0.5
    lock: FileLock | None = None
    writer: WriterThread | None = None
    trials: dict[int, Trial] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    damaged: list[Damage] = field(default_factory=list)
    token: str = ""
    on_stop: Callable[[str], None] | None = None
    # What the store held when a request was looked for last, and when that was.
    looked: tuple[object, float] = (None, -float("inf"))
    # When the note was written last, plus a pause that grows with the time it takes.
    described: float = -float("inf")

    @property
    def record(self) -> StudyRecord:
        """What identifies the study."""
        return self.study.record

    @property
    def store(self) -> Store:
        """The store that holds the study."""
        return self.queue.store

    @property
    def run_id(self) -> str:
        """The id of the study's own MLflow run."""
        return str(self.parent.info.run_id)

    @property
    def in_order(self) -> list[Trial]:
        """The trials so far, by number."""
        return [self.trials[number] for number in sorted(self.trials)]

    @property
    def idle(self) -> float:
        """Seconds between two looks at what is due while no trial waits."""
        lease = self.queue.lease
        return IDLE_SECONDS if lease is None else min(IDLE_SECONDS, lease.owner.every / 2)

    def deliver(self, item: Trial | RunningTrial | None) -> None:
        """Write a trial, or what a running one has reported, or with None only what waits; and how far the study is."""
        if isinstance(item, RunningTrial):
            self._show(item)
        elif item is not None:
            self._add(item)
        if self.queue.due:
            self._send()
        self.queue.spool.flush()
        if self.queue.lease is not None and not self.queue.unavailable:
            self.queue.lease.renew()
        self._check_stop()
        due = self.curve.points and time.monotonic() - self.curve.written > self.progress_seconds
        if due and not self.queue.waiting:
            self._write_progress("running")

    def _check_stop(self) -> None:
        """Pass on a request to end the study; a lease has read the study's run already."""
        now, lease = time.monotonic(), self.queue.lease
        if self.on_stop is None or self.queue.unavailable or now - self.looked[1] < STOP_SECONDS:
            return
        with suppress(Exception):  # a store that is away is the queue's concern
            version = self.store.version()
            if version is None or version != self.looked[0]:
                run = lease.run if lease is not None and lease.run is not None else self.store.client.get_run(self.run_id)
                if host := stop_request.read(run, self.token):
                    self.on_stop(f"Stopped by `hpsearch stop` from {host}")
                    version = None  # again, until the study ends
            self.looked = (version, now)

    def end(self, status: str) -> None:
        """Write everything that is left, or keep it in the spool file: the next start then finds the study interrupted."""
        self._send(at_once=True)
        self.queue.save()
        if self.queue.waiting:
            return
        if self.queue.lease is not None:
            self.queue.lease.renew()
        self.described = -float("inf")
        self._write_progress(status)
        with suppress(TrackingError), reraised_as_tracking_error("The end of the study could not be recorded"):
            self.queue.delete_unknown_runs()
            self.store.client.set_terminated(self.run_id, ENDS[status])
        if self.queue.lease is not None:
            self.queue.lease.release()

    def describe(self, status: str) -> None:
        """Write the study's pages; the longer that takes, the longer the pause until the next time."""
        began = time.monotonic()
        self.pages.publish(self.page(status))
        self.described = time.monotonic() + 20 * (time.monotonic() - began)

    def page(self, status: str) -> Page:
        """Return what the study's pages are written from; trials that wait for the store count too."""
        source = study_run.relative(self.record.source, self.store.root)
        experiment_id, runs = str(self.parent.info.experiment_id), self.queue.runs
        page = Page(self.study, self.in_order, status, experiment_id, runs, self.run_id, source, self.pictures)
        return replace(page, related=self._related)

    @cached_property
    def _related(self) -> dict[str, str]:
        """The addresses of related studies, found once: those were recorded before this one."""
        return links.find_addresses(self.store, self.study)

    def _add(self, trial: Trial) -> None:
        """Add a trial unless it is here already; one that failed before and was run again replaces it."""
        before = self.trials.get(trial.number)
        if before is not None:
            if before.ok:
                self.queue.spool.settle(trial.number)
                return
            self.queue.forget(trial.number)
        outcome = trial.outcome and replace(trial.outcome, state=None)
        self.trials[trial.number] = trial = replace(trial, outcome=outcome)
        self.queue.pending.append(trial)
        self.curve.add(trial, len(self.trials))

    def _show(self, running: RunningTrial) -> None:
        """Show a trial that still runs, while the store is there for it."""
        ended = running.trial.number in self.trials
        if ended or self.queue.unavailable or self.queue.closed or self.store.removed:
            return
        with suppress(TrackingError), reraised_as_tracking_error("A running trial could not be shown"):
            self.queue.live.show(self.store.client, running)

    def _send(self, at_once: bool = False) -> None:
        """Write what waits; where the store's file was removed, before or meanwhile, queue every trial again.

        Raises:
            TrackingError: if neither the store nor a file takes a trial.
        """
        if not self.store.removed:
            self.queue.send(at_once)
        if self.store.removed and not self.queue.closed:
            self.queue.rescue(self.in_order)
        if self.queue.unavailable or self.queue.closed:
            self.queue.spool.check()

    def _write_progress(self, status: str) -> None:
        """Write the progress points, and every few seconds the pages."""
        with suppress(TrackingError), reraised_as_tracking_error("Progress could not be shown"):
            write_best(self.store.client, self.run_id, self.curve.points)
            self.curve.clear()
            if time.monotonic() - self.described > self.note_seconds:
                self.describe(status)


@collector_paused()
def open_study(store: Store, study: TrackedStudy, parent: Run, children: Children, lease: Lease | None = None) -> OpenStudy:
    """Return a study with the trials that the store and the spool file hold."""
    client = store.client
    runs = {number: str(run.info.run_id) for number, run in children.complete.items()}
    spool = Spool(store.spool_files(study.record.name), str(parent.info.run_id), study)
    pages, queue = Publisher.of(client, children.complete.values()), RetryQueue(store, study, parent, runs, spool, lease)
    opened = OpenStudy(study, parent, queue, BestCurve(study.record.maximize), pages)
    same_space = study_run.read_identity(parent).get("space") == repr(study.space)
    opened.damaged += children.damaged
    curves = PointsReader(store, list(runs.values()))
    for number, run in children.complete.items():
        points, file = partial(curves.read, runs[number]), partial(read_file, client, runs[number])
        try:
            opened.trials[number] = decode(run, study.space, points, file, same_space)
        except DamagedRun as error:
            opened.damaged.append(Damage.of(run, error))
            del runs[number]
    opened.pictures = study_run.pictures(study_run.attached(parent))
    queue.load()
    opened.trials |= {trial.number: trial for trial in queue.pending}
    # A trial that was run again since is here after all.
    opened.damaged = [replace(one, study=study.record.name) for one in opened.damaged if one.number not in opened.trials]
    return opened
