"""An objective that watches the training data too, and the penalty: what the figures of the document show by epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hpsearch.analysis.curve_shape import CONTRAST
from hpsearch.data import Part
from hpsearch.nn.regularizers import L1, L2, WeightCost
from hpsearch.nn.training.training import Training
from hpsearch.objectives.reporting import contrast
from hpsearch.ports import Context
from hpsearch.reproductions.of_network import OfNetwork
from hpsearch.reproductions.readings import PENALTY, TRAINING_ACCURACY, TRAINING_COST, readings
from hpsearch.trial import Outcome, Params


@dataclass(frozen=True)
class Watched(OfNetwork):
    """Train a network as `TrainNetwork` does, and report what the document's program watches.

    The value is the lowest error on the evaluation data: published figures are those of the best epoch.

    Args:
        train: the objective; where its data are marked as a reproduction's, its validation part is the test part.
        training: whether the training data are scored after every epoch too, and the penalty is worked out.

    Curves: those of `TrainNetwork`; with ``training`` also full_training_cost, full_training_accuracy, and penalty (what the
    weights cost by L2 and L1, which no other cost here holds). Metrics: see `hpsearch.reproductions.readings.readings`.
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
        return Outcome(training.kept_score.error, metrics | readings(context.history), context.history)


def _scores(training: Training, rows: Part) -> dict[str, float]:
    """Return how the network does on its training data as it stands, and what its weights cost."""
    score, recipe, weights = training.network.score(rows.x, rows.y), training.recipe, training.network.weights
    assert not isinstance(recipe.l2, WeightCost)
    penalty = L2(recipe.l2).penalty(weights, len(rows)) + L1(recipe.l1).penalty(weights, len(rows))
    return {TRAINING_COST: score.cost, TRAINING_ACCURACY: score.accuracy, PENALTY: penalty}
