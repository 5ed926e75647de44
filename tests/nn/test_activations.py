"""Activations against scipy.special and against differences of themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special

from hpsearch.errors import SettingError
from hpsearch.nn.activations import ELEMENTWISE, Activation, Elementwise, Elu, LeakyRelu, Maxout
from hpsearch.nn.network import Network
from hpsearch.space import Choice, Float, Space

INDEPENDENT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": special.expit,
    "tanh": lambda z: 2 * special.expit(2 * z) - 1,
    "relu": lambda z: np.clip(z, 0, None),
    "leaky_relu": lambda z: np.where(z < 0, z / 100, z),
    "elu": lambda z: np.select([z > 0], [z], special.expm1(np.clip(z, None, 0))),
    "linear": lambda z: z + 0.0,
}
ANY_Z = arrays.arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e4, 1e4))


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=ANY_Z)
def test_value_is_the_one_of_scipy(name: str, z: np.ndarray) -> None:
    np.testing.assert_allclose(ELEMENTWISE[name](z), INDEPENDENT[name](z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(z=arrays.arrays(np.float64, 7, elements=st.floats(-5, 5)))
def test_slope_is_the_two_sided_difference(name: str, z: np.ndarray) -> None:
    slope_is_the_difference(ELEMENTWISE[name], z)


@pytest.mark.parametrize("function", [LeakyRelu(0.3), LeakyRelu(0.0), Elu(0.2), Elu(3.0)], ids=repr)
@given(z=arrays.arrays(np.float64, 7, elements=st.floats(-5, 5)))
def test_slope_follows_the_setting(function: Elementwise, z: np.ndarray) -> None:
    slope_is_the_difference(function, z)


def slope_is_the_difference(f: Elementwise, z: np.ndarray) -> None:
    z, step = np.where(np.abs(z) < 1e-3, 1e-3, z), 1e-6  # away from the kink at 0
    differences = (f(z + step) - f(z - step)) / (2 * step)
    np.testing.assert_allclose(f.slope(f(z)), differences, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_writes_over_its_input_and_keeps_the_dtype(name: str, dtype: str) -> None:
    z = np.linspace(-3, 3, 7).astype(dtype)
    wanted = ELEMENTWISE[name](z)
    assert ELEMENTWISE[name](z, z) is z
    np.testing.assert_array_equal(z, wanted)
    assert wanted.dtype == ELEMENTWISE[name].slope(wanted).dtype == dtype


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ends_of_the_range_are_finite(name: str, dtype: str) -> None:
    z = np.array([-1e4, -100.0, 0.0, 100.0, 1e4], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        a = ELEMENTWISE[name](z)
        assert np.isfinite(a).all()
        assert np.isfinite(ELEMENTWISE[name].slope(a)).all()


def test_known_values() -> None:
    # max(z, leak z), and alpha (exp(z) - 1) below 0: exp(-1) = 0.367879441171442.
    np.testing.assert_allclose(LeakyRelu(0.2)(np.array([-5.0, 5.0])), [-1.0, 5.0])
    np.testing.assert_allclose(Elu(2.0)(np.array([-1.0, 1.0])), [2 * (0.367879441171442 - 1), 1.0], rtol=1e-14)


@pytest.mark.parametrize("pieces", [2, 3])
@given(seed=st.integers(0, 2**32))
def test_maxout_is_the_largest_of_neighbours(pieces: int, seed: int) -> None:
    # Maximum over strided rows, which is another way to say it than the class's own reshaping.
    z = np.random.default_rng(seed).uniform(-1e4, 1e4, (4 * pieces, 5))
    wanted = np.maximum.reduce([z[j::pieces] for j in range(pieces)])
    np.testing.assert_array_equal(Maxout(pieces)(z), wanted)


def test_derivative_of_maxout_goes_to_the_largest_piece_and_of_equals_to_the_first() -> None:
    z, delta = np.array([[1.0, 2.0], [3.0, 2.0], [-1e4, 0.0], [1e4, -1.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])
    assert Maxout(2).back(z, delta).tolist() == [[0.0, 6.0], [5.0, 0.0], [0.0, 8.0], [7.0, 0.0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Maxout(1), r"Maxout pieces must be a whole number >= 2, got 1\. 2 to 5 are usual, 1 is linear\."),
        (lambda: LeakyRelu(1.0), r"LeakyRelu leak must be a number in \[0, 1\), got 1\.0\. 0\.01 is usual"),
        (lambda: Elu(0.0), r"Elu alpha must be a number in \(0, inf\), got 0\.0\."),
        (lambda: network_of(LeakyRelu), r"activation must be one of .*, got <class"),  # type: ignore[arg-type]
        (lambda: network_of("relu6"), r"activation must be one of .*, got 'relu6'\. .*Did you mean 'relu'"),
        (lambda: network_of(Elu(Float(0.1, 2.0))), r"activation alpha must be a plain value, got Float"),  # type: ignore[arg-type]
    ],
)
def test_refuses_bad_settings(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()


def network_of(activation: str | Activation) -> Network:
    return Network.create((2, 3, 2), np.random.default_rng(0), activation=activation)


def test_a_setting_may_be_searched() -> None:
    space = Space(activation=Choice("tanh", LeakyRelu(Float(0.0, 0.5))))  # type: ignore[arg-type]
    found = space.resolve({"activation": "LeakyRelu", "activation.leak": 0.25})["activation"]
    assert found == LeakyRelu(0.25)
    assert network_of(found).copy().activation is found


def test_slope_of_relu_at_the_kink_is_zero() -> None:
    assert ELEMENTWISE["relu"].slope(np.zeros(1))[0] == 0.0
