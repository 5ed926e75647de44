"""Layers composed freely: the gradient of each with each, and a stack against the network of the same layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn import export
from hpsearch.nn.activations import ELEMENTWISE, Maxout, Relu, Sigmoid, Tanh
from hpsearch.nn.arrays import Array
from hpsearch.nn.averaging import MovingAverage
from hpsearch.nn.costs import COSTS
from hpsearch.nn.gradcheck import check_gradient
from hpsearch.nn.layers import (
    Affine,
    Dropout,
    Elementwise,
    HingeLoss,
    LinearWithQuadratic,
    LinearWithSquaredErrors,
    Loss,
    SigmoidWithCrossEntropy,
    SigmoidWithQuadratic,
    SoftmaxWithLoss,
    TanhWithQuadratic,
)
from hpsearch.nn.network import Network
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.regularizers import L1, L2
from hpsearch.nn.schedules import Cosine
from hpsearch.nn.stack import Stack
from hpsearch.nn.stopping import NoImprovement
from hpsearch.nn.training.training import Training
from tests.nn.blobs import CLASSES, INPUTS, blobs, blobs_for

LOSSES = {
    "quadratic": SigmoidWithQuadratic(),
    "cross_entropy": SigmoidWithCrossEntropy(),
    "log_likelihood": SoftmaxWithLoss(),
    "squared_error": LinearWithQuadratic(),
    "squared_errors": LinearWithSquaredErrors(),
    "hinge": HingeLoss(),
    "quadratic_tanh": TanhWithQuadratic(),
}


class Square:
    """A layer of a user's own: x^2, with a derivative that may be planted wrong."""

    def __init__(self, factor: float = 2.0) -> None:
        self.factor = factor

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        self.x = x
        return np.asarray(x * x)

    def backward(self, delta: Array) -> Array:
        return np.asarray(self.factor * self.x * delta)

    def units(self, inputs: int) -> int:
        return inputs


# Every layer that has something below it, as (layers, outputs for six inputs).
MIDDLES: dict[str, Callable[[], list[Any]]] = {
    **{name: (lambda f=f: [f]) for name, f in ELEMENTWISE.items()},  # type: ignore[misc]
    "maxout": lambda: [Maxout(3)],
    "dropout": lambda: [Dropout(0.4), Tanh()],
    "two affine": lambda: [affine(6, 6), Relu()],
    "dropout, maxout, dropout": lambda: [Dropout(0.2), Maxout(2), Dropout(0.3)],
    "two functions": lambda: [Tanh(), Sigmoid()],
    "a user's own": lambda: [Square()],
}


def affine(inputs: int, units: int, seed: int = 3) -> Affine:
    return Affine.create(inputs, units, np.random.default_rng(seed), dtype="float64")


def stack_of(middle: list[Any], loss: Loss | None = None, bottom: list[Any] | None = None) -> Stack:
    width = Stack(affine(INPUTS, 6), *middle, SoftmaxWithLoss()).sizes[-1]
    return Stack(*(bottom or []), affine(INPUTS, 6), *middle, affine(width, CLASSES), loss or SoftmaxWithLoss())


def test_there_is_a_loss_for_every_cost() -> None:
    assert {loss.name: loss.cost for loss in LOSSES.values()} == COSTS


@pytest.mark.parametrize(("l2", "l1"), [(None, None), (L2(3.0), None), (None, L1(2.0)), (L2(3.0), L1(2.0))])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("middle", MIDDLES)
def test_gradient_of_every_layer_with_every_loss_and_penalty(middle: str, loss: str, l2: L2 | None, l1: L1 | None) -> None:
    assert check_gradient(stack_of(MIDDLES[middle](), LOSSES[loss]), *blobs_for(loss, 7), l2, l1=l1) <= 1e-7


def test_dropout_of_inputs_is_checked_with_its_mask() -> None:
    stack = stack_of([Relu()], bottom=[Dropout(0.3)])
    assert stack.thinned
    assert check_gradient(stack, *blobs(7)) <= 1e-7


def test_a_wrong_derivative_of_a_layer_fails() -> None:
    assert check_gradient(stack_of([Square(1.9)]), *blobs(7)) > 1e-3


@pytest.mark.parametrize("numbers", [1, 4])
def test_numbers_to_be_predicted(numbers: int) -> None:
    stack = Stack(affine(INPUTS, 4), Tanh(), affine(4, 1), LinearWithQuadratic())
    x, _ = blobs(7)
    assert check_gradient(stack, x, numbers * x[:, 0].astype(np.float64)) <= 1e-7


SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {"l2": 5.0},
    "momentum": {"momentum": 0.9, "l1": 1.0, "l2": 1.0},
    "adam": {"optimizer": "adam", "schedule": Cosine(), "stopping": NoImprovement(2)},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("activation", ["tanh", "maxout"])
