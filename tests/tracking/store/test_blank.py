"""The blank database is, table by table, what MLflow's own migrations make."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from mlflow import MlflowClient

from hpsearch.tracking.store import blank, database
from hpsearch.tracking.store.client import connect


@pytest.fixture(name="cache")
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda app: str(folder))
    return folder


@pytest.fixture(name="made", scope="module")
def made_by_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("made") / "made.db"
    connect(f"sqlite:///{file}").search_experiments()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", (str(file.with_name("whole.db")),))
    return file.with_name("whole.db")


def content(path: Path) -> dict[str, Any]:
    """Return tables, indices and rows of a database; of experiments nothing, since they have times and a folder."""
    with closing(sqlite3.connect(path)) as connection:
        found: dict[str, Any] = {"schema": connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()}
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        skipped = ("experiments", "sqlite_stat1", "sqlite_stat4")
        return found | {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names if name not in skipped}


def kept(made: Path) -> Path:
    blank.keep_blank(made)
    return blank.kept_blank()


def test_a_copy_is_what_mlflow_makes(made: Path, cache: Path, tmp_path: Path) -> None:
    assert kept(made).parent == cache
    assert blank.copy_blank(tmp_path / "copy.db")
    assert content(tmp_path / "copy.db") == content(made)
    assert [file.name for file in cache.iterdir()] == [blank.kept_blank().name]


def test_a_store_made_from_it_has_the_first_experiment_of_its_own_folder(
    made: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(made)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(database, "connect", None)  # no migration
    database.create(tmp_path / "new.db")
    first = MlflowClient(f"sqlite:///{tmp_path / 'new.db'}").search_experiments()
    assert [(one.experiment_id, one.name, one.artifact_location) for one in first] == [
        ("0", "Default", str(tmp_path / "mlruns" / "0"))
    ]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "no tables"])
def test_a_damaged_one_is_removed_and_made_anew(damage: str, made: Path, cache: Path, tmp_path: Path) -> None:
    file = kept(made)
    whole = file.read_bytes()
    file.write_bytes({"empty": b"", "text": b"no database" * 99, "cut": whole[: len(whole) // 2]}.get(damage, whole))
    if damage == "no tables":
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DELETE FROM alembic_version")
    assert not blank.copy_blank(tmp_path / "copy.db")
    assert not file.exists()
    assert not (tmp_path / "copy.db").exists()


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(made: Path, cache: Path, tmp_path: Path) -> None:
    cache.write_text("a file where a folder should be")
    blank.keep_blank(made)
    assert not blank.copy_blank(tmp_path / "copy.db")
    assert cache.is_file()
