"""Rows of numbers from what users hold them in: arrays, lists, and data frames of pandas with a dtype per column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.data.precision import describe_merged, merged_columns
from hpsearch.errors import DataError, must_be

# The kinds of NumPy's dtypes that are real numbers: integers, unsigned ones, floats, booleans.
_NUMBERS = "iufb"
_ENCODE = "Encode it as numbers, categories with pandas.get_dummies(X)."


def read_rows(X: ArrayLike) -> NDArray[Any]:
    """Return a table of numbers as a C-contiguous array of float32 or float64.

    Floats keep their dtype. What float32 holds exactly becomes float32, by NumPy's rules: float16, booleans, integers of 8 and
    16 bits. Other integers become float64, as in scikit-learn.

    Raises:
        DataError: for another shape, or for what is no number; names the column of a data frame.
    """
    given = _frame(X) if _is_frame(X) else _numbers(read_array("X", X))
    if given.ndim != 2 or 0 in given.shape:
        raise DataError(must_be("X", "of shape (n, d) and not empty", given.shape, "Flatten: X.reshape(len(X), -1)."))
    if given.dtype.kind not in _NUMBERS:
        raise DataError(must_be("X", "real numbers", str(given.dtype), _ENCODE))
    dtype = row_dtype(given.dtype)
    if given.dtype.kind in "iu" and dtype.itemsize == given.dtype.itemsize:
        _check_exact(given, dtype)
    with np.errstate(over="ignore"):  # what float64 cannot hold becomes infinite, which `Part` raises for
        return np.ascontiguousarray(given, dtype)


def row_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that rows of numbers are held in.

    >>> [row_dtype(np.dtype(name)).name for name in ("float64", "float32", "float16", "uint8", "int64", "bool")]
    ['float64', 'float32', 'float32', 'float32', 'float64', 'float32']
    """
    return min(np.result_type(dtype, np.float32), np.dtype(np.float64))


def _check_exact(given: NDArray[Any], dtype: np.dtype[Any]) -> None:
    """Raise where whole numbers are so large that float64 does not tell them apart."""
    found = merged_columns(given, dtype.name)
    if found:
        advice = "Subtract a column's smallest value before."
        raise DataError(must_be("X", f"numbers that {dtype.name} tells apart", describe_merged(found), advice))


def read_column(y: ArrayLike, what: str = "y") -> NDArray[Any]:
    """Return one value per row as an array; a nullable column of pandas as plain numbers."""
    if _is_series(y):
        return _column(what, y) if _kind(y) in _NUMBERS else np.asarray(y)
    found = read_array(what, y)
    if found.dtype.kind == "f" and isinstance(y, (list, tuple)) and all(isinstance(label, (int, np.integer)) for label in y):
        return np.asarray([int(label) for label in y], dtype=object)  # beyond 64 bits, NumPy would make them floats
    return found


def read_array(what: str, values: ArrayLike) -> NDArray[Any]:
    """Return values as an array.

    Raises:
        DataError: for rows of different lengths, a sparse matrix, or masked values.
    """
    if hasattr(values, "toarray"):
        advice = f"Pass {what}.toarray(){'.ravel()' * (what == 'y')}."
        raise DataError(must_be(what, "a dense array", type(values).__name__, advice))
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        advice = f"Drop or fill them first, as in {what}.filled(0)."
        raise DataError(must_be(what, "without masked values", f"{int(np.ma.getmaskarray(values).sum())} masked", advice))
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise DataError(must_be(what, "an array", type(values).__name__, "Make all rows of one length.")) from error


def _is_series(values: Any) -> bool:
    return hasattr(values, "iloc") and hasattr(values, "dtype")


def _is_frame(values: Any) -> bool:
    return hasattr(values, "iloc") and hasattr(values, "columns")


def _frame(frame: Any) -> NDArray[Any]:
    """Return a data frame as one array, of the dtype that holds all of its columns."""
    names = [str(name) for name in frame.columns]
    columns = [_column(f"Column {name!r} of X", frame.iloc[:, i]) for i, name in enumerate(names)]
    if not columns or not len(frame):
        return np.empty(frame.shape)
    table = np.empty(frame.shape, row_dtype(np.result_type(*columns)))
    for i, column in enumerate(columns):
        table[:, i] = column
    return table


def _column(what: str, series: Any) -> NDArray[Any]:
    """Return one column of numbers, whatever pandas keeps it in."""
    missing = np.flatnonzero(series.isna())
    if len(missing):
        row = int(missing[0])
        advice = "Drop or fill missing values first."
        raise DataError(must_be(what, "without missing values", f"{series.iloc[row]} in row {row}", advice))
    if _kind(series) in _NUMBERS:
        own = getattr(series.dtype, "numpy_dtype", getattr(series.dtype, "subtype", series.dtype))
        plain: NDArray[Any] = series.to_numpy(dtype=own)
        return plain
    found = _numbers(np.asarray(series))
    if found.dtype.kind not in _NUMBERS or found.ndim != 1:
        raise DataError(must_be(what, "real numbers", str(series.dtype), _ENCODE))
    return found


def _kind(series: Any) -> str:
    """Return the kind of a column's dtype; pandas' own dtypes have one too."""
    return str(getattr(series.dtype, "kind", "O"))


def _numbers(given: NDArray[Any]) -> NDArray[Any]:
    """Return an array of Python objects as one of numbers, where all of them are; any other as it is."""
    if given.dtype.kind != "O" or not given.size:
        return given
    try:
        found = np.asarray(given.tolist())
    except (ValueError, OverflowError):
        return given
    return found if found.dtype.kind in _NUMBERS and found.shape == given.shape else given
