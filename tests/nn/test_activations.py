"""Activations against scipy.special and against differences of themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special

from hpsearch.nn.activations import ACTIVATIONS

INDEPENDENT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": special.expit,
    "tanh": lambda z: 2 * special.expit(2 * z) - 1,
    "relu": lambda z: np.clip(z, 0, None),
}
ANY_Z = arrays.arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e4, 1e4))


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=ANY_Z)
def test_value_is_the_one_of_scipy(name: str, z: np.ndarray) -> None:
    np.testing.assert_allclose(ACTIVATIONS[name](z), INDEPENDENT[name](z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=arrays.arrays(np.float64, 7, elements=st.floats(-5, 5)))
def test_slope_is_the_two_sided_difference(name: str, z: np.ndarray) -> None:
    z = np.where(np.abs(z) < 1e-3, 1e-3, z)  # away from the kink of relu
    f, step = ACTIVATIONS[name], 1e-6
    differences = (f(z + step) - f(z - step)) / (2 * step)
    np.testing.assert_allclose(f.slope(f(z)), differences, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_writes_over_its_input_and_keeps_the_dtype(name: str, dtype: str) -> None:
    z = np.linspace(-3, 3, 7).astype(dtype)
    wanted = ACTIVATIONS[name](z)
    assert ACTIVATIONS[name](z, z) is z
    np.testing.assert_array_equal(z, wanted)
    assert wanted.dtype == ACTIVATIONS[name].slope(wanted).dtype == dtype


def test_slope_of_relu_at_the_kink_is_zero() -> None:
    assert ACTIVATIONS["relu"].slope(np.zeros(1))[0] == 0.0
