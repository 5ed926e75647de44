"""Data set from the user's own arrays, split and stratified."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.data.dataset import Dataset
from hpsearch.data.part import Labels, Part, Pixels
from hpsearch.data.splits import Size, split
from hpsearch.data.tables import read_column, read_rows
from hpsearch.data.vault import seal
from hpsearch.errors import DataError, must_be


def arrays(
    X: ArrayLike,
    y: ArrayLike,
    validation: Size = 0.2,
    test: Size = 0.2,
    seed: int = 0,
    name: str = "arrays",
    regression: bool = False,
) -> Dataset:
    """Split rows and labels into a data set, stratified by class; the arrays themselves are not changed.

    Args:
        X: finite numbers, shape (n, d); an array, lists, or a data frame. Floats keep their dtype; booleans, float16 and
            integers of 8 and 16 bits become float32, which holds them exactly, and other integers float64, as in
            scikit-learn. Scale them yourself, and on training rows only where it matters.
        y: integers, strings or booleans, shape (n,); encoded 0..k-1 in sorted order, the originals become ``class_names``.
        validation: share of the rows (float) or number of rows (int).
        test: the same; 0 for a data set without a test part.
        seed: of the split.
        name: the name of the data set in records.
        regression: y holds numbers to predict instead of classes; stored as float64, and the split is not stratified.
    Raises:
        DataError: for another shape or kind, NaN or infinity, fewer than two classes, or a class too rare to be split.

    >>> arrays([[0.0], [1.0]] * 50, ["no", "yes"] * 50, name="coin")
    coin(train=60, validation=20)
    """
    x = _rows(X)
    targets, class_names = (_numbers(y), ()) if regression else _classes(y)
    if len(x) != len(targets):
        raise DataError(must_be("y", f"one label for each of the {len(x)} rows of X", len(targets), "Check both lengths."))
    # A split that is stratified by one class for all is a plain random split.
    ids = split(np.zeros(len(x), np.int64) if regression else targets, validation, test, seed)
    sealed = None
    if len(ids.test):
        rows = tuple(ids.test.tolist())
        sealed = seal(name, rows, partial(Part, x[ids.test], targets[ids.test]))
    train, chosen = (Part(x[rows], targets[rows]) for rows in (ids.train, ids.validation))
    return Dataset(name, train, chosen, len(class_names), sealed, class_names=class_names)


def _rows(values: ArrayLike) -> Pixels:
    """Return the rows, checked before they are split."""
    x = read_rows(values)
    Part(x, np.zeros(len(x), np.int64))
    return x


def _classes(values: ArrayLike) -> tuple[Labels, tuple[str, ...]]:
    """Encode labels as 0..k-1 and return them with their names."""
    given = _column(values)
    kinds = {type(label) for label in given} if given.dtype.kind == "O" else set()
    if given.dtype.kind not in "iubUSO" or not (kinds <= {str} or kinds <= {int, bool}):
        found = ", ".join(sorted(kind.__name__ for kind in kinds)) or str(given.dtype)
        raise DataError(must_be("y", "integers or strings", found, "Cast with y.astype(int), or pass regression=True."))
    names, encoded = np.unique(given, return_inverse=True)
    return encoded.astype(np.int64), tuple(str(label) for label in names.tolist())


def _numbers(values: ArrayLike) -> NDArray[np.float64]:
    """Return the numbers to predict as float64."""
    given = _column(values)
    if given.dtype.kind not in "iuf":
        raise DataError(
            must_be("y", "real numbers where regression=True", str(given.dtype), "Leave regression out for classes.")
        )
    return given.astype(np.float64)


def _column(values: ArrayLike) -> NDArray[Any]:
    given = read_column(values)
    if given.ndim != 1:
        raise DataError(must_be("y", "of shape (n,)", given.shape, "Use y.ravel(), or y.argmax(axis=1) for one-hot labels."))
    return given
