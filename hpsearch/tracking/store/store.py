"""Which store a study is recorded in, where its files lie, and who may use it at the moment."""

from __future__ import annotations

import os
import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from hpsearch.errors import TrackingError, must_be
from hpsearch.tracking.store import database
from hpsearch.tracking.store.client import connect, told
from hpsearch.tracking.store.names import slug

if TYPE_CHECKING:
    from mlflow import MlflowClient

MARKS = ("mlruns", "pyproject.toml", ".git")
HTTP = ("http", "https")
DATABASES = ("postgresql", "mysql", "mssql")
PROBE_SECONDS = 5.0
CREATE_SECONDS = 120.0


def project_root(start: Path) -> Path:
    """Return the nearest folder upward that holds ``mlruns``, ``pyproject.toml`` or ``.git``; else ``start`` itself."""
    here = start.resolve()
    here = here if here.is_dir() else here.parent
    return next((folder for folder in (here, *here.parents) if any((folder / mark).exists() for mark in MARKS)), here)


@dataclass(frozen=True)
class Store:
    """An open store.

    Args:
        uri: what MLflow is told; absolute for SQLite.
        root: the project folder, which the sources of studies are named relative to.
        folder: the ``mlruns`` folder: locks, files of trials that could not be sent, and artifacts unless a server keeps them.
        database: the SQLite file, or None for a server.
        notes: sentences the user should read about what was found and mended on opening.
    """

    uri: str
    root: Path
    folder: Path
    database: Path | None = None
    notes: list[str] = field(default_factory=list, compare=False)

    @classmethod
    def open(cls, uri: str | None, root: Path) -> Store:
        """Open the store of a project: ``uri``, else ``MLFLOW_TRACKING_URI``, else ``mlruns/mlflow.db`` under ``root``.

        Raises:
            TrackingError: if it cannot be created, read, written or reached, in one sentence.
        """
        store = cls.at(uri, root)
        if store.database is not None:
            store._open_file(store.database)
        elif store.served:
            _reach(store)
        else:
            _dial(store)
        return store

    @classmethod
    def at(cls, uri: str | None, root: Path) -> Store:
        """Return the same store without opening it: nothing is created, changed or reached.

        Raises:
            TrackingError: if no store can be of this URI.
        """
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or None
        root = root.resolve()
        folder = root / "mlruns"
        scheme = "sqlite" if uri is None else uri.partition(":")[0].partition("+")[0]
        if uri is None or scheme == "sqlite":
            path = _database(uri, folder)
            return cls(f"sqlite:///{path.as_posix()}", root, path.parent, path)
        if scheme not in HTTP + DATABASES:
            advice = "Leave it out for mlruns/mlflow.db, or write sqlite:///file.db; plain folders are no longer stores."
            raise TrackingError(must_be("A tracking URI", "sqlite:///, http(s):// or a database URL", uri, advice))
        return cls(uri.rstrip("/"), root, folder)

    def _open_file(self, path: Path) -> None:
        # Two processes that create an MLflow database at once crash each other.
        with self._lock("store", CREATE_SECONDS, f"The store {str(path)!r} is being created by another process"):
            with told(f"The store {str(path)!r} cannot be created"):
                database.create(path)
            database.prepare(path)
            database.tune(path)
            with _schema_told(path, self.uri):
                _ = self.client
            mended = database.mend(path, self.artifacts)
            _ = self._inode
        if mended:
            whose, where = ", ".join(map(repr, mended)), str(self.artifacts)
            self.notes.append(f"The project folder has moved; the artifacts of {whose} are now looked for in {where!r}.")

    @cached_property
    def client(self) -> MlflowClient:
        """The MLflow client of this store; the first use loads MLflow."""
        return connect(self.uri)

    @property
    def removed(self) -> bool:
        """Whether the SQLite file is gone, or another one in its place; what is written then may be lost without an error."""
        path = self.database
        return path is not None and (database.inode(path) != self._inode or path.stat().st_size == 0)

    def version(self) -> tuple[int | None, int] | None:
        """Return what changes whenever anybody writes to a local store; None for a server, which does not tell."""
        if self.database is None:
            return None
        return database.inode(self.database), int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    @cached_property
    def _watch(self) -> sqlite3.Connection:
        return sqlite3.connect(str(self.database), timeout=20, check_same_thread=False)

    @cached_property
    def _inode(self) -> int | None:
        """What the file was known by when the store was opened."""
        return database.inode(self.database) if self.database else None

    @property
    def artifacts(self) -> Path:
        """The folder that holds one folder of artifacts per study."""
        return self.folder / "artifacts"

    @property
    def shown(self) -> str:
        """The URI without a password."""
        return re.sub(r"//([^/@:]*):[^/@]*@", r"//\1:***@", self.uri)

    @property
    def served(self) -> bool:
        """Whether an MLflow server keeps this store."""
        return self.uri.partition(":")[0] in HTTP

    def artifact_location(self, study: str) -> str | None:
        """Return where a study's artifacts go; None leaves it to the server."""
        return None if self.served else str(self.artifacts / slug(study))

    def unsent(self, study: str) -> Path:
        """Return the file of trials that a store which went away could not take."""
        return self.folder / f"{slug(study)}.unsent.jsonl"

    def lock(self, study: str) -> FileLock:
        """Return the held lock of a study, so that no second process on this machine runs it at the same time."""
        lock = self._file_lock(slug(study))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise TrackingError(
                f"Study {study!r} is being run by another process. Wait for that to end, or give this study another name."
            ) from None
        return lock

    def busy(self, study: str) -> bool:
        """Return whether a process on this machine runs the study."""
        try:
            self.lock(study).release()
        except TrackingError:
            return True
        return False

    @contextmanager
    def _lock(self, name: str, seconds: float, message: str) -> Iterator[None]:
        lock = self._file_lock(name, ".store")
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            raise TrackingError(f"{message}. Wait for that to end and try again.") from None
        try:
            yield
        finally:
            lock.release()

    def _file_lock(self, name: str, kind: str = "") -> FileLock:
        locks = self.folder / "locks"
        try:
            locks.mkdir(parents=True, exist_ok=True)
            path = locks / f"{name}{kind}.lock"
            path.touch()
        except OSError as error:
            raise TrackingError(
                f"The folder {str(self.folder)!r} cannot be written: {error.strerror}."
                " Move what is in its place, make it writable, or choose another store with --tracking-uri."
            ) from error
        return FileLock(path)


