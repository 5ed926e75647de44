"""Selection of the engine that runs a training: NumPy, the readable reference, or a compiled loop where numba is installed.

Both follow the same recipe and agree but for rounding; each gives the same bits every time. The compiled loop is an extra,
``hpsearch[fast]``, and supports the most common settings. All others run on NumPy, and so do networks so large that the matrix
products of BLAS are faster. The choice depends on settings and data alone.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from itertools import pairwise

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.activations import LeakyRelu, Linear, Relu, Sigmoid, Tanh
from hpsearch.nn.arrays import DTYPES, Array, known
from hpsearch.nn.costs import CrossEntropy, LogLikelihood, Quadratic
from hpsearch.nn.engines.base import Engine, Rows, by_columns
from hpsearch.nn.engines.numpy_engine import NumpyEngine
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.rules import SGD, Optimizer, rule_of
from hpsearch.nn.recipe import ENGINES, Recipe

# What the compiled loop supports. A setting of a recipe that is not listed here keeps a training on NumPy unless it has its
# default value, so that a new setting is never ignored.
_HIDDEN, _COSTS = (Sigmoid, Tanh, Relu, LeakyRelu, Linear), (CrossEntropy, Quadratic, LogLikelihood)
_OWN = ("epochs", "schedule", "stopping", "keep", "monitors", "engine")  # what no engine reads
_SUPPORTED = frozenset(["learning_rate", "l2", "momentum", "batch_size", "optimizer", *_OWN])
# Rows of the data in which zeros are counted; inputs of one layer in one mini-batch that still fit the cache.
_INSPECTED, _LARGEST = 200, 2**20


def resolve(engine: str) -> str:
    """Return ``"numpy"`` or ``"numba"`` for a setting; ``"auto"`` is numba where it is installed.

    Raises:
        SettingError: for an unknown name, or numba where it is not installed.
    """
    known("engine", engine, ENGINES)
    found = importlib.util.find_spec("numba") is not None
    if engine == "numba" and not found:
        advice = "Install it with pip install 'hpsearch[fast]'."
        raise SettingError(must_be("engine", "'auto' or 'numpy' where numba is not installed", engine, advice))
    return "numba" if found and engine != "numpy" else "numpy"


def engine_of(
    network: Network, train: Rows, recipe: Recipe, optimizer: Optimizer, rng: Callable[[], np.random.Generator]
) -> Engine:
    """Return the engine of a training: the compiled loop where it is asked for, possible and faster, else NumPy."""
    wanted = resolve(recipe.engine) == "numba" and len(train) == 2 and covered(network, train[0], recipe)
    wanted = wanted and train[1].ndim == 1  # no soft targets
    if wanted and pays(network.sizes, train[0], recipe.batch_size):
        from hpsearch.nn.engines.numba_engine import NumbaEngine

        return NumbaEngine(network, train[:2], recipe, optimizer)
    return NumpyEngine(network, train, recipe, optimizer, rng)


def covered(network: Network, x: Array, recipe: Recipe) -> bool:
    """Return whether the compiled loop supports these settings and data."""
    usual = all(getattr(recipe, item.name) == item.default for item in fields(recipe) if item.name not in _SUPPORTED)
    plain = type(network) is Network and type(network.activation) in _HIDDEN and type(network.cost) in _COSTS
    usual = usual and type(rule_of(recipe.optimizer)) is SGD
    return usual and plain and x.dtype.name in DTYPES and bool(x.flags.c_contiguous)


def pays(sizes: tuple[int, ...], x: Array, batch_size: int) -> bool:
    """Return whether the compiled loop is faster than NumPy: it is where mini-batches are small or inputs mostly 0.

    The nanoseconds a sample are fitted to times on one machine, of networks of 30 to 800 units on MNIST and digits. On another
    machine both sides are off by much the same factor. Large products of dense matrices are best left to BLAS.

    >>> points = np.eye(784, dtype=np.float32)
    >>> pays((784, 30, 10), points, 10), pays((784, 800, 10), points, 100), pays((784, 800, 10), points + 1, 100)
    (True, True, False)
    """
    if batch_size * max(sizes) > _LARGEST:
        return False
    listed = [np.count_nonzero(x[:_INSPECTED]) / len(x[:_INSPECTED]), *sizes[1:-1]]
    vectors = sum(n * -(-units // 16) for n, units in zip(listed, sizes[1:], strict=True))
    products = sum(n * units for n, units in pairwise(sizes))
    numpy = 4_600 * len(listed) / batch_size + sizes[0] + products * (0.02 + 0.2 / batch_size)
    each = 1.3 if by_columns(sizes[1], batch_size) else 1.95
    return bool(770 + each * vectors < numpy)


@cache
def prepare(engine: str, dtype: str, rows: str = "float32") -> None:
    """Load the compiled loop into this process, or compile it for the first time, so that no trial has to.

    Args:
        engine: as returned by `resolve`; NumPy needs nothing.
        dtype: of the networks.
        rows: dtype of the rows that they are trained on.
    """
    if engine == "numba":
        from hpsearch.nn.engines.numba_engine import load_kernels

        load_kernels(dtype, rows)
