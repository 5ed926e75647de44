"""Locations of studies in a store: the experiment that holds each, and the study runs in it.

A study is known by its own runs. Its experiment may have been made or renamed by somebody else, and may hold runs of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch.tracking.runs.database_reader import read_experiments, search_kind
from hpsearch.tracking.runs.study_run import NAME_TAG, SUPERSEDED, is_start_of
from hpsearch.tracking.store.names import experiment_name
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

KIND_TAG = "hpsearch.kind"
# How many experiments are searched in one call: SQLite takes 32,766 values in a query.
_TOGETHER = 1000


@dataclass(frozen=True)
class Location:
    """A study in a store: its name, the experiment that holds it, and its active study runs, the oldest first."""

    name: str
    experiment: Experiment
    starts: tuple[Run, ...]

    @property
    def newest(self) -> Run | None:
        """The latest study run that no fresh start has superseded, or None."""
        standing = [run for run in self.starts if SUPERSEDED not in run.data.tags]
        return standing[-1] if standing else None


def experiments(store: Store, deleted: bool = False) -> Iterator[Experiment]:
    """Yield every experiment of the store, those of other programs included; with ``deleted`` also the deleted ones."""
    if store.blank:
        return
    if (engine := store.readable) is not None:
        yield from read_experiments(engine, deleted)
        return
    from mlflow.entities import ViewType

    view = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
    token: str | None = None
    while True:
        page = store.client.search_experiments(view, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def locations(store: Store) -> list[Location]:
    """Return every study of the store; an experiment of ours that lost its study runs comes without any."""
    found = {str(entry.experiment_id): entry for entry in experiments(store)}
    grouped: dict[tuple[str, str], list[Run]] = {
        (number, name_of(entry)): [] for number, entry in found.items() if is_ours(entry)
    }
    ids = list(found)
    for first in range(0, len(ids), _TOGETHER):
        for run in search_kind(store, ids[first : first + _TOGETHER], "study"):
            number = str(run.info.experiment_id)
            name = run.data.tags.get(NAME_TAG, name_of(found[number]))
            grouped.setdefault((number, name), []).append(run)
    named = {number for (number, _), runs in grouped.items() if runs}
    # An experiment that was renamed to another study's name, and holds that one's runs only, is not a study of its own.
    return [
        Location(name, found[number], tuple(runs)) for (number, name), runs in grouped.items() if runs or number not in named
    ]


def find(store: Store, study: str) -> tuple[Experiment, Run] | None:
    """Return the experiment of a study and its latest run, or None; under the study's own name if there is one."""
    entry = _by_name(store, study)
    run = None if entry is None else _newest(store, entry, study)
    if entry is not None and run is not None:
        return entry, run
    for location in locations(store):
        if location.starts and is_start_of(location.starts[-1], study) and (latest := location.newest) is not None:
            return location.experiment, latest
    return None


def ensure_experiment(store: Store, study: str) -> str:
    """Return the id of a study's experiment, creating it where there is none.

    A deleted experiment keeps its name in MLflow; it is renamed, stays deleted, and a note says so. One that somebody else
    made is taken as it is.
    """
    if (held := find(store, study)) is not None:
        return str(held[0].experiment_id)
    client, name = store.client, experiment_name(study)
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage != "active":
        _set_aside(store, found)
        found = None
    if found is None:
        found = _create(store, study, name)
    return str(found.experiment_id)


def _create(store: Store, study: str, name: str) -> Experiment:
    """Return a new experiment, or the one that another process made at the same instant."""
    tags = {NAME_TAG: study, KIND_TAG: "study"}
    try:
        made = store.client.create_experiment(name, artifact_location=store.artifact_location(study), tags=tags)
    except Exception:
        found = _by_name(store, study)
        if found is None:
            raise
        return found
    return store.client.get_experiment(made)


def name_of(entry: Experiment) -> str:
    """Return the name of the study that an experiment was made for."""
    return str(entry.tags.get(NAME_TAG, entry.name))


def is_ours(entry: Experiment) -> bool:
    """Return whether hpsearch made an experiment; one that it only recorded a study in is somebody else's."""
    return entry.tags.get(KIND_TAG) == "study"


def _by_name(store: Store, study: str) -> Experiment | None:
    if store.blank:
        return None
    name = experiment_name(study)
    if (engine := store.readable) is not None:
        return next(iter(read_experiments(engine, name=name)), None)
    found = store.client.get_experiment_by_name(name)
    return found if found is not None and found.lifecycle_stage == "active" else None


def _newest(store: Store, entry: Experiment, study: str) -> Run | None:
    starts = [run for run in search_kind(store, [str(entry.experiment_id)], "study") if is_start_of(run, study)]
    return Location(study, entry, tuple(starts)).newest


def _set_aside(store: Store, found: Experiment) -> None:
    """Free the name of a deleted experiment."""
    aside = free_name(found)
    rename_deleted(store.client, found, aside)
    store.notes.append(f"The deleted experiment {found.name!r} was renamed to {aside!r} and stays deleted; a new one begins.")


def free_name(found: Experiment) -> str:
    """Return a name for a deleted experiment that no study will have."""
    return f"{found.name} (deleted {found.experiment_id})"


def rename_deleted(client: MlflowClient, found: Experiment, name: str) -> None:
    """Give a deleted experiment another name; MLflow renames active ones only."""
    client.restore_experiment(found.experiment_id)
    client.rename_experiment(found.experiment_id, name)
    client.delete_experiment(found.experiment_id)
