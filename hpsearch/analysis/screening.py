"""Screening of many parameters: those that the trials' ranks follow most closely, by a quick test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def leading_columns(columns: Mapping[str, Sequence[Any]], ranks: Sequence[float], most: int) -> list[str]:
    """Return the ``most`` columns that explain the ranks best by themselves, in the order given.

    A column of numbers explains what a parabola fitted to it does, and one of texts what the means of its groups do. Both are
    adjusted for the number of coefficients: a choice of many options would otherwise explain much by chance.

    >>> leading_columns({"x": [0.0, 0.3, 0.6, 1.0], "y": [0.1, 0.9, 0.2, 0.3]}, [0.0, 0.3, 0.6, 1.0], 1)
    ['x']
    """
    if len(columns) <= most:
        return list(columns)
    values = np.asarray(ranks, float)
    explained = {name: _explained(column, values) for name, column in columns.items()}
    leading = set(sorted(columns, key=lambda name: -explained[name])[:most])
    return [name for name in columns if name in leading]


def _explained(column: Sequence[Any], ranks: Values) -> float:
    """Return the adjusted coefficient of determination of a column."""
    basis = _groups(column) if isinstance(column[0], str) else _parabola(np.asarray(column, float))
    coefficients, *_ = np.linalg.lstsq(basis, ranks, rcond=None)
    left = float(((ranks - basis @ coefficients) ** 2).sum())
    total = float(((ranks - ranks.mean()) ** 2).sum())
    freedom = len(ranks) - basis.shape[1]
    return 1.0 - (left / freedom) / (total / (len(ranks) - 1)) if freedom > 0 and total > 0 else 0.0


def _parabola(column: Values) -> Values:
    return np.column_stack([np.ones_like(column), column, column**2])


def _groups(column: Sequence[str]) -> Values:
    """Return one indicator per text."""
    _, places = np.unique(column, return_inverse=True)
    return np.eye(int(places.max()) + 1)[places]
