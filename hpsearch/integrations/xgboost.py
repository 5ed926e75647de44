"""Checkpoints of an XGBoost training: the booster in its own binary JSON format."""

from __future__ import annotations

from typing import Any

from hpsearch.checks import integer
from hpsearch.integrations.metrics import is_due, report
from hpsearch.ports import Context

_FILE = "model.ubj"


def train(context: Context, params: dict[str, Any], dtrain: Any, num_boost_round: int = 10, **settings: Any) -> Any:
    """Call `xgboost.train` so that a trial which is killed continues from its newest checkpoint; return the booster.

    Args:
        context: of the trial.
        params: as for `xgboost.train`.
        dtrain: as for `xgboost.train`.
        num_boost_round: the rounds of the whole training, those before the checkpoint included.
        settings: further arguments of `xgboost.train`; ``every`` is the number of rounds between two checkpoints.
    """
    import xgboost

    callbacks = [*settings.pop("callbacks", ()), checkpoint(context, settings.pop("every", 10), num_boost_round)]
    left = max(num_boost_round - context.step, 0)
    return xgboost.train(params, dtrain, left, xgb_model=xgb_model(context), callbacks=callbacks, **settings)


def xgb_model(context: Context) -> str | None:
    """Return the argument ``xgb_model`` that continues from the newest checkpoint; None where there is none.

    `xgboost.train` counts ``num_boost_round`` on top of it: pass ``num_boost_round=total - context.step``.
    """
    return None if context.folder is None else str(context.folder / _FILE)


def checkpoint(context: Context, every: int = 10, total: int | None = None) -> Any:
    """Return a callback that reports each round, and saves the booster after every so many, and after ``total`` ones."""
    import xgboost

    integer("every", every, 1, "Pass the number of rounds between two checkpoints.")

    class Checkpoint(xgboost.callback.TrainingCallback):
        """Saves the booster."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            """Report and save; a training that continues counts its rounds from zero again."""
            step = int(model.num_boosted_rounds())
            metrics = {f"{data}_{name}": log[-1] for data, logs in evals_log.items() for name, log in logs.items()}
            report(context, step, metrics)
            if is_due(step, every, -1 if total is None else total):
                with context.checkpoint(step) as folder:
                    model.save_model(folder / _FILE)
            return False

    return Checkpoint()
