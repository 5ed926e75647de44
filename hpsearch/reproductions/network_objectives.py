"""Objectives of reproductions: a network that is also scored on its training data, or on evaluation data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hpsearch.analysis.curve_shape import CONTRAST
from hpsearch.data import Dataset, Part
from hpsearch.errors import DataError, must_be
from hpsearch.nn.plain_data import AnyNetwork
from hpsearch.nn.regularizers import L1, L2, WeightCost
from hpsearch.nn.training.training import Training
from hpsearch.objectives import TrainNetwork
from hpsearch.objectives.reporting import contrast
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.reproductions.curve_metrics import PENALTY, TRAINING_ACCURACY, TRAINING_COST, curve_metrics
from hpsearch.trial import Outcome, Params

ERROR = "evaluation_error"


@dataclass(frozen=True)
class WrappedNetwork(ObjectiveBase):
    """An objective that trains by another one and reports more.

    Args:
        train: the objective that trains.
    """

    train: TrainNetwork

    @property
    def data(self) -> Dataset:
        """The data that are trained and selected on."""
        return self.train.data

    @property
    def parameters(self) -> frozenset[str]:
        """The names it accepts as params."""
        return self.train.parameters

    @property
    def required(self) -> frozenset[str]:
        """The names it cannot do without."""
        return self.train.required

    @property
    def facts(self) -> dict[str, str]:
        """What a study records beside the versions."""
        return self.train.facts

    @property
    def measure(self) -> str:
        """What the value is."""
        return self.train.measure

    def prepare(self) -> None:
        """Load what every trial needs into this process, before the first one."""
        self.train.prepare()

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise an error for params that it could not train with."""
        self.train.check(params)


@dataclass(frozen=True)
class Watched(WrappedNetwork):
    """Train a network as `TrainNetwork` does, and report what the document's program records.

    The value is the lowest error on the evaluation data: published figures are those of the best epoch.

    Args:
        train: the objective; where its data are marked as a reproduction's, its validation part is the test part.
        training: whether the training data are also scored after every epoch, and the penalty is computed.

    Curves: those of `TrainNetwork`; with ``training`` also full_training_cost, full_training_accuracy, and penalty (what the
    weights cost by L2 and L1, which no other cost here includes). Metrics: those of `curve_metrics`.
    """

    training: bool = False

    @property
    def measure(self) -> str:
        """What the value is."""
        return "test error of the best epoch" if self.data.reproduction else self.train.measure

    def shrunk(self) -> Watched:
        """Return the same objective on a small part of the data."""
        return replace(self, train=self.train.shrunk())

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train for ``context.budget`` epochs, or all."""
        plan = self.train.plan(params)
        training, rows = plan.start(context.rng), plan.rows
        before = contrast(training, self.data.train.x)
        for epoch in training.run(until=context.budget):
            more = _scores(training, rows) if self.training else {}
            context.report(epoch.epoch, **epoch.curves, **more)
        context.report(0, **{CONTRAST: before})
        metrics = {"best_epoch": float(training.kept_epoch)}
        return Outcome(training.kept_score.error, metrics | curve_metrics(context.history), context.history)


@dataclass(frozen=True)
class Evaluated(WrappedNetwork):
    """Train a network as `TrainNetwork` does, and report the kept one's error on other images as a metric.

    The value that a search minimises is still the validation error.

    Args:
        train: the objective; its data must be marked as those of a reproduction.
        evaluation: images that are only scored.
    Raises:
        DataError: the data are not marked, so that scores on them might be taken for selection.
    """

    evaluation: tuple[Part, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.data.reproduction:
            advice = "Only reproductions score every trial on evaluation data."
            raise DataError(must_be("Data of an evaluated objective", "marked as a reproduction's", self.data, advice))

    def __repr__(self) -> str:
        checksums = "+".join(part.checksum[:8] for part in self.evaluation)
        return f"Evaluated({self.train!r}, evaluation={self.rows} rows {checksums})"

    @property
    def rows(self) -> int:
        """The number of evaluation images."""
        return sum(map(len, self.evaluation))

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train, and add ``evaluation_error`` to the metrics."""
        outcome = self.train(params, context)
        kept = self.train.network(params, Context(context.rng, state=outcome.state, budget=0))
        metrics = {**outcome.metrics, ERROR: self._error(kept)}
        return Outcome(outcome.value, metrics, outcome.history)

    def _error(self, network: AnyNetwork) -> float:
        wrong = sum(network.score(part.x, part.y).error * len(part) for part in self.evaluation)
        return round(wrong / self.rows, 12)


def _scores(training: Training, rows: Part) -> dict[str, float]:
    """Return the scores of the network on its training data, and the cost of its weights."""
    score, recipe, weights = training.network.score(rows.x, rows.y), training.recipe, training.network.weights
    assert not isinstance(recipe.l2, WeightCost)
    penalty = L2(recipe.l2).penalty(weights, len(rows)) + L1(recipe.l1).penalty(weights, len(rows))
    return {TRAINING_COST: score.cost, TRAINING_ACCURACY: score.accuracy, PENALTY: penalty}
