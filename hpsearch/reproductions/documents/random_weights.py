"""Weights of a linear classifier by chance, by chance around the best ones, and along the slope of the cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hpsearch.analysis.sample import Array
from hpsearch.data import Dataset, Part, digits
from hpsearch.nn.network import Network, Score
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.reproductions.curve_metrics import metric_value
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.figures import Found, Gain
from hpsearch.reproductions.means import Mean
from hpsearch.reproductions.views import WithIntervals
from hpsearch.trial import Outcome, Params

RANDOM, LOCAL, SLOPE = "random weights", "random local search", "slope"
METHODS, DATA = (RANDOM, LOCAL, SLOPE), ("digits", "MNIST")
ACCURACY = "last_accuracy"
TRIES, ROWS = 1000, 5000
PUBLISHED, LOCALLY = "above chance: 15.5 % on CIFAR-10", "above chance: 21.4 % on CIFAR-10 (notes)"
# As published for pixels from 0 to 255; those here are from 0 to 1.
SCALE = 0.0001 * 255
# Of the slope: the largest of 0.003, 0.01, 0.03, 0.1 and 0.3 at which the training cost of one seed fell in each of 200 steps.
RATE = 0.03


@dataclass(frozen=True)
class FindWeights(ObjectiveBase):
    """Find the weights of a linear classifier with the hinge cost; the value is its error on evaluation rows.

    A try is one evaluation of all training rows: of the cost of weights, or of its slope. The weights of lowest training cost
    so far are scored.

    Args:
        sets: the data by name.
        tries: how many.

    Params: ``method`` and ``data``. Curves: accuracy on evaluation rows and training cost of the best weights so far, by tries.
    Metrics: first_accuracy, after the first try, and last_accuracy.
    Source: Stanford CS231n, lecture 3, "random search" and "follow the slope"; its notes on optimisation have the local search.
    """

    sets: tuple[tuple[str, Dataset], ...]
    tries: int = TRIES

    @property
    def measure(self) -> str:
        """What the value is."""
        return "error on evaluation rows"

    def shrunk(self) -> FindWeights:
        """Return the same objective with few rows and tries."""
        return replace(self, sets=tuple((name, data.at_most(200, 100)) for name, data in self.sets), tries=20)

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Try weights, and report the best ones at about every tenth more tries."""
        data = dict(self.sets)[params["data"]]
        take, shown = _METHODS[params["method"]], _reported(self.tries)
        network = _network(data, SCALE * context.rng.standard_normal((data.classes, data.features + 1)))
        best = network.copy()
        score, lowest = network.score(data.validation.x, data.validation.y), network.score(data.train.x, data.train.y).cost
        first = score
        for tried in range(1, self.tries + 1):
            if tried > 1:
                network = take(network, best, data.train, context.rng)
                cost = network.score(data.train.x, data.train.y).cost
                if cost < lowest:
                    lowest, best = cost, network.copy()
            if tried in shown:
                score = best.score(data.validation.x, data.validation.y)
                context.report(tried, accuracy=score.accuracy, training_cost=lowest)
        return Outcome(score.error, _metrics(first, score), context.history)


def _metrics(first: Score, last: Score) -> dict[str, float]:
    return {"first_accuracy": first.accuracy, ACCURACY: last.accuracy}


def _reported(tries: int) -> set[int]:
    """Return the tries after which the best weights are scored, evenly spread over a logarithmic axis.

    >>> sorted(_reported(20))
    [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20]
    """
    steps = np.unique(np.round(10 ** np.arange(0, np.log10(tries), 0.1)).astype(int)).tolist()
    return {*steps, tries}


def _network(data: Dataset, weights: Array) -> Network:
    """Return the linear classifier of weights, whose last column are the biases."""
    dtype = np.float32
    inputs, biases = np.ascontiguousarray(weights[:, :-1], dtype), np.ascontiguousarray(weights[:, -1], dtype)
    return Network([inputs], [biases], cost_name="hinge")


def _random(network: Network, best: Network, train: Part, rng: np.random.Generator) -> Network:
    """Return other random weights."""
    return _moved(best, rng, keep=0.0)


def _local(network: Network, best: Network, train: Part, rng: np.random.Generator) -> Network:
    """Return the best weights after a random step."""
    return _moved(best, rng, keep=1.0)


def _moved(best: Network, rng: np.random.Generator, keep: float) -> Network:
    arrays = [*best.weights, *best.biases]
    found = [(keep * a + SCALE * rng.standard_normal(a.shape)).astype(a.dtype) for a in arrays]
    return Network(found[:1], found[1:], cost_name="hinge")


def _slope(network: Network, best: Network, train: Part, rng: np.random.Generator) -> Network:
    """Return the weights one step down the slope of the cost of all training rows."""
    slopes = network.gradient(train.x, train.y)
    arrays = [[a - RATE * slope for a, slope in zip(*pair, strict=True)] for pair in zip(
        (network.weights, network.biases), slopes, strict=True)]  # fmt: skip
    return Network(arrays[0], arrays[1], cost_name="hinge")


_METHODS = {RANDOM: _random, LOCAL: _local, SLOPE: _slope}


def _name(data: str, method: str) -> str:
    return f"{method}, {data}"


def find_weights(load: Load) -> FindWeights:
    """Return the objective: scikit-learn's digits, and the first 5,000 training images and all test images of MNIST."""
    return FindWeights((("digits", digits()), ("MNIST", load().for_reproduction().at_most(train=ROWS))))


def _settings() -> Mapping[str, Mapping[str, Any]]:
    return {_name(data, method): {"data": data, "method": method} for data in DATA for method in METHODS}


def _figures() -> list[Mean | Gain]:
    figures: list[Mean | Gain] = []
    for data in DATA:
        what = f"accuracy after 1,000 tries, {data}"
        random, local, slope = (_name(data, method) for method in METHODS)
        figures.append(Mean(f"{what}, random weights (%)", PUBLISHED, ACCURACY, random, 10.0, digits=1))
        figures.append(Mean(f"{what}, random local search (%)", LOCALLY, ACCURACY, local, 10.0, digits=1))
        figures.append(Mean(f"{what}, slope (%)", "better", ACCURACY, slope, 10.0, digits=1))
        figures.append(Gain(f"what the local search brings over random weights, {data}", ACCURACY, local, random))
        figures.append(Gain(f"what the slope brings over the local search, {data}", ACCURACY, slope, local))
    return figures


def _conclude(found: Found) -> list[str]:
    said = []
    for data in DATA:
        ends = [np.mean([metric_value(t, ACCURACY) for t in found[_name(data, method)]]) for method in METHODS]
        said.append(
            f"Random search over weights reached about {ends[0]:.1f} % accuracy on {data} after 1,000 tries (chance 10 %):"
            f" not bad, but not good. Random local search reached {ends[1]:.1f} %, and following the slope {ends[2]:.1f} %."
        )
    return said


RANDOM_WEIGHTS = Experiment(
    name="random-weights",
    question="How far do random weights of a linear classifier get in 1,000 tries, beside following the slope?",
    claim="Random search over weights reached about 15.5 % on CIFAR-10 (chance 10 %): not bad, not good; the slope is better.",
    settings=_settings(),
    objective=find_weights,
    figures=_figures(),
    views=[
        WithIntervals(
            "accuracy",
            {_name(data, method): method for method in METHODS},
            "tries",
            f"accuracy on {data} (%)",
            ends=(0, 100),
            level=(10.0, "chance"),
        )
        for data in DATA
    ],
    conclude=_conclude,
    seeds=5,
    source="Stanford CS231n, lecture 3 (CIFAR-10, hinge cost)",
)
