"""Stratified splits of rows into training, validation and test part, by a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.checks import is_integer, is_number, to_python
from hpsearch.errors import DataError, must_be

Rows = NDArray[np.int64]
# A share of all rows in [0, 1) where it is a float, a number of rows where it is an int.
Size = float | int


@dataclass(frozen=True, eq=False)
class Split:
    """Row ids of the three parts, each shuffled: the first rows of a part are a random sample of it."""

    train: Rows
    validation: Rows
    test: Rows


def split(classes: ArrayLike, validation: Size, test: Size, seed: int | np.random.Generator) -> Split:
    """Split rows into three parts, stratified by class: the test part is drawn first, then the validation part.

    Args:
        classes: the class of each row, shape (n,).
        validation: share of all n rows (float) or number of rows (int), at least one row.
        test: the same; 0 for no test part.
        seed: a seed, or the generator to draw from.
    Returns:
        Ids that together are 0..n-1, each once; per class a part is within one row of its share of what it is drawn from.
    Raises:
        DataError: for impossible sizes, or a class with too few rows to be in every part.

    >>> ids = split([0, 1] * 5, validation=0.2, test=0.2, seed=0)
    >>> len(ids.train), len(ids.validation), len(ids.test)
    (6, 2, 2)
    """
    classes = np.asarray(classes)
    rng = np.random.default_rng(seed)
    n_test = _rows_of("test", test, len(classes))
    n_validation = _rows_of("validation", validation, len(classes))
    if n_validation < 1 or n_validation + n_test >= len(classes):
        sizes = f"validation={n_validation}, test={n_test}"
        raise DataError(
            must_be(f"Parts of {len(classes)} rows", "not empty", sizes, "Lower them, and select on at least one row.")
        )
    rest, drawn = np.arange(len(classes)), np.arange(0)
    if n_test:
        rest, drawn = draw_stratified(classes, n_test, rng)
    train, chosen = draw_stratified(classes[rest], n_validation, rng)
    return Split(rest[train], rest[chosen], drawn)


def draw_stratified(classes: ArrayLike, count: int, seed: int | np.random.Generator) -> tuple[Rows, Rows]:
    """Draw ``count`` rows, each class within one row of its share, and return the ids of (those left, those drawn).

    Raises:
        DataError: if a class cannot be on both sides.
    """
    from sklearn.model_selection import train_test_split  # imported late: it takes a second, and most studies need no split

    classes = np.asarray(classes)
    names, counts = np.unique(classes, return_counts=True)
    rare = int(counts.argmin())
    if counts[rare] < 2:
        what, advice = f"Rows left of class {names[rare].item()!r}", "Add rows of it, or leave the class out."
        raise DataError(must_be(what, "at least 2 to be split", int(counts[rare]), advice))
    if not len(names) <= count <= len(classes) - len(names):
        what = f"Rows to draw from {len(classes)}"
        constraint = f"in [{len(names)}, {len(classes) - len(names)}], one a class on either side"
        raise DataError(must_be(what, constraint, count, "Change the size of the part, or add rows."))
    state = int(np.random.default_rng(seed).integers(2**32))
    left, drawn = train_test_split(np.arange(len(classes)), test_size=count, stratify=classes, random_state=state)
    return np.asarray(left, np.int64), np.asarray(drawn, np.int64)


def _rows_of(part: str, size: Size, total: int) -> int:
    """Return the number of rows of a part given as a share or as a number."""
    given = to_python(size)
    if not is_number(given):
        raise DataError(must_be(part, "a share of the rows or a number of rows", size, "Try 0.2."))
    if is_integer(given):
        if not 0 <= given < total:
            raise DataError(must_be(part, f"in [0, {total}) rows", given, "Try 0.2, a share of the rows."))
        return given
    if not 0 <= given < 1:
        raise DataError(must_be(part, "in [0, 1) as a share of the rows", given, "Try 0.2."))
    return round(given * total)
