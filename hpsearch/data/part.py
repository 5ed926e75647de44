"""Part of a data set (training, validation or test): rows and their targets, checked once; arrays are read-only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import integer, to_python
from hpsearch.data.frames import Column, columns_of, digest_frame, is_frame, join_rows, take_rows
from hpsearch.errors import DataError, must_be

# Rows, float32 or float64.
Pixels = NDArray[Any]
Labels = NDArray[np.int64]

# What may be known of each row beside its target.
_FACTS = ("weights", "groups", "probabilities")
_CONVERT = "data.arrays(X, y) converts arrays of any kind."


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """Rows and the target of each, a class or a number; holds read-only views of arrays.

    Args:
        x: finite values, float32 or float64, C-contiguous, shape (n, d) with n >= 1 and d >= 1; or a data frame of pandas or
            polars, which may hold texts, categories and missing values.
        y: class indices in [0, k), int64, or numbers to predict, float64 and finite; shape (n,), or (n, q) for q numbers a row.
        weights: >= 0, float64, shape (n,), how much each row counts; None where all count alike.
        groups: int64, shape (n,), the group of each row, or its time where rows are in the order of time: no split parts a
            group; None where there are none.
        probabilities: float64 in [0, 1], shape (n, k), the target of each class instead of one class a row; ``y`` is then the
            class with the largest. None where each row has one class, or numbers.
    Raises:
        DataError: for another shape or dtype, no rows, NaN, infinity or a negative class.
    """

    x: Any
    y: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    probabilities: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.is_table:
            _ = self.columns  # which checks them
        else:
            _check_rows(self.x)
        _check_targets(self.y, len(self.x))
        for name in ("x", "y", *_FACTS):
            array = getattr(self, name)
            if isinstance(array, np.ndarray):
                view = array.view()
                view.setflags(write=False)
                object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        return f"Part(rows={len(self)}, features={self.x.shape[1]})"

    @property
    def numeric(self) -> bool:
        """Whether the targets are numbers (regression) instead of classes."""
        return self.y.dtype.kind == "f"

    @property
    def is_table(self) -> bool:
        """Whether the rows are a data frame."""
        return not isinstance(self.x, np.ndarray) and is_frame(self.x)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a data frame; none of an array."""
        return columns_of(self.x) if self.is_table else ()

    @cached_property
    def checksum(self) -> str:
        """SHA-256 (hex) over shape, dtype, rows and targets, computed on first use; 0.08 s for 50,000 images of MNIST."""
        digest = hashlib.sha256(repr(self.x.shape).encode())
        if self.is_table:
            digest.update(digest_frame(self.x, self.columns))
        else:
            if self.x.dtype != np.float32:  # which was once the only one
                digest.update(self.x.dtype.name.encode())
            digest.update(self.x.data)
        if self.numeric:
            digest.update(b"float64")  # all zeros are the same bytes as classes and as numbers
        if self.y.ndim > 1:
            digest.update(repr(self.y.shape).encode())
        digest.update(np.ascontiguousarray(self.y).data)
        for name in _FACTS:
            if getattr(self, name) is not None:
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(getattr(self, name)).data)
        return digest.hexdigest()

    @property
    def dtype(self) -> str:
        """``"float32"`` or ``"float64"``, the dtype of the rows; ``"table"`` of a data frame."""
        return "table" if self.is_table else str(self.x.dtype.name)

    def take(self, rows: NDArray[Any] | slice) -> Part:
        """Return the part of some rows, in the order given; a slice of arrays copies nothing."""
        x = take_rows(self.x, rows) if self.is_table else self.x[rows]
        facts = {name: None if (fact := getattr(self, name)) is None else fact[rows] for name in _FACTS}
        return Part(x, self.y[rows], **facts)

    @classmethod
    def join(cls, parts: Sequence[Part]) -> Part:
        """Return the rows of several parts of one kind, one after the other."""
        first = parts[0]
        if len(parts) == 1:
            return first
        rows = [part.x for part in parts]
        x = join_rows(rows) if first.is_table else np.concatenate(rows)
        facts = {
            name: None if getattr(first, name) is None else np.concatenate([getattr(part, name) for part in parts])
            for name in _FACTS
        }
        return cls(x, np.concatenate([part.y for part in parts]), **facts)

    def as_float32(self) -> Part:
        """Return the part with rows of float32: itself where they are, or where they are a data frame, else a copy.

        Raises:
            DataError: for a value that float32 cannot hold.
        """
        if self.is_table or self.dtype == "float32":
            return self
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            x = self.x.astype(np.float32)
        if not np.isfinite(x.min()) or not np.isfinite(x.max()):
            row, column = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
            advice = "Scale that column, or take dtype='float64'."
            raise DataError(must_be(f"x[{row}, {column}]", "within float32", float(self.x[row, column]), advice))
        return replace(self, x=x)

    def head(self, rows: int) -> Part:
        """Return the first ``rows`` rows, without copying them."""
        integer("Number of rows", to_python(rows), 1, "Ask for fewer rows.", most=len(self), error=DataError)
        return self.take(slice(rows))

    def only(self, classes: Sequence[int]) -> Part:
        """Return a copy of the rows of some classes, renumbered in the order given.

        Raises:
            DataError: where a part has none of them, or probabilities, which would sum to less than 1.
        """
        if self.probabilities is not None:
            advice = "Choose the columns yourself, and divide each row by its sum."
            raise DataError(must_be("Rows to choose by class", "rows of one class each", "probabilities", advice))
        rows = self.of(classes)
        if not rows.any():
            raise DataError(must_be("A part", "with rows of the classes asked for", tuple(classes), "Ask for other classes."))
        numbers = np.full(max(int(self.y.max()), *classes) + 1, -1, np.int64)
        numbers[list(classes)] = np.arange(len(classes))
        kept = self.take(np.flatnonzero(rows))
        return replace(kept, y=numbers[kept.y])

    def of(self, classes: Sequence[int]) -> NDArray[np.bool_]:
        """Return for each row whether its class is one of these."""
        return np.isin(self.y, classes)


