"""Computational graph: gates over arrays, evaluated in topological order, and slopes that are gates again.

An expression of nodes is a graph: ``(x + y) * z`` is two gates. `backward` walks it from its output to its inputs by the chain
rule. What it returns are nodes too, so that a slope can be part of a further expression and be differentiated again:
`hpsearch.nn.unrolled` differentiates a whole training in this way, gradient steps included. A node that is used twice gets the
sum of its slopes.

Source: documents B and E (circuits of gates, x = -2, y = 5, z = -4); Linnainmaa (1970); Baydin et al. (2018), Automatic
differentiation in machine learning, J. Machine Learning Research 18.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.errors import DataError, SettingError, must_be
from hpsearch.nn.gradcheck import numeric_gradient

# Float64, any shape; a single number is an array of shape ().
Array = NDArray[np.float64]


class Node:
    """A value in a graph: an input, or the output of a gate.

    Nodes are added, subtracted, multiplied and divided element by element, as arrays are, with numbers and arrays too; ``@`` is
    the product of matrices.

    Args:
        value: numbers of any shape; float64 is taken as it is, without a copy.
        gate: what computes the value, or None of an input.
        inputs: of the gate.
    Raises:
        DataError: the value is no array of real numbers.

    ``depth`` is the number of gates on the longest way to an input.
    """

    __slots__ = ("depth", "gate", "inputs", "value")
    # NumPy leaves `array * node` to the node.
    __array_ufunc__ = None

    def __init__(self, value: ArrayLike, gate: Gate | None = None, inputs: tuple[Node, ...] = ()) -> None:
        try:
            self.value: Array = np.asarray(value, np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(must_be("A node", "an array of real numbers", value, "Write it as in Node([1.0, 2.0]).")) from error
        self.gate = gate
        self.inputs = inputs
        self.depth: int = 1 + max([one.depth for one in inputs]) if inputs else 0

    def __repr__(self) -> str:
        return f"Node({'input' if self.gate is None else self.gate.name}, shape={self.value.shape})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    @property
    def T(self) -> Node:
        """The transposed matrix."""
        return self.inputs[0] if self.gate is _TRANSPOSE else _TRANSPOSE(self)

    def __add__(self, other: Any) -> Node:
        return _ADD(self, other)

    def __sub__(self, other: Any) -> Node:
        return _SUBTRACT(self, other)

    def __mul__(self, other: Any) -> Node:
        return _MULTIPLY(self, other)

    def __truediv__(self, other: Any) -> Node:
        return _DIVIDE(self, other)

    def __matmul__(self, other: Any) -> Node:
        return _MATMUL(self, other)

    def __radd__(self, other: Any) -> Node:
        return _ADD(other, self)

    def __rsub__(self, other: Any) -> Node:
        return _SUBTRACT(other, self)

    def __rmul__(self, other: Any) -> Node:
        return _MULTIPLY(other, self)

    def __rtruediv__(self, other: Any) -> Node:
        return _DIVIDE(other, self)

    def __rmatmul__(self, other: Any) -> Node:
        return _MATMUL(other, self)

    def __neg__(self) -> Node:
        return _MULTIPLY(self, -1.0)


# The slope of the output of a graph by one input of a gate: from that by the gate's output, the output and the inputs.
Slope = Callable[[Node, Node, tuple[Node, ...]], Node]


@dataclass(frozen=True)
class Gate:
    """A function of arrays with its derivatives; called with nodes or numbers, it returns the node of its value.

    Args:
        name: for `Node`'s repr.
        evaluate: the function, of the values of the inputs.
        slopes: one for each input, made of nodes: an element of ``slopes`` is the vector-Jacobian product.
    """

    name: str
    evaluate: Callable[..., Any]
    slopes: tuple[Slope, ...]

    def __call__(self, *inputs: Any) -> Node:
        """Return the node of the gate's value at these inputs.

        Raises:
            DataError: for inputs whose shapes do not fit.
        """
        nodes = tuple([one if isinstance(one, Node) else Node(one) for one in inputs])
        try:
            return Node(self.evaluate(*[node.value for node in nodes]), self, nodes)
        except ValueError as error:
            raise _misfit(self.name, nodes) from error


def ordered(output: Node, least: int = 0) -> list[Node]:
    """Return the nodes that an output depends on, each after its inputs, the output last.

    Args:
        output: any node.
        least: the depth below which nodes are left out.

    >>> x = Node(3.0)
    >>> [repr(node) for node in ordered(x * x + x)]
    ['Node(input, shape=())', 'Node(multiply, shape=())', 'Node(add, shape=())']
    """
    # A dict, since the order of a set would be that of addresses: sums of slopes would differ in their last bits.
    found, waiting = {output: None}, [output]
    while waiting:
        for one in waiting.pop().inputs:
            if one.depth >= least and one not in found:
                found[one] = None
                waiting.append(one)
    # A gate is deeper than each of its inputs.
    return sorted(found, key=lambda node: node.depth)


def forward(output: Node) -> Array:
    """Evaluate all gates again, in topological order, and return the value of the output.

    A node has its value from the start; this is for inputs whose ``value`` was changed.

    >>> x, y, z = Node(-2), Node(5), Node(-4)
    >>> f = (x + y) * z
    >>> z.value = np.array(2.0)
    >>> float(forward(f))
    6.0
    """
    for node in ordered(output):
        if node.gate is not None:
            node.value = np.asarray(node.gate.evaluate(*[one.value for one in node.inputs]), np.float64)
    return output.value


def backward(output: Node, inputs: Sequence[Node]) -> list[Node]:
    """Return the slopes of a number by some nodes, each of the node's shape.

    The gates are passed in reverse topological order. Each multiplies the slope at its output by its own derivatives and passes
    the products to its inputs, where slopes that arrive on several ways are added.

    Args:
        output: a single number.
        inputs: nodes that it may depend on; by others the slope is 0.
    Raises:
        SettingError: the output is not a single number.

    >>> x, y, z = Node(-2), Node(5), Node(-4)
    >>> f = (x + y) * z
    >>> float(f.value), [float(slope.value) for slope in backward(f, [x, y, z])]
    (-12.0, [-4.0, -4.0, 3.0])
    """
    if output.value.ndim:
        advice = "Sum it: backward(total(node), inputs)."
        raise SettingError(must_be("What is differentiated", "a single number", f"an array of shape {output.shape}", advice))
    # What is less deep than every input depends on none of them.
    order = ordered(output, min((node.depth for node in inputs), default=0))
    wanted = set(inputs)
    for node in order:
        if not wanted.isdisjoint(node.inputs):
            wanted.add(node)
    slopes = {output: Node(1.0)}
    for node in reversed(order):
        if node.gate is None or node not in wanted or node not in slopes:
            continue
        for one, slope in zip(node.inputs, node.gate.slopes, strict=True):
            if one in wanted:
                arrived = slope(slopes[node], node, node.inputs)
                slopes[one] = slopes[one] + arrived if one in slopes else arrived
    return [slopes[node] if node in slopes else Node(np.zeros(node.shape)) for node in inputs]


def check_slopes(output: Node, inputs: Sequence[Node], step: float = 1e-5) -> float:
    """Return how far slopes are from two-sided differences: |g - n| / (|g| + |n|), over all inputs.

    About 1e-10 for right slopes, more than 1e-2 for wrong ones. Values are changed on the way and restored.

    Args:
        output: a single number.
        inputs: inputs of the graph, not outputs of gates.
        step: of the differences.
    """
    given = [node.value for node in inputs]
    slopes = np.concatenate([slope.value.ravel() for slope in backward(output, inputs)])
    for node in inputs:
        node.value = node.value.copy()
    differences = numeric_gradient(lambda: float(forward(output)), [node.value for node in inputs], step)
    for node, value in zip(inputs, given, strict=True):
        node.value = value
    forward(output)
    expected = np.concatenate([array.ravel() for array in differences])
    size = float(np.linalg.norm(slopes) + np.linalg.norm(expected))
    return float(np.linalg.norm(slopes - expected)) / size if size else 0.0


def sum_to(node: Node, shape: tuple[int, ...]) -> Node:
    """Return sums over the axes by which an array was broadcast from ``shape``: (n, k) to (k,), to (n, 1), to ()."""
    if node.value.shape == shape:
        return node
    if not _is_broadcast(shape, node.shape):
        raise DataError(must_be("The shape of sums", f"one that is broadcast to {node.shape}", shape, "1 keeps an axis."))
    return Node(_add_up(node.value, shape), Gate("sum", lambda value: _add_up(value, shape), _OF_SUM), (node,))


def broadcast_to(node: Node, shape: tuple[int, ...]) -> Node:
    """Return an array of a larger shape, in which the elements of a smaller one are repeated."""
    if node.value.shape == shape:
        return node
    if not _is_broadcast(node.shape, shape):
        raise DataError(must_be("The larger shape", f"one that {node.shape} is broadcast to", shape, "Axes come in front."))
    return Node(_repeat(node.value, shape), Gate("broadcast", lambda value: _repeat(value, shape), _OF_BROADCAST), (node,))


def total(node: Node) -> Node:
    """Return the sum of all elements."""
    return sum_to(node, ())


def sigmoid_cross_entropy(z: Node, targets: Any) -> Node:
    """Return the mean over rows of log(1 + exp z) - y z, summed over the outputs: C = -sum(y log a + (1 - y) log(1 - a)).

    Args:
        z: before the sigmoid, (n, k); finite costs for any finite z.
        targets: y, (n, k).
    """
    return _SIGMOID_CROSS_ENTROPY(z, targets)


def softmax_cross_entropy(z: Node, targets: Any) -> Node:
    """Return the mean over rows of -sum(y log softmax(z)).

    Args:
        z: before the softmax, (n, k); finite costs for any finite z.
        targets: y, (n, k), each row of sum 1.
    """
    targets = targets if isinstance(targets, Node) else Node(targets)
    if len(z.shape) != 2 or z.shape != targets.shape:
        raise _misfit("softmax_cross_entropy", (z, targets))
    return (total(log_sum_exp(z)) - total(z * targets)) / len(z.value)


def _misfit(name: str, nodes: Sequence[Node]) -> DataError:
    shapes = " and ".join(str(node.shape) for node in nodes)
    return DataError(must_be(f"Inputs of {name}", "of shapes that fit", shapes, "Transpose or reshape one."))


def _is_broadcast(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    return len(small) <= len(large) and all(a in (1, b) for a, b in zip(reversed(small), reversed(large), strict=False))


def _add_up(value: Array, shape: tuple[int, ...]) -> Array:
    if not shape:
        return np.asarray(np.add.reduce(value, axis=None))
    extra = value.ndim - len(shape)
    value = np.add.reduce(value, axis=tuple(range(extra))) if extra else value
    alone = tuple(axis for axis, size in enumerate(shape) if size == 1 and value.shape[axis] != 1)
    return np.asarray(np.add.reduce(value, axis=alone, keepdims=True) if alone else value)


def _repeat(value: Array, shape: tuple[int, ...]) -> Array:
    found = np.empty(shape)
    found[...] = value
    return found


def _sigmoid(value: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * value))


def _softplus(value: Array) -> Array:
    return np.asarray(np.maximum(value, 0.0) + np.log1p(np.exp(-np.abs(value))))


def _log_sum_exp(value: Array) -> Array:
    most = value.max(axis=-1, keepdims=True)
    return np.asarray(most + np.log(np.exp(value - most).sum(axis=-1, keepdims=True)))


def _softmax(value: Array) -> Array:
    return np.exp(value - _log_sum_exp(value))


def _softmax_slope(g: Node, out: Node, ins: tuple[Node, ...]) -> Node:
    weighted = g * out
    return weighted - out * sum_to(weighted, (*out.shape[:-1], 1))


def _sigmoid_cost(z: Array, targets: Array) -> Array:
    # Arrays that are broadcast here would get slopes of another shape than theirs; so in the products below.
    if z.ndim != 2 or z.shape != targets.shape:
        raise ValueError
    return np.asarray((_softplus(z) - targets * z).sum(axis=1).mean())


def _matmul(a: Array, b: Array) -> Array:
    if not a.ndim == b.ndim == 2:
        raise ValueError
    return a @ b


def _affine(x: Array, w: Array, b: Array) -> Array:
    if not x.ndim == w.ndim == 2:
        raise ValueError
    return x @ w.T + b


def _inner(a: Array, b: Array) -> Any:
    if a.shape != b.shape:
        raise ValueError
    return np.vdot(a, b)


def _product_slope(g: Node, other: Node, shape: tuple[int, ...]) -> Node:
    """Return the slope by one factor of a product, which is a single number in many of them."""
    if not shape and g.value.shape == other.value.shape:
        return inner(g, other)
    return sum_to(g * other, shape)


_OF_SUM: tuple[Slope, ...] = (lambda g, out, ins: broadcast_to(g, ins[0].shape),)
_OF_BROADCAST: tuple[Slope, ...] = (lambda g, out, ins: sum_to(g, ins[0].shape),)
_ADD = Gate(
    "add", np.add, (lambda g, out, ins: sum_to(g, ins[0].shape), lambda g, out, ins: sum_to(g, ins[1].shape))
)  # fmt: skip
_SUBTRACT = Gate(
    "subtract", np.subtract, (lambda g, out, ins: sum_to(g, ins[0].shape), lambda g, out, ins: sum_to(-g, ins[1].shape))
)
_MULTIPLY = Gate(
    "multiply",
    np.multiply,
    (lambda g, out, ins: _product_slope(g, ins[1], ins[0].shape), lambda g, out, ins: _product_slope(g, ins[0], ins[1].shape)),
)
_DIVIDE = Gate(
    "divide",
    np.divide,
    (lambda g, out, ins: sum_to(g / ins[1], ins[0].shape), lambda g, out, ins: sum_to(-(g * out) / ins[1], ins[1].shape)),
)
_MATMUL = Gate("matmul", _matmul, (lambda g, out, ins: g @ ins[1].T, lambda g, out, ins: ins[0].T @ g))
_SIGMOID_CROSS_ENTROPY = Gate(
    "sigmoid_cross_entropy",
    _sigmoid_cost,
    (
        lambda g, out, ins: (sigmoid(ins[0]) - ins[1]) * (g / len(ins[0].value)),
        lambda g, out, ins: g * (ins[0] / -len(ins[0].value)),
    ),
)
# x @ w.T + b, a layer's weighted sums, in one gate.
affine: Gate = Gate(
    "affine",
    _affine,
    (lambda g, out, ins: g @ ins[1], lambda g, out, ins: _LEFT(g, ins[0]), lambda g, out, ins: sum_to(g, ins[2].shape)),
)
# a.T @ b
_LEFT: Gate = Gate("matmul", lambda a, b: a.T @ b, (lambda g, out, ins: ins[1] @ g.T, lambda g, out, ins: ins[0] @ g))
_TRANSPOSE = Gate("transpose", np.transpose, (lambda g, out, ins: g.T,))

inner: Gate = Gate("inner", _inner, (lambda g, out, ins: g * ins[1], lambda g, out, ins: g * ins[0]))
exp: Gate = Gate("exp", np.exp, (lambda g, out, ins: g * out,))
log: Gate = Gate("log", np.log, (lambda g, out, ins: g / ins[0],))
tanh: Gate = Gate("tanh", np.tanh, (lambda g, out, ins: _TANH_SLOPE(g, out),))
_TANH_SLOPE: Gate = Gate(
    "tanh slope",
    lambda g, t: g * (1.0 - t * t),
    (lambda g, out, ins: _TANH_SLOPE(g, ins[1]), lambda g, out, ins: g * ins[0] * ins[1] * -2.0),
)
sigmoid: Gate = Gate("sigmoid", _sigmoid, (lambda g, out, ins: _SIGMOID_SLOPE(g, out),))
_SIGMOID_SLOPE: Gate = Gate(
    "sigmoid slope",
    lambda g, s: g * (s * (1.0 - s)),
    (lambda g, out, ins: _SIGMOID_SLOPE(g, ins[1]), lambda g, out, ins: g * ins[0] * (1.0 - 2.0 * ins[1])),
)
relu: Gate = Gate("relu", lambda value: np.maximum(value, 0.0), (lambda g, out, ins: _RELU_SLOPE(g, ins[0]),))
_RELU_SLOPE: Gate = Gate(
    "relu slope",
    lambda g, value: g * (value > 0),
    (lambda g, out, ins: _RELU_SLOPE(g, ins[1]), lambda g, out, ins: Node(np.zeros(ins[1].shape))),
)
softplus: Gate = Gate("softplus", _softplus, (lambda g, out, ins: g * sigmoid(ins[0]),))
softmax: Gate = Gate("softmax", _softmax, (_softmax_slope,))
log_sum_exp: Gate = Gate("log_sum_exp", _log_sum_exp, (lambda g, out, ins: g * softmax(ins[0]),))
