"""The SQLite file of a local store: checked before MLflow opens it, journalled for speed, repaired after a move."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from hpsearch.errors import TrackingError
from hpsearch.tracking.store.blank import copy_blank, keep_blank
from hpsearch.tracking.store.client import connect, reraised_as_tracking_error
from hpsearch.tracking.store.names import slug

# Checking a file reads all of it; a larger one shows its damage when it is used.
QUICK_CHECK_BYTES = 64_000_000
_tuned: set[str] = set()


def create(path: Path) -> None:
    """Create MLflow's database where there is none; a kill in the middle leaves no database, never half of one."""
    if path.exists() and path.stat().st_size:
        return
    draft, complete = path.with_name(f"{path.name}.draft"), path.with_name(f"{path.name}.complete")
    # A log of changes whose database was removed would be applied to the new one.
    logs = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    for leftover in (draft, complete, *logs):
        leftover.unlink(missing_ok=True)
    if not copy_blank(complete):
        connect(f"sqlite:///{draft.as_posix()}")
        with closing(sqlite3.connect(draft)) as connection:
            connection.execute("VACUUM INTO ?", (str(complete),))
        draft.unlink()
        keep_blank(complete)
    complete.replace(path)


def prepare(path: Path) -> None:
    """Check that a SQLite file can be read and written, and switch it to a write-ahead log.

    MLflow itself retries an unusable file for a minute and a half before it fails.

    Raises:
        TrackingError: if the file is no database, is damaged, or cannot be written.
    """
    try:
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            small = path.stat().st_size < QUICK_CHECK_BYTES
            problems = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if small else "ok"
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
            # Without statistics SQLite finds a trial's curve by the curve's name, which all trials share.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA analysis_limit=1000")
                connection.execute("ANALYZE")
                connection.commit()
    except sqlite3.Error as error:
        raise TrackingError(f"The store {str(path)!r} cannot be used: {error}. {_advice(error)}") from error
    if problems != "ok":
        raise TrackingError(
            f"The store {str(path)!r} is damaged: {problems}. Move it away and start again, or restore a backup."
        )


def _advice(error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return "Another program holds it; close that and try again."
    if isinstance(error, sqlite3.OperationalError):
        return "Make the file and its folder writable, or choose another store with --tracking-uri."
    return "Move the file away to start again, or restore a backup."


def tune(path: Path) -> None:
    """Skip the flush after each commit on later connections to this file; a write-ahead log makes that safe."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    if not _tuned:
        event.listen(Engine, "connect", _relax)
        event.listen(Pool, "checkout", _reject_removed)
    _tuned.add(str(path))


@contextmanager
def schema_errors_explained(path: Path, uri: str) -> Iterator[None]:
    """Raise MLflow's errors as a `TrackingError`; one about the schema says which MLflow to install, or how to upgrade."""
    try:
        with reraised_as_tracking_error(f"MLflow cannot open the store {str(path)!r}"):
            yield
    except TrackingError as error:
        found = re.search(r"found version (\w+), but expected (\w+)|revision \S* ?'(\w+)'", str(error))
        if not found:
            raise
        raise TrackingError(
            f"The store {str(path)!r} was written by another version of MLflow (schema {found[1] or found[3]}). "
            f"Install that version; or, if it was an older one, back the file up and run: mlflow db upgrade {uri!r}"
        ) from error


def inode(path: Path | str) -> int | None:
    """Return the number that distinguishes a file from one put in its place; None where there is no file."""
    try:
        return Path(path).stat().st_ino
    except OSError:
        return None


def _relax(connection: Any, record: Any) -> None:
    """Set ``synchronous=NORMAL``; the listener sees every engine of the process, so it checks for our files first."""
    if isinstance(connection, sqlite3.Connection):
        file = connection.execute("PRAGMA database_list").fetchone()[2]
        if file and str(Path(file)) in _tuned:
            connection.execute("PRAGMA synchronous=NORMAL")
            record.info["hpsearch"] = (file, inode(file))


def _reject_removed(connection: Any, record: Any, proxy: Any) -> None:
    """Make the pool reconnect after the file was removed: an open connection would keep writing to the deleted file."""
    from sqlalchemy.exc import DisconnectionError

    file, known = record.info.get("hpsearch", ("", None))
    if file and inode(file) != known:
        raise DisconnectionError


def find_moved(path: Path, artifacts: Path) -> list[tuple[int, str, str]]:
    """Return experiment, recorded location and name of each study whose artifacts moved with the project folder."""
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        rows = connection.execute(
            "SELECT e.experiment_id, e.artifact_location, t.value FROM experiments e"
            " JOIN experiment_tags t ON t.experiment_id = e.experiment_id AND t.key = 'hpsearch.name'"
        ).fetchall()
    return [(number, old, name) for number, old, name in rows if _moved(old, artifacts / slug(name))]


def repoint_moved(path: Path, artifacts: Path) -> list[str]:
    """Point studies whose artifacts moved with the project folder to the new location, and return their names.

    MLflow stores absolute paths; after a move or copy they lead to the old location.
    """
    found = find_moved(path, artifacts)
    with closing(sqlite3.connect(path, timeout=20)) as connection, connection:
        for number, old, name in found:
            _repoint(connection, number, old, str(artifacts / slug(name)))
    return [name for _, _, name in found]


def _moved(old: str, new: Path) -> bool:
    """Return whether ``old`` is the same study's folder in another project's ``mlruns``."""
    if "://" in old or Path(old) == new or Path(old).parts[-2:] != new.parts[-2:]:
        return False
    return new.is_dir() or not Path(old).exists()


def _repoint(connection: sqlite3.Connection, experiment: int, old: str, new: str) -> None:
    connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (new, experiment))
    connection.execute(
        "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?)"
        " WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
        (new, len(old) + 1, experiment, len(old) + 1, old + "/"),
    )
    connection.execute(
        "UPDATE logged_models SET artifact_location = ? || substr(artifact_location, ?)"
        " WHERE experiment_id = ? AND substr(artifact_location, 1, ?) = ?",
        (new, len(old) + 1, experiment, len(old) + 1, old + "/"),
    )
