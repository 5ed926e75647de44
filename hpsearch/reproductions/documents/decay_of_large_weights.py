"""Size of large first weights under weight decay, beside the law of decay alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.analysis.resampling import Indices
from hpsearch.analysis.sample import Array
from hpsearch.nn.network import Network
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from hpsearch.reproductions.experiment import Experiment
from hpsearch.reproductions.figures import Claim, Found, OneSeed
from hpsearch.reproductions.means import Mean
from hpsearch.reproductions.network_objectives import WrappedNetwork
from hpsearch.reproductions.views import Along
from hpsearch.trial import Curve, Outcome, Params

FAST, SLOW = "rate 0.5", "rate 0.1"
LAMBDA, BATCH, HIDDEN = 5.0, 10, 30
WEIGHTS = 784 * HIDDEN + HIDDEN * 10
END = 1 / math.sqrt(WEIGHTS)
# The size of all weights follows the law as long as it is at most 5 % above it.
_OFF = 1.05
_LAW = "exp(-eta lambda t / m)"
_SIZES = {"size": "all weights", "unlit": "weights of unlit pixels", "law": _LAW, "end": "1 / sqrt(weights)"}


@dataclass(frozen=True)
class WeightSizes(WrappedNetwork):
    """Train a network, and report the size of its weights (their root mean square) after every epoch.

    The value is the validation error after the last epoch.

    Curves, the first point before training: size of all weights; unlit, that of the weights from inputs that are 0 in every
    training image, which decay alone moves; law, the first size times exp(-rate lambda t / m); and end, 1 / sqrt(weights).
    Metrics: followed (how many epochs the size stays within 5 % of the law), last_size, times_end (the last size in units of
    the end), first_share (the size after one epoch by that before it), unlit_miss (how far unlit is from the law at most, as a
    share of it).
    """

    @property
    def measure(self) -> str:
        """What the value is."""
        return "validation error of the last epoch"

    def shrunk(self) -> WeightSizes:
        """Return the same objective on a small part of the data."""
        return replace(self, train=self.train.shrunk())

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train for ``context.budget`` epochs, or all."""
        plan = self.train.plan(params)
        training = plan.start(context.rng)
        unlit = np.flatnonzero(~np.asarray(plan.rows.x).any(axis=0))
        factor = math.exp(-params["learning_rate"] * LAMBDA / BATCH)
        first = _sizes(training.network, unlit)
        context.report(0, **first, law=first["size"], end=END)
        error = math.nan
        for epoch in training.run(until=context.budget):
            law = first["size"] * factor**epoch.epoch
            context.report(epoch.epoch, **_sizes(training.network, unlit), law=law, end=END)
            error = 1 - epoch.curves["validation_accuracy"]
        return Outcome(error, _numbers(context.history), context.history)


def size(arrays: Sequence[Array]) -> float:
    """Return the root mean square of all entries."""
    return math.sqrt(sum(float(np.sum(np.square(a, dtype=np.float64))) for a in arrays) / sum(a.size for a in arrays))


def _sizes(network: Network, unlit: Indices) -> dict[str, float]:
    return {"size": size(network.weights), "unlit": size([network.weights[0][:, unlit]])}


def _numbers(history: Mapping[str, Curve]) -> dict[str, float]:
    law, sizes, unlit = (np.array([value for _, value in history[name]]) for name in ("law", "size", "unlit"))
    off = np.flatnonzero(sizes > _OFF * law)
    return {
        "followed": float(off[0] - 1 if len(off) else len(law) - 1),
        "last_size": float(sizes[-1]),
        "times_end": float(sizes[-1]) / END,
        "first_share": float(sizes[1] / sizes[0]),
        "unlit_miss": float(np.abs(unlit / unlit[0] / (law / law[0]) - 1).max()),
    }


def _conclude(found: Found) -> list[str]:
    said = []
    for name, trials in found.items():
        ends = [trial.outcome.metrics for trial in trials if trial.outcome is not None]
        epochs = sorted({round(end["followed"]) for end in ends})
        sizes = sorted(end["last_size"] for end in ends)
        said.append(
            f"{name}: all weights together stay within 5 % of the law up to epoch {' to '.join(map(str, epochs))}, and end at"
            f" {sizes[0]:.3f} to {sizes[-1]:.3f}; 1 / sqrt(weights) is {END:.4f}, 1 / sqrt(inputs) {1 / 28:.4f}."
        )
    return said


def _figures(setting: str, rate: float) -> list[Claim | OneSeed | Mean]:
    law = math.exp(-rate * LAMBDA / BATCH)
    return [
        Mean(
            f"size after one epoch by that before, {setting}",
            f"{law:.3f} (law)",
            "first_share",
            setting,
            0.95 * law,
            1.05 * law,
        ),
        Claim(f"unlit pixels: largest distance from the law, {setting}", "none", "unlit_miss", setting, high=0.005),
        Claim(f"last size in units of 1 / sqrt(weights), {setting}", "about 1", "times_end", setting, 0.5, 2.0),
    ]


DECAY_OF_LARGE_WEIGHTS = Experiment(
    name="decay-of-large-weights",
    question="Does weight decay turn large first weights into small ones, by exp(-eta lambda / m) an epoch until 1 / sqrt(n)?",
    claim="Decay rules the first epochs: weights shrink by exp(-eta lambda / m) each, until they are about 1 / sqrt(n).",
    settings={FAST: {"learning_rate": 0.5}, SLOW: {"learning_rate": 0.1}},
    objective=lambda load: WeightSizes(
        TrainNetwork(load(), (HIDDEN,), l2=LAMBDA, batch_size=BATCH, epochs=150, init="large", cost="cross_entropy")
    ),
    figures=[*_figures(FAST, 0.5), *_figures(SLOW, 0.1)],
    views=[
        Along(_SIZES, FAST, "epoch", "size of the weights, rate 0.5", log=True, ends=(END / 4, 1.2), dashed=(_LAW,)),
        Along(_SIZES, SLOW, "epoch", "size of the weights, rate 0.1", log=True, ends=(END / 4, 1.2), dashed=(_LAW,)),
    ],
    seeds=3,
    conclude=_conclude,
)
