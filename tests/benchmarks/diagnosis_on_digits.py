"""What real trainings on scikit-learn's digits are called whose fault is known.

python -m tests.benchmarks.diagnosis_on_digits            # half a minute
python -m tests.benchmarks.diagnosis_on_digits labelled   # two minutes: what the gap adds on the labelled curves
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from hpsearch import data
from hpsearch.analysis.curve_shape import TRAINING_ACCURACY, shape
from hpsearch.analysis.diagnosis import diagnose
from hpsearch.errors import DataError, Diverged
from hpsearch.nn.initializers import Normal
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from tests.benchmarks.curves_of_networks import History, Labelled, read, start
from tests.benchmarks.labelled_curves import accuracy, counted

ACTIVATIONS = ("sigmoid", "tanh", "relu")


def curves(epochs: int, **settings: Any) -> History | None:
    """Return the curves of a training; None where it diverges."""
    objective = TrainNetwork(data.digits(), epochs=epochs, engine="numpy", **settings)
    try:
        return dict(objective({}, Context(np.random.default_rng(0))).history)
    except Diverged:
        return None


def at_chance(history: History | None) -> bool:
    return history is not None and max(value for _, value in history["validation_accuracy"]) < 0.15


def badly_initialised() -> Iterator[History]:
    """Yield the curves of networks that stay at chance because their first weights are too small."""
    for scale, activation, layers, rate, epochs in product((0.01, 0.1), ACTIVATIONS, (2, 3, 4), (0.03, 0.1, 0.3), (6, 15, 25)):
        found = curves(epochs, init=Normal(scale), activation=activation, hidden=(30,) * layers, learning_rate=rate)
        if found is not None and at_chance(found):
            yield found


def dead(batch_size: int, **monitors: Any) -> Iterator[History]:
    """Yield the curves of networks that stay at chance because all their units died."""
    for rate, hidden in product((1.0, 1.5, 2.0, 3.0, 4.0), ((30,), (60,), (30, 30), (30, 20))):
        found = curves(20, init="he", activation="relu", hidden=hidden, learning_rate=rate, batch_size=batch_size, **monitors)
        if found is not None and at_chance(found):
            yield found


def too_short() -> Iterator[History]:
    """Yield the curves of trainings that twice the epochs help."""
    rows, rates = (None, 300), (0.01, 0.03, 0.1, 0.3)
    for activation, hidden, rate, size, epochs in product(ACTIVATIONS, ((30,), (30, 30)), rates, rows, (6, 10, 15, 25)):
        settings = {"activation": activation, "hidden": hidden, "learning_rate": rate, "train_size": size}
        found, longer = curves(epochs, **settings), curves(2 * epochs, **settings)
        if found is not None and longer is not None and helps_more(found, longer):
            yield found


def helps_more(before: History, after: History) -> bool:
    """Whether validation cost is 15 % lower, or accuracy 5 points higher, in the last three epochs."""
    cost, share = (
        [np.mean([value for _, value in history[name]][-3:]) for history in (before, after)]
        for name in ("validation_cost", "validation_accuracy")
    )
    return bool(1 - cost[1] / cost[0] >= 0.15 or share[1] - share[0] >= 0.05)


def few_rows() -> Iterator[History]:
    """Yield the curves of networks that fit all of few rows, and miss 20 points more of the validation rows."""
    costs = ("cross_entropy", "quadratic", "log_likelihood")
    for activation, rows, rate, epochs, cost in product(ACTIVATIONS, (30, 60, 100), (0.1, 0.3), (30, 80), costs):
        settings = {"activation": activation, "train_size": rows, "learning_rate": rate, "cost": cost}
        found = curves(epochs, monitor_training=True, **settings)
        if found is None:
            continue
        fitted, right = (np.mean([v for _, v in found[f"{part}_accuracy"]][-5:]) for part in ("training", "validation"))
        if fitted >= 0.98 and fitted - right >= 0.2:
            yield found


def without_gap(history: History) -> History:
    return {name: curve for name, curve in history.items() if name not in TRAINING_ACCURACY}


def with_gap(curve: Labelled) -> Labelled | None:
    """Return a labelled curve with the accuracy on its training rows, trained again; None where that differs in length."""
    training = start(curve.made)
    x, y = training._train[:2]
    step = max(1, len(y) // len(training._validation[1]))  # type: ignore[index]
    training._sample = (x[::step], y[::step])
    shares = [(epoch.epoch, epoch.training_accuracy or 0.0) for epoch in training.run()]
    again = Labelled(curve.label, curve.also, curve.held_out, curve.made, curve.history | {"training_accuracy": tuple(shares)})
    return again if np.isfinite(shape(again.history).accuracy_gap) else None


def main_labelled() -> None:
    """Print how many labelled curves are told right without and with the gap; divergence and early decay need none."""
    for held_out in (False, True):
        wanted = [c for c in read() if c.held_out == held_out and c.label not in ("diverged", "decayed too early")]
        made = [again for curve in wanted if (again := _trained(curve)) is not None]
        shares = [accuracy(counted((c, diagnose(cut(c.history)).label) for c in made)) for cut in (without_gap, dict)]
        side = "held out" if held_out else "tuned"
        print(f"{side}: {len(made)} curves, {shares[0]:.1%} without the gap, {shares[1]:.1%} with it")


def _trained(curve: Labelled) -> Labelled | None:
    """Return `with_gap`; None where the training diverges, or the data set is not on this machine."""
    try:
        return with_gap(curve)
    except (Diverged, DataError):
        return None


def main() -> None:
    """Print what the trainings of each fault are called, most frequent first."""
    faults = {
        "bad initialisation": list(badly_initialised()),
        "rate too high, batches of 10": list(dead(10)),
        "rate too high, batches of 20": list(dead(20)),
        "rate too high, batches of 50": list(dead(50)),
        "rate too high, batches of 50, layers monitored": list(dead(50, monitor_layers=True)),
        "rate too high, batches of 100": list(dead(100)),
        "rate too high, batches of 100, layers monitored": list(dead(100, monitor_layers=True)),
        "train longer": list(too_short()),
    }
    rows = list(few_rows())
    faults |= {"overfitting, with the gap": rows, "overfitting, by the costs": [without_gap(history) for history in rows]}
    for fault, found in faults.items():
        print(f"{fault}: {len(found)} trainings, {dict(Counter(diagnose(history).label for history in found).most_common())}")


if __name__ == "__main__":
    main_labelled() if sys.argv[1:] == ["labelled"] else main()
