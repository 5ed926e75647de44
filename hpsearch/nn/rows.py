"""Checks of the rows and labels that a network is given."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.errors import DataError, must_be
from hpsearch.nn.arrays import Array, Labels


def check_inputs(x: ArrayLike, width: int | None = None) -> Array:
    """Return x as an array of shape (n, d) of numbers, n and d >= 1, with d equal to ``width`` where that is given.

    Raises:
        DataError: for another shape or kind; the values are checked by `check_finite`.
    """
    given: Array = x if isinstance(x, np.ndarray) else as_array("x", x)
    if given.dtype.kind not in "iufb":
        raise DataError(must_be("x", "real numbers", str(given.dtype), "Encode categories as numbers: x.astype('float32')."))
    if given.ndim != 2 or 0 in given.shape:
        advice = "Give one row a sample: x.reshape(len(x), -1), or x[None] for a single one."
        raise DataError(must_be("x", "of shape (n, d) and not empty", given.shape, advice))
    if width is not None and given.shape[1] != width:
        advice = "Take the columns it was trained on."
        raise DataError(must_be("x", f"of shape (n, {width}), the network's inputs", given.shape, advice))
    return given


def check_labels(y: ArrayLike, rows: int, classes: int | None = None) -> Labels:
    """Return y as an array of class indices, shape (rows,), each in [0, classes) where that is given.

    Raises:
        DataError: for another shape or kind, or a class that the network has no output for.
    """
    given: Array = y if isinstance(y, np.ndarray) else as_array("y", y)
    if given.ndim != 1:
        raise DataError(must_be("y", "of shape (n,)", given.shape, "Use y.ravel(), or y.argmax(axis=1) for one-hot labels."))
    if len(given) != rows:
        raise DataError(must_be("y", f"one label for each of the {rows} rows of x", len(given), "Check both lengths."))
    if given.dtype.kind not in "iu":
        advice = "Cast with y.astype(int), or let hpsearch.data.arrays(x, y) number the classes."
        raise DataError(must_be("y", "class indices, integers", str(given.dtype), advice))
    lowest, highest = int(given.min()), int(given.max())
    if lowest < 0 or (classes is not None and highest >= classes):
        bounds = f"in [0, {'k' if classes is None else classes})"
        advice = "Number the classes from 0 on, with one output for each."
        raise DataError(must_be("Labels", bounds, lowest if lowest < 0 else highest, advice))
    return given


def check_finite(x: Array) -> None:
    """Raise for NaN and infinity, naming the first; minimum and maximum show both in a fifth of the time of a full check."""
    if not np.isfinite(x.min()) or not np.isfinite(x.max()):
        row, column = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise DataError(must_be(f"x[{row}, {column}]", "finite", float(x[row, column]), "Drop or fill such values first."))


def as_array(what: str, values: ArrayLike) -> Array:
    """Return values as an array.

    Raises:
        DataError: for a sparse array, or rows of different lengths.
    """
    if hasattr(values, "toarray"):
        raise DataError(must_be(what, "a dense array", type(values).__name__, f"Pass {what}.toarray()."))
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise DataError(must_be(what, "an array", type(values).__name__, "Make all rows of one length.")) from error
