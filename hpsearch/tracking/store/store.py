"""The store of a study: its URI, its files, its locks, and its MLflow client."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from hpsearch.errors import TrackingError, must_be
from hpsearch.tracking.store import database, remote
from hpsearch.tracking.store.client import connect, reraised_as_tracking_error
from hpsearch.tracking.store.names import digest, slug
from hpsearch.tracking.store.redaction import hide_secrets, public_address, remember_secrets
from hpsearch.tracking.store.schema import engine_to_read, is_known

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Engine

CREATE_SECONDS = 120.0
LOOK_SECONDS = 0.2
CREATE_TIMES, CREATE_PAUSE_SECONDS = 4, 3.0
# MLflow's tables on a database server hold 200 characters, of which a run's own folder takes 43; SQLite has no such limit.
MOST_CHARACTERS = 157
# The name is part of the format: files of earlier versions are still read.
SPOOL_SUFFIX = ".unsent.jsonl"


@dataclass(frozen=True)
class Store:
    """An open store.

    Args:
        uri: the tracking URI; absolute for SQLite. It may hold a password: show ``display_uri`` or ``address``.
        root: the project folder, which the sources of studies are named relative to.
        folder: the ``mlruns`` folder: locks, spool files, and artifacts unless a server keeps them.
        database: the SQLite file, or None for a server.
        notes: sentences the user should read about what was found and repaired on opening.
    """

    uri: str = field(repr=False)
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
            store._open_server()
        else:
            store._open_database()
        return store

    @classmethod
    def at(cls, uri: str | None, root: Path) -> Store:
        """Return the same store without opening it: nothing is created, changed or reached.

        Raises:
            TrackingError: if no store can be of this URI.
        """
        uri, root = given_uri(uri), root.resolve()
        remember_secrets(uri or "")
        folder = root / "mlruns"
        if uri is None or is_sqlite(uri):
            path = sqlite_path(uri, folder)
            return cls(f"sqlite:///{path.as_posix()}", root, path.parent, path)
        return cls(uri.rstrip("/"), root, folder)

    @classmethod
    def to_read(cls, uri: str | None, root: Path) -> Store:
        """Return a store for lists, without loading MLflow and without a change to it, wherever its tables are known.

        Raises:
            TrackingError: if it cannot be read or reached, in one sentence.
        """
        store = cls.at(uri, root)
        with suppress(Exception):  # opening it says what is wrong
            if store.blank or store.readable is not None:
                return store
        return cls.open(uri, root)

    def _open_file(self, path: Path) -> None:
        """Create the SQLite file where there is none, check it, and connect to it."""
        # Two processes that create an MLflow database at once crash each other.
        with self._lock_store(f"The store {str(path)!r} is being created by another process"):
            with reraised_as_tracking_error(f"The store {str(path)!r} cannot be created"):
                database.create(path)
            database.prepare(path)
            database.tune(path)
            with database.schema_errors_explained(path, self.uri):
                _ = self.client
            moved = database.repoint_moved(path, self.artifacts)
            _ = self._inode
        if moved:
            whose, where = ", ".join(map(repr, moved)), str(self.artifacts)
            self.notes.append(f"The project folder has moved; the artifacts of {whose} are now looked for in {where!r}.")

    def _open_server(self) -> None:
        """Check that an MLflow server responds, and connect to it."""
        remote.check_server(self.uri)
        _ = self.client

    def _open_database(self) -> None:
        """Check that a database server responds, and create MLflow's tables where there are none."""
        complete = remote.check_database(self.uri)
        what = f"The tracking database {self.display_uri} cannot be opened. Check --tracking-uri and its driver"
        with (
            reraised_as_tracking_error(what),
            self._lock_store(f"The store {self.display_uri} is being created by another process"),
        ):
            self._connect(1 if complete else CREATE_TIMES)

    def _connect(self, times: int) -> None:
        """Connect to a database server, trying again: another machine may be creating MLflow's tables there just now."""
        try:
            _ = self.client
        except Exception:
            if times == 1:
                raise
            time.sleep(CREATE_PAUSE_SECONDS)
            self._connect(times - 1)

    @cached_property
    def client(self) -> MlflowClient:
        """The MLflow client of this store; the first use loads MLflow."""
        return connect(self.uri)

    @property
    def blank(self) -> bool:
        """Whether this is a SQLite file that is not there yet."""
        return self.database is not None and (not self.database.exists() or self.database.stat().st_size == 0)

    @property
    def readable(self) -> Engine | None:
        """The engine that reads the tables by SQL where they are known; else None, and MLflow's client reads."""
        if self._engine is None:
            return None
        with self._engine.connect() as connection:
            return self._engine if is_known(connection) else None

    @cached_property
    def _engine(self) -> Engine | None:
        return engine_to_read(self.uri, self.database)

    @property
    def removed(self) -> bool:
        """Whether the SQLite file is gone, or another one in its place; what is written then may be lost without an error."""
        path = self.database
        return path is not None and (database.inode(path) != self._inode or path.stat().st_size == 0)

    def version(self) -> tuple[int | None, int] | None:
        """Return a value that changes with every write to a local store; None for a server, which has none."""
        if self.database is None:
            return None
        return database.inode(self.database), int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    @cached_property
    def _watch(self) -> sqlite3.Connection:
        return sqlite3.connect(str(self.database), timeout=20, check_same_thread=False)

    @cached_property
    def _inode(self) -> int | None:
        """The SQLite file's inode when the store was opened."""
        return database.inode(self.database) if self.database else None

    @property
    def artifacts(self) -> Path:
        """The folder that holds one folder of artifacts per study."""
        return self.folder / "artifacts"

    @property
    def display_uri(self) -> str:
        """The URI without secrets."""
        return hide_secrets(self.uri)

    @property
    def place(self) -> str:
        """What people call this store: its file, or its URI without secrets."""
        return str(self.database) if self.database is not None else self.display_uri

    @property
    def address(self) -> str:
        """Where a browser finds the server of this store; it asks for user and password itself."""
        return public_address(self.uri)

    @property
    def served(self) -> bool:
        """Whether an MLflow server keeps this store."""
        return is_served(self.uri)

    def artifact_location(self, study: str) -> str | None:
        """Return where a study's artifacts go; None leaves it to the server."""
        if self.served:
            return None
        location = str(self.artifacts / slug(study))
        if self.database is None and len(location) > MOST_CHARACTERS:
            location = str(self.artifacts / digest(study))
            if len(location) > MOST_CHARACTERS:
                advice = "Move the project to a folder with a shorter path."
                raise TrackingError(must_be("The path of artifacts", f"at most {MOST_CHARACTERS} characters", location, advice))
        return location

    def states_folder(self, study: str) -> Path:
        """Return the folder for the saved states of a study's paused trials, a cache."""
        return self.folder / "states" / slug(study)

    def spool_file(self, study: str) -> Path:
        """Return the file that keeps a study's trials until the store has them."""
        return self.folder / f"{slug(study)}{SPOOL_SUFFIX}"

    def spool_files(self, study: str) -> list[Path]:
        """Return that file, and the places that are used where its disk takes nothing more."""
        spare = [folder / f"{self._mark}{slug(study)}{SPOOL_SUFFIX}" for folder in spare_folders()]
        return [self.spool_file(study), *spare]

    def find_spool_files(self) -> list[tuple[str, Path]]:
        """Return every spool file of this store, each with its study's name in files."""
        found = sorted(self.folder.glob(f"*{SPOOL_SUFFIX}"))
        found += sorted(path for folder in spare_folders() for path in folder.glob(f"{self._mark}*{SPOOL_SUFFIX}"))
        return [(path.name.removesuffix(SPOOL_SUFFIX).removeprefix(self._mark), path) for path in found]

    @property
    def _mark(self) -> str:
        """What distinguishes this store's files in a folder that all projects share."""
        return f"{digest(str(self.folder.resolve()))}-"

    def lock(self, study: str) -> FileLock:
        """Acquire and return the lock of a study, which keeps other processes on this machine from running it.

        Raises:
            TrackingError: if another process holds it.
        """
        lock = self._file_lock(slug(study))
        try:
            # A process that only looks whether the study runs, see `busy`, holds the lock for an instant.
            lock.acquire(timeout=LOOK_SECONDS, poll_interval=LOOK_SECONDS / 4)
        except Timeout:
            raise TrackingError(
                f"Study {study!r} is being run by another process. Wait for that to end, or give this study another name."
            ) from None
        return lock

    def busy(self, study: str) -> bool:
        """Return whether a process on this machine runs the study; nothing is written."""
        path = self._lock_path(slug(study))
        if not path.exists():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return True
        lock.release()
        return False

    @contextmanager
    def _lock_store(self, busy: str) -> Iterator[None]:
        """Hold the lock of the store itself; ``busy`` is the error where another process holds it too long."""
        lock = self._file_lock("store", ".store")
        try:
            lock.acquire(timeout=CREATE_SECONDS)
        except Timeout:
            raise TrackingError(f"{busy}. Wait for that to end and try again.") from None
        try:
            yield
        finally:
            lock.release()

    def _file_lock(self, name: str, kind: str = "") -> FileLock:
        path = self._lock_path(name, kind)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise TrackingError(
                f"The folder {str(self.folder)!r} cannot be written: {error.strerror}."
                " Move what is in its place, make it writable, or choose another store with --tracking-uri."
            ) from error
        return FileLock(path)

    def _lock_path(self, name: str, kind: str = "") -> Path:
        return self.folder / "locks" / f"{name}{kind}.lock"


