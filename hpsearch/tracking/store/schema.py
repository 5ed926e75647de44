"""The schema of MLflow's own tables: whether its revision is one that this package writes rows of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

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


def readable_database(client: MlflowClient) -> Any:
    """Return MLflow's own store of a database whose tables are of a known revision, or None."""
    database = database_of(client)
    if database is None:
        return None
    with database.ManagedSessionMaker() as session:
        return database if read_revision(session) in KNOWN_REVISIONS else None
