"""Penalties on biases, and on layers' own parameters: the optimizers by themselves decay weights only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.optimizers.around import StepsAround
from hpsearch.nn.optimizers.rules import Optimizer
from hpsearch.nn.passes.backprop import Backprop, Gradient, Minibatch


class PenalisedBiasesSteps(StepsAround):
    """Steps as those of another optimizer, with the penalties as part of the gradient of some biases too.

    So plain descent takes b <- (1 - eta l2/n) b - eta l1/n sgn(b) - eta grad C0, with every sign that of b before the step.

    Args:
        optimizer: takes the steps.
        biases: of the network, read in place.
        numbers: which of them have a penalty.
        decay: l2/n, see `hpsearch.nn.regularizers.L2.decay`.
        pull: l1/n, see `hpsearch.nn.regularizers.L1.pull`.
    """

    def __init__(
        self, optimizer: Optimizer, biases: Sequence[Array], numbers: Sequence[int], decay: float, pull: float
    ) -> None:
        super().__init__(optimizer)
        self._penalised, self._decay, self._pull = [(i, biases[i]) for i in numbers], decay, pull

    def step(self, passes: Backprop, batch: Minibatch, rate: float) -> None:
        super().step(_PenalisedPasses(passes, self._terms), batch, rate)

    def _terms(self) -> list[tuple[int, Array]]:
        """Return what the penalties add to the gradient of the mean cost."""
        return [(i, penalty_gradient(b, self._decay, self._pull)) for i, b in self._penalised]


def penalty_gradient(array: Array, decay: float, pull: float) -> Array:
    """Return decay w + pull sgn(w), the gradient of the penalties by one array."""
    term: Array = decay * array
    if pull:
        term += pull * np.sign(array)
    return term


class _PenalisedPasses(Backprop):
    """Passes that have run already, whose gradients of biases get a term more."""

    def __init__(self, passes: Backprop, terms: Callable[[], list[tuple[int, Array]]]) -> None:
        self.samples, self._passes, self._terms = passes.samples, passes, terms

    def accumulate(self, batch: Minibatch, into: Gradient, keep: float, weights_by: float, biases_by: float) -> None:
        terms = self._terms()  # before the biases change, which plain descent accumulates into
        self._passes.accumulate(batch, into, keep, weights_by, biases_by)
        for number, term in terms:
            term *= biases_by * self.samples
            into.biases[number] += term
