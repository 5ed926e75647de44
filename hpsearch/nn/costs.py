"""Costs of the output layer, each with the output function that belongs to it.

Everything is computed from the pre-activation z of the output layer, so that |z| up to 1e4 stays finite without corrections.
Shapes: z, outputs a and targets t are (..., k, m), one sample a column; targets hold 1 for the right class and 0 elsewhere,
the probability of each class (`CrossEntropy`, `LogLikelihood`), or the numbers to be predicted
(`SquaredError`, `SquaredErrors`). Costs are means over the samples. A new cost is a class and an entry in `COSTS`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hpsearch.nn.activations import Linear, Sigmoid, Tanh
from hpsearch.nn.arrays import ONE, ZERO, Array

_sigmoid, _tanh, _linear = Sigmoid(), Tanh(), Linear()


class Cost(Protocol):
    """An output function and its name, the mean cost, and the derivative of one sample's cost by z."""

    output_name: str

    def output(self, z: Array, out: Array | None = None) -> Array:
        """Return the outputs a for z, written into ``out`` where given."""
        ...

    def mean(self, z: Array, targets: Array) -> float:
        """Return the cost, the mean over the samples."""
        ...

    def each(self, z: Array, targets: Array) -> Array:
        """Return the cost of each sample, of shape (..., m)."""
        ...

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        """Return dC/dz of each sample from the outputs; ``a`` is used up, ``out`` must be another array."""
        ...


class Quadratic:
    """C = 1/2 |a - t|^2 with a = sigmoid(z); dC/dz = (a - t) a (1 - a).

    The 1/2 is Nielsen's convention. Equals k/8 at z = 0: 1.25 for ten classes.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 1 and 3.
    """

    output_name = "sigmoid"

    def output(self, z: Array, out: Array | None = None) -> Array:
        return _sigmoid(z, out)

    def mean(self, z: Array, targets: Array) -> float:
        error = _sigmoid(z)
        error -= targets
        error *= error
        return float(error.sum(dtype=np.float64)) / 2 / _samples(z)

    def each(self, z: Array, targets: Array) -> Array:
        costs: Array = ((_sigmoid(z) - targets) ** 2).sum(axis=-2, dtype=np.float64) / 2
        return costs

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        out = _sigmoid.slope(a, out)
        np.subtract(a, targets, a)
        return np.multiply(out, a, out)


class SquaredError:
    """C = 1/2 |a - t|^2 with a = z, the quadratic cost of linear outputs; dC/dz = a - t.

    The one cost for numbers to be predicted; with classes it is least squares, and equals 1/2 at z = 0. A mean squared error is
    twice this cost. In float32 finite for |z| up to 1e18.
    """

    output_name = "linear"

    def output(self, z: Array, out: Array | None = None) -> Array:
        return _linear(z, out)

    def mean(self, z: Array, targets: Array) -> float:
        error = z - targets
        error *= error
        return float(error.sum(dtype=np.float64)) / 2 / _samples(z)

    def each(self, z: Array, targets: Array) -> Array:
        costs: Array = ((z - targets) ** 2).sum(axis=-2, dtype=np.float64) / 2
        return costs

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        return np.subtract(a, targets, out)


class SquaredErrors(SquaredError):
    """`SquaredError` of several numbers to be predicted at once, an output for each.

    Equals half their number for guessing their means, where they are standardised.

    Targets are rows of numbers, (n, k), which makes it a cost of its own: with `SquaredError` several outputs are classes.
    """


class CrossEntropy:
    """C = -sum_j t_j ln a_j + (1 - t_j) ln(1 - a_j) with a = sigmoid(z), in nats; dC/dz = a - t.

    Written as sum_j softplus(z_j) - t_j z_j with softplus(z) = max(z, 0) + log1p(exp(-|z|)), for any targets in [0, 1]. Equals
    k ln 2 at z = 0: 6.93 for ten classes. It is smallest at a = t, and is the binary entropy of t there: 0 for a target of 0
    or 1, 0.6109 for 0.3.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, eq. 63 and 64.
    """

    output_name = "sigmoid"

    def output(self, z: Array, out: Array | None = None) -> Array:
        return _sigmoid(z, out)

    def mean(self, z: Array, targets: Array) -> float:
        size = np.abs(z)
        total = float((size + z).sum(dtype=np.float64)) / 2 - float((z * targets).sum(dtype=np.float64))
        np.negative(size, size)
        np.exp(size, size)
        return (total + float(np.log1p(size, size).sum(dtype=np.float64))) / _samples(z)

    def each(self, z: Array, targets: Array) -> Array:
        costs: Array = (np.logaddexp(0, z) - z * targets).sum(axis=-2, dtype=np.float64)
        return costs

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        return np.subtract(a, targets, out)


class LogLikelihood:
    """C = -ln a_right with a = softmax(z), in nats; dC/dz = a - t.

    Via log-sum-exp with the largest z taken off. Equals ln k at z = 0: 2.30 for ten classes. For targets between 0 and 1 that
    sum to 1 it is -sum_j t_j ln a_j, smallest at a = t.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, eq. 78 to 80.
    """

    output_name = "softmax"

    def output(self, z: Array, out: Array | None = None) -> Array:
        out = np.subtract(z, z.max(axis=-2, keepdims=True), out)
        np.exp(out, out)
        out /= out.sum(axis=-2, keepdims=True)
        return out

    def mean(self, z: Array, targets: Array) -> float:
        shifted = z - z.max(axis=-2, keepdims=True)
        right = (shifted * targets).sum(dtype=np.float64)
        np.exp(shifted, shifted)
        return float(np.log(shifted.sum(axis=-2)).sum(dtype=np.float64) - right) / _samples(z)

    def each(self, z: Array, targets: Array) -> Array:
        costs: Array = np.logaddexp.reduce(z, axis=-2) - (z * targets).sum(axis=-2, dtype=np.float64)
        return costs

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        return np.subtract(a, targets, out)


