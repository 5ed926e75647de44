"""LightGBM: a training that is killed continues from its newest checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import Float, Space, Study
from hpsearch.execution.task import trial_context
from hpsearch.integrations import lightgbm as integration
from hpsearch.ports import CheckpointPlace, Context, Task
from hpsearch.strategies import Random
from hpsearch.trial import Params, Status, Trial
from tests.integrations.killed import Log, run_killed

lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
ROUNDS, EVERY = 40, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = X[:, 0] * X[:, 1] + 0.1 * RNG.normal(size=300)
LOG = Log(Path())


def fit(params: Params, context: Context) -> Any:
    train, valid = lightgbm.Dataset(X[:200], Y[:200]), lightgbm.Dataset(X[200:], Y[200:])
    settings = {
        "learning_rate": params["learning_rate"], "objective": "l2", "num_threads": 1, "verbose": -1, "min_data_in_leaf": 5,
    }  # fmt: skip
    return integration.train(
        context, settings, train, ROUNDS, every=EVERY, valid_sets=[valid], callbacks=[lambda env: LOG.add(env.iteration + 1)]
    )


def objective(params: Params, context: Context) -> dict[str, float]:
    booster = fit(params, context)
    return {"value": float(np.mean((booster.predict(X[200:]) - Y[200:]) ** 2)), "trees": booster.num_trees()}


STUDY = Study("boosted", Space(learning_rate=Float(0.05, 0.3)), objective, Random(trials=2))


def test_sigkill_at_any_moment_costs_at_most_one_interval(
    put_store: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last kill hits the second trial: a step before a checkpoint, one after it, and before the first one too."""
    monkeypatch.setattr(LOG, "path", tmp_path / "alone")
    alone = run_killed(STUDY, put_store(tmp_path / "a"), LOG, [])
    monkeypatch.setattr(LOG, "path", tmp_path / "log")
    moments = [3, 12, 10, 11, 9, 25]
    killed = run_killed(STUDY, put_store(tmp_path / "b"), LOG, moments)
    twice = len(LOG.steps) - 2 * ROUNDS
    assert 0 < twice <= len(moments) * EVERY
    assert sorted(set(LOG.steps)) == list(range(1, ROUNDS + 1))
    assert [trial.outcome.metrics["trees"] for trial in killed.trials] == [ROUNDS] * 2
    assert [trial.resumed_step is not None for trial in killed.trials] == [True, True]
    for trial, undisturbed in zip(killed.trials, alone.trials, strict=True):
        assert [step for step, _ in trial.outcome.history["valid_0_l2"]] == list(range(1, ROUNDS + 1))
        # The scores go through a text file: they agree up to rounding, not to the bit.
        assert trial.value == pytest.approx(undisturbed.value, rel=1e-6)
    assert list((tmp_path / "b" / "mlruns" / "states").iterdir()) == []


def test_a_finished_training_is_not_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOG, "path", tmp_path / "log")
    task = Task(Trial(0, {}, "all", Status.FAILED), {}, 0, (2, 0), checkpoints=CheckpointPlace(tmp_path / "own"))
    first = fit({"learning_rate": 0.1}, trial_context(task))
    again = fit({"learning_rate": 0.1}, trial_context(task))
    assert len(LOG.steps) == ROUNDS
    np.testing.assert_allclose(again.predict(X), first.predict(X), rtol=1e-12)


def test_without_checkpoints_it_trains_as_the_library_does() -> None:
    """The expectation is LightGBM's own function without any of this."""
    settings = {"objective": "l2", "num_threads": 1, "verbose": -1}
    ours = integration.train(Context(np.random.default_rng(0)), settings, lightgbm.Dataset(X, Y), 7)
    theirs = lightgbm.train(settings, lightgbm.Dataset(X, Y), 7)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
