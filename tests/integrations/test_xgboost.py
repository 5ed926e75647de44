"""XGBoost: a training that is killed continues from its newest checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import Float, Space, Study
from hpsearch.integrations import xgboost as integration
from hpsearch.ports import Context
from hpsearch.strategies import Random
from hpsearch.trial import Params
from tests.integrations.killed import Log, run_killed

xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
ROUNDS, EVERY = 30, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = X[:, 0] * X[:, 1] + 0.1 * RNG.normal(size=300)
LOG = Log(Path())


def objective(params: Params, context: Context) -> dict[str, float]:
    class Counts(xgboost.callback.TrainingCallback):  # type: ignore[misc, name-defined]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            LOG.add(model.num_boosted_rounds())
            return False

    train, valid = xgboost.DMatrix(X[:200], Y[:200]), xgboost.DMatrix(X[200:], Y[200:])
    settings = {"eta": params["eta"], "nthread": 1, "max_depth": 3}
    booster = integration.train(
        context, settings, train, ROUNDS, every=EVERY, evals=[(valid, "valid")], verbose_eval=False, callbacks=[Counts()]
    )
    error = float(np.mean((booster.predict(valid) - Y[200:]) ** 2))
    return {"value": error, "trees": booster.num_boosted_rounds()}


STUDY = Study("boosted", Space(eta=Float(0.05, 0.3)), objective, Random(trials=1))


def test_sigkill_at_any_moment_costs_at_most_one_interval(
    put_store: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOG, "path", tmp_path / "alone")
    alone = run_killed(STUDY, put_store(tmp_path / "a"), LOG, [])
    monkeypatch.setattr(LOG, "path", tmp_path / "log")
    moments = [3, 9, 8]
    (trial,) = run_killed(STUDY, put_store(tmp_path / "b"), LOG, moments).trials
    assert 0 < len(LOG.steps) - ROUNDS <= len(moments) * EVERY
    assert trial.outcome.metrics["trees"] == ROUNDS
    assert [step for step, _ in trial.outcome.history["valid_rmse"]] == list(range(1, ROUNDS + 1))
    assert trial.value == pytest.approx(alone.trials[0].value, rel=1e-5)
    assert trial.resumed_step == 12
    assert trial.attempt == 3


def test_without_checkpoints_it_trains_as_the_library_does() -> None:
    """The expectation is XGBoost's own function without any of this."""
    ours = integration.train(Context(np.random.default_rng(0)), {"nthread": 1}, xgboost.DMatrix(X, Y), 7)
    theirs = xgboost.train({"nthread": 1}, xgboost.DMatrix(X, Y), 7)
    np.testing.assert_array_equal(ours.predict(xgboost.DMatrix(X)), theirs.predict(xgboost.DMatrix(X)))
