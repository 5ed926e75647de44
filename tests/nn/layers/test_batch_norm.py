"""Batch normalisation of one layer: known values, its gradient, and running statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn import Recipe, Stack, Training
from hpsearch.nn.activations import Tanh
from hpsearch.nn.arrays import Array
from hpsearch.nn.averaging import MovingAverage
from hpsearch.nn.gradcheck import check_gradient
from hpsearch.nn.layers import Affine, BatchNorm, SoftmaxWithLoss
from hpsearch.nn.regularizers import L2
from tests.nn.blobs import CLASSES, INPUTS, blobs

RNG = np.random.default_rng(0)


def affine(inputs: int, units: int, biases: bool = False) -> Affine:
    made = Affine.create(inputs, units, np.random.default_rng(3), dtype="float64")
    return made if biases else Affine(made.weights, None)


def stack_of(norm: BatchNorm) -> Stack:
    return Stack(affine(INPUTS, 5), norm, Tanh(), affine(5, CLASSES, biases=True), SoftmaxWithLoss())


def test_a_minibatch_has_mean_beta_and_deviation_gamma() -> None:
    layer, x = BatchNorm(3, "float64", epsilon=1e-12), RNG.normal(5, 7, (3, 40))
    layer.parameters[0][:], layer.parameters[1][:] = [1, 2, 3], [0, -1, 4]
    y = layer.forward(x, RNG)
    np.testing.assert_allclose(y.mean(axis=1), [0, -1, 4], atol=1e-12)
    np.testing.assert_allclose(y.std(axis=1), [1, 2, 3], rtol=1e-9)


@pytest.mark.parametrize("rows", [2, 7, 30])
def test_gradient(rows: int) -> None:
    stack = stack_of(BatchNorm(5, "float64"))
    stack.layers[1].parameters[0][:] = RNG.uniform(0.5, 2.0, 5)  # type: ignore[attr-defined]
    assert check_gradient(stack, *blobs(rows), L2(3.0), decay_biases=True) <= 1e-7


def test_gradient_of_a_minibatch_of_one_row_which_the_running_statistics_normalise() -> None:
    stack = stack_of(BatchNorm(5, "float64"))
    stack.statistics[0][:], stack.statistics[1][:] = RNG.normal(size=5), RNG.uniform(0.5, 2.0, 5)
    assert check_gradient(stack, *blobs(1)) <= 1e-7
    np.testing.assert_array_equal(stack.statistics[2], 0)  # and the check has not changed them


class MeanForgotten(BatchNorm):
    """A backward pass that takes the mean for a constant."""

    def backward(self, delta: Array) -> Array:
        return super().backward(delta) + self._by[:, None] * delta.mean(axis=1)[:, None]


class VarianceForgotten(BatchNorm):
    """A backward pass that takes the variance for a constant."""

    def backward(self, delta: Array) -> Array:
        below = super().backward(delta)
        return below + self._by[:, None] * self._normal * (delta * self._normal).mean(axis=1)[:, None]


class GammaForgotten(BatchNorm):
    """Gradients of which one is half of what it should be."""

    def gradients(self) -> list[Array]:
        return [self._gradients[0] / 2, self._gradients[1]]


@pytest.mark.parametrize("wrong", [MeanForgotten, VarianceForgotten, GammaForgotten])
def test_a_wrong_derivative_fails(wrong: type[BatchNorm]) -> None:
    assert check_gradient(stack_of(wrong(5, "float64")), *blobs(7)) > 1e-3


def test_running_statistics_are_plain_means_first_and_then_forget() -> None:
    layer, means, variances = BatchNorm(2, "float64"), [], []
    for step in range(1, 15):
        x = RNG.normal(size=(2, 6)) + step
        layer.forward(x, RNG)
        layer.track()
        means.append(x.mean(axis=1))
        variances.append(x.var(axis=1, ddof=1))
        if step <= 10:
            np.testing.assert_allclose(layer.statistics[0], np.mean(means, axis=0), rtol=1e-12)
            np.testing.assert_allclose(layer.statistics[1], np.mean(variances, axis=0), rtol=1e-12)
    wanted = np.mean(means[:10], axis=0)
    for mean in means[10:]:
        wanted = 0.9 * wanted + 0.1 * mean
    np.testing.assert_allclose(layer.statistics[0], wanted, rtol=1e-12)


def test_scoring_uses_and_keeps_the_running_statistics() -> None:
    layer = BatchNorm(1, "float64", epsilon=1.0)
    layer.statistics[0][:], layer.statistics[1][:] = 2.0, 3.0
    layer.parameters[0][:], layer.parameters[1][:] = 10.0, 1.0
    assert layer.forward(np.array([[4.0, 0.0]])).tolist() == [[11.0, -9.0]]  # 10 (4 - 2) / sqrt(3 + 1) + 1
    layer.track()
    assert [a.tolist() for a in layer.statistics] == [[2.0], [3.0], [0.0]]
    assert [a.tolist() for a in layer.scale_and_shift()] == [[5.0], [-9.0]]


def test_a_row_left_over_does_not_change_the_running_statistics() -> None:
    layer = BatchNorm(2, "float64")
    layer.forward(RNG.normal(size=(2, 6)), RNG)
    layer.track()
    before = [a.copy() for a in layer.statistics]
    x = RNG.normal(size=(2, 1))
    np.testing.assert_array_equal(layer.forward(x, RNG), layer.forward(x))
    layer.track()
    for now, then in zip(layer.statistics, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_copy_shares_no_array_and_may_have_another_dtype() -> None:
    stack = stack_of(BatchNorm(5, "float64"))
    twin = stack.copy("float32")
    for array in (*twin.biases, *twin.statistics):
        assert array.dtype == np.float32
        array[...] = 7
    assert not any((array == 7).any() for array in (*stack.biases, *stack.statistics))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNorm(0), r"BatchNorm units must be a whole number >= 1, got 0\."),
        (lambda: BatchNorm(3, epsilon=0.0), r"BatchNorm epsilon must be a number in \(0, inf\), got 0\.0\. 1e-5 is usual"),
        (
            lambda: stack_of(BatchNorm(4, "float64")),
            r"Units of a BatchNorm layer must be 5, the outputs of the layer below, got",
        ),
        (lambda: stack_of(BatchNorm(5)), r"Layers of a Stack must be at least one Affine, and all of one dtype"),
        (lambda: trained(optimizer="l-bfgs", learning_rate=1.0), r"A network .* full-batch method must be without BatchNorm"),
        (
            lambda: trained(averaging=MovingAverage()),
            r"averaging must be Snapshots\(\) or None with batch normalisation",
        ),
        (lambda: trained(batch_norm=True), r"batch_norm must be a layer of its own in a Stack, got True\. Put BatchNorm\(30\)"),
    ],
)
def test_refuses_what_does_not_fit(make: Any, message: str) -> None:
    with pytest.raises(SettingError, match=f"^{message}"):
        make()


def trained(**settings: Any) -> Training:
    recipe = Recipe(**{"learning_rate": 0.1, **settings})
    return Training(stack_of(BatchNorm(5, "float64")), blobs(), recipe, np.random.default_rng(0))
