"""Deep networks whose first layers learn slowest, as the gradient shrinks from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise

import numpy as np

from hpsearch.analysis.scales import Scale
from hpsearch.objectives import TrainNetwork
from hpsearch.plots.chart import Axis, Dots, Layer, Lines, Panel
from hpsearch.plots.layers import COLOURS
from hpsearch.plots.seeds import COLOURS as OF_SETTINGS
from hpsearch.ports import Context
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.figures import Claim, Figure, Found, OneSeed
from hpsearch.reproductions.network_objectives import WrappedNetwork
from hpsearch.trial import Curve, Outcome, Params, Trial

TWO, THREE, FOUR = "two hidden layers", "three hidden layers", "four hidden layers"
HIDDEN = {TWO: (30, 30), THREE: (30, 30, 30), FOUR: (30, 30, 30, 30)}
# As printed, from the first hidden layer on, before training.
PUBLISHED = {TWO: ("0.07", "0.31"), THREE: ("0.012", "0.060", "0.283"), FOUR: ("0.003", "0.017", "0.070", "0.285")}
IMAGES, EPOCHS = 1000, 500
# One axis for all panels; it holds the norms of every network.
_NORMS = Scale(4e-6, 1.0, log=True)


@dataclass(frozen=True)
class LearningSpeed(WrappedNetwork):
    """Train a network as `TrainNetwork` does, and report how fast each hidden layer learns; the value is the last error.

    The speed of a layer is the norm of the gradient of the mean cost by its biases, over all training rows, before each epoch.

    Curves: speed_1 of the first hidden layer, and so on; epochs are counted from 0. Metrics: first_speed_1 and so on, before
    training; factor, by which they grow from layer to layer (the geometric mean); slowest_share, in which share of the epochs
    the first layer is the slowest, and behind_share, in which every layer is slower than the next.
    """

    def shrunk(self) -> LearningSpeed:
        """Return the same objective on a small part of the data."""
        return replace(self, train=self.train.shrunk())

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train for ``context.budget`` epochs, or all."""
        training = self.train.plan(params).start(context.rng)
        speeds = [self._report(training.network, training.training_rows, 0, context)]
        for epoch in training.run(until=context.budget):
            speeds.append(self._report(training.network, training.training_rows, epoch.epoch, context))
        return Outcome(training.kept_score.error, _metrics(speeds), context.history)

    def _report(self, network: object, rows: Sequence[np.ndarray], epoch: int, context: Context) -> list[float]:
        _, biases = network.gradient(*rows[:2])  # type: ignore[attr-defined]
        speeds = [float(np.linalg.norm(gradient)) for gradient in biases[:-1]]
        context.report(epoch, **{f"speed_{layer}": speed for layer, speed in enumerate(speeds, 1)})
        return speeds


def _metrics(speeds: Sequence[Sequence[float]]) -> dict[str, float]:
    first = speeds[0]
    return {
        **{f"first_speed_{layer}": speed for layer, speed in enumerate(first, 1)},
        "factor": (first[-1] / first[0]) ** (1 / (len(first) - 1)),
        "slowest_share": float(np.mean([now[0] == min(now) for now in speeds])),
        "behind_share": float(np.mean([all(lower < upper for lower, upper in pairwise(now)) for now in speeds])),
    }


@dataclass(frozen=True)
class ByLayer:
    """The speed of each hidden layer of one setting by epoch; crosses are the published ones before training."""

    setting: str
    published: Mapping[str, Sequence[tuple[float, float]]] = field(init=False, default_factory=dict)

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        layers: list[Layer] = []
        for layer, (printed, colour) in enumerate(zip(PUBLISHED[self.setting], COLOURS[::2], strict=False), 1):
            curves = [_curve(trial, f"speed_{layer}") for trial in found[self.setting]]
            layers += _seeds(curves, colour, f"hidden layer {layer}")
            layers.append(Dots([0.0], [float(printed)], "black", label="published" if layer == 1 else "", mark="cross"))
        return Panel(Axis("epoch"), Axis(f"speed, {self.setting}", _NORMS), layers)


@dataclass(frozen=True)
class BeforeTraining:
    """The speed of each hidden layer before training, of every setting, beside the published ones."""

    published: Mapping[str, Sequence[tuple[float, float]]] = field(init=False, default_factory=dict)

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        layers: list[Layer] = []
        for (name, printed), colour in zip(PUBLISHED.items(), OF_SETTINGS, strict=False):
            places = range(len(printed))
            seeds = [tuple((at, _first_speed(trial, at + 1)) for at in places) for trial in found[name]]
            layers += _seeds(seeds, colour, name)
            layers.append(Dots(list(places), [float(one) for one in printed], "black", mark="cross"))
        across = Scale(-0.3, 3.3, options=("1", "2", "3", "4"))
        return Panel(Axis("hidden layer, counted from the inputs", across), Axis("speed before training", _NORMS), layers)


def _curve(trial: Trial, name: str) -> Curve:
    assert trial.outcome is not None
    return trial.outcome.history[name]


def _first_speed(trial: Trial, layer: int) -> float:
    assert trial.outcome is not None
    return trial.outcome.metrics[f"first_speed_{layer}"]


def _seeds(curves: Sequence[Curve], colour: str, label: str) -> list[Layer]:
    """Return the lines of the seeds and of their geometric mean."""
    points = list(chain.from_iterable([*curve, (math.nan, math.nan)] for curve in curves))
    steps = [step for step, _ in curves[0]]
    means = np.exp(np.mean(np.log([[value for _, value in curve] for curve in curves]), axis=0)).tolist()
    thin = Lines([step for step, _ in points], [value for _, value in points], colour, width=0.5, faint=True)
    return [thin, Lines(steps, means, colour, label, width=2.2)]


def _figures() -> list[Figure]:
    figures: list[Figure] = []
    for name, norms in PUBLISHED.items():
        for layer, text in enumerate(norms, 1):
            digits, what = len(text.partition(".")[2]), f"speed of layer {layer} before training, {name}"
            figures.append(OneSeed(what, float(text), f"first_speed_{layer}", name, unit="", digits=digits + 1, shown=text))
        what = f"factor from layer to layer before training, {name}"
        figures.append(Claim(f"{what}: 2.5 to 10", "about five", "factor", name, low=2.5, high=10))
        what = f"share of the epochs in which the first layer is the slowest, {name}"
        figures.append(Claim(f"{what}: all", "it learns slowest", "slowest_share", name, low=1))
    return figures


def speed_of_learning(load: Load, epochs: int = EPOCHS) -> LearningSpeed:
    """Return the objective: full batches of the first 1,000 images, rate 0.1, lambda 5."""
    data = load().at_most(IMAGES)
    settings = {"batch_size": len(data.train), "epochs": epochs, "monitor_every": None}
    train = TrainNetwork(data, learning_rate=0.1, l2=5.0, dtype="float64", **settings)  # type: ignore[arg-type]
    return LearningSpeed(train)


VANISHING_GRADIENT = Experiment(
    name="vanishing-gradient",
    question="Do the first layers of a deep network learn slowest, and by how much?",
    claim="The gradient grows from layer to layer by a factor of about five: the first hidden layer learns slowest.",
    settings={name: {"hidden": hidden} for name, hidden in HIDDEN.items()},
    objective=speed_of_learning,
    figures=_figures(),
    views=[BeforeTraining(), *map(ByLayer, HIDDEN)],
    seeds=5,
    source="Nielsen, Neural Networks and Deep Learning, ch. 5",
)
