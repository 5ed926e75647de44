"""The gradient check: every activation with every cost passes, a wrong derivative does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpsearch import testing
from hpsearch.errors import SettingError
from hpsearch.nn.activations import ACTIVATIONS, Activation, Elu, LeakyRelu, Maxout, Sigmoid
from hpsearch.nn.arrays import Array
from hpsearch.nn.costs import COSTS, CrossEntropy, Hinge, QuadraticTanh
from hpsearch.nn.gradcheck import check_gradient, numeric_gradient
from hpsearch.nn.network import Network
from hpsearch.nn.regularizers import L1, L2
from tests.nn.blobs import CLASSES, INPUTS, blobs, blobs_for


def network_of(
    activation: str | Activation = "sigmoid", cost: str = "cross_entropy", hidden: tuple[int, ...] = (5, 4)
) -> Network:
    sizes = (INPUTS, *hidden, CLASSES)
    return Network.create(sizes, np.random.default_rng(1), activation=activation, cost=cost, dtype="float64")


@pytest.mark.parametrize("l1", [None, L1(2.0)], ids=["no l1", "l1"])
@pytest.mark.parametrize("l2", [None, L2(3.0)], ids=["no l2", "l2"])
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_combination(activation: str, cost: str, l2: L2 | None, l1: L1 | None) -> None:
    # 1e-7 is what CS231n calls a right gradient in double precision.
    assert check_gradient(network_of(activation, cost), *blobs_for(cost, 7), l2, l1=l1) <= 1e-7


@pytest.mark.parametrize("activation", [LeakyRelu(0.3), Elu(0.4), Maxout(3)], ids=repr)
def test_every_setting(activation: Activation) -> None:
    assert check_gradient(network_of(activation), *blobs(7)) <= 1e-7


@pytest.mark.parametrize("hidden", [(), (1,), (3, 2, 4)])
def test_every_depth(hidden: tuple[int, ...]) -> None:
    assert check_gradient(network_of(hidden=hidden), *blobs(1)) <= 1e-7


class WrongSlope(Sigmoid):
    """A sigmoid whose derivative lacks its factor (1 - a)."""

    def slope(self, a: Array, out: Array | None = None) -> Array:
        return np.asarray(np.multiply(a, 1, out))


class WrongDelta(CrossEntropy):
    """A cost whose derivative belongs to another one."""

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        return np.asarray(np.multiply(a - targets, 2, out))


class OwnClassToo(Hinge):
    """A hinge whose derivative leaves out the right class."""

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        return np.multiply(super().delta(a, targets, out), 1 - targets, out)


def test_a_hinge_without_its_right_class_fails() -> None:
    network = network_of(cost="hinge")
    network.cost = OwnClassToo()
    assert check_gradient(network, *blobs(7)) > 1e-3


class OneHotTanh(QuadraticTanh):
    """A tanh cost whose derivative takes targets of 0 in place of -1."""

    def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
        return super().delta(a, (targets + 1) / 2, out)


def test_tanh_outputs_with_targets_of_zero_fail() -> None:
    network = network_of(cost="quadratic_tanh")
    network.cost = OneHotTanh()
    assert check_gradient(network, *blobs(7)) > 1e-3


def test_a_wrong_slope_fails() -> None:
    network = network_of()
    network.activation = WrongSlope()
    assert check_gradient(network, *blobs(7)) > 1e-3


def test_a_wrong_delta_fails() -> None:
    network = network_of()
    network.cost = WrongDelta()
    assert check_gradient(network, *blobs(7)) > 1e-3


def test_sets_the_network_back() -> None:
    network = network_of()
    before = network.copy()
    check_gradient(network, *blobs(3))
    for now, then in zip(network.weights + network.biases, before.weights + before.biases, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(("one_sided", "published"), [(False, 3.0001), (True, 3.0301)])
def test_differences_of_a_cube(one_sided: bool, published: float) -> None:
    # Published for theta^3 at 1 with epsilon 0.01.
    theta = np.array([1.0])
    gradient = numeric_gradient(lambda: float(theta[0] ** 3), [theta], 0.01, one_sided=one_sided)[0][0]
    assert gradient == pytest.approx(published, abs=1e-9)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize(("one_sided", "falls_by"), [(False, 100), (True, 10)])
def test_error_of_differences_falls_with_the_square_of_the_step_or_with_the_step(
    activation: str, cost: str, one_sided: bool, falls_by: int
) -> None:
    network, (x, labels) = network_of(activation, cost, hidden=(3,)), blobs_for(cost, 7)
    arrays, exact = [*network.weights, *network.biases], network.gradient(x, labels)
    errors = []
    for step in (1e-2, 1e-3):
        found = numeric_gradient(lambda: network.mean_cost(x, labels), arrays, step, one_sided=one_sided)
        errors.append(max(np.abs(n - g).max() for n, g in zip(found, [*exact[0], *exact[1]], strict=True)))
    assert errors[0] / errors[1] == pytest.approx(falls_by, rel=0.1)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("cost", COSTS)
def test_a_large_network_along_random_directions(activation: str, cost: str) -> None:
    network = network_of(activation, cost, hidden=(100, 50))
    assert check_gradient(network, *blobs_for(cost, 20), L2(3.0), l1=L1(2.0), directions=10, step=1e-6) <= 1e-7


def test_a_large_wrong_network_fails_along_random_directions() -> None:
    network = network_of(hidden=(100, 50))
    network.activation = WrongSlope()
    assert check_gradient(network, *blobs(20), directions=10) > 1e-3


def test_a_derivative_that_is_wrong_in_one_layer_fails() -> None:
    # The output layer's derivatives alone, taken at half their size, hide behind no other layer.
    class HalfOfIt(Network):
        def cost_and_gradient(self, *given: Any, **settings: Any) -> Any:
            cost, weights, biases = super().cost_and_gradient(*given, **settings)
            return cost, [*weights[:-1], weights[-1] / 2], biases

    right = network_of()
    wrong = HalfOfIt(right.weights, right.biases)
    assert check_gradient(right, *blobs(7)) <= 1e-7 < 1e-3 < check_gradient(wrong, *blobs(7))
    assert check_gradient(wrong, *blobs(7), directions=5) > 1e-3


def test_is_published_for_users() -> None:
    assert testing.check_gradient is check_gradient


def test_refuses_float32() -> None:
    network = Network.create((INPUTS, 2, CLASSES), np.random.default_rng(0))
    with pytest.raises(SettingError, match=r"dtype must be float64 for a gradient check, got 'float32'\."):
        check_gradient(network, *blobs(3))
