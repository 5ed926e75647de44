"""Encoding of the columns of a table as inputs of a network: fitted to training rows, kept as plain data.

Numbers are standardized, categories are one-hot, missing values are filled and marked. A column is looked up by its name, as
``rows[name]``, so that data frames of pandas and polars and plain dicts of lists are read alike; of an array by its position.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import DataError, SettingError, must_be
from hpsearch.nn.arrays import Array

logger = logging.getLogger(__name__)
Values = Sequence[Any] | NDArray[Any]
# A category has at most so many inputs, for its most frequent options; a text that names each row would have thousands.
MOST_OPTIONS = 100
# Deviations below this share of the mean are rounding errors: such a column is constant.
_NOISE = 1e-12
_HUGE = 1e150


@dataclass(frozen=True)
class Numbers:
    """A column of numbers or booleans: (value - mean) / spread, 0 where none is there.

    Args:
        name: of the column; or its position in an array.
        mean: of the training rows.
        spread: their standard deviation; 0 for a column with one value, which has no input.
        marks: whether a second input tells that the value is missing.
    """

    name: str | int
    mean: float = 0.0
    spread: float = 1.0
    marks: bool = False

    @property
    def width(self) -> int:
        """The number of inputs."""
        return int(self.spread > 0.0) + int(self.marks)

    def encode(self, values: Values, out: Array) -> None:
        """Write the inputs of some values into ``out``, (n, width)."""
        numbers = to_numbers(self.name, values)
        missing = np.isnan(numbers)
        if self.spread > 0.0:
            out[:, 0] = np.where(missing, 0.0, (numbers - self.mean) / self.spread)
        if self.marks:
            out[:, -1] = missing

    def unseen(self, values: Values) -> list[str]:
        """Return no option: a number has none."""
        return []


@dataclass(frozen=True)
class Options:
    """A column of texts or categories: an input per option, all 0 for an option that is not among them.

    Args:
        name: of the column; or its position in an array.
        options: those of the training rows, in sorted order.
        marks: whether a further input tells that the value is missing.
    """

    name: str | int
    options: tuple[str, ...]
    marks: bool = False

    @property
    def width(self) -> int:
        """The number of inputs."""
        return len(self.options) + int(self.marks)

    def encode(self, values: Values, out: Array) -> None:
        """Write the inputs of some values into ``out``, (n, width)."""
        places = {option: place for place, option in enumerate(self.options)}
        out[:] = 0.0
        for row, value in enumerate(to_list(values)):
            missing = is_missing(value)
            place = (-1 if self.marks else None) if missing else places.get(spelled(value, places))
            if place is not None:
                out[row, place] = 1.0

    def unseen(self, values: Values) -> list[str]:
        """Return the options among some values that have no input, in the order they come; none of a column without inputs."""
        known = dict.fromkeys(self.options)
        texts = dict.fromkeys(spelled(value, known) for value in to_list(values) if not is_missing(value))
        return [text for text in texts if text not in known] if known else []


Column = Numbers | Options


@dataclass(frozen=True)
class Inputs:
    """The inputs of a network for the columns of a table, in the order of the columns."""

    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """The number of inputs of the network."""
        return sum(column.width for column in self.columns)

    def encode(self, rows: Any, dtype: str) -> Array:
        """Return the inputs, (n, width), for rows: a data frame, a dict of lists by column name, or an array.

        Raises:
            DataError: for a missing column, or values of another kind.
        """
        values = [column_of(rows, column.name, len(self.columns)) for column in self.columns]
        encoded = np.zeros((len(values[0]), self.width), dtype)
        for column, own, start in zip(self.columns, values, self._starts(), strict=True):
            if len(own) != len(encoded):
                what, constraint = f"Column {column.name!r}", f"of {len(encoded)} rows, as {self.columns[0].name!r} is"
                raise DataError(must_be(what, constraint, len(own), "Give all columns one length."))
            if column.width:
                block = encoded[:, start : start + column.width]
                with np.errstate(over="ignore"):  # what the dtype cannot hold becomes infinite
                    column.encode(own, block)
                _check_finite(column.name, own, block)
        return encoded

    def unseen(self, rows: Any) -> dict[str | int, list[str]]:
        """Return, per column, the options that the training rows did not have."""
        found = {c.name: c.unseen(column_of(rows, c.name, len(self.columns))) for c in self.columns if isinstance(c, Options)}
        return {name: options for name, options in found.items() if options}

    def description(self) -> list[dict[str, Any]]:
        """Return the encoding as plain JSON data."""
        plain = [asdict(column) for column in self.columns]
        return [column | ({"options": list(column["options"])} if "options" in column else {}) for column in plain]

    @classmethod
    def restore(cls, description: Any) -> Inputs:
        """Return the encoding that `description` described.

        Raises:
            SettingError: for anything else.
        """
        try:
            return cls(tuple(_restored(column) for column in description))
        except (TypeError, ValueError, KeyError) as error:
            what, constraint = "Inputs of a saved network", "a list of columns"
            raise SettingError(must_be(what, constraint, str(error), "Save it again.")) from error

    def _starts(self) -> Iterator[int]:
        start = 0
        for column in self.columns:
            yield start
            start += column.width


def _restored(column: Mapping[str, Any]) -> Column:
    name, marks, options = column["name"], column["marks"], column.get("options")
    mean, spread = (column.get(item, 0.0) for item in ("mean", "spread"))
    if not isinstance(name, (str, int)) or marks not in (True, False):
        raise ValueError(f"a column {name!r} with marks {marks!r}")
    if options is None:
        numbers = Numbers(name, float(column["mean"]), float(column["spread"]), marks)
        if not (np.isfinite(mean) and np.isfinite(spread) and spread >= 0):
            raise ValueError(f"a mean of {mean} and a spread of {spread}")
        return numbers
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise ValueError(f"options {options!r}")
    return Options(name, tuple(options), marks)


def _check_finite(name: str | int, values: Values, block: Array) -> None:
    """Raise for a value that the dtype of the inputs cannot hold.

    Raises:
        DataError: naming the column and the row.
    """
    if not np.isfinite(block).all():
        row = int(np.argmin(np.isfinite(block).all(axis=1)))
        what, constraint = f"Column {name!r}", f"finite once it is standardized, in {block.dtype}"
        raise DataError(must_be(what, constraint, f"{to_list(values)[row]} in row {row}", "Replace that value."))


def fit_numbers(name: str | int, values: Values, standardize: bool) -> Numbers:
    """Return the encoding of a column of numbers, fitted to the values of the training rows.

    >>> fit_numbers("age", [10.0, None, 30.0], standardize=True)
    Numbers(name='age', mean=20.0, spread=10.0, marks=True)
    """
    numbers = to_numbers(name, values)
    missing = np.isnan(numbers)
    if not standardize:
        return Numbers(name)
    known = numbers[~missing]
    largest = float(np.abs(known).max(initial=0.0))
    # Of numbers whose squares float64 cannot hold the deviation is taken on another scale.
    scale = 1.0 if not largest or 1 / _HUGE < largest < _HUGE else largest
    mean = float((known / scale).mean()) * scale if len(known) else 0.0
    spread = float((known / scale).std()) * scale if len(known) else 0.0
    if spread <= _NOISE * abs(mean):
        spread = 0.0
    return Numbers(name, mean, spread, bool(missing.any()) and bool(len(known)))


def fit_options(name: str | int, values: Values) -> Options:
    """Return the encoding of a column of texts or categories, fitted to the values of the training rows.

    >>> fit_options("city", ["Rome", None, "Oslo", "Rome"])
    Options(name='city', options=('Oslo', 'Rome'), marks=True)
    """
    given = to_list(values)
    counts = Counter(str(value) for value in given if not is_missing(value))
    kept = sorted(counts, key=lambda option: (-counts[option], option))[:MOST_OPTIONS]
    marks = any(is_missing(value) for value in given) and bool(kept)
    # A column with one value tells nothing.
    return Options(name, tuple(sorted(kept)) if len(kept) > 1 or marks else (), marks)


def column_of(rows: Any, name: str | int, columns: int) -> Values:
    """Return a column of some rows.

    Raises:
        DataError: if there is none.
    """
    if isinstance(name, int):
        array = np.asarray(rows)
        if array.ndim != 2 or array.shape[1] != columns:
            raise DataError(must_be("x", f"of shape (n, {columns})", array.shape, "Take the columns it was trained on."))
        found: Values = array[:, name]
        return found
    try:
        return [rows[name]] if isinstance(rows[name], str) or not hasattr(rows[name], "__len__") else rows[name]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        names = [str(key) for key in getattr(rows, "columns", rows if isinstance(rows, Mapping) else ())]
        raise _no_column(name, names) from error
    except Exception as error:  # polars raises a class of its own
        raise _no_column(name, [str(key) for key in getattr(rows, "columns", ())]) from error


def _no_column(name: str, names: Sequence[str]) -> DataError:
    shown = ", ".join(names[:20]) or "none with a name"
    return DataError(must_be("The rows", f"a table with the column {name!r}", shown, "Pass the columns it was trained on."))


def to_list(values: Values) -> list[Any]:
    """Return values as a list of Python objects."""
    found = getattr(values, "tolist", None) or getattr(values, "to_list", None)
    return list(found()) if found is not None else list(values)


def to_numbers(name: str | int, values: Values) -> NDArray[np.float64]:
    """Return values as float64, NaN where one is missing.

    Raises:
        DataError: for a value that is no number.
    """
    plain = np.asarray(values)
    if plain.dtype.kind in "iufb":
        return plain.astype(np.float64)
    numbers = np.empty(len(plain))
    for row, value in enumerate(to_list(values)):
        try:
            numbers[row] = np.nan if is_missing(value) else float(value)
        except (TypeError, ValueError):
            raise DataError(must_be(f"Column {name!r}", "numbers", f"{value!r} in row {row}", "Pass numbers there.")) from None
    return numbers


def is_missing(value: object) -> bool:
    """Return whether a value stands for none: None, NaN, or a missing value of pandas."""
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def spelled(value: object, options: Mapping[str, Any]) -> str:
    """Return a value as it is among the options: a number is the same as a float and as a whole number.

    >>> spelled(2.0, {"1": 0, "2": 1}), spelled(2, {"2.0": 0}), spelled("2", {"2.0": 0})
    ('2', '2.0', '2')
    """
    text = str(value)
    if text in options or not isinstance(value, (int, float, np.number)):
        return text
    spellings = [str(float(value)), str(int(value)) if float(value).is_integer() else text]
    return next((other for other in spellings if other in options), text)


def say_unseen(inputs: Inputs, rows: Any) -> None:
    """Say in one line which options have no input: those that the training rows did not have, or hardly ever."""
    found = inputs.unseen(rows)
    if found:
        name, options = next(iter(found.items()))
        more = len(options) - 3
        shown = ", ".join(map(repr, options[:3])) + (f" and {more} more" if more > 0 else "")
        logger.warning("Column %r holds %s, which the network was not trained on: it takes that for no option.", name, shown)
