"""The network whose hidden layers are batch-normalised while it is trained, and the plain network that scores as it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from hpsearch.nn.activations import Activation
from hpsearch.nn.arrays import Array
from hpsearch.nn.layers.affine import Affine
from hpsearch.nn.layers.batch_norm import BatchNorm
from hpsearch.nn.layers.dropout import Dropout
from hpsearch.nn.layers.layer import Layer
from hpsearch.nn.layers.loss import Loss
from hpsearch.nn.network import WHOLE, Network, fixed_generator
from hpsearch.nn.passes.backprop import Backprop
from hpsearch.nn.passes.dropout import Rates
from hpsearch.nn.passes.layered import LayerPasses, as_layer, forward
from hpsearch.nn.prediction import Score
from hpsearch.nn.stack import Stack


class NormalizedNetwork(Stack):
    """A fully connected network with a `BatchNorm` between weights and activation of every hidden layer.

    Hidden layers have no biases: beta is in their place. Dropout, where there is any, comes behind the activation. While
    scoring, the normalisation is a fixed scale and shift, and with the weights below it is again a layer of weights and biases:
    `plain` is the `Network` of these, and all scores are its scores.

    Args:
        weights: of every layer, (units, inputs).
        bias: of the output layer.
        norms: one for each hidden layer.
        hidden_function: of the hidden units, a name or a function of `hpsearch.nn.activations`.
        loss: the last layer.
    """

    def __init__(
        self,
        weights: Sequence[Array],
        bias: Array,
        norms: Sequence[BatchNorm],
        hidden_function: str | Activation,
        loss: Loss,
    ) -> None:
        shape = Network(list(weights), [*(norm.parameters[1] for norm in norms), bias], hidden_function, loss.name)
        self.norms, self._sizes = list(norms), shape.sizes
        layers: list[Any] = []
        for array, norm in zip(weights[:-1], norms, strict=True):
            layers += [Affine(array, None), norm, as_layer(shape.activation)]
        super().__init__(*layers, Affine(weights[-1], bias), loss)
        self.hidden_function, self.activation = hidden_function, shape.activation

    @classmethod
    def of(cls, network: Network) -> NormalizedNetwork:
        """Return a network with copies of the weights of another one, beta at 0 and gamma at 1."""
        weights, bias = [w.copy() for w in network.weights], network.biases[-1].copy()
        norms = [BatchNorm(len(w), network.dtype.name) for w in weights[:-1]]
        return cls(weights, bias, norms, network.hidden_function, Loss(network.cost_name, network.cost))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer of the plain network, inputs first."""
        return self._sizes

    @property
    def plain(self) -> Network:
        """The network of fully connected layers that scores as this one does, with arrays of its own."""
        weights, biases = [], []
        for array, norm in zip(self.weights[:-1], self.norms, strict=True):
            scale, shift = norm.scale_and_shift()
            weights.append((scale[:, None] * array).astype(array.dtype))
            biases.append(shift.astype(array.dtype))
        weights, biases = [*weights, self.weights[-1].copy()], [*biases, self.biases[0].copy()]
        return Network(weights, biases, self.hidden_function, self.cost_name)

    def copy(self, dtype: str | None = None) -> NormalizedNetwork:
        """Return a network with arrays and layers of its own, of another dtype where one is given."""
        twin = Stack.copy(self, dtype)
        norms = [layer for layer in twin.layers if isinstance(layer, BatchNorm)]
        return NormalizedNetwork(twin.weights, twin.biases[0], norms, self.hidden_function, self._loss)

    def passes(self, samples: int, rates: Rates = WHOLE, rng: Callable[[], np.random.Generator] = fixed_generator) -> Backprop:
        """Return the forward and the backward pass of training, with dropout at these rates."""
        return LayerPasses(self._with_dropout(rates), self._loss, samples, rng)

    def score(self, x: Array, labels: Array, weights: Array | None = None) -> Score:
        """Return the score of the plain network, see `hpsearch.nn.prediction.Predictor.score`."""
        return self.plain.score(x, labels, weights)

    def contrast(self, x: Array) -> float:
        """Return the contrast as it is in training: with the rows of x normalised as one mini-batch."""
        with np.errstate(all="ignore"):
            return float(forward(self.layers, x.T, fixed_generator()).std(axis=1, dtype=np.float64).mean())

    def by_layer(self, weights: Sequence[Array], biases: Sequence[Array]) -> list[list[Array]]:
        """Return arrays as `gradient` returns them, those of each layer together; gamma and beta with the weights below."""
        own = [[biases[i], biases[i + 1]] for i in range(1, len(biases), 2)]
        return [*([array, *pair] for array, pair in zip(weights[:-1], own, strict=True)), [weights[-1], biases[0]]]

    def hidden_outputs(self, x: Array) -> Iterator[Array]:
        """Yield the outputs of each hidden layer as they are in training, with the rows of x as one mini-batch."""
        a, rng = np.asarray(x, self.dtype).T, fixed_generator()
        for i in range(0, len(self.layers) - 1, 3):
            a = forward(self.layers[i : i + 3], a, rng)
            yield a

    def _with_dropout(self, rates: Rates) -> list[Layer]:
        layers: list[Layer] = [Dropout(rates.inputs)]
        for i in range(0, len(self.layers) - 1, 3):
            layers += [*self.layers[i : i + 3], Dropout(rates.hidden)]
        return [*layers, self.layers[-1]]

    def _z(self, x: Array) -> Array:
        return self.plain._z(x)
