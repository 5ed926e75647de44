"""The vectors of compiled code, against what NumPy says of the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

numba = pytest.importorskip("numba", reason="numba is not installed: there are no compiled vectors")
from hpsearch.nn.engines.kernels import LANES, count, filled, load, logistic, lowest, store, total  # noqa: E402


@numba.njit
def _logistic(a: Any) -> None:
    for k in range(0, a.shape[2], LANES):
        store(a, 0, 0, k, logistic(load(a, 0, 0, k)))


@numba.njit
def _look(x: Any) -> Any:
    bits = filled(x, 0, 0)
    return bits, lowest(bits), count(bits), total(load(x.reshape(1, 1, LANES), 0, 0, 0))


@pytest.mark.parametrize(("dtype", "digits"), [(np.float32, 2), (np.float64, 8)])
def test_logistic_is_right_to_the_last_digits(dtype: Any, digits: int) -> None:
    """The reference is worked out in long double. Far out the answer is 0 or 1 but for what no product notices."""
    z = np.linspace(-30, 30, 16 * 5_000).astype(dtype)
    out = z.reshape(1, 1, -1).copy()
    _logistic(out)
    wanted = 1 / (1 + np.exp(-z.astype(np.longdouble)))
    assert float((np.abs(out[0, 0] - wanted) / wanted).max()) < digits * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logistic_far_out(dtype: Any) -> None:
    out = np.array([[[-1e4, 1e4, -np.inf, np.inf, np.nan, 0.0, -0.0, 1e-30] * 2]], dtype)
    _logistic(out)
    np.testing.assert_allclose(out[0, 0, :8], [0, 1, 0, 1, np.nan, 0.5, 0.5, 0.5], atol=1e-38)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_zero_is_found(dtype: Any) -> None:
    x = np.zeros((1, LANES), dtype)
    x[0, [3, 7, 15]] = 1.5, -2.0, 1e-40 if dtype == np.float32 else 1e-300  # the last one is subnormal
    bits, first, number, summed = _look(x)
    assert (bits, first, number, summed) == (2**3 + 2**7 + 2**15, 3, 3, pytest.approx(-0.5))
    x[0, 0] = np.nan
    assert _look(x)[0] % 2 == 1
