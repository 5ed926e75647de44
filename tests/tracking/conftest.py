"""A store of its own for each test, and no settings of the caller's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.tracking import MlflowTracker, Store
from tests.tracking.servers import database, programs, server_on_postgres, server_on_sqlite

__all__ = ["database", "programs", "server_on_postgres", "server_on_sqlite"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests independent of the caller's store, and of each other's switches."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in [name for name in os.environ if name.startswith("MLFLOW_HTTP")]:
        monkeypatch.delenv(name)


@pytest.fixture
def root(tmp_path: Path, put_store: Callable[[Path], Path]) -> Path:
    """Return a project folder with an empty store."""
    return put_store(tmp_path / "project")


@pytest.fixture
def store(root: Path) -> Store:
    return Store.open(None, root)


@pytest.fixture
def tracker(store: Store) -> MlflowTracker:
    return MlflowTracker(store=store)
