"""Steps of some layers only, each group of layers with an optimizer and a learning rate of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.optimizers.rules import Optimizer
from hpsearch.nn.passes.backprop import Backprop, Gradient, Minibatch


@dataclass(frozen=True)
class LayerGroup:
    """Neighbouring layers that are trained alike.

    ``first`` is the number of the lowest one, counted from 0. ``optimizer`` changes their arrays, at ``rate_factor`` times the
    learning rate, after ``begins`` mini-batches.
    """

    first: int
    optimizer: Optimizer
    rate_factor: float = 1.0
    begins: int = 0


class LayerSteps:
    """Steps of groups of layers; a layer in no group is frozen: no step, penalty or limit touches its weights and biases.

    Each group has an optimizer of its own, so that with `Adam` too the step, and not only the gradient, is multiplied by the
    factor. A penalty is part of the step, and is multiplied with it. All groups step along the same gradient.

    Args:
        groups: from the lowest layer up.
    Source: Yosinski et al. (2014), How transferable are features in deep neural networks?; the rates are those of the parameter
    groups of PyTorch, which the tests compare with.
    """

    # Weights are true after every step: a group that decays lazily would need a scale of its own.
    scale = 1.0

    def __init__(self, groups: Sequence[LayerGroup]) -> None:
        self._groups, self._done = groups, np.zeros(1)

    @property
    def arrays(self) -> dict[str, Array]:
        """Those of each group, and how many mini-batches are done where a group begins later."""
        found = {f"from_layer_{one.first}_{name}": a for one in self._groups for name, a in one.optimizer.arrays.items()}
        return {**found, "layer_steps": self._done} if any(one.begins for one in self._groups) else found

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        """Change the layers by one step along the mini-batch that ``passes`` has just run."""
        for group in self._groups:
            if self._done[0] >= group.begins:
                group.optimizer.step(_PassesOfLayers(passes, group.first), batch, rate * group.rate_factor)
                group.optimizer.fold()
        self._done += 1

    def fold(self) -> None:
        """Do nothing: the stored weights are the true ones."""


class _PassesOfLayers(Backprop):
    """Passes that have run already, whose gradients are those of the layers from ``first`` on."""

    def __init__(self, passes: Backprop, first: int) -> None:
        self.samples, self._passes, self._first = passes.samples, passes, first

    def accumulate(self, batch: Minibatch, into: Gradient, keep: float, weights_by: float, biases_by: float) -> None:
        self._passes.accumulate(batch, into._replace(first=self._first), keep, weights_by, biases_by)
