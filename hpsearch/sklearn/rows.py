"""Rows of a search with their folds, and the checksum that identifies them in a study's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hpsearch.content import read_content
from hpsearch.ports import DataRecord, DataSet, PartRecord

Split = tuple[Any, Any]


@dataclass(frozen=True, eq=False, repr=False)
class SearchRows(DataSet):
    """What a search was fitted with. Nothing writes to it, so all trials share it.

    Args:
        x: rows as the estimator takes them: an array, a frame, a sparse matrix or a list.
        y: their targets, or None.
        splits: the rows to fit on and those to score, for each fold.
        params: further arguments of `fit`, by name.
        classes: the number of classes; 0 where there are none.
    """

    x: Any
    y: Any
    splits: Sequence[Split]
    params: Mapping[str, Any]
    classes: int = 0

    def __repr__(self) -> str:
        return f"SearchRows(rows={self.count}, folds={len(self.splits)})"

    def __deepcopy__(self, memo: dict[int, Any]) -> SearchRows:
        return self

    @property
    def count(self) -> int:
        """The number of rows."""
        return int(self.x.shape[0]) if hasattr(self.x, "shape") else len(self.x)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 (hex) of rows, targets, folds and further arguments."""
        return read_content([_plain(self.x), _plain(self.y), self.splits, dict(self.params)]).digest

    @property
    def record(self) -> DataRecord:
        """Names, sizes and the checksum, for the record."""
        shape: tuple[int, ...] = tuple(getattr(self.x, "shape", ()))
        kind = str(getattr(self.x, "dtype", type(self.x).__name__))
        parts = (PartRecord("training", self.count, self.checksum),)
        return DataRecord("rows", self.checksum, int(shape[1]) if len(shape) == 2 else 0, self.classes, parts, kind)


def _plain(rows: Any) -> Any:
    """Return the columns of a polars frame as arrays; other rows as they are."""
    if type(rows).__module__.split(".")[0] != "polars":
        return rows
    columns = rows.get_columns() if hasattr(rows, "get_columns") else [rows]
    return [(column.name, str(column.dtype), _values(column)) for column in columns]


def _values(column: Any) -> Any:
    values = column.to_numpy() if column.null_count() == 0 and column.dtype.is_numeric() else column.to_list()
    return np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values
