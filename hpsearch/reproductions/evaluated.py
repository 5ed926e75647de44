"""An objective that scores its network on evaluation data too: published test scores of every trial, for reproductions only."""

from __future__ import annotations

from dataclasses import dataclass, field

from hpsearch.data import Part
from hpsearch.errors import DataError, must_be
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network
from hpsearch.ports import Context
from hpsearch.reproductions.of_network import OfNetwork
from hpsearch.trial import Outcome, Params

ERROR = "evaluation_error"


@dataclass(frozen=True)
class Evaluated(OfNetwork):
    """Train a network as `TrainNetwork` does, and report the kept one's error on other images as a metric.

    The value, by which a search goes, is the validation error still.

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

    def _error(self, network: Network | Ensemble) -> float:
        wrong = sum(network.score(part.x, part.y).error * len(part) for part in self.evaluation)
        return round(wrong / self.rows, 12)
