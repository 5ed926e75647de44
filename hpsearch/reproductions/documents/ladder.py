"""The document's ladder from chance level upwards: a reduced problem, and one rate and decay after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hpsearch.errors import Diverged
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from hpsearch.reproductions.curve_metrics import ACCURACY, COST, curve_metrics, metric_value
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.figures import Found, Gain, OneSeed
from hpsearch.reproductions.network_objectives import WrappedNetwork
from hpsearch.reproductions.views import ByEpoch, BySetting
from hpsearch.trial import Outcome, Params

START, LESS_DECAY = "rate 10, lambda 1000", "rate 10, lambda 20"
HIGHER, LOWER = "rate 100, lambda 20", "rate 1, lambda 20"
EPOCHS = 4
# Accuracies in per cent of the first epochs, as printed.
PRINTED = {START: (10, 10, 10), LESS_DECAY: (12, 14, 25, 18), HIGHER: (10, 10, 10, 10), LOWER: (62, 42, 43, 61)}


@dataclass(frozen=True)
class FirstLooks(WrappedNetwork):
    """Train a network for a few short epochs; one that diverges names the first class from then on.

    The document's program goes on where its numbers leave the finite ones, and the largest of outputs that are no numbers is
    the first. The value is the lowest error of its epochs.

    Args:
        train: the objective that trains.

    Curves: validation_accuracy, and validation_cost while it is finite. Metrics: those of `curve_metrics`, and finite_epochs.
    """

    def shrunk(self) -> FirstLooks:
        """Return the same objective on a small part of the data."""
        return replace(self, train=self.train.shrunk())

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train for all epochs, or until it diverges."""
        plan, finite = self.train.plan(params), 0
        first_class = float((self.data.validation.y == 0).mean())
        try:
            for epoch in plan.start(context.rng).run(until=context.budget):
                context.report(epoch.epoch, **{ACCURACY: epoch.curves[ACCURACY], COST: epoch.curves[COST]})
                finite = epoch.epoch
        except Diverged:
            for late in range(finite + 1, plan.recipe.epochs + 1):
                context.report(late, **{ACCURACY: first_class})
        history = context.history
        metrics = curve_metrics({COST: ((0, float("inf")),), **history}) | {"finite_epochs": float(finite)}
        return Outcome(1.0 - metrics["best_accuracy"], metrics, history)


def _objective(load: Load) -> FirstLooks:
    """Return the document's reduced problem: no hidden layer, 1,000 training and 100 validation images, four epochs."""
    return FirstLooks(TrainNetwork(load().at_most(1000, 100), hidden=(), epochs=EPOCHS, init="large", dtype="float64"))


def _mean(setting: str) -> OneSeed:
    printed = PRINTED[setting]
    shown = f"{' '.join(map(str, printed))} (mean {sum(printed) / len(printed):.3g})"
    return OneSeed(
        f"mean accuracy of the epochs, {setting}", sum(printed) / len(printed), "mean_accuracy", setting, digits=1, shown=shown
    )


def _diverging(found: Found) -> list[str]:
    """Say how many trainings of the first setting left the finite numbers, and what the document's program does then."""
    finite = [metric_value(trial, "finite_epochs") for trial in found[START]]
    diverged = sum(epochs < EPOCHS for epochs in finite)
    return [
        f"{diverged} of {len(finite)} trainings with {START} diverge, after {min(finite):.0f} epochs or more: each step "
        "multiplies the weights by 1 - 10 * 1000 / 1000 = -9. A program that goes on then names the first class, which 10 of "
        "the 100 images are."
    ]


LADDER = Experiment(
    name="ladder",
    question="From chance level upwards: which changes of rate and decay give a reduced problem its first signal?",
    claim=(
        "With rate 10 and lambda 1000, 1,000 images stay at chance, 10 %; lambda 20 gives a weak signal, rate 100 loses it, "
        "and rate 1 reaches 62 %."
    ),
    settings={
        START: {"learning_rate": 10.0, "l2": 1000.0},
        LESS_DECAY: {"learning_rate": 10.0, "l2": 20.0},
        HIGHER: {"learning_rate": 100.0, "l2": 20.0},
        LOWER: {"learning_rate": 1.0, "l2": 20.0},
    },
    objective=_objective,
    figures=[
        *map(_mean, PRINTED),
        Gain("rate 1 ahead of rate 10, lambda 20", "mean_accuracy", LOWER, LESS_DECAY, 52.0 - 17.25),
        Gain("rate 10 ahead of rate 100, lambda 20", "mean_accuracy", LESS_DECAY, HIGHER, 17.25 - 10.0),
    ],
    views=[
        ByEpoch(
            ACCURACY,
            "accuracy on 100 validation images (%)",
            {name: list(enumerate(map(float, printed), 1)) for name, printed in PRINTED.items()},
            100,
            (0, 100),
        ),
        BySetting(
            "mean_accuracy",
            "mean accuracy of the epochs (%)",
            {name: sum(printed) / len(printed) for name, printed in PRINTED.items()},
        ),
    ],
    seeds=10,
    conclude=_diverging,
)
