"""Columns whose distinct values merge where they are rounded to a narrower dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# A column is named where it loses more than this share of its distinct values. Of many random numbers a few always merge.
SHARE = 0.01


def merged_columns(x: NDArray[Any], dtype: str) -> dict[int, tuple[int, int]]:
    """Return the columns that lose more than 1 % of their distinct values in a dtype: how many there are, and how many stay.

    >>> merged_columns(1.7e9 + np.arange(100.0)[:, None], "float32")
    {0: (100, 2)}
    """
    found = {}
    with np.errstate(over="ignore", invalid="ignore"):  # of values beyond the dtype
        inexact = (x.astype(dtype).astype(x.dtype) != x).any(axis=0)
    for column in np.flatnonzero(inexact).tolist():
        values = np.sort(x[:, column])
        before, after = _count_distinct(values), _count_distinct(values.astype(dtype))
        if before - after > SHARE * before:
            found[column] = before, after
    return found


def _count_distinct(rising: NDArray[Any]) -> int:
    return 1 + int(np.count_nonzero(rising[1:] != rising[:-1]))


def describe_merged(found: dict[int, tuple[int, int]]) -> str:
    """Return the columns in words.

    >>> describe_merged({0: (100, 2), 3: (50, 1), 4: (9, 8)})
    '100 distinct values of column 0 become 2 (and values of 2 more columns merge)'
    """
    column, (before, after) = next(iter(found.items()))
    more = len(found) - 1
    others = f" (and values of {more} more column{'s' * (more > 1)} merge)" if more else ""
    return f"{before} distinct values of column {column} become {after}{others}"
