"""Data set from the user's own arrays: split, or taken in parts as they are handed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.checks import boolean, text
from hpsearch.data.assembly import Rows, Splitting, assemble
from hpsearch.data.dataset import Dataset
from hpsearch.data.part import Part
from hpsearch.data.row_facts import read_groups, read_strata, read_times, read_weights, refuse_two_orders
from hpsearch.data.rows import read_column, read_rows
from hpsearch.data.splits import Size
from hpsearch.errors import DataError, must_be
from hpsearch.nn.soft_targets import check_probabilities, check_sums

# A part that is handed in as it is: rows and their targets.
Pair = tuple[ArrayLike, ArrayLike]
_PROBABILITIES = "Columns are probabilities of classes: pass regression=True for numbers to predict."
_SUMS = "Divide each row by its sum, or pass regression=True for numbers to predict."


def arrays(
    X: ArrayLike,
    y: ArrayLike,
    validation: Size | Pair = 0.2,
    test: Size | Pair = 0.2,
    seed: int = 0,
    name: str = "arrays",
    regression: bool = False,
    *,
    groups: ArrayLike | None = None,
    time: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    stratify: bool | ArrayLike = True,
) -> Dataset:
    """Split rows and labels into a data set, stratified by class; the arrays themselves are not changed.

    Args:
        X: finite numbers, shape (n, d); an array, lists, or a data frame of numbers (`hpsearch.data.table` takes any data
            frame). Floats keep their dtype; booleans, float16 and integers of 8 and 16 bits become float32, which holds them
            exactly, and other integers float64, as in scikit-learn.
        y: integers, strings or booleans, shape (n,); encoded 0..k-1 in sorted order, the originals become ``class_names``. Or
            floats in [0, 1], shape (n, k), of sum 1: the probability of each class, for networks. Accuracy is then that of
            the most probable class, by which rows are stratified too; a part that is handed in may have labels 0..k-1.
        validation: share of the rows (float) or number of rows (int); or the validation part itself, ``(X, y)``.
        test: the same; 0 for a data set without a test part.
        seed: of the split.
        name: the name of the data set in records.
        regression: y holds numbers to predict instead of classes; stored as float64, and the split is not stratified. Several
            numbers a row, shape (n, q), are predicted by `TrainNetwork` alone.
        groups: the group of each row, shape (n,), such as a patient: no group is in two parts, and in two folds neither.
        time: when each row was, shape (n,), in rising order: the last rows are the test part, those before it the validation
            part, and each fold is validated on later rows than it is trained on.
        sample_weight: >= 0, shape (n,), how much each row counts, in training and in scores.
        stratify: whether each class has its share of every part; or one value per row, shape (n,), to stratify by instead.
    Raises:
        DataError: for another shape or kind, NaN or infinity, a probability outside [0, 1], fewer than two classes, or a class
            too rare to be split.

    >>> arrays([[0.0], [1.0]] * 50, ["no", "yes"] * 50, name="coin")
    coin(train=60, validation=20)
    """
    boolean("regression", regression, "Pass True for numbers to predict.", error=DataError)
    text("name", name, "Give the data set a name.", error=DataError)
    refuse_two_orders(groups, time)
    own = _rows((X, y), regression)
    handed = {"validation": validation, "test": test}
    given = {which: _handed(which, value, regression) for which, value in handed.items() if isinstance(value, (tuple, list))}
    for which, of_each in (("groups", groups), ("sample_weight", sample_weight)) if given else ():
        if of_each is not None:
            advice = "Take data.table, where they are a column of every part."
            raise DataError(must_be(which, "left out where a part is handed in", "both", advice))
    rows = replace(
        own,
        weights=read_weights(sample_weight, len(own)),
        groups=read_groups(groups, len(own)),
        times=read_times(time, len(own)),
        strata=None if stratify is True or stratify is False else read_strata(stratify, len(own)),
    )
    splitting = Splitting(**(handed | given), seed=seed, stratify=stratify is not False)  # type: ignore[arg-type]
    return assemble(name, rows, splitting, regression)


def _handed(which: str, pair: Any, regression: bool) -> Rows:
    if len(pair) != 2:
        raise DataError(must_be(f"The {which} part", "a pair (X, y)", f"{len(pair)} values", "Write it as in test=(X, y)."))
    return _rows(pair, regression)


def _rows(pair: Any, regression: bool) -> Rows:
    """Return rows and targets, checked before they are split."""
    x = read_rows(pair[0])
    Part(x, np.zeros(len(x), np.int64))
    soft = None if regression else read_probabilities(pair[1])
    y = read_targets(pair[1], regression) if soft is None else soft.argmax(axis=1)
    if len(x) != len(y):
        raise DataError(must_be("y", f"one label for each of the {len(x)} rows of X", len(y), "Check both lengths."))
    return Rows(x, y, probabilities=soft)


def read_probabilities(values: ArrayLike) -> NDArray[np.float64] | None:
    """Return the probability of each class, floats of shape (n, k) with k >= 2; None for targets of another form.

    Raises:
        DataError: for a value outside [0, 1], or a row whose sum is not 1.
    """
    given = read_column(values)
    if given.ndim != 2 or given.shape[1] < 2 or given.dtype.kind != "f":
        return None
    check_probabilities(given, _PROBABILITIES)
    check_sums(given, _SUMS)
    return given.astype(np.float64)


def read_targets(values: ArrayLike, regression: bool) -> NDArray[Any]:
    """Return labels, or the numbers to predict, as an array of shape (n,), or (n, q) for several numbers."""
    given = read_column(values)
    several = regression and given.ndim == 2 and given.shape[1] > 1
    if given.ndim != 1 and not several:
        raise DataError(must_be("y", "of shape (n,)", given.shape, "Use y.ravel(), or y.argmax(axis=1) for one-hot labels."))
    if regression and given.dtype.kind not in "iuf":
        advice = "Leave regression out for classes."
        raise DataError(must_be("y", "real numbers where regression=True", str(given.dtype), advice))
    return given
