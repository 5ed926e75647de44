"""What all tests share: one empty MLflow database per session, copied where a test needs a store."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch.tracking import Store


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty MLflow database: creating one takes seconds, copying it none."""
    root = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        Store.open(None, root)
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(root / "template.db"),))
    return root / "template.db"


@pytest.fixture(scope="session")
def put_store(template: Path) -> Callable[[Path], Path]:
    """Return a function that puts an empty store into a project folder, and returns the folder."""

    def put(folder: Path) -> Path:
        (folder / "mlruns").mkdir(parents=True, exist_ok=True)
        shutil.copy(template, folder / "mlruns" / "mlflow.db")
        return folder

    return put
