"""A store shared with plain MLflow: whatever hpsearch does, every row and every file of others stays as it is.

The independent source is SQLite itself: the rows of every table that are not of our runs, compared before and after.
"""

from __future__ import annotations

import hashlib
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag

from hpsearch import Float, Space, Study
from hpsearch.strategies import Grid
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.doctor import examine, repair
from hpsearch.tracking.runs import catalog, deletion
from hpsearch.tracking.store import serve
from hpsearch.trial import Trial

# A row of these columns belongs to the run that they name.
OWNERS = ("run_uuid", "run_id", "source_run_id")
OURS = (
    "SELECT run_uuid FROM tags WHERE key = 'hpsearch.kind' AND (value = 'study' OR run_uuid IN ("
    "SELECT c.run_uuid FROM tags c JOIN tags p ON p.run_uuid = c.value AND p.key = 'hpsearch.kind' AND p.value = 'study'"
    " WHERE c.key = 'mlflow.parentRunId'))"
)


def make_study(name: str, points: int = 2) -> Study:
    return Study(name, Space(x=Float(0.0, 1.0)), lambda params: params["x"], Grid(points=points))


def run(store: Store, name: str, points: int = 2) -> list[Trial]:
    tracker = MlflowTracker(store=store)
    return list(make_study(name, points).run(1, backend="sequential", tracker=tracker, report=False, model=False).trials)


def foreign_rows(store: Store, experiments: tuple[str, ...]) -> dict[str, list[str]]:
    """Return every row that is not ours, by table; ``experiments`` are the names of those that we made."""
    assert store.database is not None
    with closing(sqlite3.connect(store.database, timeout=20)) as db:
        ours = {run_id for (run_id,) in db.execute(OURS)}
        made = {
            number for number, name in db.execute("SELECT experiment_id, name FROM experiments") if name.startswith(experiments)
        }
        found = {}
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = db.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in rows.description]
            kept = [dict(zip(columns, row, strict=True)) for row in rows]
            if table in ("experiments", "experiment_tags"):
                kept = [row for row in kept if row["experiment_id"] not in made and "hpsearch" not in str(row.get("key"))]
            if not table.startswith(("sqlite_", "alembic")):
                found[table] = sorted(repr(row) for row in kept if not any(row.get(owner) in ours for owner in OWNERS))
    return {table: rows for table, rows in found.items() if rows}


def foreign_files(store: Store, owners: list[str]) -> dict[str, str]:
    """Return the checksums of the files of some runs and models, wherever they lie."""
    files = [path for path in store.root.rglob("*") if path.is_file() and set(path.parts) & set(owners)]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def add_run(store: Store, experiment: str, folder: Path, parent: str = "", deleted: bool = False) -> str:
    """Add a run as plain MLflow does it, with everything that a run can have."""
    client = mlflow.MlflowClient(store.uri)
    tags = {"team": "vision", "mlflow.note.content": "theirs"} | ({"mlflow.parentRunId": parent} if parent else {})
    run_id = client.create_run(experiment, tags=tags, run_name="trial 000").info.run_id
    client.log_batch(run_id, [Metric("value", 0.1, 1, 0), Metric("value", 0.2, 2, 1)], [Param("x", "0.5")])
    (folder / "weights.bin").write_bytes(run_id.encode())
    client.log_artifact(run_id, str(folder / "weights.bin"))
    client.set_terminated(run_id)
    if deleted:
        client.delete_run(run_id)
    return str(run_id)


