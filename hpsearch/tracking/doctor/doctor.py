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
from hpsearch.tracking.lease import Claim, LeaseTimes, newest_claim, take
from hpsearch.tracking.lease.claim import ENDED, RECENT_SECONDS
from hpsearch.tracking.runs import location
from hpsearch.tracking.runs.candidate import candidates
from hpsearch.tracking.runs.location import Location
from hpsearch.tracking.runs.study_run import PARENTS, SUPERSEDED, Children, is_start_of, read_identity, sort_runs
from hpsearch.tracking.runs.trial_tags import DamagedRun
from hpsearch.tracking.store.client import exists, reraised_as_tracking_error, search
from hpsearch.tracking.store.names import list_numbers
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

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
    for place in location.locations(store):
        parents |= {run.info.run_id: run for run in place.starts}
        yield from _examine_study(store, place)
        if place.starts and not store.served and location.is_ours(place.experiment):
            yield from leftovers.find_missing(place.experiment, place.name)
    yield from leftovers.find_spooled(store, parents)
    yield from leftovers.find_unclaimed(folders, list(location.experiments(store, deleted=True)))


def _examine_study(store: Store, place: Location) -> Iterator[Finding]:
    """Yield what is wrong with the runs of a study, unless a process runs it."""
    try:
        lock = store.lock(place.name)
    except TrackingError:
        return
    try:
        found = _Runs(store, place)
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

    def __init__(self, store: Store, place: Location) -> None:
        self.client, self.name = store.client, place.name
        everyone = list(search(self.client, place.experiment.experiment_id, PARENTS, deleted=True))
        found = [run for run in everyone if is_start_of(run, place.name)]
        others = {run.info.run_id for run in everyone} - {run.info.run_id for run in found}
        self.parents = {run.info.run_id: run for run in found if run.info.lifecycle_stage == "active"}
        self.deleted = {run.info.run_id: run for run in found if run.info.lifecycle_stage != "active"}
        groups: dict[str, list[Run]] = {}
        for run in search(self.client, place.experiment.experiment_id, TRIALS):
            groups.setdefault(run.data.tags.get("mlflow.parentRunId", ""), []).append(run)
        self.trials = {run_id: sort_runs(runs) for run_id, runs in groups.items() if run_id not in others}
        self.standing = place.newest
        self.claim = None if self.standing is None else newest_claim(self.standing)
        self.begun = candidates(self.client, str(place.experiment.experiment_id), place.name)

    @property
    def seems_run(self) -> bool:
        """Whether another machine gave a sign of life lately; a repair waits and sees whether it still does."""
        return self.claim is not None and self.claim.seems_alive

    def repair(self, repair: Callable[[], object]) -> None:
        """Repair under the study's lease, where a server keeps it: other machines must not write meanwhile.

        Raises:
            TrackingError: another machine runs the study, or ran it after it was examined.
        """
        if self.standing is None or self.claim is None:
            repair()
            return
        lease = take(self.client, self.standing.info.run_id, self.name, LeaseTimes.from_environment())
        try:
            if lease.before != self.claim:
                raise TrackingError(f"Study {self.name!r} was run by another machine until just now. Examine it again.")
            repair()
        finally:
            lease.release()
        self.claim = Claim(lease.number, lease.owner, ENDED)

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
            yield from self._unidentified(parent)
        for run_id, found in self.trials.items():
            if run_id in self.parents or run_id in self.deleted:
                yield from self._surplus(found)
            yield from self._damaged(found)
            if run_id not in self.parents and found.complete and not self._is_of_others(run_id):
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

    @staticmethod
    def _unidentified(parent: Run) -> Iterator[Finding]:
        try:
            if SUPERSEDED not in parent.data.tags:
                read_identity(parent)
        except DamagedRun as error:
            yield Finding(str(error), "")

    def _is_of_others(self, run_id: str) -> bool:
        """Return whether a run is in the store without being a study's: somebody copied trials under it."""
        return run_id != "" and run_id not in self.deleted and exists(self.client, run_id)

    def _damaged(self, found: Children) -> Iterator[Finding]:
        for one in found.damaged:
            if one.number not in found.complete:
                which = "a trial" if one.number is None else f"trial {one.number}"
                what = f"Study {self.name!r} has {which} that cannot be read: {one.what}."
                yield Finding(what, "It is left out everywhere. The next start of the study runs it again.")

    def _orphaned(self, run_id: str, found: Children) -> Finding:
        what = f"Study {self.name!r} has {len(found.complete)} finished trials whose own run {run_id or 'without a name'}"
        if run_id in self.deleted:
            remedy = "that run is restored; to be rid of both use: hpsearch delete."
            return Finding(f"{what} was deleted.", remedy, partial(self._restore, run_id))
        return Finding(f"{what} is not in the store.", "Delete them in MLflow's pages: without that run they are of no study.")

    def _delete(self, runs: list[Run]) -> None:
        for run in runs:
            self.client.delete_run(run.info.run_id)

    def _restore(self, run_id: str) -> None:
        self.client.restore_run(run_id)
        if self.deleted[run_id].info.status == "RUNNING":
            self.client.set_terminated(run_id, "KILLED", self.deleted[run_id].info.start_time)

    @staticmethod
    def _numbers(runs: list[Run]) -> str:
        known = [int(text) for run in runs if (text := run.data.tags.get("hpsearch.number", "")).isdecimal()]
        return list_numbers(known) or f"{len(runs)} without a number"
