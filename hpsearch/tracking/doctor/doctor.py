"""Examination and repair of a store: damage left by killed runs, outages and manual changes.

The next start of a study repairs what its last run left. The doctor is for studies that are not started again, and for damage
that no start repairs. A finished trial is deleted only where another run of the same number stays. A study that a process runs
is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hpsearch.errors import TrackingError
from hpsearch.tracking.doctor import integrity, leftovers
from hpsearch.tracking.doctor.finding import Finding
from hpsearch.tracking.lease import LeaseTimes, newest_claim, take
from hpsearch.tracking.lease.claim import RECENT_SECONDS
from hpsearch.tracking.runs import catalog
from hpsearch.tracking.runs.candidate import CANDIDATES
from hpsearch.tracking.runs.study_run import PARENTS, Children, newest, sort_runs
from hpsearch.tracking.store.client import reraised_as_tracking_error, search
from hpsearch.tracking.store.names import list_numbers
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

TRIALS = "tags.`hpsearch.kind` = 'trial'"
# A study on a server may be run by another machine, whose lock is not seen here.
QUIET_SECONDS = 86_400.0


def examine(store: Store) -> Iterator[Finding]:
    """Yield what is wrong with a store, changing nothing; the store need not be open, see `Store.at`.

    To repair a finding, call `repair` before asking for the next one: until then the lock of its study is held.

    Raises:
        TrackingError: if a server cannot be reached, or the store fails in the middle.
    """
    if store.database is not None:
        if not store.database.exists():
            return
        if (broken := integrity.find_damage(store.database)) is not None:
            yield broken
            return
        yield from integrity.find_flaws(store, store.database)
    with reraised_as_tracking_error(f"The store {store.display_uri} cannot be examined"):
        yield from _examine_contents(store)


def repair(finding: Finding) -> bool:
    """Repair what was found; return False where only the user can.

    Raises:
        TrackingError: if the store rejects the repair.
    """
    if finding.repair is None:
        return False
    with reraised_as_tracking_error(f"{finding.what} It cannot be repaired"):
        finding.repair()
    return True


def _examine_contents(store: Store) -> Iterator[Finding]:
    folders = leftovers.artifact_folders(store) if store.database else []
    parents: dict[str, Run] = {}
    for entry in catalog.experiments(store):
        found = {run.info.run_id: run for run in search(store.client, entry.experiment_id, PARENTS)}
        parents |= found
        yield from _examine_study(store, entry)
        if found and not store.served:
            yield from leftovers.find_missing(entry, catalog.name_of(entry))
    yield from leftovers.find_spooled(store, parents)
    yield from leftovers.find_unclaimed(folders, list(catalog.experiments(store, everything=True)))


def _examine_study(store: Store, entry: Experiment) -> Iterator[Finding]:
    """Yield what is wrong with the runs of a study, unless a process runs it."""
    try:
        lock = store.lock(catalog.name_of(entry))
    except TrackingError:
        return
    try:
        found = _Runs(store, entry)
        if found.seems_run:
            return
        elsewhere = store.database is None and found.claim is None and found.quiet < QUIET_SECONDS
        for finding in found.findings():
            if finding.repair is None:
                yield finding
            else:
                yield _without_repair(finding) if elsewhere else replace(finding, repair=partial(found.repair, finding.repair))
    finally:
        lock.release()


def _without_repair(finding: Finding) -> Finding:
    """Return a finding on a study that another machine may be running."""
    advice = (
        "Another machine may be running it: --repair waits until nothing was written for a day. The next start repairs it too."
    )
    return Finding(finding.what, advice)


class _Runs:
    """All runs of a study: those of its starts, and under each its trials."""

    def __init__(self, store: Store, entry: Experiment) -> None:
        self.client, self.name = store.client, catalog.name_of(entry)
        found = list(search(self.client, entry.experiment_id, PARENTS, deleted=True))
        self.parents = {run.info.run_id: run for run in found if run.info.lifecycle_stage == "active"}
        self.deleted = {run.info.run_id: run for run in found if run.info.lifecycle_stage != "active"}
        groups: dict[str, list[Run]] = {}
        for run in search(self.client, entry.experiment_id, TRIALS):
            groups.setdefault(run.data.tags.get("mlflow.parentRunId", ""), []).append(run)
        self.trials = {run_id: sort_runs(runs) for run_id, runs in groups.items()}
        self.standing = newest(self.client, entry.experiment_id)
        self.claim = None if self.standing is None else newest_claim(self.standing)
        self.begun = list(search(self.client, entry.experiment_id, CANDIDATES))

    @property
    def seems_run(self) -> bool:
        """Whether another machine gave a sign of life lately; a repair waits and sees whether it still does."""
        return self.claim is not None and self.claim.seems_alive

    def repair(self, repair: Callable[[], object]) -> None:
        """Repair under the study's lease, where a server keeps it: other machines must not write meanwhile.

        Raises:
            TrackingError: another machine runs the study.
        """
        if self.standing is None or self.claim is None:
            repair()
            return
        lease = take(self.client, self.standing.info.run_id, self.name, LeaseTimes.from_environment())
        try:
            repair()
        finally:
            lease.release()

    @property
    def quiet(self) -> float:
        """Seconds since a run last started or ended."""
        children = [run for found in self.trials.values() for run in found.complete.values()]
        times = [run.info.end_time or run.info.start_time for run in (*self.parents.values(), *children)]
        return time.time() - max(times, default=0) / 1000

    def findings(self) -> Iterator[Finding]:
        for run in self.begun:
            if time.time() - run.info.start_time / 1000 > RECENT_SECONDS:
                what = f"Study {self.name!r} was begun by a process that ended at once (run {run.info.run_id})."
                yield Finding(what, "that run, which is empty, is deleted.", partial(self._delete, [run]))
        for parent in self.parents.values():
            if parent.info.status == "RUNNING":
                yield self._running(parent)
        for run_id, found in self.trials.items():
            yield from self._surplus(found)
            if run_id not in self.parents and found.complete:
                yield self._orphaned(run_id, found)

    def _running(self, parent: Run) -> Finding:
        run_id = parent.info.run_id
        complete = self.trials[run_id].complete if run_id in self.trials else {}
        # The end is that of the last trial: when the process ended is unknown, and the study must not seem to last for days.
        end = max((run.info.end_time for run in complete.values() if run.info.end_time), default=parent.info.start_time)
        what = f"Study {self.name!r} is marked as running, but no process runs it (run {run_id}, {len(complete)} trials)."
        remedy = "it is marked as killed and keeps its trials; a later start resumes it."
        return Finding(what, remedy, partial(self.client.set_terminated, run_id, "KILLED", end))

    def _surplus(self, found: Children) -> Iterator[Finding]:
        if found.half_written:
            what = f"Study {self.name!r} has half-written trials: {self._numbers(found.half_written)}."
            yield Finding(
                what, "their runs are deleted; a later start records or runs them.", partial(self._delete, found.half_written)
            )
        if found.repeated:
            what = f"Study {self.name!r} has trials recorded more than once: {self._numbers(found.repeated)}."
            yield Finding(
                what, "the earliest run of each stays, the others are deleted.", partial(self._delete, found.repeated)
            )

    def _orphaned(self, run_id: str, found: Children) -> Finding:
        what = f"Study {self.name!r} has {len(found.complete)} finished trials whose own run {run_id or 'without a name'}"
        if run_id in self.deleted:
            remedy = "that run is restored; to be rid of both use: hpsearch delete."
            return Finding(f"{what} was deleted.", remedy, partial(self._restore, run_id))
        return Finding(
            f"{what} is not in the store.", f"Delete them in MLflow's pages, or the whole study: hpsearch delete {self.name}"
        )

    def _delete(self, runs: list[Run]) -> None:
        for run in runs:
            self.client.delete_run(run.info.run_id)

    def _restore(self, run_id: str) -> None:
        self.client.restore_run(run_id)
        if self.deleted[run_id].info.status == "RUNNING":
            self.client.set_terminated(run_id, "KILLED", self.deleted[run_id].info.start_time)

    @staticmethod
    def _numbers(runs: list[Run]) -> str:
        return list_numbers([int(run.data.tags["hpsearch.number"]) for run in runs])