def spare_folders() -> list[Path]:
    """Return the user's own folders for what has no room in a project: in the home folder, and among the temporary files."""
    state = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    folders = [state / "hpsearch", Path(tempfile.gettempdir()) / f"hpsearch-{user}"]
    return [folder for folder in folders if not folder.exists() or _is_own(folder)]


def _is_own(folder: Path) -> bool:
    """Return whether a folder is this user's: among the temporary files others may have made it, to be read from."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid())


HTTP = ("http", "https")
DATABASES = ("postgresql", "mysql", "mssql")


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
        raise TrackingError(must_be("A tracking URI", "sqlite:///, http(s):// or a database URL", hide_secrets(uri), advice))
    return scheme == "sqlite"


def sqlite_path(uri: str | None, folder: Path) -> Path:
    """Return the absolute path of the SQLite file that a URI names; ``mlflow.db`` in ``folder`` for None.

    Raises:
        TrackingError: if the URI names no file, or one whose path MLflow cannot open.
    """
    path = folder / "mlflow.db" if uri is None else Path(uri.removeprefix("sqlite:///").partition("?")[0])
    if uri is not None and (not uri.startswith("sqlite:///") or path.name in ("", ":memory:")):
        raise TrackingError(
            must_be("A SQLite tracking URI", "sqlite:/// and a file", hide_secrets(uri), "Try sqlite:///mlruns/mlflow.db.")
        )
    if set("%?") & set(str(path)):
        advice = "Rename that folder, or choose another store with --tracking-uri."
        raise TrackingError(must_be("The path of a store", "without % and ?", str(path), advice))
    return path.resolve()


def is_served(uri: str) -> bool:
    """Return whether an MLflow server is behind a URI."""
    return uri.partition(":")[0] in HTTP
