"""An objective that scores its network on evaluation data too: published test scores of every trial, for reproductions only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hpsearch.data import Dataset, Part
from hpsearch.errors import DataError, must_be
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from hpsearch.trial import Outcome, Params

ERROR = "evaluation_error"


@dataclass(frozen=True)
class Evaluated:
    """Train a network as `TrainNetwork` does, and report the kept one's error on other images as a metric.

    The value, by which a search goes, is the validation error still.

    Args:
        train: the objective; its data must be marked as those of a reproduction.
        evaluation: images that are only scored.
    Raises:
        DataError: the data are not marked, so that scores on them might be taken for selection.
    """

    train: TrainNetwork
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
    def measure(self) -> str:
        """What the value is."""
        return self.train.measure

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse params it could not train with."""
        self.train.check(params)

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train, and add ``evaluation_error`` to the metrics."""
        outcome = self.train(params, context)
        kept = self.train.network(params, Context(context.rng, state=outcome.state, budget=0))
        metrics = {**outcome.metrics, ERROR: self._error(kept)}
        return Outcome(outcome.value, metrics, outcome.history)

    def _error(self, network: Network | Ensemble) -> float:
        wrong = sum(network.score(part.x, part.y).error * len(part) for part in self.evaluation)
        return round(wrong / self.rows, 12)
