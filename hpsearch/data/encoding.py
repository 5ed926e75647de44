"""Tables as networks take them: the columns of a data set encoded, fitted to its training rows."""

from __future__ import annotations

import logging
import multiprocessing
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from hpsearch.data.dataset import Dataset
from hpsearch.data.part import Part
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.inputs import Column, Inputs, column_of, fit_numbers, fit_options, to_numbers

logger = logging.getLogger(__name__)
# Columns whose mean is so many deviations away from 0, or whose deviation is beyond these ends, hardly train as they are.
_FAR, _NARROW, _WIDE = 10.0, 0.01, 100.0
# The data sets of which something was said, by id.
_said: WeakValueDictionary[int, Dataset] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Encoded:
    """A data set of encoded rows, and the encoding."""

    data: Dataset
    inputs: Inputs

    def encode(self, part: Part) -> Part:
        """Return another part of the same table, such as the test part, encoded just so."""
        return _encode_part(part, self.inputs, self.data.train.dtype)


def encode(data: Dataset, standardize: bool, dtype: str) -> Encoded:
    """Return a data set with its columns as inputs of a network, fitted to the training rows alone.

    Kept with the data set, so that it reaches worker processes as shared memory and no trial makes its own.

    Args:
        data: of a table, or of an array.
        standardize: whether numbers get mean 0 and deviation 1.
        dtype: of the encoded rows.
    """
    kept: dict[tuple[bool, str], Encoded] = data.__dict__.setdefault("_encoded", {})
    if (standardize, dtype) not in kept:
        inputs = fit_inputs(data.train, standardize)
        train, validation = (_encode_part(part, inputs, dtype) for part in (data.train, data.validation))
        kept[standardize, dtype] = Encoded(replace(data, train=train, validation=validation), inputs)
    return kept[standardize, dtype]


def fit_inputs(part: Part, standardize: bool) -> Inputs:
    """Return the encoding that is fitted to the rows of a part.

    Raises:
        SettingError: where no column has more than one value.
    """
    inputs = Inputs(tuple(_fit(part, column, standardize) for column in _columns(part)))
    if not inputs.width:
        advice = "Add a column that differs between rows."
        raise SettingError(must_be("The training rows", "different in some column", "equal rows", advice))
    return inputs


def _columns(part: Part) -> list[tuple[str | int, bool]]:
    """Return the name of each column, and whether it holds numbers."""
    if not part.is_table:
        return [(position, True) for position in range(part.x.shape[1])]
    return [(column.name, column.kind in ("number", "boolean")) for column in part.columns]


def _fit(part: Part, column: tuple[str | int, bool], standardize: bool) -> Column:
    name, is_number = column
    values = column_of(part.x, name, part.x.shape[1])
    return fit_numbers(name, values, standardize) if is_number else fit_options(name, values)


def _encode_part(part: Part, inputs: Inputs, dtype: str) -> Part:
    return replace(part, x=inputs.encode(part.x, dtype))


def reason_to_standardize(data: Dataset) -> str:
    """Return why a network should have the columns of a data set standardized, in words; empty where there is no reason.

    Only for columns as a user has them: those of the built-in data sets are scaled.
    """
    if not data.unscaled:
        return ""
    for column in (*data.train.columns, *data.validation.columns):
        if column.kind in ("text", "category"):
            return f"column {column.name!r} holds texts"
        if column.missing:
            return f"column {column.name!r} has missing values"
    for name, _ in _columns(data.train):
        values = to_numbers(name, column_of(data.train.x, name, data.train.x.shape[1]))
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = float(values.mean()), float(values.std())
        if deviation > 0 and (abs(mean) > _FAR * deviation or not _NARROW <= deviation <= _WIDE):
            return f"column {name!r} has mean {mean:.4g} and deviation {deviation:.4g}"
    return ""


def check_plain(data: Dataset) -> None:
    """Raise where the columns of a data set cannot be used as they are.

    Raises:
        SettingError: for texts and missing values.
    """
    for column in (*data.train.columns, *data.validation.columns):
        if column.kind in ("text", "category") or column.missing:
            held = f"{column.missing} missing values" if column.missing else f"{column.kind} values"
            what, constraint = "standardize", "True, or left out, for a table with texts or missing values"
            raise SettingError(must_be(what, constraint, False, f"Column {column.name!r} has {held}."))


def say_standardized(data: Dataset, reason: str) -> None:
    """Say in one line that a network standardizes the columns; once a data set, never in a worker."""
    if _said.get(id(data)) is data or multiprocessing.parent_process() is not None:
        return
    _said[id(data)] = data
    advice = "standardize=True takes that for granted, False leaves them as they are."
    logger.warning("TrainNetwork standardizes the columns of %r, since %s. %s", data.name, reason, advice)


def example_rows(part: Part, count: int = 2) -> Any:
    """Return the first rows of a part, as a user would pass them to a network."""
    return part.take(slice(min(count, len(part)))).x


def balanced_weights(y: np.ndarray, classes: int) -> np.ndarray:
    """Return the weight of each class that makes all classes count alike: n / (k count).

    Source: King and Zeng (2001), Logistic regression in rare events data, Political Analysis 9; as in scikit-learn.

    >>> balanced_weights(np.array([0, 0, 0, 1]), 2).round(4).tolist()
    [0.6667, 2.0]
    """
    counts = np.bincount(y, minlength=classes)
    weights: np.ndarray = len(y) / (classes * np.maximum(counts, 1))
    return weights
