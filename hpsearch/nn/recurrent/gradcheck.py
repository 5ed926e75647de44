"""Gradient checking of a recurrent network: backpropagation through time against differences of the cost."""

from __future__ import annotations

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.gradcheck import numeric_gradient
from hpsearch.nn.recurrent.network import Batch, RecurrentNetwork
from hpsearch.nn.recurrent.passes import Passes


def check_gradient(network: RecurrentNetwork, batch: Batch, first: Array | None = None, step: float = 1e-5) -> dict[str, float]:
    """Return how far the gradient of each array is from two-sided differences: |g - n| / (|g| + |n|).

    About 1e-9 for a right gradient, more than 1e-2 for a wrong one.

    Args:
        network: float64, small; changed on the way and set back.
        batch: of symbols.
        first: the state that is carried from an earlier window, (B, H); None begins anew.
        step: of the differences.
    Raises:
        SettingError: for a float32 network, whose rounding drowns the differences.
    """
    if network.dtype != np.float64:
        raise SettingError(must_be("dtype", "float64 for a gradient check", str(network.dtype), "Create it so."))
    passes, arrays = Passes(network), network.arrays
    _, found, _ = passes.gradient(batch, first)
    numeric = numeric_gradient(lambda: passes.forward(batch, first)[0], list(arrays.values()), step)
    return {name: _distance(found[name], n) for name, n in zip(arrays, numeric, strict=True)}


def _distance(g: Array, n: Array) -> float:
    size = float(np.linalg.norm(g) + np.linalg.norm(n))
    return float(np.linalg.norm(g - n)) / size if size else 0.0
