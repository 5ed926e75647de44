"""Metrics of whole curves (best, first, turning points), computed in the trial, as its record keeps a hundred points."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from hpsearch.trial import Curve, Trial

ACCURACY, COST = "validation_accuracy", "validation_cost"
TRAINING_ACCURACY, TRAINING_COST, PENALTY = "full_training_accuracy", "full_training_cost", "penalty"
# Accuracies this near to the best one are as good: 5 images of 10,000.
_NEAR = 0.0005


def curve_metrics(history: Mapping[str, Curve]) -> dict[str, float]:
    """Return numbers by name; those of the training data where it was scored.

    best_accuracy, first_accuracy, last_accuracy, mean_accuracy, lowest_accuracy: on evaluation data, by epoch.
    lowest_cost_epoch: where the cost on evaluation data is lowest; near_best_epoch: the first one within 0.0005 of the best
    accuracy. Epochs are counted from 1.
    best_training_accuracy; last_cost, rises and late_fall: of the training cost with its penalty after the last epoch, in how
    many epochs it rises, and by how much it falls in the last third of them.

    >>> costs = ((1, 0.3), (2, 0.1), (3, 0.2))
    >>> curve_metrics({"validation_accuracy": ((1, 0.5), (2, 0.9), (3, 0.8996)), "validation_cost": costs})["lowest_cost_epoch"]
    2.0
    """
    accuracies, best = _values(history[ACCURACY]), max(_values(history[ACCURACY]))
    found = {
        "best_accuracy": best,
        "first_accuracy": accuracies[0],
        "last_accuracy": accuracies[-1],
        "mean_accuracy": sum(accuracies) / len(accuracies),
        "lowest_accuracy": min(accuracies),
        "lowest_cost_epoch": float(min(history[COST], key=lambda point: point[1])[0]),
        "near_best_epoch": float(next(epoch for epoch, value in history[ACCURACY] if value >= best - _NEAR)),
    }
    return found | (_of_training(history) if TRAINING_COST in history else {})


def penalised(history: Mapping[str, Curve]) -> Curve:
    """Return the training cost with its penalty by epoch."""
    pairs = zip(history[TRAINING_COST], history[PENALTY], strict=True)
    return tuple((epoch, cost + penalty) for (epoch, cost), (_, penalty) in pairs)


def metric_value(trial: Trial, metric: str) -> float:
    """Return a metric of a finished trial; accuracies in per cent."""
    assert trial.outcome is not None
    value = trial.outcome.metrics[metric]
    return 100 * value if metric.endswith("accuracy") else value


def _of_training(history: Mapping[str, Curve]) -> dict[str, float]:
    costs = _values(penalised(history))
    return {
        "best_training_accuracy": max(_values(history[TRAINING_ACCURACY])),
        "last_cost": costs[-1],
        "rises": float(sum(later > earlier for earlier, later in pairwise(costs))),
        "late_fall": costs[max(len(costs) * 2 // 3 - 1, 0)] - costs[-1],
    }


def _values(curve: Curve) -> list[float]:
    return [value for _, value in curve]
