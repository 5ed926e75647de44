"""The array types of the network, its two dtypes, and the BLAS products that accumulate in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import choice

# float32 or float64 throughout one network.
Array = NDArray[Any]
Labels = NDArray[np.int64]

DTYPES = ("float32", "float64")

# Scalars as float32 arrays: a Python number costs a ufunc twice the time of its work on a small array, and these three
# are exact in both dtypes.
ZERO, HALF, ONE = (np.array(value, np.float32) for value in (0.0, 0.5, 1.0))


class Blas(NamedTuple):
    """Products of one dtype; every matrix must be Fortran-contiguous, or BLAS would work on a copy of it.

    ``gemm(alpha, a, b, beta, c, trans_a, trans_b, 1)`` writes ``alpha a b + beta c`` into c, ``gemv(alpha, a, x, beta, y, 0,
    1, 0, 1, trans, 1)`` writes ``alpha a x + beta y`` into y, ``axpy(x, y, n, alpha)`` adds ``alpha x`` to y.
    """

    gemm: Callable[..., Array]
    gemv: Callable[..., Array]
    axpy: Callable[..., Array]


def blas_of(array: Array) -> Blas:
    """Return the products for an array's dtype, float32 or float64."""
    return _products()[array.dtype.name]


@cache
def _products() -> dict[str, Blas]:
    from scipy.linalg import blas  # a quarter of a second, which `import hpsearch` should not cost

    return {
        "float32": Blas(blas.sgemm, blas.sgemv, blas.saxpy),
        "float64": Blas(blas.dgemm, blas.dgemv, blas.daxpy),
    }


def known(what: str, name: object, table: dict[str, Any] | tuple[str, ...]) -> None:
    """Raise an error for a name that is not in a table, and offer the closest one that is.

    Raises:
        SettingError: if the name is unknown.
    """
    choice(what, name, table)
