"""One MLflow database per test session, copied for each test: creating one takes seconds, copying it none."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch.tracking import MlflowTracker, Store


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    Store.open(None, root)
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(root / "template.db"),))
    return root / "template.db"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests independent of the caller's store, and of each other's switches."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in [name for name in os.environ if name.startswith("MLFLOW_HTTP")]:
        monkeypatch.delenv(name)


@pytest.fixture
def root(tmp_path: Path, template: Path) -> Path:
    """Return a project folder with an empty store."""
    (tmp_path / "project" / "mlruns").mkdir(parents=True)
    shutil.copy(template, tmp_path / "project" / "mlruns" / "mlflow.db")
    return tmp_path / "project"


@pytest.fixture
def store(root: Path) -> Store:
    return Store.open(None, root)


@pytest.fixture
def tracker(store: Store) -> MlflowTracker:
    return MlflowTracker(store=store)
