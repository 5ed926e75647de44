"""One neuron that is to learn 1 -> 0, from a good and from a bad start, under two costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hpsearch.nn.costs import COSTS
from hpsearch.ports import Context
from hpsearch.reproductions.experiment import Experiment
from hpsearch.reproductions.figures import Claim, Exact
from hpsearch.reproductions.views import ByEpoch
from hpsearch.trial import Curve, Outcome, Params

GOOD, BAD = "quadratic, start 0.82", "quadratic, start 0.98"
CROSS_GOOD, CROSS_BAD = "cross-entropy, start 0.82", "cross-entropy, start 0.98"


@dataclass(frozen=True)
class OneNeuron:
    """A sigmoid neuron with one input: 1 goes in, 0 should come out; the value is the cost after the last epoch.

    Args:
        epochs: steps of gradient descent.

    Curves: output and cost, the first before any step. Metrics: first_output, last_output, early_share, steepest_step.
    """

    epochs: int = 300
    measure = "cost after the last epoch"

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Learn from ``weight`` and ``bias`` on with ``cost`` and ``learning_rate``."""
        cost, wanted = COSTS[params["cost"]], np.zeros((1, 1))
        weight, bias, last = params["weight"], params["bias"], 0.0
        for epoch in range(self.epochs + 1):
            z = np.full((1, 1), weight + bias)
            output, last = cost.output(z), cost.mean(z, wanted)
            context.report(epoch, output=float(output[0, 0]), cost=last)
            slope = params["learning_rate"] * float(cost.delta(output, wanted)[0, 0])
            weight, bias = weight - slope, bias - slope  # the input is 1, so both have the same derivative
        return Outcome(last, _numbers(context.history), context.history)


def _numbers(history: Mapping[str, Curve]) -> dict[str, float]:
    """Return the first and the last output, what share of the cost's fall the first half brings, and its steepest step."""
    outputs, costs = ([value for _, value in history[name]] for name in ("output", "cost"))
    early = (costs[0] - costs[len(costs) // 2]) / (costs[0] - costs[-1])
    steepest = int(np.argmax(-np.diff(costs))) + 1
    return {"first_output": outputs[0], "last_output": outputs[-1], "early_share": early, "steepest_step": float(steepest)}


ONE_NEURON = Experiment(
    name="one-neuron",
    question="Does a neuron that is badly wrong learn slowly, and does the cross-entropy mend it?",
    claim="From an output of 0.98 the quadratic cost hardly moves for 150 of 300 epochs; the cross-entropy is steepest there.",
    settings={
        GOOD: {"weight": 0.6, "bias": 0.9, "cost": "quadratic", "learning_rate": 0.15},
        BAD: {"weight": 2.0, "bias": 2.0, "cost": "quadratic", "learning_rate": 0.15},
        CROSS_GOOD: {"weight": 0.6, "bias": 0.9, "cost": "cross_entropy", "learning_rate": 0.005},
        CROSS_BAD: {"weight": 2.0, "bias": 2.0, "cost": "cross_entropy", "learning_rate": 0.005},
    },
    objective=lambda load: OneNeuron(),
    figures=[
        Exact("first output, weight 0.6, bias 0.9", "0.82", "first_output", GOOD),
        Exact("output after 300 epochs, quadratic, weight 0.6, bias 0.9", "0.09", "last_output", GOOD),
        Exact("first output, weight and bias 2", "0.98", "first_output", BAD),
        Claim("share of the fall that 150 epochs bring, quadratic, 2 and 2", "hardly any", "early_share", BAD, high=1 / 6),
        Claim("steepest of 300 steps, quadratic, 2 and 2", "not the first ones", "steepest_step", BAD, low=150),
        Claim("steepest of 300 steps, cross-entropy, 2 and 2", "the first", "steepest_step", CROSS_BAD, high=1),
    ],
    views=[
        ByEpoch("output", "output (0 is right)", {GOOD: [(0, 0.82), (300, 0.09)], BAD: [(0, 0.98)]}, ends=(0, 1)),
        ByEpoch("cost", "cost, quadratic", settings=(GOOD, BAD)),
        ByEpoch("cost", "cost, cross-entropy (nats)", settings=(CROSS_GOOD, CROSS_BAD)),
    ],
    seeds=1,
)
