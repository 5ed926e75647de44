"""The examination of a store: what kills, outages, and strangers' hands left in it, and how each is mended.

The next start of a study takes up what its last run left; this is for studies that nobody starts again, for what no start
looks at, and for a glance in the morning. A finished trial is never removed while no other of its number stands, and a study
that some process runs is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from hpsearch.errors import TrackingError
from hpsearch.tracking.doctor import integrity, leftovers
from hpsearch.tracking.doctor.finding import Finding, listed
from hpsearch.tracking.runs import catalog
from hpsearch.tracking.runs.study_run import PARENTS, Children, sorted_out
from hpsearch.tracking.store.client import search, told
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

TRIALS = "tags.`hpsearch.kind` = 'trial'"
# A study on a server may be run by another machine, whose lock is not seen here.
QUIET_SECONDS = 86_400.0


def examine(store: Store) -> Iterator[Finding]:
    """Yield what is wrong with a store, changing nothing; the store need not be open, see `Store.at`.

    A finding is mended by calling its ``mend`` before the next one is asked for: so long the lock of its study is held.

    Raises:
        TrackingError: if a server cannot be reached, or the store fails in the middle.
    """
    if store.database is not None:
        if not store.database.exists():
            return
        if (broken := integrity.damage(store.database)) is not None:
            yield broken
            return
        yield from integrity.flaws(store, store.database)
    with told(f"The store {store.shown} cannot be examined"):
        yield from _contents(store)


def mended(finding: Finding) -> bool:
    """Mend what was found, now; return False where it is for a person to mend.

    Raises:
        TrackingError: if the store refuses.
    """
    if finding.mend is None:
        return False
    with told(f"{finding.what} It cannot be mended"):
        finding.mend()
    return True


def _contents(store: Store) -> Iterator[Finding]:
    folders = leftovers.folders(store) if store.database else []
    parents: dict[str, Run] = {}
    for entry in catalog.experiments(store):
        found = {run.info.run_id: run for run in search(store.client, entry.experiment_id, PARENTS)}
        parents |= found
        yield from _study(store, entry)
        if found and not store.served:
            yield from leftovers.missing(entry, catalog.name_of(entry))
    yield from leftovers.waiting(store, parents)
    yield from leftovers.unclaimed(folders, list(catalog.experiments(store, everything=True)))


def _study(store: Store, entry: Experiment) -> Iterator[Finding]:
    """Yield what is wrong with the runs of a study, unless a process runs it."""
    try:
        lock = store.lock(catalog.name_of(entry))
    except TrackingError:
        return
    try:
        found = _Runs(store, entry)
        elsewhere = store.database is None and found.quiet < QUIET_SECONDS
        for finding in found.findings():
            yield _left(finding) if elsewhere and finding.mend is not None else finding
    finally:
        lock.release()


def _left(finding: Finding) -> Finding:
    advice = "Another machine may be running it; --mend waits until it has been quiet for a day. The next start mends it too."
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
        self.trials = {run_id: sorted_out(runs) for run_id, runs in groups.items()}

    @property
    def quiet(self) -> float:
        """Seconds since something last happened."""
        children = [run for found in self.trials.values() for run in found.complete.values()]
        times = [run.info.end_time or run.info.start_time for run in (*self.parents.values(), *children)]
        return time.time() - max(times, default=0) / 1000

    def findings(self) -> Iterator[Finding]:
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
        # The end is that of the last trial: nobody knows when the process ended, and the study must not seem to last for days.
        end = max((run.info.end_time for run in complete.values() if run.info.end_time), default=parent.info.start_time)
        what = f"Study {self.name!r} is marked as running, but no process runs it (run {run_id}, {len(complete)} trials)."
        remedy = "it is marked as killed and keeps its trials; a later start goes on with it."
        return Finding(what, remedy, partial(self.client.set_terminated, run_id, "KILLED", end))

    def _surplus(self, found: Children) -> Iterator[Finding]:
        if found.half_written:
            what = f"Study {self.name!r} has half-written trials: {self._numbers(found.half_written)}."
            yield Finding(
                what, "their runs are deleted; a later start runs them again.", partial(self._delete, found.half_written)
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
        return listed([int(run.data.tags["hpsearch.number"]) for run in runs])
