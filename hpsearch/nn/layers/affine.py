"""The affine layer, with weights and biases."""

from __future__ import annotations

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.initializers import Initializer, check_init, draw


class Affine:
    """z = W x + b.

    Args:
        weights: W, (units, inputs).
        biases: b, (units,); None for none, below a layer that shifts its inputs by itself, such as `BatchNorm`.

    ``scale`` is what the weights must be multiplied by to be the true ones, 1 but within a step that decays them lazily.

    >>> Affine(np.array([[1.0, 2.0]]), np.array([0.5])).forward(np.array([[3.0], [4.0]])).tolist()
    [[11.5]]
    """

    def __init__(self, weights: Array, biases: Array | None) -> None:
        self.weights, self.biases, self.scale = weights, biases, 1.0
        self._x = self._delta = np.empty((0, 0), weights.dtype)

    @classmethod
    def create(
        cls,
        inputs: int,
        units: int,
        rng: np.random.Generator,
        *,
        init: str | Initializer = "scaled",
        dtype: str = "float32",
    ) -> Affine:
        """Return a layer with fresh weights, by a name or a rule of `hpsearch.nn.initializers`."""
        check_init(init)
        (weights,), (biases,) = draw(init, (inputs, units), rng)
        return cls(weights.astype(dtype), biases.astype(dtype))

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        self._x = x
        z: Array = self.weights @ x
        if self.scale != 1.0:
            z *= self.scale
        if self.biases is not None:
            z += self.biases[:, None]
        return z

    def backward(self, delta: Array) -> Array:
        self.remember(delta)
        below: Array = self.weights.T @ delta
        if self.scale != 1.0:
            below *= self.scale
        return below

    def remember(self, delta: Array) -> None:
        """Store the derivative by the outputs without going further back, which is all that the lowest layer needs."""
        self._delta = delta

    def gradient(self) -> tuple[Array, Array | None]:
        """Return the derivatives of the cost by the weights and by the biases, summed over the samples."""
        return self._delta @ self._x.T, None if self.biases is None else self._delta.sum(axis=1)

    def units(self, inputs: int) -> int:
        units, taken = self.weights.shape
        if inputs != taken:
            advice = "Match each layer to the one below."
            raise SettingError(must_be("Inputs of an Affine layer", f"{inputs}, the outputs of the layer below", taken, advice))
        return int(units)
