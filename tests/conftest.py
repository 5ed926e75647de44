"""What all tests share: one empty MLflow database per session, copied where a test needs a store."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from hpsearch import Result, Study
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.trial import Trial


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


@pytest.fixture
def resume(put_store: Callable[[Path], Path], tmp_path: Path) -> Callable[[Study, Sequence[Trial]], Result]:
    """Return a function that resumes a study of which a kill left these trials in real MLflow, in another tracker."""

    def resumed(study: Study, kept: Sequence[Trial]) -> Result:
        put_store(tmp_path)
        tracker = MlflowTracker(root=tmp_path)
        tracker.start(study.tracked())
        for trial in kept:
            tracker.record(trial)
        tracker.finish("killed", kept)
        return study.run(2, backend="threading", tracker=MlflowTracker(root=tmp_path), report=False)

    return resumed
