"""Base of what does something more around the steps of another optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.nn.arrays import Array
from hpsearch.nn.optimizers.rules import Optimizer
from hpsearch.nn.passes.backprop import Backprop, Minibatch


class StepsAround:
    """Steps as those of another optimizer; whatever is remembered is remembered there."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.fold = optimizer.fold

    @property
    def scale(self) -> float:
        """See `Optimizer`, like the next two."""
        return self.optimizer.scale

    @property
    def arrays(self) -> dict[str, Array]:
        return self.optimizer.arrays

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        self.optimizer.step(passes, batch, rate)


class TrackingSteps(StepsAround):
    """Steps after each of which layers take the mini-batch into their running statistics.

    Args:
        optimizer: takes the steps.
        layers: with ``track``, such as `hpsearch.nn.layers.BatchNorm`, in any order among others.
    """

    def __init__(self, optimizer: Optimizer, layers: Sequence[Any]) -> None:
        super().__init__(optimizer)
        self._tracking = [layer.track for layer in layers if hasattr(layer, "track")]

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        super().step(passes, batch, rate)
        for track in self._tracking:
            track()