def test_trains_as_the_network_of_the_same_layers(activation: str, settings: dict[str, Any]) -> None:
    """For tanh, the network runs through passes of its own, so that these are two implementations."""
    units = 4 * (2 if activation == "maxout" else 1)
    network = Network(
        [affine(INPUTS, units).weights, affine(4, CLASSES).weights], [np.zeros(units), np.zeros(CLASSES)], activation
    )
    layers = [Affine(w.copy(), b.copy()) for w, b in zip(network.weights, network.biases, strict=True)]
    stack = Stack(layers[0], Maxout() if activation == "maxout" else Tanh(), layers[1], SigmoidWithCrossEntropy())
    recipe = Recipe(0.1, epochs=5, **settings)
    validation = blobs(40, seed=2)
    one, other = (Training(net, blobs(), recipe, np.random.default_rng(2), validation) for net in (network, stack))
    np.testing.assert_allclose(
        [list(epoch.curves.values()) for epoch in one.run()], [list(epoch.curves.values()) for epoch in other.run()], rtol=1e-12
    )
    for ours, theirs in zip(network.weights + network.biases, stack.weights + stack.biases, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-13)
    assert one.kept_epoch == other.kept_epoch
    np.testing.assert_allclose(one.kept.forward(validation[0]), other.kept.forward(validation[0]), rtol=1e-12)


def test_goes_on_from_a_state_to_the_same_bits() -> None:
    def training(seed: int) -> Training:
        stack = stack_of([Tanh(), Dropout(0.5)])
        return Training(stack, blobs(), Recipe(0.5, epochs=6, momentum=0.5), np.random.default_rng(seed), blobs(40, seed=2))

    through, first, second = training(0), training(0), training(1)
    list(through.run())
    list(first.run(until=3))
    second.restore(first.state())
    list(second.run())
    assert second.history == through.history
    np.testing.assert_array_equal(second.network.weights[0], through.network.weights[0])


class Scale:
    """A layer of a user's own that learns a factor for each unit; its gradient may be planted wrong."""

    def __init__(self, units: int = 6, *, decays: bool = False, planted: float = 1.0, dtype: str = "float64") -> None:
        self.parameters, self.decays, self.planted = [np.linspace(0.5, 1.5, units).astype(dtype)], decays, planted

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        self.x = x
        return np.asarray(self.parameters[0][:, None] * x)

    def backward(self, delta: Array) -> Array:
        self.found = [self.planted * (delta * self.x).sum(axis=1)]
        return np.asarray(self.parameters[0][:, None] * delta)

    def gradients(self) -> list[Array]:
        return self.found

    def units(self, inputs: int) -> int:
        return inputs


@pytest.mark.parametrize("decays", [False, True])
@pytest.mark.parametrize("bottom", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_of_a_layer_that_learns(loss: str, bottom: bool, decays: bool) -> None:
    below = [Scale(INPUTS, decays=decays)] if bottom else []
    stack = stack_of([Scale(decays=decays), Tanh(), Dropout(0.3)], LOSSES[loss], below)
    assert check_gradient(stack, *blobs_for(loss, 7), L2(3.0), l1=L1(2.0)) <= 1e-7
    assert check_gradient(stack, *blobs_for(loss, 7), L2(3.0), decay_biases=True, directions=5) <= 1e-7


def test_a_wrong_gradient_of_a_layer_that_learns_fails() -> None:
    assert check_gradient(stack_of([Scale(planted=1.1), Tanh()]), *blobs(7)) > 1e-3


LEARNING: dict[str, dict[str, Any]] = {
    "plain": {"l2": 20.0},
    "l1": {"l1": 3.0},
    "momentum": {"momentum": 0.9, "l2": 5.0},
    "full batch": {"optimizer": "l-bfgs", "learning_rate": 1.0, "l2": 5.0},
}


@pytest.mark.parametrize("decays", [False, True])
@pytest.mark.parametrize("settings", LEARNING.values(), ids=LEARNING)
def test_parameters_are_trained_by_the_formula(settings: dict[str, Any], decays: bool) -> None:
    """Steps of all arrays alike, with the penalty for weights, and for factors that decay."""
    stack, recipe = stack_of([Scale(decays=decays)]), Recipe(**{"learning_rate": 0.1, "epochs": 3, **settings})
    start, (x, labels) = stack.copy(), blobs()
    order = np.arange(64)
    next(Training(stack, blobs(), recipe, np.random.default_rng(0)).run(orders=[order]))
    if recipe.full_batch:
        cost = [net.mean_cost(x, labels, L2(5.0)) for net in (start, stack)]
        assert cost[1] < cost[0]
        return
    arrays, velocities = [*start.weights, *start.biases], [np.zeros_like(a) for a in (*start.weights, *start.biases)]
    penalised = (0, 1, 4) if decays else (0, 1)
    for rows in np.array_split(order, np.arange(10, 64, 10)):
        _, weights, biases = start.cost_and_gradient(x[rows], labels[rows])
        for i, (array, slope, velocity) in enumerate(zip(arrays, [*weights, *biases], velocities, strict=True)):
            pull = (recipe.l2 * array + recipe.l1 * np.sign(array)) / 64 if i in penalised else 0.0
            velocity[...] = recipe.momentum * velocity - 0.1 * (slope + pull)
        for array, velocity in zip(arrays, velocities, strict=True):
            array += velocity
    for ours, theirs in zip([*stack.weights, *stack.biases], arrays, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("settings", [{"optimizer": "adam"}, {"averaging": MovingAverage(0.9), "momentum": 0.5}])
def test_a_layer_that_learns_goes_on_from_a_state_to_the_same_bits(settings: dict[str, Any]) -> None:
    def training() -> Training:
        recipe = Recipe(0.1, epochs=4, l2=1.0, **settings)
        return Training(stack_of([Scale(decays=True)]), blobs(), recipe, np.random.default_rng(0), blobs(40, seed=2))

    through, first, second = training(), training(), training()
    list(through.run())
    list(first.run(until=2))
    second.restore(first.state())
    list(second.run())
    assert second.history == through.history
    x = blobs(9, seed=4)[0]
    assert second.kept.forward(x).tobytes() == through.kept.forward(x).tobytes()
    assert (through.network.biases[-1] != Scale().parameters[0]).all()


def test_scoring_leaves_nothing_out() -> None:
    x, labels = blobs(30)
    stack, whole = stack_of([Tanh(), Dropout(0.9)]), stack_of([Tanh()])
    np.testing.assert_array_equal(stack.forward(x), whole.forward(x))
    assert stack.score(x, labels) == whole.score(x, labels)


def test_a_copy_shares_no_array_and_may_have_another_dtype() -> None:
    stack, (x, _) = stack_of([Maxout(2)]), blobs(5)
    twin = stack.copy("float32")
    twin.weights[0][...] = 0
    assert stack.weights[0].any()
    assert (twin.dtype, stack.dtype, twin.forward(x).dtype) == (np.float32, np.float64, np.float32)
    np.testing.assert_allclose(stack.copy("float32").forward(x), stack.forward(x), atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("function", [*ELEMENTWISE.values(), Maxout()], ids=[*ELEMENTWISE, "maxout"])
def test_everything_stays_finite_at_ten_thousand(function: Any, loss: Loss) -> None:
    x = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1.0]])
    outputs = 2 if isinstance(function, Maxout) else 4
    stack = Stack(Affine(np.eye(4, 3), np.zeros(4)), function, Affine(np.eye(3, outputs), np.zeros(3)), loss)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        cost, weights, biases = stack.cost_and_gradient(x, np.array([1, 0]))
    assert all(np.isfinite(found).all() for found in (np.array(cost), *weights, *biases))