def _check_rows(x: Pixels) -> None:
    if not isinstance(x, np.ndarray) or x.ndim != 2 or 0 in x.shape:
        shape = getattr(x, "shape", type(x).__name__)
        raise DataError(must_be("x", "an array of shape (n, d) that is not empty", shape, "Flatten images to one row each."))
    if x.dtype not in (np.float32, np.float64) or not x.flags.c_contiguous:
        layout = f"{x.dtype}, {'' if x.flags.c_contiguous else 'not '}C-contiguous"
        raise DataError(must_be("x", "float32 or float64 and C-contiguous", layout, _CONVERT))
    # The extremes carry NaN and infinity along, at a fifth of the time and none of the memory of isfinite over all.
    if not np.isfinite(x.min()) or not np.isfinite(x.max()):
        row, column = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise DataError(must_be(f"x[{row}, {column}]", "finite", float(x[row, column]), "Drop or fill such values first."))


def _check_targets(y: NDArray[Any], rows: int) -> None:
    several = isinstance(y, np.ndarray) and y.ndim == 2 and y.dtype == np.float64 and len(y) == rows and y.shape[1] > 1
    if not isinstance(y, np.ndarray) or (y.shape != (rows,) and not several):
        shape = getattr(y, "shape", type(y).__name__)
        raise DataError(
            must_be("y", f"an array of shape ({rows},), one target per row", shape, "Give each row its class or number.")
        )
    if y.dtype not in (np.int64, np.float64):
        raise DataError(must_be("y", "int64", str(y.dtype), _CONVERT))
    if y.dtype == np.float64 and not np.isfinite(y).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(y))[0])
        shown = ", ".join(map(str, where))
        raise DataError(must_be(f"y[{shown}]", "finite", float(y[where]), "Drop or fill such values first."))
    if y.dtype == np.int64 and y.min() < 0:
        raise DataError(must_be("y", "class indices from 0 on", int(y.min()), _CONVERT))