class Hinge:
    """C = sum over j != s of max(0, z_j - z_s + 1) with a = z and s the right class; dC/dz_j = 1 where the term is above 0.

    dC/dz_s is minus the number of these. The multi-class support vector machine, for networks and, without hidden layers, for
    linear classifiers. Equals k - 1 at z = 0: 9 for ten classes; 0 once every wrong class is 1 below the right one. For two
    classes it is the binary hinge of z_1 - z_0. With more, scikit-learn's ``hinge_loss`` is Crammer and Singer's variant, which
    takes the largest term in place of the sum, and is never larger. The outputs are scores and no probabilities.
    Source: Weston and Watkins (1999), Support vector machines for multi-class pattern recognition; Stanford CS231n notes,
    "Linear classification".
    """

    output_name = "linear"

    def output(self, z: Array, out: Array | None = None) -> Array:
        return _linear(z, out)

    def mean(self, z: Array, targets: Array) -> float:
        return float(_excess(z, targets).sum(dtype=np.float64)) / _samples(z)

    def each(self, z: Array, targets: Array) -> Array:
        costs: Array = _excess(z, targets).sum(axis=-2, dtype=np.float64)
        return costs

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        out = np.sign(_excess(a, targets), out)
        np.multiply(targets, out.sum(axis=-2, keepdims=True), a)
        return np.subtract(out, a, out)


class QuadraticTanh:
    """C = 1/2 |a - t|^2 with a = tanh(z) and t in {-1, 1}; dC/dz = (a - t) (1 - a^2).

    Targets are scaled to the outputs: 1 for the right class, -1 elsewhere; they are handed over as 1 and 0, as everywhere.
    Since tanh(z) = 2 sigmoid(2z) - 1 it is four times `Quadratic` at 2z, and equals k/2 at z = 0: 5 for ten classes. The
    outputs are scores in [-1, 1] and no probabilities.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, "Other models of artificial neuron".
    """

    output_name = "tanh"

    def output(self, z: Array, out: Array | None = None) -> Array:
        return _tanh(z, out)

    def mean(self, z: Array, targets: Array) -> float:
        error = _deviation(_tanh(z), targets)
        error *= error
        return float(error.sum(dtype=np.float64)) / 2 / _samples(z)

    def each(self, z: Array, targets: Array) -> Array:
        costs: Array = (_deviation(_tanh(z), targets) ** 2).sum(axis=-2, dtype=np.float64) / 2
        return costs

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        out = _tanh.slope(a, out)
        return np.multiply(out, _deviation(a, targets), out)


COSTS: dict[str, Cost] = {
    "quadratic": Quadratic(),
    "cross_entropy": CrossEntropy(),
    "log_likelihood": LogLikelihood(),
    "squared_error": SquaredError(),
    "squared_errors": SquaredErrors(),
    "hinge": Hinge(),
    "quadratic_tanh": QuadraticTanh(),
}
# The costs whose outputs are scores of the classes, and no probabilities.
WITHOUT_PROBABILITIES = ("hinge", "quadratic_tanh")


def one_hot(labels: Array, classes: Array, out: Array | None = None) -> Array:
    """Return targets of shape (..., k, m) for labels of shape (..., m), where ``classes`` is ``arange(k)``."""
    return np.equal(labels[..., None, :], classes[:, None], out)


def encode_targets(values: Array, outputs: Array, out: Array | None = None) -> Array:
    """Return targets of shape (..., k, m) for values of shape (..., m): classes one-hot, numbers (floats) as they are.

    Args:
        values: class indices, or numbers for the one output of a network that predicts them.
        outputs: ``arange(k)``.
        out: where to write.

    >>> encode_targets(np.array([0.5, 2.0]), np.arange(1)).tolist()
    [[0.5, 2.0]]
    """
    if values.dtype.kind != "f":
        return one_hot(values, outputs, out)
    return np.positive(values[..., None, :], out, casting="same_kind")


def encode_rows(values: Array, outputs: Array) -> Array:
    """Return targets (k, n) of n rows: class indices or numbers, (n,), or several numbers or soft targets, (n, k)."""
    return np.ascontiguousarray(values.T) if values.ndim == 2 else encode_targets(values, outputs)


def _excess(z: Array, targets: Array) -> Array:
    """Return max(0, z_j - z_s + 1) for the wrong classes j, and 0 for the right one, s."""
    found: Array = z - (z * targets).sum(axis=-2, keepdims=True)
    found += ONE
    found -= targets
    np.maximum(found, ZERO, out=found)
    return found


def _deviation(a: Array, targets: Array) -> Array:
    """Return a - (2t - 1), in the place of ``a``."""
    a -= targets
    a -= targets
    a += ONE
    return a


def _samples(z: Array) -> int:
    return int(z.size // z.shape[-2])