class OnlyParameters(Square):
    """A layer that would never be trained."""

    parameters = ()


def with_parameters(found: Any) -> Scale:
    layer = Scale()
    layer.parameters = found
    return layer


def with_gradients(found: Array) -> Scale:
    layer = Scale()
    layer.gradients = lambda: [found]  # type: ignore[method-assign]
    return layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stack(), r"The last layer of a Stack must be a loss, got None\. Write Stack\("),
        (lambda: Stack(affine(2, 3), Relu()), r"The last layer of a Stack must be a loss, got <"),
        (lambda: Stack(Relu(), SoftmaxWithLoss()), r"Layers of a Stack must be at least one Affine, and all of one dtype, got"),
        (lambda: Stack(affine(2, 3), affine(4, 3), SoftmaxWithLoss()), r"Inputs of an Affine layer must be 3, the outputs"),
        (lambda: Stack(affine(2, 3), Maxout(2), SoftmaxWithLoss()), r"Inputs of a Maxout layer must be a multiple of its 2"),
        (lambda: Stack(affine(2, 3), "relu", SoftmaxWithLoss()), r"A layer of a Stack must be a layer or an .*, got 'relu'"),
        (
            lambda: Stack(affine(2, 3), Elementwise, SoftmaxWithLoss()),
            r"A layer of a Stack must be a layer or an .*, got <class",
        ),
        (lambda: stack_of([with_parameters(np.ones(6))]), r"Parameters of a Scale layer must be a list of C-contiguous arrays"),
        (lambda: stack_of([Scale(dtype="float32")]), r"Layers of a Stack must be at least one Affine, and all of one dtype"),
        (lambda: stack_of([OnlyParameters()]), r"A OnlyParameters layer must be one with both parameters and gradients, or"),
        (
            lambda: stack_of([with_gradients(np.ones(5))]).cost_and_gradient(*blobs(7)),
            r"Gradients of a Scale layer must be of the shapes \[\(6,\)\] of its parameters, got \[\(5,\)\]\. Return one",
        ),
        (lambda: Dropout(1.0), r"Dropout rate must be a number in \[0, 1\), got 1\.0\."),
        (lambda: export.architecture(stack_of([Tanh()])), r"A network to save or export must be a Network, got 'a Stack'"),
        (
            lambda: Training(stack_of([Tanh()]), blobs(), Recipe(0.1, dropout=0.5), np.random.default_rng(0)),
            r"dropout must be a layer of its own in a Stack, got Rates\(hidden=0\.5, .*\)\. Put Dropout\(0\.5\) between",
        ),
    ],
)
def test_refuses_what_does_not_fit(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()