def _database(uri: str | None, folder: Path) -> Path:
    """Return the absolute path of the SQLite file that a URI names."""
    path = folder / "mlflow.db" if uri is None else Path(uri.removeprefix("sqlite:///").partition("?")[0])
    if uri is not None and (not uri.startswith("sqlite:///") or path.name in ("", ":memory:")):
        raise TrackingError(must_be("A SQLite tracking URI", "sqlite:/// and a file", uri, "Try sqlite:///mlruns/mlflow.db."))
    if set("%?") & set(str(path)):
        advice = "Rename that folder, or choose another store with --tracking-uri."
        raise TrackingError(must_be("The path of a store", "without % and ?", str(path), advice))
    return path.resolve()


@contextmanager
def _schema_told(path: Path, uri: str) -> Iterator[None]:
    try:
        with told(f"MLflow cannot open the store {str(path)!r}"):
            yield
    except TrackingError as error:
        found = re.search(r"found version (\w+), but expected (\w+)|revision \S* ?'(\w+)'", str(error))
        if not found:
            raise
        raise TrackingError(
            f"The store {str(path)!r} was written by another version of MLflow (schema {found[1] or found[3]}). "
            f"Install that version; or, if it was an older one, back the file up and run: mlflow db upgrade {uri!r}"
        ) from error


def _reach(store: Store) -> None:
    """Refuse a server that does not answer, within seconds."""
    advice = "Start it, or check --tracking-uri and MLFLOW_TRACKING_URI."
    try:
        urllib.request.urlopen(f"{store.uri}/health", timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # it answers; whether it is MLflow shows next
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise TrackingError(f"The tracking server {store.shown} cannot be reached: {why}. {advice}") from error
    with told(f"The tracking server {store.shown} does not answer as MLflow. {advice} It said"):
        store.client.search_experiments(max_results=1)


def _dial(store: Store) -> None:
    """Refuse a database server that does not answer, before MLflow retries for a minute and a half."""
    with told(f"The tracking database {store.shown} cannot be opened. Check --tracking-uri and its driver"):
        import sqlalchemy

        engine = sqlalchemy.create_engine(store.uri)
        engine.connect().close()
        engine.dispose()
        with store._lock("store", CREATE_SECONDS, f"The store {store.shown} is being created by another process"):
            _ = store.client
