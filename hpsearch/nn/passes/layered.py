"""Forward and backward pass through layers of any kind; the fast passes support fully connected layers only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.activations import Maxout
from hpsearch.nn.arrays import Array
from hpsearch.nn.layers.activation import Elementwise, MaxoutLayer
from hpsearch.nn.layers.affine import Affine
from hpsearch.nn.layers.dropout import Dropout
from hpsearch.nn.layers.layer import Layer, LearningLayer, learns
from hpsearch.nn.layers.loss import Loss
from hpsearch.nn.passes.backprop import Backprop, FullyConnected, Gradient, Minibatch
from hpsearch.nn.passes.dropout import Rates


class LayerPasses(Backprop):
    """Forward and backward through layers, for mini-batches of any size.

    Args:
        layers: from the inputs up; the lowest one that learns is the last one that a backward pass reaches.
        loss: the last layer.
        samples: m, the size of the mini-batches.
        rng: called for the generator of what `Dropout` leaves out, at every mini-batch.
    """

    def __init__(self, layers: Sequence[Layer], loss: Loss, samples: int, rng: Callable[[], np.random.Generator]) -> None:
        self.samples, self._loss, self._rng = samples, loss, rng
        self._layers, self._affines, self._learning = layers, affines(layers), learning(layers)
        lowest = next(i for i, layer in enumerate(layers) if isinstance(layer, Affine) or learns(layer))
        self._lowest, self._upper = layers[lowest], layers[lowest + 1 :]

    def run(self, batch: Minibatch, scale: float = 1.0) -> None:
        for affine in self._affines:
            affine.scale = scale
        np.copyto(batch.z, forward(self._layers, batch.x, self._rng()))
        delta = self._loss.backward(batch.z, batch.targets)
        if batch.weights is not None:
            delta = delta * batch.weights
        for layer in reversed(self._upper):
            delta = layer.backward(delta)
        if isinstance(self._lowest, Affine):
            self._lowest.remember(delta)
        else:
            self._lowest.backward(delta)
        for affine in self._affines:
            affine.scale = 1.0

    def accumulate(self, batch: Minibatch, into: Gradient, keep: float, weights_by: float, biases_by: float) -> None:
        biases = iter(into.biases)
        some = self._affines[into.first : into.first + len(into.weights_t)]
        for affine, weights_t in zip(some, into.weights_t, strict=True):
            by_weights, by_biases = affine.gradient()
            _add(by_weights, weights_t.T, keep, weights_by)
            if by_biases is not None:
                _add(by_biases, next(biases), keep, biases_by)
        for layer in self._learning:
            for found in _gradients(layer):
                _add(found, next(biases), keep, biases_by)


def _add(found: Array, into: Array, keep: float, by: float) -> None:
    into *= keep
    into += by * found


def _gradients(layer: LearningLayer) -> list[Array]:
    """Return the gradients of a layer, or say what is wrong with them."""
    found, wanted = list(layer.gradients()), [array.shape for array in layer.parameters]
    shapes = [np.shape(gradient) for gradient in found]
    if shapes != wanted:
        what = f"Gradients of a {type(layer).__name__} layer"
        advice = "Return one array for each of its parameters, summed over the samples."
        raise SettingError(must_be(what, f"of the shapes {wanted} of its parameters", shapes, advice))
    return found


def forward(layers: Sequence[Layer], x: Array, rng: np.random.Generator | None = None) -> Array:
    """Return the outputs of the last layer for x, (d, m)."""
    for layer in layers:
        x = layer.forward(x, rng)
    return x


def affines(layers: Sequence[Layer]) -> list[Affine]:
    """Return the layers with weights."""
    return [layer for layer in layers if isinstance(layer, Affine)]


def learning(layers: Sequence[Any]) -> list[LearningLayer]:
    """Return the layers with parameters of their own."""
    return [layer for layer in layers if learns(layer)]


def as_layer(item: Any) -> Any:
    """Return an activation as a layer, and anything else as it is."""
    if isinstance(item, Maxout):
        return MaxoutLayer(item)
    return Elementwise(item) if hasattr(item, "slope") else item


def layers_of(network: FullyConnected, rates: Rates) -> list[Layer]:
    """Return a network's layers but the loss, on its own arrays, with what dropout leaves out between them."""
    layers: list[Layer] = [Dropout(rates.inputs)]
    hidden = zip(network.weights[:-1], network.biases[:-1], strict=True)
    for weights, biases in hidden:
        layers += [Affine(weights, biases), as_layer(network.activation), Dropout(rates.hidden)]
    return [*layers, Affine(network.weights[-1], network.biases[-1])]
