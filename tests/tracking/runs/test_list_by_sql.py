"""Lists read by SQL, held to what they are through MLflow's own client: the independent source."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.errors import StudyError, TrackingError
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.runs import catalog, location
from hpsearch.tracking.store.schema import KNOWN_REVISIONS
from hpsearch.trial import Trial
from tests.command import run_command
from tests.tracking.sample import plain, tracked, trials

HOSTILE = ("%_'\"; DROP TABLE runs; --", "Größe 尺寸 🎯", "../up", "[bold]x[/bold]", "a\tb", "n" * 300, " ", "Default")
OURS = "listed: "


def record(store: Store, name: str, given: list[Trial], ends: str | None = "finished", fresh: bool = False) -> None:
    """Record a study; without an end it is left running, as by a kill."""
    tracker, study = MlflowTracker(store=store), tracked(name, maximize=len(given) > 4)
    tracker.find(study)
    tracker.start(study, fresh)
    for trial in given:
        tracker.record(trial)
    tracker.finish(ends or "finished", given)
    if ends is None:
        store.client.update_run(catalog.summary(store, name).run_id, "RUNNING")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, root: Path) -> Store:
    """Return a store with studies of every kind, those of others, and what was deleted."""
    store = Store.open(request.getfixturevalue("database") if request.param == "postgresql" else None, root)
    for name in HOSTILE:
        record(store, name, [plain(0, 0.25)])
    record(store, f"{OURS}every kind", trials())
    record(store, f"{OURS}killed", [plain(0)], "killed")
    record(store, f"{OURS}left running", [plain(0), plain(1, 0.25)], None)
    record(store, f"{OURS}resumed", [plain(0)], "failed")
    record(store, f"{OURS}resumed", [plain(1, 0.125)])
    record(store, f"{OURS}afresh", [plain(0, 0.125)])
    record(store, f"{OURS}afresh", [plain(0, 0.75), plain(1, 0.5)], fresh=True)
    record(store, f"{OURS}in parts", [replace(plain(0), stage="s" * 6000)])
    record(store, f"{OURS}deleted", [plain(0)])
    store.client.delete_experiment(catalog.summary(store, f"{OURS}deleted").experiment_id)
    record(store, f"{OURS}renamed", [plain(0)])
    store.client.rename_experiment(catalog.summary(store, f"{OURS}renamed").experiment_id, f"{OURS}killed again")
    record(store, f"{OURS}killed again", [plain(0)])
    record(store, f"{OURS}run deleted", [plain(0)])
    store.client.delete_run(catalog.summary(store, f"{OURS}run deleted").run_id)
    record(store, f"{OURS}trial deleted", [plain(0, 0.0), plain(1)])
    study = catalog.summary(store, f"{OURS}trial deleted")
    store.client.delete_run(catalog.trial_rows(store, study)[0].run_id)
    theirs = store.client.create_experiment("theirs", tags={"hpsearch.name": "x"})
    store.client.create_run(theirs, tags={"hpsearch.kind": "trial", "mlflow.parentRunId": study.run_id})
    store.client.create_run(theirs, tags={"hpsearch.kind": "candidate", "hpsearch.name": "y"})
    return store


def everything(store: Store, monkeypatch: pytest.MonkeyPatch, known: bool) -> dict[str, list[str]]:
    """Return what is listed, and what is shown of each study, where the tables are of a known revision, and where not."""
    with monkeypatch.context() as patch:
        if not known:
            patch.delitem(KNOWN_REVISIONS, "dc11669786a5")
        assert (store.readable is not None) == known
        studies = catalog.studies(store)
        found = {study.name: [repr(study), repr(catalog.summary(store, study.name))] for study in studies}
        for study in studies:
            found[study.name] += shown(catalog.leading_rows(store, study, 3))
            found[study.name] += map(repr, catalog.trial_rows(store, study))
        with pytest.raises(StudyError, match=rf"No study '{OURS}left runing' is .* Did you mean '{OURS}left running'"):
            catalog.summary(store, f"{OURS}left runing")
        held = [repr((one.name, one.experiment_id, sorted(one.tags.items()))) for one in location.experiments(store, True)]
    return {"": [*(study.name for study in studies), *held], **found}


def shown(rows: list[catalog.TrialRow]) -> list[str]:
    """Return the best three, and the first three errors."""
    best = sorted((row for row in rows if row.selectable), key=lambda row: row.value)[:3]
    return [repr(row) for row in (*best, *[row for row in rows if row.error][:3])]


def test_lists_say_what_the_client_says(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Store.to_read(store.uri, store.root)
    found = everything(reading, monkeypatch, known=True)
    assert "client" not in vars(reading)
    assert found == everything(Store.to_read(store.uri, store.root), monkeypatch, known=False)
    assert found.keys() >= set(HOSTILE)
    assert not found.keys() & {"x", "y"}
    ours = {one.name.removeprefix(OURS): one for one in catalog.studies(reading) if one.name.startswith(OURS)}
    assert {name: (study.status, study.trials) for name, study in ours.items()} == {
        "every kind": ("finished", 5),
        "killed": ("interrupted", 1),
        "left running": ("interrupted", 2),
        "resumed": ("finished", 2),
        "afresh": ("finished", 2),
        "in parts": ("finished", 1),
        "renamed": ("finished", 1),
        "killed again": ("finished", 1),
        "trial deleted": ("finished", 1),
    }


PROGRAM = """
import json, sys
from hpsearch.cli import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    print(json.dumps([end.code, "mlflow" in sys.modules]), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [("list",), ("show", "small")])
def test_a_list_loads_no_mlflow_and_changes_nothing(root: Path, arguments: tuple[str, ...]) -> None:
    record(Store.open(None, root), "small", [plain(0, 0.25), plain(1)])
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = contents(root)
    run = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(run.stderr) == [0, False]
    assert "small" in run.stdout
    assert "finished" in run.stdout
    assert contents(root) == before


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file, but for those that SQLite has while somebody reads."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal"))]
    return {str(path): path.read_bytes() for path in files}


def test_a_list_creates_no_store(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert run_command(tmp_path, "list").stdout == "No study is recorded here yet. Run one: hpsearch run FILE\n"
    shown = run_command(tmp_path, "show", "digits")
    assert (shown.returncode, shown.stderr.partition("'digits'")[0]) == (2, "hpsearch: No study ")
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_a_store_of_changes_in_a_log_is_read(root: Path) -> None:
    """As after a kill: the database file alone does not hold them."""
    store = Store.open(None, root)
    record(store, "logged", [plain(0)])
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        connection.execute("UPDATE tags SET value = '0.0625' WHERE key = 'hpsearch.minimised'")
        connection.commit()
        assert (root / "mlruns" / "mlflow.db-wal").stat().st_size
        (study,) = catalog.studies(Store.to_read(None, root))
    assert study.best_value == 0.0625


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 100), "cannot be used: file is not a database"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000), "cannot be used|is damaged"),
    ],
)
def test_a_store_that_cannot_be_read_is_said_as_when_it_is_opened(root: Path, damage: Callable[[Path], int], says: str) -> None:
    damage(root / "mlruns" / "mlflow.db")
    with pytest.raises(TrackingError, match=says) as opened:
        Store.open(None, root)
    with pytest.raises(TrackingError) as read:
        Store.to_read(None, root)
    assert str(read.value) == str(opened.value)
