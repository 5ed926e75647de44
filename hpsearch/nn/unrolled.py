"""Derivatives of a cost after a short training by the training's own settings: the training, unrolled step by step.

The whole training is a computational graph (`hpsearch.nn.graph`): each step's gradient is made of gates, so that it can be
differentiated again. The steps are passed backwards in pieces, each of which is computed again from a state that was kept at
its start: the memory grows with the square root of the number of steps. One way back gives the derivatives by all settings.

Source: Maclaurin, Duvenaud and Adams (2015), Gradient-based hyperparameter optimization through reversible learning, ICML;
Griewank and Walther (2000), Algorithm 799: revolve, ACM Transactions on Mathematical Software 26, for the pieces.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import Diverged
from hpsearch.nn.graph import Gate, Node, affine, backward, inner, sigmoid, sigmoid_cross_entropy, tanh

# The hidden functions, as gates.
ACTIVATIONS: dict[str, Gate] = {"sigmoid": sigmoid, "tanh": tanh}

# momentum v + down slope, in one gate, since there are two of them for every layer and step.
_SPEED = Gate(
    "speed",
    lambda momentum, v, down, slope: momentum * v + down * slope,
    (
        lambda g, out, ins: inner(g, ins[1]),
        lambda g, out, ins: g * ins[0],
        lambda g, out, ins: inner(g, ins[3]),
        lambda g, out, ins: g * ins[2],
    ),
)
Array = NDArray[np.float64]
# Weights and biases in turn, layer by layer, and then the speeds of each.
State = list[Node]


@dataclass(frozen=True)
class Costs:
    """Mean cross-entropies after a training."""

    training: float
    validation: float


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
        return self.costs_and_slopes(settings, ())[0]

    def slopes(self, settings: Mapping[str, float], names: Sequence[str], against: str = "validation") -> dict[str, float]:
        """Return the derivatives of a cost by each of some settings, see `costs_and_slopes`."""
        return self.costs_and_slopes(settings, names, against)[1]

    def costs_and_slopes(
        self, settings: Mapping[str, float], names: Sequence[str], against: str = "validation"
    ) -> tuple[Costs, dict[str, float]]:
        """Return the costs after a training, and the derivatives of one of them by each of some settings.

        Args:
            settings: learning_rate, l2 and momentum.
            names: of the settings to differentiate by; without any there is no way back, which takes most of the time.
            against: which cost, ``"validation"`` or ``"training"``.
        Raises:
            Diverged: a cost is not finite.
        """
        # Numbers that leave the finite ones are told by the costs.
        with np.errstate(over="ignore", invalid="ignore"):
            *starts, end = self._states(settings)
            costs = {"training": self._cost(end, *self.rows), "validation": self._cost(end, *self.validation)}
            found = Costs(**{which: float(cost.value) for which, cost in costs.items()})
            if not np.isfinite([found.training, found.validation]).all():
                rate = settings["learning_rate"]
                raise Diverged(f"Training diverged: its cost is not finite. Lower the learning rate from {rate:g}.")
            if not names:
                return found, {}
            return found, self._way_back(settings, names, starts, [one.value for one in backward(costs[against], end)])

    def _way_back(
        self, settings: Mapping[str, float], names: Sequence[str], starts: Sequence[State], arriving: Sequence[Array]
    ) -> dict[str, float]:
        """Return the derivatives by settings from those by the last state, piece by piece, the last one first."""
        found = dict.fromkeys(names, 0.0)
        for start, steps in reversed(list(zip(starts, self._pieces, strict=True))):
            by = {name: Node(value) for name, value in settings.items()}
            state = self._run(start, by, steps)
            pulled = sum((inner(node, slope) for node, slope in zip(state, arriving, strict=True)), Node(0.0))
            slopes = [one.value for one in backward(pulled, [*start, *(by[name] for name in names)])]
            arriving = slopes[: len(start)]
            for name, slope in zip(names, slopes[len(start) :], strict=True):
                found[name] += float(slope)
        return found

    @property
    def _pieces(self) -> list[list[NDArray[np.int64]]]:
        """The mini-batches of all epochs, in pieces of about as many steps as there are pieces."""
        size = self.batch_size
        steps = [order[start : start + size] for order in self.orders for start in range(0, len(order), size)]
        length = math.isqrt(len(steps) - 1) + 1
        return [steps[start : start + length] for start in range(0, len(steps), length)]

    def _states(self, settings: Mapping[str, float]) -> list[State]:
        """Return the state before each piece, and that after the last one, all as inputs of graphs."""
        first = [one for pair in zip(self.weights, self.biases, strict=True) for one in pair]
        states = [[Node(one) for one in (*first, *map(np.zeros_like, first))]]
        fixed = {name: Node(value) for name, value in settings.items()}
        for piece in self._pieces:
            state = states[-1]
            for step in piece:  # one graph a step, which is forgotten at once
                state = [Node(node.value) for node in self._run(state, fixed, [step])]
            states.append(state)
        return states

    def _run(self, state: State, settings: Mapping[str, Node], steps: Sequence[NDArray[np.int64]]) -> State:
        """Return the state after some steps."""
        rate, decay, momentum = (settings[name] for name in ("learning_rate", "l2", "momentum"))
        (x, y), shrink, down = self.rows, decay / len(self.rows[0]), -rate
        for taken in steps:
            parameters, speeds = state[: len(state) // 2], state[len(state) // 2 :]
            slopes = backward(self._cost(state, x[taken], y[taken]), parameters)
            for i in range(0, len(slopes), 2):  # the weights; biases do not decay
                slopes[i] = slopes[i] + shrink * parameters[i]
            speeds = [_SPEED(momentum, v, down, slope) for v, slope in zip(speeds, slopes, strict=True)]
            state = [*(p + v for p, v in zip(parameters, speeds, strict=True)), *speeds]
        return state

    def _cost(self, state: State, x: Array, y: Array) -> Node:
        """Return the mean cross-entropy over some rows."""
        function, below = ACTIVATIONS[self.activation], Node(x)
        layers = list(zip(state[: len(state) // 2 : 2], state[1 : len(state) // 2 : 2], strict=True))
        for w, b in layers[:-1]:
            below = function(affine(below, w, b))
        w, b = layers[-1]
        return sigmoid_cross_entropy(affine(below, w, b), y)
