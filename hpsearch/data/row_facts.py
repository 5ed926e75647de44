"""What a user says of each row beside its features and target: weight, group, time, stratum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.data.rows import read_column
from hpsearch.errors import DataError, must_be
from hpsearch.nn.inputs import is_missing


def refuse_two_orders(groups: object, time: object) -> None:
    """Raise where rows are to be split by groups and by time."""
    if groups is not None and time is not None:
        raise DataError(must_be("groups", "left out where time is given", "both", "Split by one of them."))


def read_weights(values: ArrayLike | None, rows: int) -> NDArray[np.float64] | None:
    """Return the weights of rows, or None where there are none.

    Raises:
        DataError: for negative or missing ones, or where all are 0.
    """
    if values is None:
        return None
    given = _column("sample_weight", values, rows)
    if given.dtype.kind not in "iufb":
        raise DataError(must_be("sample_weight", "numbers", str(given.dtype), "Cast it to float."))
    weights = given.astype(np.float64)
    wrong = np.flatnonzero(~(weights >= 0.0) | np.isinf(weights))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            must_be(f"sample_weight[{row}]", "finite and >= 0", float(weights[row]), "Take 0 for a row that must not count.")
        )
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if np.isinf(total):
        raise DataError(must_be("sample_weight", "of a finite sum", total, "Divide it by its largest value."))
    if not weights.any():
        raise DataError(must_be("sample_weight", "above 0 somewhere", "0 in every row", "Leave it out for equal weights."))
    return weights


def read_groups(values: ArrayLike | None, rows: int) -> NDArray[Any] | None:
    """Return the groups of rows, or None where there are none."""
    return None if values is None else _comparable("groups", _complete("groups", values, rows))


def read_times(values: ArrayLike | None, rows: int) -> NDArray[Any] | None:
    """Return the times of rows, or None where there are none."""
    return None if values is None else _comparable("time", _complete("time", values, rows))


def read_strata(values: ArrayLike, rows: int) -> NDArray[np.int64]:
    """Return what rows are stratified by, as numbers."""
    codes: NDArray[np.int64] = np.unique(_complete("stratify", values, rows).astype(str), return_inverse=True)[1]
    return codes.astype(np.int64)


def _complete(what: str, values: ArrayLike, rows: int) -> NDArray[Any]:
    given = _column(what, values, rows)
    for row, value in enumerate(given.tolist()):
        if is_missing(value):
            raise DataError(must_be(what, "without missing values", f"none in row {row}", "Drop or fill these rows."))
    return given


def _comparable(what: str, given: NDArray[Any]) -> NDArray[Any]:
    """Return values that can be put in order.

    Raises:
        DataError: for values of different kinds.
    """
    try:
        sorted(given.tolist())
    except TypeError as error:
        kinds = " and ".join(sorted({type(value).__name__ for value in given.tolist()}))
        raise DataError(must_be(what, "of one kind in all rows", kinds, "Cast it, as in astype(str).")) from error
    return given


def _column(what: str, values: ArrayLike, rows: int) -> NDArray[Any]:
    if values is None or (np.ndim(values) == 0 and not hasattr(values, "__len__")) or isinstance(values, str):
        advice = "data.table takes the name of a column too."
        raise DataError(must_be(what, f"one value a row, of shape ({rows},)", values, advice))
    given = read_column(values, what)
    if given.shape != (rows,):
        raise DataError(must_be(what, f"of shape ({rows},), one value a row", given.shape, "Check both lengths."))
    return given
