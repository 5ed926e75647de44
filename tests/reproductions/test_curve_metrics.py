"""Numbers read off curves, against curves whose numbers are plain to see."""

from __future__ import annotations

import pytest

from hpsearch.reproductions.curve_metrics import curve_metrics, metric_value, penalised
from hpsearch.trial import Outcome, Status, Trial

ACCURACY = ((1, 0.5), (2, 0.8), (3, 0.8996), (4, 0.9), (5, 0.7), (6, 0.8))
COST = ((1, 2.0), (2, 1.0), (3, 0.5), (4, 0.6), (5, 0.9), (6, 1.2))
TRAINING = {
    "full_training_accuracy": ((1, 0.5), (2, 0.9), (3, 1.0), (4, 1.0), (5, 1.0), (6, 0.9)),
    "full_training_cost": ((1, 3.0), (2, 2.0), (3, 2.5), (4, 1.0), (5, 1.5), (6, 0.25)),
    "penalty": ((1, 0.0), (2, 0.0), (3, 0.0), (4, 0.5), (5, 0.25), (6, 0.25)),
}
SEEN = {"validation_accuracy": ACCURACY, "validation_cost": COST}


def test_of_evaluation_data() -> None:
    found = curve_metrics(SEEN)
    assert found.pop("mean_accuracy") == pytest.approx(4.5996 / 6)
    assert found == {
        "best_accuracy": 0.9,
        "first_accuracy": 0.5,
        "last_accuracy": 0.8,
        "lowest_accuracy": 0.5,
        "lowest_cost_epoch": 3,
        "near_best_epoch": 3,
    }


def test_of_training_data_with_the_penalty() -> None:
    history = SEEN | TRAINING
    assert [cost for _, cost in penalised(history)] == [3.0, 2.0, 2.5, 1.5, 1.75, 0.5]
    found = curve_metrics(history)
    assert (found["best_training_accuracy"], found["last_cost"], found["rises"]) == (1.0, 0.5, 2)
    assert found["late_fall"] == 1.5 - 0.5  # from epoch 4 of 6


def test_one_epoch_is_enough() -> None:
    found = curve_metrics({name: curve[:1] for name, curve in (SEEN | TRAINING).items()})
    assert (found["late_fall"], found["rises"], found["best_accuracy"]) == (0, 0, 0.5)


def test_accuracies_are_shown_in_per_cent() -> None:
    trial = Trial(0, {}, "all", Status.FINISHED, Outcome(0.1, {"best_accuracy": 0.9, "last_cost": 0.5}))
    assert (metric_value(trial, "best_accuracy"), metric_value(trial, "last_cost")) == (90, 0.5)
