"""A study as the tracker has it at hand: where it is recorded, its trials so far, and what still waits to be written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from filelock import FileLock

from hpsearch.ports import StudyRecord
from hpsearch.tracking.delivery.retry_queue import Outbox
from hpsearch.tracking.delivery.writer_thread import Courier
from hpsearch.tracking.pages import related
from hpsearch.tracking.pages.page import Page
from hpsearch.tracking.pages.publisher import Publisher
from hpsearch.tracking.runs import study_run
from hpsearch.tracking.runs.best_curve import BestCurve
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass
class OpenStudy:
    """A study at hand: where it is recorded, and the trials known so far."""

    record: StudyRecord
    parent: Run
    outbox: Outbox
    curve: BestCurve
    pages: Publisher
    lock: FileLock | None = None
    courier: Courier | None = None
    trials: dict[int, Trial] = field(default_factory=dict)
    noted: float = -float("inf")
    pictures: tuple[str, ...] = ()

    @property
    def run_id(self) -> str:
        return str(self.parent.info.run_id)

    def take(self, trial: Trial) -> None:
        """Take a trial over unless it is here already; one that failed before and was run again makes room for it."""
        before = self.trials.get(trial.number)
        if before is not None:
            if before.ok:
                return
            self.outbox.forget(trial.number)
        outcome = trial.outcome and replace(trial.outcome, state=None)
        self.trials[trial.number] = trial = replace(trial, outcome=outcome)
        self.outbox.pending.append(trial)
        self.curve.add(trial, len(self.trials))

    @property
    def in_order(self) -> list[Trial]:
        return [self.trials[number] for number in sorted(self.trials)]

    def page(self, status: str) -> Page:
        """Return what the study's pages are written from; trials that wait for the store count too."""
        source = study_run.relative(self.record.source, self.outbox.store.root)
        experiment_id, runs = str(self.parent.info.experiment_id), self.outbox.runs
        page = Page(self.record, self.in_order, status, experiment_id, runs, self.run_id, source, self.pictures)
        return replace(page, related=self._related)

    @cached_property
    def _related(self) -> dict[str, str]:
        """The addresses of the studies that this one compares; found once, since they were recorded before it."""
        return related.find_addresses(self.outbox.store, self.record)
