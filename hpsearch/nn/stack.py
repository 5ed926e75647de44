"""Networks composed freely of layers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.activations import Activation
from hpsearch.nn.arrays import Array
from hpsearch.nn.layers.affine import Affine
from hpsearch.nn.layers.dropout import Dropout
from hpsearch.nn.layers.layer import Layer, learns
from hpsearch.nn.layers.loss import Loss
from hpsearch.nn.network import WHOLE, Network, fixed_generator
from hpsearch.nn.passes.backprop import Backprop
from hpsearch.nn.passes.dropout import Rates
from hpsearch.nn.passes.layered import LayerPasses, affines, as_layer, forward, learning

_EXAMPLE = "Write Stack(Affine.create(64, 30, rng), Relu(), Affine.create(30, 10, rng), SoftmaxWithLoss())."


class _NoSingleActivation:
    """Takes the place of a network's activation: a stack has none, and cannot be read layer by layer."""

    @property
    def name(self) -> str:
        advice = "A Stack has no one activation for all of its layers."
        raise SettingError(must_be("A network to save or export", "a Network", "a Stack", advice))

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        raise TypeError("Each layer of a Stack has an activation of its own.")


class Stack(Network):
    """A network of layers chosen one by one, from the inputs up, the loss last; trained, scored and checked as any other.

    A `hpsearch.nn.network.Network` of the same layers gives the same numbers and is faster: prefer it where possible. Weights
    and biases are those of the `Affine` layers, in place; behind the biases come the parameters of other layers that learn (see
    `hpsearch.nn.layers.LearningLayer`).

    Args:
        layers: of `hpsearch.nn.layers`, functions of `hpsearch.nn.activations`, or your own with ``forward``, ``backward`` and
            ``units``, and ``parameters`` and ``gradients`` where they learn; then one loss.
    Raises:
        SettingError: for layers that do not fit each other, no `Affine` among them, or anything but a loss at the end.

    >>> from hpsearch.nn.activations import Relu
    >>> from hpsearch.nn.layers import SoftmaxWithLoss
    >>> rng = np.random.default_rng(0)
    >>> stack = Stack(Affine.create(4, 6, rng), Relu(), Dropout(0.2), Affine.create(6, 3, rng), SoftmaxWithLoss())
    >>> stack.sizes, stack.forward(np.zeros((2, 4))).shape
    ((4, 6, 6, 6, 3), (2, 3))
    """

    def __init__(self, *layers: Layer | Activation | Loss) -> None:
        loss = layers[-1] if layers else None
        if not isinstance(loss, Loss):
            raise SettingError(must_be("The last layer of a Stack", "a loss", loss, _EXAMPLE))
        self.layers: list[Layer] = [_layer(item) for item in layers[:-1]]
        with_weights, own = affines(self.layers), _parameters(self.layers)
        self.weights = [layer.weights for layer in with_weights]
        self.biases = [*(layer.biases for layer in with_weights if layer.biases is not None), *own]
        self._own = len(own)
        if not with_weights or len({a.dtype.name for a in (*self.weights, *self.biases)}) > 1:
            constraint = "at least one Affine, and all of one dtype"
            raise SettingError(must_be("Layers of a Stack", constraint, [type(item).__name__ for item in layers], _EXAMPLE))
        self.cost_name, self.cost, self._loss = loss.name, loss.cost, loss
        self.hidden_function = self.activation = _NoSingleActivation()
        self.sizes_of_layers = _sizes(self.layers, self.weights[0].shape[1])

    def __repr__(self) -> str:
        names = [type(getattr(layer, "function", layer)).__name__ for layer in self.layers]
        return f"Stack({', '.join(names)}, {self.cost_name!r})"

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width after every layer, inputs first."""
        return self.sizes_of_layers

    @property
    def thinned(self) -> bool:
        """Whether training leaves something out at random."""
        return any(isinstance(layer, Dropout) and layer.rate for layer in self.layers)

    @property
    def statistics(self) -> list[Array]:
        """The running statistics of its `BatchNorm` layers."""
        return [array for layer in self.layers for array in getattr(layer, "statistics", ())]

    @property
    def varies(self) -> bool:
        """Whether the cost of a training is another one than that of scoring."""
        return self.thinned or bool(self.statistics)

    def penalised(self, biases: bool) -> list[int]:
        """Return the numbers of the ``biases`` that l1 and l2 apply to: of layers that decay, and of others where biases do."""
        first = len(self.biases) - self._own
        decays = [getattr(layer, "decays", False) for layer in learning(self.layers) for _ in layer.parameters]
        return [*(range(first) if biases else ()), *(first + i for i, does in enumerate(decays) if does)]

    def copy(self, dtype: str | None = None) -> Stack:
        """Return a stack with arrays and layers of its own, of another dtype where one is given."""
        return Stack(*(_copy(layer, dtype) for layer in self.layers), self._loss)

    def passes(self, samples: int, rates: Rates = WHOLE, rng: Callable[[], np.random.Generator] = fixed_generator) -> Backprop:
        """Return the forward and the backward pass of training; its layers decide what to leave out."""
        if any(rates):
            raise SettingError(
                must_be("dropout", "a layer of its own in a Stack", rates, "Put Dropout(0.5) between its layers.")
            )
        return LayerPasses(self.layers, self._loss, samples, rng)

    def _z(self, x: Array) -> Array:
        return forward(self.layers, x.T)


def _layer(item: Any) -> Layer:
    layer = as_layer(item)
    if isinstance(item, type) or not all(hasattr(layer, name) for name in ("forward", "backward", "units")):
        raise SettingError(must_be("A layer of a Stack", "a layer or an activation function", item, _EXAMPLE))
    found: Layer = layer
    return found


def _parameters(layers: list[Layer]) -> list[Array]:
    """Return the parameters of the layers that learn, or say what is wrong with them."""
    found: list[Array] = []
    for layer in layers:
        if learns(layer) != ("parameters" in dir(layer)):
            what, advice = f"A {type(layer).__name__} layer", "See hpsearch.nn.layers.LearningLayer."
            raise SettingError(must_be(what, "one with both parameters and gradients, or neither", layer, advice))
    for learner in learning(layers):
        arrays: Any = learner.parameters
        if not isinstance(arrays, list) or not all(isinstance(a, np.ndarray) and a.flags.c_contiguous for a in arrays):
            what, advice = f"Parameters of a {type(learner).__name__} layer", "See hpsearch.nn.layers.LearningLayer."
            raise SettingError(must_be(what, "a list of C-contiguous arrays", arrays, advice))
        found += arrays
    return found


def _sizes(layers: list[Layer], inputs: int) -> tuple[int, ...]:
    """Return the width after every layer, inputs first; layers below the first `Affine` keep its inputs."""
    sizes = [inputs]
    for layer in layers:
        sizes.append(layer.units(sizes[-1]))
    return tuple(sizes)


def _copy(layer: Layer, dtype: str | None) -> Layer:
    if isinstance(layer, Affine):
        biases = None if layer.biases is None else layer.biases.astype(dtype or layer.biases.dtype)
        return Affine(layer.weights.astype(dtype or layer.weights.dtype), biases)
    twin: Any = copy.copy(layer)
    for name in ("parameters", "statistics") if learns(layer) else ():
        if hasattr(layer, name):
            setattr(twin, name, [a.astype(dtype or a.dtype) for a in getattr(layer, name)])
    made: Layer = twin
    return made
