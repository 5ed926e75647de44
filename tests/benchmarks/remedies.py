"""What undoing a fault is worth: a label counts only where its remedy, tried on the very same training, helps clearly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tests.benchmarks.curves_of_networks import History, Labelled, Made, history

# A remedy helps where validation cost falls by the first share, or where accuracy rises by the second and cost not; it is idle
# where both stay below the others. What lies between is thrown away.
HELPS = (0.15, 0.05)
IDLE = (0.07, 0.015)
NEVER = (10**9, 1.0)
# Units that are enough for every data set here.
MANY = (30,)

Remedies = Callable[[Made], Sequence[Made]]


def finite(curves: History) -> bool:
    """Return whether the training ended with finite costs."""
    return math.isfinite(curves["training_cost"][-1][1])


def level(curves: History, name: str) -> float:
    """Return where a curve ends: the mean of its last tenth, of three epochs at least."""
    values = [value for _, value in curves[name]]
    return float(np.mean(values[-max(3, len(values) // 10) :]))


def gain(before: History, after: History) -> tuple[float, float]:
    """Return by what share validation cost is lower, and by how much accuracy is higher."""
    if not finite(after):
        return -math.inf, -math.inf
    costs = [level(curves, "validation_cost") for curves in (before, after)]
    return 1 - costs[1] / costs[0], level(after, "validation_accuracy") - level(before, "validation_accuracy")


def helps(before: History, remedy: Made) -> bool:
    cost, accuracy = gain(before, history(remedy))
    return cost >= HELPS[0] or (accuracy >= HELPS[1] and cost > 0)


def idle(before: History, remedy: Made) -> bool:
    cost, accuracy = gain(before, history(remedy))
    return cost <= IDLE[0] and accuracy <= IDLE[1]


def overfits(curves: History, factor: float) -> bool:
    costs = [value for _, value in curves["validation_cost"]]
    return level(curves, "validation_cost") > factor * min(costs)


def longer(made: Made) -> Made:
    """Twice as long; a late cut stays where it is."""
    return replace(made, epochs=2 * made.epochs)


def with_cut(made: Made) -> Made:
    """A tenth of the rate for the last two fifths."""
    return replace(made, cut=(int(0.6 * made.epochs), 0.1))


def slower(made: Made) -> Sequence[Made]:
    """A third and a tenth of the rate."""
    return [replace(made, learning_rate=made.learning_rate / part) for part in (3, 10)]


def faster(made: Made) -> Sequence[Made]:
    """Three and ten times the rate."""
    return [replace(made, learning_rate=made.learning_rate * times) for times in (3, 10)]


# Each label's own remedy, tried at the settings of the curve itself.
FIRST: dict[str, Remedies] = {
    "train longer": lambda made: [longer(made)],
    "plateau needing decay": lambda made: [with_cut(made)],
    "decayed too early": lambda made: [replace(made, cut=NEVER)],
    "rate too high": lambda made: [*slower(made), replace(made, learning_rate=made.learning_rate / 30)],
}
# Labels that may be true beside the first, each by its own remedy.
SECOND: dict[str, dict[str, Remedies]] = {
    "bad initialisation": {"train longer": FIRST["train longer"]},
    "rate too low": {"train longer": FIRST["train longer"]},
    "decayed too early": {"train longer": FIRST["train longer"]},
    "underfitting": {"train longer": FIRST["train longer"], "rate too low": faster},
    "train longer": {"rate too low": faster, "plateau needing decay": FIRST["plateau needing decay"]},
    "plateau needing decay": {"rate too high": slower},
    "rate too high": {"plateau needing decay": FIRST["plateau needing decay"]},
}


def proved(curve: Labelled) -> Labelled | None:
    """Return the curve with all labels whose remedies help, or None where its first label's remedy does not."""
    made, before = curve.made, curve.history
    if curve.label == "underfitting":
        if not _grows(before, made):
            return None
    elif curve.label in FIRST and not any(helps(before, remedy) for remedy in FIRST[curve.label](made)):
        return None
    kept = [label for label in curve.also if label in ("diverged", "overfitting")]
    tried = SECOND.get(curve.label, {}).items()
    return replace(curve, also=(*kept, *(label for label, ways in tried if any(helps(before, way) for way in ways(made)))))


def _grows(before: History, made: Made) -> bool:
    """Whether more units, or less decay, bring more accuracy: a cost that is high because of decay alone is no fault."""
    remedy = replace(made, l2=made.l2 / 100) if made.l2 else replace(made, hidden=MANY)
    return gain(before, history(remedy))[1] >= HELPS[1]
