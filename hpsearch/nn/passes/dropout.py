"""Dropout: every mini-batch trains its own thinned network; the whole network predicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hpsearch.nn.layers.dropout import draw_mask
from hpsearch.nn.passes.backprop import Backprop, FullyConnected, Minibatch


class Rates(NamedTuple):
    """The shares of the hidden units, of every layer, and of the inputs that are left out."""

    hidden: float
    inputs: float


class ThinnedBackprop(Backprop):
    """The two passes of a network from which units are left out at random, others for every sample.

    Each unit is left out with probability p, and what the others put out is multiplied by 1 / (1 - p). So the expected input
    of every unit is the one of the whole network, which is then used, scored and exported as it is. The published rule
    multiplies the weights by 1 - p after the training instead, with the same result.

    Args:
        network: the network, whose arrays are read in place.
        samples: m, the size of the mini-batches; their inputs are overwritten where inputs are left out.
        rates: p of the hidden units and of the inputs, each in [0, 1).
        rng: called for the generator at every mini-batch: a resumed training has another one.
    Source: Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting, sections 4 and 10.
    """

    def __init__(self, network: FullyConnected, samples: int, rates: Rates, rng: Callable[[], np.random.Generator]) -> None:
        super().__init__(network, samples)
        self._rates, self._rng = rates, rng
        # Of the inputs, in the order of the rows of the data, and of every hidden layer: 0, or 1 / (1 - p).
        self.masks = [np.ones((samples, network.sizes[0]), network.dtype), *(np.ones_like(u.out) for u in self._hidden)]
        upwards = [(lower, scratch) for _, lower, scratch in reversed(self._downwards)]
        self._upwards = [(unit, slope, mask) for (unit, slope), mask in zip(upwards, self.masks[1:], strict=True)]

    def _forward(self, batch: Minibatch, scale: float) -> None:
        gemm, activation, rng = self._blas.gemm, self._activation, self._rng()
        if self._rates.inputs:
            np.multiply(batch.x, draw_mask(rng, self._rates.inputs, self.masks[0]).T, batch.x)
        source, flipped = batch.x, 1
        for unit, slope, mask in self._upwards:
            np.copyto(unit.out, unit.bias)
            gemm(scale, source, unit.weights_t, 1.0, unit.out_t, flipped, 0, 1)
            activation(unit.out, unit.out)
            # The slope is that of the output before it is masked, so it is computed in the forward pass.
            activation.slope(unit.out, slope)
            if self._rates.hidden:
                draw_mask(rng, self._rates.hidden, mask)
                np.multiply(unit.out, mask, unit.out)
                np.multiply(slope, mask, slope)
            source, flipped = unit.out_t, 0
        np.copyto(batch.z, self._last.bias)
        gemm(scale, source, self._last.weights_t, 1.0, batch.z_t, flipped, 0, 1)
        self._cost.output(batch.z, self._last.out)

    def _backward(self, batch: Minibatch, scale: float) -> None:
        gemm = self._blas.gemm
        self._output_delta(batch)
        for upper, lower, slope in self._downwards:
            gemm(scale, upper.delta_t, upper.weights_t, 0.0, lower.delta_t, 0, 1, 1)
            np.multiply(lower.delta, slope, lower.delta)
