"""MLflow's autologging, switched on by the user: a study leaves no run of it, and leaves it as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import mlflow
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from hpsearch import Float, Space, Study, data
from hpsearch.execution import Backend
from hpsearch.objectives import CrossValidate, TuneEstimator
from hpsearch.search.rerun import rerun
from hpsearch.space import Params
from hpsearch.strategies import Random
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.autolog import paused

X, Y = load_iris(return_X_y=True)


@pytest.fixture
def store(put_store: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Return a store that is MLflow's current one too, as in a notebook."""
    monkeypatch.chdir(tmp_path)
    store = Store.open(None, put_store(tmp_path / "project"))
    assert store.database is not None
    with closing(sqlite3.connect(store.database)) as connection, connection:
        connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (str(tmp_path / "theirs"),))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)  # MLflow sets it too; this way it ends with the test
    mlflow.set_tracking_uri(store.uri)
    yield store
    mlflow.sklearn.autolog(disable=True)
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]


def fit(params: Params) -> float:
    return 1 - float(LogisticRegression(C=params["C"], max_iter=50).fit(X, Y).score(X, Y))


def runs(store: Store) -> list[str]:
    """Return the experiments of all runs that are not ours."""
    ids = [entry.experiment_id for entry in store.client.search_experiments()]
    return [run.info.experiment_id for run in store.client.search_runs(ids) if "hpsearch.kind" not in run.data.tags]


def make_study(objective: Any) -> Study:
    return Study("logged", Space(C=Float(0.1, 1.0)), objective, Random(trials=2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_autologging_leaves_no_stray_runs(store: Store, backend: Backend) -> None:
    mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
    for objective in (fit, CrossValidate(TuneEstimator(LogisticRegression(max_iter=50), data.arrays(X, Y)), folds=2)):
        result = make_study(objective).run(2, backend=backend, tracker=MlflowTracker(store=store), fresh=True, report=False)
        assert [trial.ok for trial in result.trials] == [True, True]
        assert rerun(result.study, result.trials[0], result.trials).differences == ()
    assert runs(store) == []
    assert mlflow.active_run() is None
    fit({"C": 1.0})
    assert runs(store) == ["0"]


@pytest.mark.filterwarnings("ignore")
def test_a_run_of_the_users_own_gets_nothing_of_the_trials(store: Store) -> None:
    mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
    with mlflow.start_run() as run:
        make_study(fit).run(1, backend="sequential", tracker=MlflowTracker(store=store), report=False)
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert store.client.get_run(run.info.run_id).data.params == {}
    assert len(runs(store)) == 1


def test_blocks_within_blocks_end_with_the_outermost() -> None:
    from mlflow.utils import autologging_utils

    def is_off() -> bool:
        return bool(autologging_utils._AUTOLOGGING_GLOBALLY_DISABLED)

    with paused():
        with paused():
            assert is_off()
        assert is_off()
    assert not is_off()
    with autologging_utils.disable_autologging():
        with paused():
            assert is_off()
        assert is_off()
    assert not is_off()
