"""What the objectives of reproductions share that train as `TrainNetwork` does, and report more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.data import Dataset
from hpsearch.objectives import TrainNetwork


@dataclass(frozen=True)
class OfNetwork:
    """An objective that has another one train.

    Args:
        train: the other one.
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
        """Refuse params it could not train with."""
        self.train.check(params)
