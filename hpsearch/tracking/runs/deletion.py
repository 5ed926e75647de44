"""Deletion of a study: its runs, its artifacts, its spool file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hpsearch.errors import TrackingError
from hpsearch.tracking.runs import catalog, study_run
from hpsearch.tracking.store.client import reraised_as_tracking_error, search
from hpsearch.tracking.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Experiment


def delete_study(store: Store, name: str) -> str:
    """Delete a study with all its runs and artifacts, those of earlier starts too; return one sentence on what was done.

    A local store deletes it for good. A server only marks it as deleted, so the experiment is renamed first, which frees
    the name.

    Raises:
        StudyError: if there is no such study.
        TrackingError: if a process is running it, or the store fails.
    """
    study = catalog.summary(store, name)
    lock = store.lock(name)
    try:
        with reraised_as_tracking_error(f"Study {name!r} cannot be deleted from {store.display_uri}"):
            found = store.client.get_experiment(study.experiment_id)
            store.spool_file(name).unlink(missing_ok=True)
            return _erase(store, found) if store.database else _hide(store, found)
    finally:
        lock.release()


def _hide(store: Store, found: Experiment) -> str:
    """Mark a study on a server as deleted, under another name."""
    aside = study_run.free_name(found)
    store.client.rename_experiment(found.experiment_id, aside)
    store.client.delete_experiment(found.experiment_id)
    return (
        f"Study {catalog.name_of(found)!r} is deleted and its name is free. {store.display_uri} keeps it as the deleted"
        f" experiment {aside!r} until its administrator runs: mlflow gc"
    )


def _erase(store: Store, found: Experiment) -> str:
    """Remove a study from a local store for good, with the code behind ``mlflow gc``.

    Only files inside this store's own folder are removed: in a copied project the recorded path may lead to the original.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    runs = _all_runs(store, found)
    store.client.delete_experiment(found.experiment_id)
    keeper: Any = cast(Any, SqlAlchemyStore)(store.uri, str(store.artifacts))
    for run_id in runs:
        keeper._hard_delete_run(run_id)
    keeper._hard_delete_experiment(found.experiment_id)
    return f"Study {catalog.name_of(found)!r} is deleted: {len(runs)} runs and {_remove_files(store, found)}."


def _all_runs(store: Store, found: Experiment) -> list[str]:
    return [str(run.info.run_id) for run in search(store.client, found.experiment_id, "", deleted=True)]


def _remove_files(store: Store, found: Experiment) -> str:
    location = found.artifact_location.removeprefix("file://")
    folder, ours = Path(location).resolve(), store.artifacts.resolve()
    if folder.parent != ours:
        return f"the record of its artifacts; the files themselves lie outside this store, in {location!r}, and stay"
    count = sum(path.is_file() for path in folder.rglob("*"))
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return "no artifacts"
    except OSError as error:
        raise TrackingError(f"The artifacts in {str(folder)!r} cannot be removed: {error.strerror}.") from error
    return f"{count} artifacts"
