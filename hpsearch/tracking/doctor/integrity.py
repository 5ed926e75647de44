"""Integrity checks of a store's SQLite file: read only, before MLflow opens it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from hpsearch.tracking.doctor.finding import Finding
from hpsearch.tracking.store import client, database
from hpsearch.tracking.store.store import Store


def find_damage(path: Path) -> Finding | None:
    """Return what makes a database unusable, or None; read every page of it."""
    restore = "Restore a backup; or move it away and start again."
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=20)) as connection:
            problems = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
            versions = _schema_versions(connection)
    except sqlite3.Error as error:
        return Finding(f"The store {str(path)!r} cannot be read: {error}.", restore)
    if problems != ["ok"]:
        return Finding(f"The store {str(path)!r} is damaged: {'; '.join(' '.join(p.split()) for p in problems)}.", restore)
    if versions == [_expected_schema()]:
        return None
    found = f"is of schema {versions[0]}, this MLflow writes {_expected_schema()}" if versions else "holds no MLflow tables"
    advice = (
        f"Install that MLflow; or, if it was an older one, copy the file and run: mlflow db upgrade sqlite:///{path.as_posix()}"
    )
    return Finding(f"The store {str(path)!r} {found}.", advice if versions else restore)


def find_flaws(store: Store, path: Path) -> Iterator[Finding]:
    """Yield problems of a readable database: a slow journal, artifacts that were moved."""
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        what = f"The store {str(path)!r} keeps a {mode!r} journal, with which writing stalls the search."
        yield Finding(what, "it is switched to a write-ahead log.", partial(database.prepare, path))
    if moved := database.find_moved(path, store.artifacts):
        names = ", ".join(repr(name) for _, _, name in moved)
        what = f"The project folder has moved: the artifacts of {names} are recorded in another place."
        yield Finding(
            what, f"they are looked for in {str(store.artifacts)!r}.", partial(database.repoint_moved, path, store.artifacts)
        )


def _schema_versions(connection: sqlite3.Connection) -> list[str]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    return [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")] if tables else []


def _expected_schema() -> str | None:
    """Return the schema version of the installed MLflow, from the migrations it ships."""
    client.prepare()
    import mlflow
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations")).get_current_head()
