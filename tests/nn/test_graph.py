"""The computational graph: the documents' example, every gate against differences, and slopes of slopes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import rosen, rosen_der

from hpsearch.errors import DataError, SettingError
from hpsearch.nn import Recipe, Stack, Training, graph
from hpsearch.nn.graph import Gate, Node, backward, check_slopes, forward, inner, ordered, total
from hpsearch.nn.layers import Affine, SoftmaxWithLoss
from hpsearch.nn.network import Network
from hpsearch.testing import check_gradient

RNG = np.random.default_rng(4)
TARGETS = np.eye(4)[RNG.integers(0, 4, 5)]


def numbers(*shape: int, low: float = -2.0) -> Node:
    return Node(np.random.default_rng(sum(shape)).uniform(low, 2.0, shape))


# Every gate and every way to write one, with inputs whose shapes are broadcast where they may be.
EXPRESSIONS: dict[str, tuple[Callable[..., Node], tuple[Node, ...]]] = {
    "add": (lambda a, b: total((a + b) * (a + b)), (numbers(5, 4), numbers(4))),
    "add a number": (lambda a: total((2.0 + a) * (a + 1)), (numbers(3),)),
    "subtract": (lambda a, b: total((a - b) * (1 - a)), (numbers(5, 1), numbers(5, 4))),
    "multiply": (lambda a, b: total(a * b * a), (numbers(5, 4), Node(1.7))),
    "divide": (lambda a, b: total(a / b + 1 / b), (numbers(5, 4), numbers(4, low=0.5))),
    "negative": (lambda a: total(-a * a), (numbers(3, 2),)),
    "matmul": (lambda a, b: total((a @ b) * (a @ b)), (numbers(5, 3), numbers(3, 4))),
    "transpose": (lambda a, b: total(a.T @ b @ b.T), (numbers(5, 3), numbers(5, 4))),
    "affine": (lambda x, w, b: total(graph.tanh(graph.affine(x, w, b))), (numbers(5, 3), numbers(4, 3), numbers(4))),
    "inner": (lambda a, b: inner(a, b) * inner(a, a), (numbers(5, 4), numbers(4, 5).T)),
    "sum": (lambda a: total(graph.sum_to(a, (5, 1)) * graph.sum_to(a, (4,))), (numbers(5, 4),)),
    "broadcast": (lambda a: total(graph.broadcast_to(a, (3, 5, 4)) * graph.broadcast_to(a * a, (3, 5, 4))), (numbers(4),)),
    "exp": (lambda a: total(graph.exp(a)), (numbers(5, 4),)),
    "log": (lambda a: total(graph.log(a)), (numbers(5, 4, low=0.1),)),
    "tanh": (lambda a: total(graph.tanh(a)), (numbers(5, 4),)),
    "sigmoid": (lambda a: total(graph.sigmoid(a)), (numbers(5, 4),)),
    "relu": (lambda a: total(graph.relu(a) * a), (numbers(5, 4),)),
    "softplus": (lambda a: total(graph.softplus(a)), (numbers(5, 4),)),
    "softmax": (lambda a: total(graph.softmax(a) * TARGETS), (numbers(5, 4),)),
    "log_sum_exp": (lambda a: total(graph.log_sum_exp(a)), (numbers(5, 4),)),
    "sigmoid_cross_entropy": (graph.sigmoid_cross_entropy, (numbers(5, 4), Node(TARGETS * 0.8 + 0.1))),
    "softmax_cross_entropy": (lambda z: graph.softmax_cross_entropy(z, TARGETS), (numbers(5, 4),)),
}


def inputs_of(nodes: tuple[Node, ...]) -> list[Node]:
    return [Node(node.value.copy()) for node in nodes]


def test_the_example_of_the_documents() -> None:
    """x = -2, y = 5, z = -4: (x + y) z = -12, with slopes -4, -4 and 3 (documents B and E)."""
    x, y, z = Node(-2), Node(5), Node(-4)
    q = x + y
    f = q * z
    assert [float(node.value) for node in (q, f)] == [3.0, -12.0]
    assert [float(slope.value) for slope in backward(f, [x, y, z, q])] == [-4.0, -4.0, 3.0, -4.0]


def test_a_node_that_is_used_twice_sums_its_slopes() -> None:
    """f = x y + x: df/dx = y + 1; and x + x has the slope 2, x x the slope 2 x."""
    x, y = Node(3.0), Node(5.0)
    assert float(backward(x * y + x, [x])[0].value) == 6.0
    assert float(backward(x + x, [x])[0].value) == 2.0
    assert float(backward(x * x, [x])[0].value) == 6.0


def test_gates_come_after_their_inputs() -> None:
    x = Node(1.5)
    f = x
    for _ in range(5000):  # deeper than Python's recursion
        f = f * 0.999 + x
    order = ordered(f)
    place = {node: i for i, node in enumerate(order)}
    assert order[-1] is f
    assert all(place[one] < place[node] for node in order for one in node.inputs)
    assert backward(f, [x])[0].value == pytest.approx(sum(0.999**i for i in range(5001)))


def test_forward_evaluates_again_what_depends_on_changed_inputs() -> None:
    x, w = Node(np.ones((2, 3))), Node(np.ones((4, 3)))
    f = total(x @ w.T)
    w.value = np.full((4, 3), 2.0)
    assert float(f.value) == 24.0
    assert float(forward(f)) == float(f.value) == 48.0


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_slopes_are_those_of_two_sided_differences(name: str) -> None:
    make, given_ = EXPRESSIONS[name]
    inputs = inputs_of(given_)
    assert check_slopes(make(*inputs), inputs) < 1e-7


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_slopes_of_slopes_are_those_of_two_sided_differences(name: str) -> None:
    make, given_ = EXPRESSIONS[name]
    inputs = inputs_of(given_)
    slopes = backward(make(*inputs), inputs)
    weighted = sum((inner(slope, np.cos(np.arange(slope.value.size)).reshape(slope.shape)) for slope in slopes), Node(0.0))
    assert check_slopes(weighted, inputs) < 1e-7


def test_a_wrong_gate_is_found() -> None:
    wrong = Gate("tanh", np.tanh, (lambda g, out, ins: g * (1.0 - out),))
    x = numbers(5, 4)
    assert check_slopes(total(wrong(x)), [x]) > 1e-2


def test_a_slope_that_is_not_summed_is_found() -> None:
    """A copied node whose slopes overwrite one another, as in a gate that forgets its second use of an input."""
    square = Gate("square", lambda a: a * a, (lambda g, out, ins: g * ins[0],))
    x = numbers(4)
    assert check_slopes(total(square(x)), [x]) > 1e-2


def test_checking_leaves_the_values_as_they_were() -> None:
    x = Node(np.array([1.0, 2.0]))
    kept, f = x.value, total(graph.exp(x))
    before = float(f.value)
    check_slopes(f, [x])
    assert x.value is kept
    assert float(f.value) == before
    np.testing.assert_array_equal(kept, [1.0, 2.0])


def rosenbrock(x: Node, pick: NDArray[Any], shift: NDArray[Any]) -> Node:
    a, b = x @ pick, x @ shift
    step, rest = b - a * a, 1.0 - a
    return 100.0 * inner(step, step) + inner(rest, rest)


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_slopes_are_those_of_scipy(start: list[float]) -> None:
    """Rosenbrock's function, whose gradient SciPy has in closed form."""
    x = Node([start])
    f = rosenbrock(x, np.eye(4)[:, :-1], np.eye(4)[:, 1:])
    assert float(f.value) == pytest.approx(rosen(start), abs=1e-9)
    np.testing.assert_allclose(backward(f, [x])[0].value[0], rosen_der(np.array(start)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
def test_costs_and_gradients_are_those_of_the_network(cost: str) -> None:
    """Of a network with tanh units in float64, whose gradient `hpsearch.nn.passes` works out by hand."""
    network = Network.create((3, 6, 4), np.random.default_rng(1), activation="tanh", cost=cost, dtype="float64")
    rows, labels = numbers(5, 3), TARGETS.argmax(axis=1)
    (w, v), (b, u) = ([Node(one) for one in many] for many in (network.weights, network.biases))
    make = graph.sigmoid_cross_entropy if cost == "cross_entropy" else graph.softmax_cross_entropy
    node = make(graph.affine(graph.tanh(graph.affine(rows, w, b)), v, u), TARGETS)
    assert float(node.value) == pytest.approx(network.mean_cost(rows.value, labels), rel=1e-12)
    by_weights, by_biases = network.gradient(rows.value, labels)
    for ours, theirs in zip(backward(node, [w, v, b, u]), [*by_weights, *by_biases], strict=True):
        np.testing.assert_allclose(ours.value, theirs, rtol=1e-10, atol=1e-14)


def test_large_inputs_stay_finite() -> None:
    z = Node(np.array([[1e4, -1e4, 0.0, 1e4]]))
    targets = np.array([[0.0, 1.0, 0.0, 0.0]])
    for make in (graph.sigmoid_cross_entropy, graph.softmax_cross_entropy):
        cost = make(z, targets)
        assert np.isfinite(cost.value)
        assert np.isfinite(backward(cost, [z])[0].value).all()


def test_slopes_are_those_of_pytorch() -> None:
    """The slope of a gradient's squared length by every weight, as `torch.autograd.grad` has it."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install torch)")
    values = [numbers(6, 3).value, numbers(5, 3).value, numbers(5).value, numbers(4, 5).value]
    x, w, b, v = (Node(value) for value in values)
    cost = graph.softmax_cross_entropy(graph.tanh(graph.affine(x, w, b)) @ v.T, np.eye(4)[[0, 1, 2, 3, 0, 1]])
    first = backward(cost, [w, v])
    second = backward(inner(first[0], first[0]) + inner(first[1], first[1]), [w, b, v])
    tx, tw, tb, tv = (torch.tensor(value, requires_grad=True) for value in values)
    theirs = torch.nn.functional.cross_entropy(torch.tanh(tx @ tw.T + tb) @ tv.T, torch.tensor([0, 1, 2, 3, 0, 1]))
    grads = torch.autograd.grad(theirs, [tw, tv], create_graph=True)
    expected = torch.autograd.grad(sum((g**2).sum() for g in grads), [tw, tb, tv])
    assert float(cost.value) == pytest.approx(theirs.item(), rel=1e-12)
    for ours, other in zip(second, expected, strict=True):
        np.testing.assert_allclose(ours.value, other.numpy(), rtol=1e-10, atol=1e-12)


def test_a_node_that_nothing_depends_on_has_the_slope_zero() -> None:
    x, y = numbers(3), numbers(2, 2)
    np.testing.assert_array_equal(backward(total(x), [y])[0].value, np.zeros((2, 2)))


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(SettingError, match=r"What is differentiated must be a single number, got 'an array of shape \(3,\)'"):
        backward(numbers(3), [])
    with pytest.raises(DataError, match=r"Inputs of matmul must be of shapes that fit, got '\(5, 3\) and \(5, 4\)'"):
        numbers(5, 3) @ numbers(5, 4)
    with pytest.raises(DataError, match="Inputs of add must be of shapes that fit"):
        np.ones(3) + numbers(2)
    with pytest.raises(DataError, match=r"The shape of sums must be one that is broadcast to \(5, 4\), got \(5,\)"):
        graph.sum_to(numbers(5, 4), (5,))
    with pytest.raises(DataError, match=r"The larger shape must be one that \(5, 4\) is broadcast to, got \(5,\)"):
        graph.broadcast_to(numbers(5, 4), (5,))
    for wrong in ("a", 1j):
        with pytest.raises(DataError, match="A node must be an array of real numbers"):
            Node(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (lambda a, b: a @ b, [(3,), (3, 3)]),
        (lambda a, b: a @ b, [(2, 3, 4), (2, 4, 3)]),
        (lambda a, b: graph.affine(a, b, np.zeros(3)), [(3,), (3, 3)]),
        (inner, [(2, 3), (3, 2)]),
        (graph.sigmoid_cross_entropy, [(3, 2), (3, 1)]),
        (graph.softmax_cross_entropy, [(3, 3), (3,)]),
        (graph.softmax_cross_entropy, [(3,), (3,)]),
    ],
)
def test_inputs_whose_slopes_would_have_another_shape_are_refused(make: Any, shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(DataError, match="must be of shapes that fit"):
        make(*(numbers(*shape) for shape in shapes))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_forward_evaluates_slopes_again(name: str) -> None:
    make, given_ = EXPRESSIONS[name]
    inputs, others = inputs_of(given_), inputs_of(given_)
    slopes = backward(make(*inputs), inputs)
    for node, other in zip(inputs, others, strict=True):
        node.value = other.value = node.value[::-1].copy() if node.shape else node.value + 1.0
    for slope, other in zip(slopes, backward(make(*others), others), strict=True):
        np.testing.assert_allclose(forward(slope), other.value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_layer_of_the_guide_trains(dtype: str) -> None:
    """Its slope comes from the graph; `check_gradient` compares it with differences."""
    blocks = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "graph.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if "class Swish" in block]
    names: dict[str, Any] = {}
    exec(block, names)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype(dtype), rng.integers(0, 3, 60)
    first, last = (Affine.create(*sizes, rng, dtype=dtype) for sizes in ((4, 5), (5, 3)))
    stack = Stack(first, names["Swish"](), last, SoftmaxWithLoss())
    before = stack.mean_cost(x, y)
    if dtype == "float64":
        assert check_gradient(stack, x[:7], y[:7]) <= 1e-7
    training = Training(stack, (x, y), Recipe(0.1, epochs=3, momentum=0.9), rng)
    list(training.run())
    assert training.network.mean_cost(x, y) < before
    assert training.network.weights[0].dtype == dtype
