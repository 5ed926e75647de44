"""The schema of MLflow's own tables: whether its revision is one whose rows this package reads and writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Connection, Engine

# Revisions whose rows were compared, column by column, with what MLflow's client writes; by the MLflow that makes them.
KNOWN_REVISIONS = {"dc11669786a5": "3.17"}
KNOWN_DATABASES = ("sqlite", "postgresql")


def database_of(client: MlflowClient) -> Any:
    """Return MLflow's own store of a database that rows are written to, or None."""
    store: Any = getattr(getattr(client, "_tracking_client", None), "store", None)
    is_database = hasattr(store, "ManagedSessionMaker") and getattr(store, "db_type", None) in KNOWN_DATABASES
    return store if is_database else None


def read_revision(session: Any) -> str:
    """Return the revision of the schema, as the database has it."""
    from sqlalchemy import text

    return ", ".join(sorted(session.execute(text("SELECT version_num FROM alembic_version")).scalars()))


def engine_to_read(uri: str, file: Path | None) -> Engine | None:
    """Return an engine that reads a database, with no use of MLflow; None for a server, and databases that are not known."""
    if uri.partition(":")[0].partition("+")[0] not in KNOWN_DATABASES:
        return None
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    return create_engine(uri) if file is None else create_engine("sqlite://", creator=lambda: _open(file), poolclass=NullPool)


def is_known(connection: Connection) -> bool:
    """Return whether the tables are of a revision that is known."""
    return read_revision(connection) in KNOWN_REVISIONS


def _open(file: Path) -> sqlite3.Connection:
    """Connect to a SQLite file that there must be, for reading only."""
    # A connection of mode "ro" would leave the files of the write-ahead log behind.
    connection = sqlite3.connect(f"{file.as_uri()}?mode=rw", timeout=20, uri=True, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection
