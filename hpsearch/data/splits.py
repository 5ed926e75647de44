"""Splits of rows into training, validation and test part: by a seed and stratified, by groups, or in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.checks import is_integer, is_number, to_python
from hpsearch.errors import DataError, must_be

Rows = NDArray[np.int64]
# A share of all rows in [0, 1) where it is a float, a number of rows where it is an int.
Size = float | int
# So many random orders of groups are tried for parts of the right size.
_ORDERS = 100


@dataclass(frozen=True, eq=False)
class Split:
    """Row ids of the three parts, each shuffled: the first rows of a part are a random sample of it."""

    train: Rows
    validation: Rows
    test: Rows


def split(
    classes: ArrayLike, validation: Size, test: Size, seed: int | np.random.Generator, labels: Sequence[Any] = ()
) -> Split:
    """Split rows into three parts, stratified by class: the test part is drawn first, then the validation part.

    Args:
        classes: the class of each row, shape (n,).
        validation: share of all n rows (float) or number of rows (int), at least one row.
        test: the same; 0 for no test part.
        seed: a seed, or the generator to draw from.
        labels: what the classes are called in errors, one a class; or empty.
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
    n_validation, n_test = part_sizes(len(classes), validation, test)
    rest, drawn = np.arange(len(classes)), np.arange(0)
    if n_test:
        rest, drawn = draw_stratified(classes, n_test, rng, labels)
    train, chosen = draw_stratified(classes[rest], n_validation, rng, labels)
    return Split(rest[train], rest[chosen], drawn)


def split_by_groups(
    groups: Rows, classes: NDArray[Any] | None, validation: Size, test: Size, seed: int | np.random.Generator
) -> Split:
    """Split rows into three parts so that no group is in two of them: the test part is drawn first, then the validation part.

    A part has about its share of the rows: groups are whole. With ``classes`` each class has about its share of every part.

    Args:
        groups: the group of each row, shape (n,).
        classes: the class of each row, shape (n,); None splits at random.
        validation: share of all rows or number of rows, at least one.
        test: the same; 0 for no test part.
        seed: a seed, or the generator to draw from.
    Raises:
        DataError: for impossible sizes, or fewer groups than parts.

    >>> ids = split_by_groups(np.repeat(np.arange(10), 4), None, 0.2, 0.2, seed=0)
    >>> len(ids.train), len(ids.validation), len(ids.test)
    (24, 8, 8)
    """
    rng = np.random.default_rng(seed)
    n_validation, n_test = part_sizes(len(groups), validation, test)
    parts, count = 2 + (n_test > 0), len(np.unique(groups))
    if count < parts:
        advice = "Add groups, leave groups out, or hand the parts in."
        raise DataError(must_be("The number of groups", f"at least {parts}, one a part", count, advice))
    rest, drawn = np.arange(len(groups)), np.arange(0)
    if n_test:
        rest, drawn = _draw_groups(groups, classes, n_test, parts - 1, rng)
    left, chosen = _draw_groups(groups[rest], None if classes is None else classes[rest], n_validation, 1, rng)
    return Split(*(rng.permutation(rows) for rows in (rest[left], rest[chosen], drawn)))


