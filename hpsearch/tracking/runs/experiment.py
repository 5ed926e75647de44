"""The MLflow experiment of a study: found by its name, created with artifacts in the right place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpsearch.tracking.store.names import experiment_name
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

NAME_TAG = "hpsearch.name"


def find(store: Store, study: str) -> Experiment | None:
    """Return the active experiment of a study, or None."""
    found = store.client.get_experiment_by_name(experiment_name(study))
    return found if found is not None and found.lifecycle_stage == "active" else None


def ensure(store: Store, study: str) -> str:
    """Return the id of a study's experiment, creating it where there is none.

    A deleted experiment keeps its name in MLflow; it is renamed, stays deleted, and a note says so.
    """
    client = store.client
    name = experiment_name(study)
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage != "active":
        _set_aside(store, found)
        found = None
    if found is None:
        tags = {NAME_TAG: study, "hpsearch.kind": "study"}
        return str(client.create_experiment(name, artifact_location=store.artifact_location(study), tags=tags))
    if NAME_TAG not in found.tags:
        client.set_experiment_tag(found.experiment_id, NAME_TAG, study)
    return str(found.experiment_id)


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
