"""The place of a store: the project's root folder, and what a tracking URI names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hpsearch.errors import TrackingError, must_be

MARKS = ("mlruns", "pyproject.toml", ".git")
HTTP = ("http", "https")
DATABASES = ("postgresql", "mysql", "mssql")


def project_root(start: Path) -> Path:
    """Return the nearest folder upward that holds ``mlruns``, ``pyproject.toml`` or ``.git``; else ``start`` itself."""
    here = start.resolve()
    here = here if here.is_dir() else here.parent
    return next((folder for folder in (here, *here.parents) if any((folder / mark).exists() for mark in MARKS)), here)


def given_uri(uri: str | None) -> str | None:
    """Return ``uri``, else the environment's; None takes the project's own SQLite file."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or None


def is_sqlite(uri: str) -> bool:
    """Return whether a URI names a SQLite file.

    Raises:
        TrackingError: if no store can be of this URI.
    """
    scheme = uri.partition(":")[0].partition("+")[0]
    if scheme not in ("sqlite", *HTTP, *DATABASES):
        advice = "Leave it out for mlruns/mlflow.db, or write sqlite:///file.db; plain folders are no longer stores."
        raise TrackingError(must_be("A tracking URI", "sqlite:///, http(s):// or a database URL", uri, advice))
    return scheme == "sqlite"


def sqlite_path(uri: str | None, folder: Path) -> Path:
    """Return the absolute path of the SQLite file that a URI names; ``mlflow.db`` in ``folder`` for None.

    Raises:
        TrackingError: if the URI names no file, or one whose path MLflow cannot open.
    """
    path = folder / "mlflow.db" if uri is None else Path(uri.removeprefix("sqlite:///").partition("?")[0])
    if uri is not None and (not uri.startswith("sqlite:///") or path.name in ("", ":memory:")):
        raise TrackingError(must_be("A SQLite tracking URI", "sqlite:/// and a file", uri, "Try sqlite:///mlruns/mlflow.db."))
    if set("%?") & set(str(path)):
        advice = "Rename that folder, or choose another store with --tracking-uri."
        raise TrackingError(must_be("The path of a store", "without % and ?", str(path), advice))
    return path.resolve()


def is_served(uri: str) -> bool:
    """Return whether an MLflow server is behind a URI."""
    return uri.partition(":")[0] in HTTP


def hide_password(uri: str) -> str:
    """Return a URI that can be shown.

    >>> hide_password("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    """
    return re.sub(r"//([^/@:]*):[^/@]*@", r"//\1:***@", uri)
