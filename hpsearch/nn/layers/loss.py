"""The last layer: the output function and the cost that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.nn.arrays import Array
from hpsearch.nn.costs import COSTS, Cost


@dataclass(frozen=True)
class Loss:
    """Outputs and cost of the pre-activations z, (k, m), which are passed each time: it has no state.

    Args:
        name: of the cost.
        cost: the cost and its output function, see `hpsearch.nn.costs`.
    """

    name: str
    cost: Cost

    def forward(self, z: Array, targets: Array) -> float:
        """Return the mean cost over the samples."""
        return self.cost.mean(z, targets)

    def backward(self, z: Array, targets: Array) -> Array:
        """Return the derivative of each sample's cost by z, (k, m)."""
        return self.cost.delta(self.cost.output(z), targets)


def loss_of(name: str) -> Loss:
    """Return the last layer for a name in `hpsearch.nn.costs.COSTS`."""
    return Loss(name, COSTS[name])


def SoftmaxWithLoss() -> Loss:
    """Return softmax outputs with the log-likelihood, for classes that exclude each other: ln k at z = 0."""
    return loss_of("log_likelihood")


def SigmoidWithCrossEntropy() -> Loss:
    """Return sigmoid outputs with the cross-entropy: k ln 2 at z = 0."""
    return loss_of("cross_entropy")


def SigmoidWithQuadratic() -> Loss:
    """Return sigmoid outputs with the quadratic cost: k / 8 at z = 0."""
    return loss_of("quadratic")


def TanhWithQuadratic() -> Loss:
    """Return tanh outputs with the quadratic cost to targets of -1 and 1: k / 2 at z = 0."""
    return loss_of("quadratic_tanh")


def HingeLoss() -> Loss:
    """Return linear outputs with the hinge of a multi-class support vector machine: k - 1 at z = 0."""
    return loss_of("hinge")


def LinearWithQuadratic() -> Loss:
    """Return linear outputs with the quadratic cost, for numbers to be predicted: half the mean squared error."""
    return loss_of("squared_error")


def LinearWithSquaredErrors() -> Loss:
    """Return linear outputs with the quadratic cost of several numbers: half the sum of their squared errors."""
    return loss_of("squared_errors")
