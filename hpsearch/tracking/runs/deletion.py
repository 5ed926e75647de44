"""Deletion of a study: its runs, models, artifacts, spool file and saved states; what else its experiment holds stays."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hpsearch.errors import TrackingError
from hpsearch.tracking.lease import LeaseTimes, newest_claim, take
from hpsearch.tracking.runs import catalog, location
from hpsearch.tracking.runs.study_run import is_start_of
from hpsearch.tracking.store.client import reraised_as_tracking_error, search
from hpsearch.tracking.store.store import Store
from hpsearch.trial.formatting import count

if TYPE_CHECKING:
    from mlflow.entities import Experiment, LoggedModel, Run

# What a study writes to its experiment: rows of these tables go with its runs, or with the experiment.
_OURS = {"experiments", "experiment_tags", "runs", "datasets"}
_MODELS = "logged_model"


@dataclass(frozen=True)
class Contents:
    """What the experiment of a study holds: what a deletion removes, and what it leaves.

    Args:
        experiment: that holds the study.
        runs: of the study: trials first, its own runs last.
        models: logged for its trials, and not registered.
        other_runs: how many runs are not of this study.
        registered: how many of its models somebody registered; they stay.
        others: whether the experiment is somebody else's, or holds something else of others.
    """

    experiment: Experiment
    runs: Sequence[Run]
    models: Sequence[LoggedModel]
    other_runs: int
    registered: int
    others: bool

    @property
    def whole(self) -> bool:
        """Whether the experiment goes too: we made it, and nothing but this study is in it."""
        return not (self.other_runs or self.registered or self.others)

    @property
    def kept(self) -> str:
        """What stays, as a clause; empty where that is nothing."""
        runs = f"{count(self.other_runs, 'run')} of others" if self.other_runs else ""
        models = count(self.registered, "registered model") if self.registered else ""
        named = " and ".join(filter(None, (runs, models)))
        what = named or ("everything else" if self.others else "")
        return f"{what} in experiment {self.experiment.name!r}" if what else ""

    @property
    def verb(self) -> str:
        """What that does: one thing stays, several stay."""
        return "stays" if self.other_runs + self.registered == 1 or not (self.other_runs or self.registered) else "stay"


def read_contents(store: Store, name: str) -> Contents:
    """Return what a deletion of a study removes and what it leaves.

    Raises:
        StudyError: if there is no such study.
    """
    study = catalog.summary(store, name)
    with reraised_as_tracking_error(f"Study {name!r} cannot be read from {store.display_uri}"):
        experiment = store.client.get_experiment(study.experiment_id)
        # A local store removes for good, deleted runs too; a server marks as deleted, which those are already.
        everything = list(search(store.client, str(experiment.experiment_id), "", deleted=True))
        ours = _runs_of(everything, name)
        models, registered = _models_of(store, experiment, name, {run.info.run_id for run in ours})
        others = not location.is_ours(experiment) or _holds_others(store, experiment, models)
        active = [run for run in ours if store.database or run.info.lifecycle_stage == "active"]
        return Contents(experiment, active, models, len(everything) - len(ours), registered, others)


def question(name: str, contents: Contents) -> str:
    """Return what is asked before a study is deleted."""
    kept = f" (and leave {contents.kept})" if contents.kept else ""
    return f"Delete study {name!r}: {count(len(contents.runs), 'run')} and all their artifacts{kept}?"


def delete_study(store: Store, name: str) -> str:
    """Delete a study with all its runs and artifacts, those of earlier starts too; return one sentence on what was done.

    Only runs that carry our tags under this study's own runs go. The experiment goes where nothing else is in it. A local
    store deletes for good. A server only marks as deleted; a whole experiment is renamed first, which frees the name.

    Raises:
        StudyError: if there is no such study.
        TrackingError: if a process is running it, or the store fails.
    """
    study = catalog.summary(store, name)  # raises where there is none, before a lock is made
    lock = store.lock(name)
    try:
        _take_lease(store, name, study.run_id)
        contents = read_contents(store, name)
        with reraised_as_tracking_error(f"Study {name!r} cannot be deleted from {store.display_uri}"):
            for path in store.spool_files(name):
                path.unlink(missing_ok=True)
            _remove_folder(store.states_folder(name))
            done = _erase(store, name, contents) if store.database else _hide(store, name, contents)
            return f"{done} {contents.kept[:1].upper()}{contents.kept[1:]} {contents.verb}." if contents.kept else done
    finally:
        lock.release()


def _take_lease(store: Store, name: str, run_id: str) -> None:
    """Make sure that no other machine runs the study, and that none starts it now; its run goes with the lease."""
    with reraised_as_tracking_error(f"Study {name!r} cannot be deleted from {store.display_uri}"):
        if newest_claim(store.client.get_run(run_id)) is not None:
            take(store.client, run_id, name, LeaseTimes.from_environment())


def _runs_of(runs: Iterable[Run], name: str) -> list[Run]:
    """Return the runs of a study, trials first: a kill in the middle then leaves a study that can be deleted again."""
    kinds = [(run, run.data.tags.get("hpsearch.kind")) for run in runs]
    parents = [run for run, kind in kinds if kind in ("study", "candidate") and is_start_of(run, name)]
    ids = {run.info.run_id for run in parents}
    trials = [run for run, kind in kinds if kind == "trial" and run.data.tags.get("mlflow.parentRunId") in ids]
    return [*trials, *parents]


def _models_of(store: Store, experiment: Experiment, name: str, runs: set[str]) -> tuple[list[LoggedModel], int]:
    """Return the models of a study that nobody registered, and how many were registered."""
    found = [m for m in _models_in(store, experiment) if m.source_run_id in runs and m.tags.get("hpsearch.study") == name]
    free = [model for model in found if not _is_registered(store, model)]
    return free, len(found) - len(free)


def _models_in(store: Store, experiment: Experiment) -> Iterator[LoggedModel]:
    token: str | None = None
    while True:
        page = store.client.search_logged_models([experiment.experiment_id], page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _is_registered(store: Store, model: LoggedModel) -> bool:
    made = store.client.search_model_versions(f"run_id = '{model.source_run_id}'")
    return any(model.model_id in (version.source or "") or version.model_id == model.model_id for version in made)


def _holds_others(store: Store, experiment: Experiment, models: Sequence[LoggedModel]) -> bool:
    """Return whether an experiment holds something of others beside runs: models, traces, and whatever else MLflow has."""
    if store.database is not None:
        return _has_other_rows(store.database, str(experiment.experiment_id), {str(model.model_id) for model in models})
    if any(model.model_id not in {own.model_id for own in models} for model in _models_in(store, experiment)):
        return True
    return bool(store.client.search_traces(locations=[str(experiment.experiment_id)], max_results=1, include_spans=False))


def _has_other_rows(path: Path, experiment_id: str, models: set[str]) -> bool:
    """Return whether a table of a SQLite store holds rows of an experiment that are not ours; deleted models are nobody's."""
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        held = connection.execute(
            "SELECT model_id FROM logged_models WHERE experiment_id = ? AND lifecycle_stage = 'active'", (experiment_id,)
        )
        if any(model not in models for (model,) in held):
            return True
        tables = connection.execute(
            "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c"
            " WHERE m.type = 'table' AND c.name = 'experiment_id'"
        ).fetchall()
        others = [table for (table,) in tables if table not in _OURS and not table.startswith(_MODELS)]
        return any(
            connection.execute(f"SELECT 1 FROM {table} WHERE experiment_id = ? LIMIT 1", (experiment_id,)).fetchone()
            for table in others
        )


