"""What rows are answered with: classes, or numbers to be predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.errors import DataError, must_be
from hpsearch.nn import rows
from hpsearch.nn.arrays import Array

if TYPE_CHECKING:
    from hpsearch.nn.answering import Answering


def predicts_numbers(network: Answering) -> bool:
    """Return whether a network predicts a number: it has one output and the cost for that."""
    return network.sizes[-1] == 1 and network.cost_name == "squared_error"


def answers(y: ArrayLike, count: int, network: Answering) -> Array:
    """Return y as an array of shape (count,) that fits the network: numbers where it predicts numbers, else class indices.

    Raises:
        DataError: for another shape or kind, NaN or infinity, or a class that the network has no output for.
    """
    if not predicts_numbers(network):
        return rows.labels(y, count, network.sizes[-1])
    given = np.asarray(y)
    if given.shape != (count,):
        raise DataError(must_be("y", f"one number for each of the {count} rows of x", given.shape, "Use y.ravel()."))
    if given.dtype.kind != "f":
        advice = "Cast with y.astype(float); classes need an output each."
        raise DataError(must_be("y", "floats, the numbers to be predicted", str(given.dtype), advice))
    if not np.isfinite(given).all():
        row = int(np.argmin(np.isfinite(given)))
        raise DataError(must_be(f"y[{row}]", "finite", float(given[row]), "Drop or fill such values first."))
    return given
