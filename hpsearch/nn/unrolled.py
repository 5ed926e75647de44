"""Derivatives of a cost after a short training by the training's own settings: the training, unrolled step by step.

The whole training runs in complex numbers, with one setting moved by i h. The imaginary part of the cost, divided by h, is the
derivative: no difference is taken, so that h may be tiny, and the result is exact up to rounding. That is differentiation in
forward mode, one run for each setting.

Source: Squire and Trapp (1998), Using complex variables to estimate derivatives of real functions, SIAM Review 40; Maclaurin,
Duvenaud and Adams (2015), Gradient-based hyperparameter optimization through reversible learning, ICML, for the idea.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import Diverged
from hpsearch.nn.activations import Elementwise, Sigmoid, Tanh

# Numbers: float64, or complex128 where a derivative is wanted.
Numbers = NDArray[Any]
_STEP = 1e-30

# The hidden functions: those that are defined for complex numbers too.
ACTIVATIONS: dict[str, Elementwise] = {"sigmoid": Sigmoid(), "tanh": Tanh()}


@dataclass(frozen=True)
class Costs:
    """Mean cross-entropies after a training."""

    training: Any
    validation: Any


@dataclass(frozen=True, eq=False)
class UnrolledTraining:
    """A training of a fully connected network by mini-batches, whose costs can be differentiated.

    Outputs are sigmoids, the cost is the cross-entropy. An update is v <- momentum v - learning_rate (gradient + l2 / n w) for
    weights, without the decay for biases, and w <- w + v.

    Args:
        rows: training inputs (n, d) and targets (n, k), float64.
        validation: the same of the validation part.
        weights, biases: the first ones, (units, inputs) and (units,) a layer.
        activation: a name in `ACTIVATIONS`.
        orders: of each epoch, a permutation of the training rows.
        batch_size: of the mini-batches.
    """

    rows: tuple[NDArray[np.float64], NDArray[np.float64]]
    validation: tuple[NDArray[np.float64], NDArray[np.float64]]
    weights: Sequence[NDArray[np.float64]]
    biases: Sequence[NDArray[np.float64]]
    activation: str
    orders: Sequence[NDArray[np.int64]]
    batch_size: int

    def costs(self, settings: Mapping[str, float]) -> Costs:
        """Return the costs after a training with learning_rate, l2 and momentum.

        Raises:
            Diverged: a cost is not finite.
        """
        return self._train(settings)

    def slopes(self, settings: Mapping[str, float], names: Sequence[str]) -> dict[str, Costs]:
        """Return the derivatives of both costs by each of some settings.

        Raises:
            Diverged: a cost is not finite.
        """
        found = {}
        for name in names:
            moved = self._train({**settings, name: settings[name] + 1j * _STEP})
            found[name] = Costs(moved.training.imag / _STEP, moved.validation.imag / _STEP)
        return found

    def _train(self, settings: Mapping[str, Any]) -> Costs:
        rate, decay, momentum = (settings[name] for name in ("learning_rate", "l2", "momentum"))
        kind = np.result_type(rate, decay, momentum, np.float64)
        layers = [(w.astype(kind), b.astype(kind)) for w, b in zip(self.weights, self.biases, strict=True)]
        speeds = [(np.zeros_like(w), np.zeros_like(b)) for w, b in layers]
        x, y = self.rows
        shrink = decay / len(x)
        # Numbers that leave the finite ones are told by the costs.
        with np.errstate(over="ignore", invalid="ignore"):
            for order in self.orders:
                for start in range(0, len(x), self.batch_size):
                    taken = order[start : start + self.batch_size]
                    slopes = self._gradient(layers, x[taken], y[taken])
                    speeds = [
                        (momentum * v - rate * (gw + shrink * w), momentum * u - rate * gb)
                        for (v, u), (gw, gb), (w, _) in zip(speeds, slopes, layers, strict=True)
                    ]
                    layers = [(w + v, b + u) for (w, b), (v, u) in zip(layers, speeds, strict=True)]
            costs = Costs(self._cost(layers, *self.rows), self._cost(layers, *self.validation))
        if not np.isfinite([costs.training, costs.validation]).all():
            raise Diverged(f"Training diverged: its cost is not finite. Lower the learning rate from {rate.real:g}.")
        return costs

    def _forward(self, layers: Sequence[tuple[Numbers, Numbers]], x: Numbers) -> tuple[list[Numbers], Numbers]:
        """Return the inputs of every layer, and z of the outputs."""
        function = ACTIVATIONS[self.activation]
        inputs = [x]
        for w, b in layers[:-1]:
            inputs.append(function(inputs[-1] @ w.T + b))
        w, b = layers[-1]
        return inputs, inputs[-1] @ w.T + b

    def _gradient(self, layers: Sequence[tuple[Numbers, Numbers]], x: Numbers, y: Numbers) -> list[tuple[Numbers, Numbers]]:
        """Return the gradient of the mean cost by weights and biases."""
        slope = ACTIVATIONS[self.activation].slope
        inputs, z = self._forward(layers, x)
        delta = (Sigmoid()(z) - y) / len(x)
        found = [(delta.T @ inputs[-1], delta.sum(0))]
        for (w, _), below, above in zip(layers[:0:-1], inputs[-2::-1], inputs[:0:-1], strict=True):
            delta = (delta @ w) * slope(above)
            found.append((delta.T @ below, delta.sum(0)))
        return found[::-1]

    def _cost(self, layers: Sequence[tuple[Numbers, Numbers]], x: Numbers, y: Numbers) -> Any:
        """Return the mean over the rows of log(1 + exp z) - y z, summed over the outputs."""
        _, z = self._forward(layers, x)
        sign = np.where(z.real > 0, 1.0, -1.0)
        return (z * (z.real > 0) + np.log(1.0 + np.exp(-sign * z)) - y * z).sum(1).mean()