def _hide(store: Store, name: str, contents: Contents) -> str:
    """Mark a study on a server as deleted; a whole experiment under another name."""
    client, found = store.client, contents.experiment
    if contents.whole:
        aside = location.free_name(found)
        client.rename_experiment(found.experiment_id, aside)
        client.delete_experiment(found.experiment_id)
        kept_as = f"the deleted experiment {aside!r}"
    else:
        for model in contents.models:
            client.delete_logged_model(model.model_id)
        for run in contents.runs:
            client.delete_run(run.info.run_id)
        kept_as = count(len(contents.runs), "deleted run")
    return (
        f"Study {name!r} is deleted and its name is free. {store.display_uri} keeps it as {kept_as}"
        " until its administrator runs: mlflow gc."
    )


def _erase(store: Store, name: str, contents: Contents) -> str:
    """Remove a study from a local store for good, with the code behind ``mlflow gc``.

    Only files inside this store's own folder are removed: in a copied project the recorded path may lead to the original.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    keeper: Any = cast(Any, SqlAlchemyStore)(store.uri, str(store.artifacts))
    if contents.whole:
        store.client.delete_experiment(contents.experiment.experiment_id)
    for model in contents.models:
        keeper._hard_delete_logged_model(model.model_id)
    for run in contents.runs:
        keeper._hard_delete_run(run.info.run_id)
    if contents.whole:
        keeper._hard_delete_experiment(contents.experiment.experiment_id)
    return f"Study {name!r} is deleted: {count(len(contents.runs), 'run')} and {_remove_files(store, contents)}."


def _remove_files(store: Store, contents: Contents) -> str:
    location = contents.experiment.artifact_location.removeprefix("file://")
    folder, ours = Path(location).resolve(), store.folder.resolve()
    if not folder.is_relative_to(ours) or folder == ours:
        return f"the record of its artifacts; the files themselves lie outside this store, in {location!r}, and stay"
    owners = [run.info.run_id for run in contents.runs] + [f"models/{model.model_id}" for model in contents.models]
    folders = [folder / owner for owner in owners]
    if contents.whole and folder.parent == store.artifacts.resolve():
        folders = [folder]
    files = sum(path.is_file() for one in folders for path in one.rglob("*"))
    for one in folders:
        _remove_folder(one)
    return f"{files} artifacts" if files else "no artifacts"


def _remove_folder(folder: Path) -> None:
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
    except OSError as error:
        raise TrackingError(f"The artifacts in {str(folder)!r} cannot be removed: {error.strerror}.") from error
