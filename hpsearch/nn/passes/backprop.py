"""Backpropagation: forward and backward pass of one mini-batch, in buffers that are allocated once.

A step with ten samples costs as much as its number of calls, so there are few: a bias is copied to where its product then
accumulates, sums over the samples are products with a vector of ones, and nothing is allocated.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from hpsearch.nn.activations import Activation, elementwise
from hpsearch.nn.arrays import Array, blas_of
from hpsearch.nn.costs import Cost


class FullyConnected(Protocol):
    """What the passes read of a network, such as a `hpsearch.nn.network.Network`, which is built on top of them."""

    weights: list[Array]
    biases: list[Array]
    activation: Activation
    cost: Cost

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer, inputs first."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        ...


class Minibatch(NamedTuple):
    """One mini-batch: inputs as columns, (d, m) Fortran-contiguous; targets and a buffer for the output z, (k, m).

    ``weights``, (m,), says how much each sample counts; None counts all alike.
    """

    x: Array
    targets: Array
    z: Array
    z_t: Array
    weights: Array | None = None


class _Unit(NamedTuple):
    """Views of one layer as the products need them: ``_t`` is a transpose, Fortran-contiguous."""

    bias: Array
    weights_t: Array
    out: Array
    out_t: Array
    delta: Array
    delta_t: Array


class Gradient(NamedTuple):
    """Where gradients accumulate: per layer a transposed weight array, (inputs, units), and a bias array, (units,).

    ``first`` is the number of the layer that the arrays begin with, counted from 0; layers without arrays are left out.
    """

    weights_t: list[Array]
    biases: list[Array]
    first: int = 0


class Backprop:
    """The two passes for mini-batches of one size.

    Args:
        network: the network, whose arrays are read in place.
        samples: m, the size of the mini-batches.
    """

    def __init__(self, network: FullyConnected, samples: int) -> None:
        self.samples = samples
        self._blas = blas_of(network.weights[0])
        self._activation, self._cost = elementwise(network.activation), network.cost
        dtype = network.weights[0].dtype
        self._units = [_unit(w, b, samples) for w, b in zip(network.weights, network.biases, strict=True)]
        self._hidden, self._last = self._units[:-1], self._units[-1]
        # Pairs of layers from the last one down, along which the deltas go, with a buffer for the slope.
        downwards = list(zip(self._units[:0:-1], self._units[-2::-1], strict=True))
        self._downwards = [(upper, lower, np.empty_like(lower.out)) for upper, lower in downwards]
        self._ones = np.ones(samples, dtype)

    def run(self, batch: Minibatch, scale: float = 1.0) -> None:
        """Compute the output z, in the mini-batch, and the delta of every layer, in this object.

        Args:
            batch: the mini-batch.
            scale: what the stored weights must be multiplied by to be the true ones.
        """
        self._forward(batch, scale)
        self._backward(batch, scale)

    def _forward(self, batch: Minibatch, scale: float) -> None:
        gemm, activation = self._blas.gemm, self._activation
        source, flipped = batch.x, 1
        for unit in self._hidden:
            np.copyto(unit.out, unit.bias)
            gemm(scale, source, unit.weights_t, 1.0, unit.out_t, flipped, 0, 1)
            activation(unit.out, unit.out)
            source, flipped = unit.out_t, 0
        np.copyto(batch.z, self._last.bias)
        gemm(scale, source, self._last.weights_t, 1.0, batch.z_t, flipped, 0, 1)
        self._cost.output(batch.z, self._last.out)

    def _backward(self, batch: Minibatch, scale: float) -> None:
        gemm, slope = self._blas.gemm, self._activation.slope
        self._output_delta(batch)
        for upper, lower, scratch in self._downwards:
            gemm(scale, upper.delta_t, upper.weights_t, 0.0, lower.delta_t, 0, 1, 1)
            slope(lower.out, scratch)
            np.multiply(lower.delta, scratch, lower.delta)

    def _output_delta(self, batch: Minibatch) -> None:
        """Compute the delta of the last layer, each sample times its weight."""
        self._cost.delta(self._last.out, batch.targets, self._last.delta)
        if batch.weights is not None:
            np.multiply(self._last.delta, batch.weights, self._last.delta)

    def accumulate(self, batch: Minibatch, into: Gradient, keep: float, weights_by: float, biases_by: float) -> None:
        """Set each array of ``into`` to ``keep`` times itself plus a multiple of the gradient summed over the samples."""
        gemm, gemv, _ = self._blas
        first, units = into.first, self._units
        source, flipped = (units[first - 1].out_t, 1) if first else (batch.x, 0)
        for unit, weights_t, bias in zip(units[first : first + len(into.biases)], into.weights_t, into.biases, strict=True):
            gemm(weights_by, source, unit.delta_t, keep, weights_t, flipped, 0, 1)
            gemv(biases_by, unit.delta_t, self._ones, keep, bias, 0, 1, 0, 1, 1, 1)
            source, flipped = unit.out_t, 1


def _unit(weights: Array, bias: Array, samples: int) -> _Unit:
    out = np.zeros((len(weights), samples), weights.dtype)
    delta = np.zeros_like(out)
    return _Unit(bias[:, None], weights.T, out, out.T, delta, delta.T)
