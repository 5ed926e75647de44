"""Checkpoints of a LightGBM training: the booster in its own text format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpsearch.checks import integer
from hpsearch.integrations.metrics import is_due, report
from hpsearch.ports import Context

_FILE = "model.txt"


def train(context: Context, params: dict[str, Any], train_set: Any, num_boost_round: int = 100, **settings: Any) -> Any:
    """Call `lightgbm.train` so that a trial which is killed continues from its newest checkpoint; return the booster.

    Args:
        context: of the trial.
        params: as for `lightgbm.train`.
        train_set: as for `lightgbm.train`.
        num_boost_round: the iterations of the whole training, those before the checkpoint included.
        settings: further arguments of `lightgbm.train`; ``every`` is the number of iterations between two checkpoints.
    """
    import lightgbm

    callbacks = [*settings.pop("callbacks", ()), checkpoint(context, settings.pop("every", 10))]
    left = num_boost_round - context.step
    if left <= 0:
        return lightgbm.Booster(model_file=init_model(context))
    return lightgbm.train(params, train_set, left, init_model=init_model(context), callbacks=callbacks, **settings)


def init_model(context: Context) -> str | None:
    """Return the argument ``init_model`` that continues from the newest checkpoint; None where there is none.

    `lightgbm.train` counts ``num_boost_round`` on top of it: pass ``num_boost_round=total - context.step``.
    """
    return None if context.folder is None else str(context.folder / _FILE)


def checkpoint(context: Context, every: int = 10) -> Callable[[Any], None]:
    """Return a callback that reports each iteration, and saves the booster after every so many and after the last."""
    integer("every", every, 1, "Pass the number of iterations between two checkpoints.")

    def save(env: Any) -> None:
        step = env.iteration + 1
        report(context, step, {f"{found[0]}_{found[1]}": found[2] for found in map(_parts, env.evaluation_result_list or ())})
        if is_due(step, every, env.end_iteration):
            with context.checkpoint(step) as folder:
                env.model.save_model(str(folder / _FILE))

    return save


def _parts(result: Any) -> tuple[str, str, float]:
    """Return data set, metric and value of an evaluation; earlier versions give a tuple."""
    if isinstance(result, tuple):
        return result[0], result[1], result[2]
    return result.dataset_name, result.metric_name, result.metric_value
