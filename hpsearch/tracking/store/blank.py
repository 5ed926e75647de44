"""Blank database of MLflow, kept in the user's cache for each version: its migrations take seconds."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import platformdirs


def kept_blank() -> Path:
    """Return where the blank database of the installed MLflow is kept."""
    return Path(platformdirs.user_cache_dir("hpsearch")) / f"mlflow-{version('mlflow')}.db"


def copy_blank(path: Path) -> bool:
    """Copy the blank database to a path, and return whether there was one that can be used; a damaged one is removed."""
    kept = kept_blank()
    with suppress(OSError):
        shutil.copyfile(kept, path)
        with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as connection:
            tables = connection.execute("SELECT count(*) FROM alembic_version").fetchone()[0]
            if tables and connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
                return True
        path.unlink()
        kept.unlink()
    return False


def keep_blank(database: Path) -> None:
    """Keep a copy of a database that MLflow has just created; where that is not possible, the next one takes longer."""
    kept = kept_blank()
    draft = kept.with_name(f"{kept.name}.{uuid4().hex}")
    with suppress(OSError, sqlite3.Error):
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(database, draft)
        with closing(sqlite3.connect(draft)) as connection, connection:
            # The first experiment has the address of a folder; MLflow adds it anew to a database without experiments.
            connection.execute("DELETE FROM experiments")
        draft.replace(kept)
    with suppress(OSError):
        draft.unlink(missing_ok=True)