def fill(store: Store, folder: Path) -> list[str]:
    """Fill a store with two studies, and with what others have beside, in and under them; return the ids of the others'."""
    client = mlflow.MlflowClient(store.uri)
    plain = client.create_experiment("plain", str(store.root / "theirs"))
    shared = client.create_experiment(
        "shared", str(store.folder / "5"), tags={"mlflow.note.content": "their page", "team": "vision"}
    )
    client.create_experiment("hpsearch-prefix", str(store.artifacts / "0"), tags={"hpsearch-like": "yes"})
    gone = client.create_experiment("gone", str(store.artifacts / "1"))
    owners = [add_run(store, plain, folder), add_run(store, plain, folder, deleted=True), add_run(store, shared, folder)]
    client.delete_experiment(gone)
    run(store, "shared")
    run(store, "ours")
    ours, parent = client.get_experiment_by_name("ours").experiment_id, catalog.summary(store, "ours").run_id
    nested = add_run(store, ours, folder, parent)
    owners += [add_run(store, ours, folder), add_run(store, ours, folder, deleted=True), nested]
    owners.append(add_run(store, ours, folder, nested))
    model = client.create_logged_model(plain, "theirs", owners[0])
    client.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model("theirs", tags={"stage": "shown"})
    client.create_model_version("theirs", f"runs:/{owners[0]}/weights.bin", owners[0])
    return [*owners, model.model_id]


def add_to_ours(store: Store) -> None:
    """Log to our runs as others do: params, tags and metrics, under names of theirs and of ours."""
    client = mlflow.MlflowClient(store.uri)
    summary = catalog.summary(store, "ours")
    for run_id in (summary.run_id, *(row.run_id for row in catalog.trial_rows(store, summary))):
        params = [Param("note", "checked"), Param("schedule.patience", "3")]
        client.log_batch(
            run_id, [Metric("accuracy", 0.9, 1, 0), Metric("value", -1.0, 1, 9)], params, [RunTag("team", "vision")]
        )


@pytest.fixture(params=["local", pytest.param("served", marks=pytest.mark.campaign)])
def shared_store(
    request: pytest.FixtureRequest, put_store: Callable[[Path], Path], tmp_path: Path
) -> Iterator[tuple[Store, Store]]:
    """Return a local store, and the same as it is used: directly, or through an MLflow server."""
    local = Store.open(None, put_store(tmp_path / "project"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serve(local, port) if request.param == "served" else nullcontext() as server:
        yield local, local if server is None else Store.open(server.url, local.root)


def test_nothing_of_others_is_changed(
    shared_store: tuple[Store, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    local, store = shared_store
    client, owners = mlflow.MlflowClient(store.uri), fill(store, tmp_path)
    rows, files = foreign_rows(local, ("ours",)), foreign_files(local, owners)
    assert len(rows["runs"]) == 7
    assert len(files) == 7

    def unchanged() -> bool:
        return foreign_rows(local, ("ours",)) == rows and foreign_files(local, owners) == files

    assert {study.name: study.trials for study in catalog.studies(store)} == {"shared": 2, "ours": 2}
    add_to_ours(store)
    before = [trial.params for trial in run(store, "ours")]
    assert before == [{"x": 0.0}, {"x": 1.0}]
    assert [row.params for row in catalog.trial_rows(store, catalog.summary(store, "ours"))] == [{"x": "0.0"}, {"x": "1.0"}]
    assert unchanged()
    assert len(run(store, "shared", points=2)) == 2
    parent = catalog.summary(store, "ours").run_id
    half = client.create_run(
        catalog.summary(store, "ours").experiment_id,
        tags={"mlflow.parentRunId": parent, "hpsearch.kind": "trial", "hpsearch.number": "7"},
    )
    client.update_run(parent, "RUNNING")
    said = [finding for finding in examine(local) if repair(finding)]
    assert len(said) == 2
    assert client.get_run(half.info.run_id).info.lifecycle_stage == "deleted"
    assert unchanged()

    assert deletion.question("ours", deletion.read_contents(local, "ours")) == (
        "Delete study 'ours': 4 runs and all their artifacts (and leave 4 runs of others in experiment 'ours')?"
    )
    assert "4 runs of others in experiment 'ours' stay." in deletion.delete_study(store, "ours")
    assert "1 run of others in experiment 'shared' stays." in deletion.delete_study(store, "shared")
    assert catalog.studies(store) == []
    assert unchanged()
    assert len(run(store, "ours", points=3)) == 3
    assert unchanged()
