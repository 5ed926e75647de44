"""Spread of the accuracy over seeds, with and without weight decay."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.reproductions.curve_metrics import metric_value
from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import Found, Gain
from hpsearch.reproductions.means import Spread
from hpsearch.reproductions.views import ByEpoch, BySetting

NONE, DECAY = "cross-entropy", "cross-entropy, L2"
QUADRATIC, QUADRATIC_DECAY = "quadratic", "quadratic, L2"
# A training is stuck that ends so many points below the best one of its setting: half of a digit's images are missed for good.
FAR = 5.0
_IMAGES, _LAMBDA = 5000, 0.5  # lambda / n is that of lambda = 5 on all 50,000 images


def stuck(values: Sequence[float]) -> int:
    """Return how many accuracies, in per cent, lie 5 points or more below the best one."""
    return sum(value <= max(values) - FAR for value in values)


def _conclude(found: Found) -> list[str]:
    ours = {name: [metric_value(trial, "last_accuracy") for trial in trials] for name, trials in found.items()}
    counts = ", ".join(f"{name} {stuck(values)} of {len(values)}" for name, values in ours.items())
    return [f"Stuck, {FAR:g} points or more below the best of the setting: {counts}."]


STUCK = Experiment(
    name="stuck",
    question="Does weight decay make runs from other first weights come out alike?",
    claim="Unregularised runs now and then get stuck, so that runs differ; regularised ones are much more replicable.",
    settings={
        NONE: {"cost": "cross_entropy", "learning_rate": 0.5, "l2": 0.0},
        DECAY: {"cost": "cross_entropy", "learning_rate": 0.5, "l2": _LAMBDA},
        QUADRATIC: {"cost": "quadratic", "learning_rate": 3.0, "l2": 0.0},
        QUADRATIC_DECAY: {"cost": "quadratic", "learning_rate": 3.0, "l2": _LAMBDA},
    },
    objective=network(hidden=100, train_size=_IMAGES, epochs=30, init="large"),
    figures=[
        Spread("spread without L2 and with it, cross-entropy", "more", "last_accuracy", NONE, DECAY),
        Spread("spread without L2 and with it, quadratic cost", "more", "last_accuracy", QUADRATIC, QUADRATIC_DECAY),
        Gain("what L2 brings, cross-entropy", "last_accuracy", DECAY, NONE),
        Gain("what L2 brings, quadratic cost", "last_accuracy", QUADRATIC_DECAY, QUADRATIC),
    ],
    views=[
        ByEpoch("validation_accuracy", "accuracy on validation images (%)", factor=100, ends=(55, 96)),
        BySetting("last_accuracy", "validation accuracy after 30 epochs (%)"),
    ],
    conclude=_conclude,
    seeds=20,
)