def _draw_groups(
    groups: Rows, classes: NDArray[Any] | None, count: int, keep: int, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Draw whole groups of about ``count`` rows and leave at least ``keep`` groups; return the ids of (rows left, rows drawn).

    Of several random orders of the groups that one counts whose first groups come closest to the number of rows, and to the
    shares of the classes.
    """
    codes, sizes = np.unique(groups, return_inverse=True)[1], np.bincount(np.unique(groups, return_inverse=True)[1])
    labels = np.zeros(len(groups), np.int64) if classes is None else np.unique(classes, return_inverse=True)[1]
    table = np.zeros((len(sizes), labels.max() + 1))
    np.add.at(table, (codes, labels), 1.0)
    goal = table.sum(0) * count / len(groups)
    best, least = np.arange(1), np.inf
    for _ in range(_ORDERS):
        order = rng.permutation(len(sizes))[: len(sizes) - keep]
        far = np.abs(np.cumsum(table[order], axis=0) - goal).sum(1)
        if far.min() < least:
            best, least = order[: int(far.argmin()) + 1], far.min()
    inside = np.isin(codes, best)
    return np.flatnonzero(~inside), np.flatnonzero(inside)


def split_in_order(times: NDArray[Any], validation: Size, test: Size) -> Split:
    """Split rows that are in the order of time: the last ones are the test part, those before it the validation part.

    Rows of one time stay in one part, so that a part may be a little smaller than asked for.

    Raises:
        DataError: for rows that are not in order, or impossible sizes.

    >>> ids = split_in_order(np.arange(10), 0.2, 0.2)
    >>> ids.train.tolist(), ids.validation.tolist(), ids.test.tolist()
    ([0, 1, 2, 3, 4, 5], [6, 7], [8, 9])
    """
    check_rising("The time column", times)
    n_validation, n_test = part_sizes(len(times), validation, test)
    last = _next_time(times, len(times) - n_test)
    first = _next_time(times, len(times) - n_test - n_validation)
    ids = Split(np.arange(first), np.arange(first, last), np.arange(last, len(times)))
    for what, rows in (("training", ids.train), ("validation", ids.validation), ("test", ids.test if n_test else ids.train)):
        if not len(rows):
            advice = "Change the sizes of the parts: rows of one time stay in one part."
            raise DataError(must_be(f"The {what} part", "not empty", f"{len(np.unique(times))} different times", advice))
    return ids


def check_rising(what: str, times: NDArray[Any], rows: bool = True) -> None:
    """Raise for times that are not in order; ``rows`` says whether they are those of rows, and the row is named.

    Raises:
        DataError: for times that fall, or that cannot be compared.
    """
    try:
        back = np.flatnonzero(times[1:] < times[:-1])
    except TypeError as error:
        kinds = " and ".join(sorted({type(time).__name__ for time in times.tolist()}))
        raise DataError(must_be(what, "of one kind in all rows", kinds, "Cast it, as in astype(str).")) from error
    if len(back):
        row = int(back[0]) + 1
        advice = "Sort the rows by it, as in frame.sort_values(time)." if rows else "Hand in later rows."
        where = f" in row {row}" if rows else ""
        raise DataError(must_be(what, "in rising order", f"{times[row]} after {times[row - 1]}{where}", advice))


def _next_time(times: NDArray[Any], row: int) -> int:
    """Return the first row from here on whose time differs from that of the row before."""
    while 0 < row < len(times) and times[row] == times[row - 1]:
        row += 1
    return row


def draw_stratified(
    classes: ArrayLike, count: int, seed: int | np.random.Generator, labels: Sequence[Any] = ()
) -> tuple[Rows, Rows]:
    """Draw ``count`` rows, each class within one row of its share, and return the ids of (those left, those drawn).

    Raises:
        DataError: if a class cannot be on both sides.
    """
    from sklearn.model_selection import train_test_split  # imported late: it takes a second, and most studies need no split

    classes = np.asarray(classes)
    names, counts = np.unique(classes, return_counts=True)
    rare = int(counts.argmin())
    if counts[rare] < 2:
        label = labels[names[rare]] if labels else names[rare].item()
        what, advice = f"Rows left of class {label!r}", "Add rows of it, or leave the class out."
        raise DataError(must_be(what, "at least 2 to be split", int(counts[rare]), advice))
    if not len(names) <= count <= len(classes) - len(names):
        what = f"Rows to draw from {len(classes)}"
        constraint = f"in [{len(names)}, {len(classes) - len(names)}], one a class on either side"
        raise DataError(must_be(what, constraint, count, "Change the size of the part, or add rows."))
    state = int(np.random.default_rng(seed).integers(2**32))
    left, drawn = train_test_split(np.arange(len(classes)), test_size=count, stratify=classes, random_state=state)
    return np.asarray(left, np.int64), np.asarray(drawn, np.int64)


def part_sizes(total: int, validation: Size, test: Size) -> tuple[int, int]:
    """Return the numbers of rows of the validation and of the test part; some must be left for the training."""
    n_test = _rows_of("test", test, total)
    n_validation = _rows_of("validation", validation, total)
    if n_validation < 1 or n_validation + n_test >= total:
        sizes = f"validation={n_validation}, test={n_test}"
        raise DataError(must_be(f"Parts of {total} rows", "not empty", sizes, "Lower them, and select on at least one row."))
    return n_validation, n_test


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
