"""The kernel against scikit-learn's Matern kernel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.gaussian_process.kernels import Matern

from hpsearch.surrogate import Hyperparameters
from hpsearch.surrogate.kernel import correlations, kernel, squared_distances


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(0.02, 50.0))
def test_is_scikit_learns_matern_kernel(seed: int, columns: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.random((7, columns)), rng.random((4, columns))
    lengths = scale * rng.uniform(0.5, 2.0, columns)
    ours = kernel(first, second, Hyperparameters(np.log(lengths), log_signal=np.log(2.5)), np.arange(columns))
    np.testing.assert_allclose(ours, 2.5 * Matern(lengths, nu=2.5)(first, second), rtol=1e-6, atol=1e-9)


def test_features_of_one_parameter_share_its_length_scale() -> None:
    rows = np.random.default_rng(0).random((5, 3))
    shared = kernel(rows, rows, Hyperparameters(np.log([0.3, 2.0])), np.array([0, 0, 1]))
    np.testing.assert_allclose(shared, Matern([0.3, 0.3, 2.0], nu=2.5)(rows), rtol=1e-6, atol=1e-9)


def test_slope_is_the_derivative() -> None:
    squares, step = np.array([0.01, 0.5, 3.0]), 1e-6
    change = (correlations(squares + step)[0] - correlations(squares - step)[0]) / (2 * step)
    assert correlations(squares)[1] == pytest.approx(-2 * change, rel=1e-5)


def test_rows_without_features_are_all_alike() -> None:
    assert squared_distances(np.zeros((2, 0)), np.zeros((3, 0))).tolist() == [[0.0] * 3] * 2
