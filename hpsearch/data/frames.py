"""Data frames of pandas and polars: their columns and kinds, subsets of their rows, and a checksum of their content.

One code path serves both libraries, through narwhals; neither has to be installed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import DataError, did_you_mean, must_be
from hpsearch.nn.inputs import is_missing

if TYPE_CHECKING:
    import narwhals as nw

Kind = Literal["number", "boolean", "text", "category"]
# Beyond this, float64 does not hold every whole number.
_EXACT = 2**53


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, what kind of values it holds, and how many of them are missing."""

    name: str
    kind: Kind
    missing: int = 0


def is_frame(values: object) -> bool:
    """Return whether this is a data frame of pandas or polars.

    >>> is_frame([[1.0]])
    False
    """
    if isinstance(values, (np.ndarray, list, tuple)):
        return False
    from narwhals import dependencies  # takes a tenth of a second, so it is imported where a frame may be at hand

    return dependencies.is_pandas_dataframe(values) or dependencies.is_polars_dataframe(values)


def read_frame(what: str, values: Any) -> Any:
    """Return a data frame that can be used as rows: with unique column names, and a plain index where it is one of pandas.

    Raises:
        DataError: for anything else.
    """
    if not is_frame(values):
        advice = "Pass arrays to data.arrays(X, y), and a path to data.csv or data.parquet."
        kind = f"{type(values).__module__.partition('.')[0]}.{type(values).__name__}"
        raise DataError(must_be(what, "a data frame of pandas or polars", kind, advice))
    names = list(values.columns)
    for name in names:
        if not isinstance(name, str):
            advice = "Write frame.columns = frame.columns.astype(str)."
            raise DataError(must_be(f"A column name of {what}", "text", name, advice))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(must_be(f"Column names of {what}", "unique", twice[0], "Rename or drop one of these columns."))
    if not len(values):
        raise DataError(must_be(what, "a table with rows", f"{len(names)} columns without a row", "Check where it is read."))
    return values.reset_index(drop=True) if hasattr(values, "reset_index") else values


def refuse_other_library(what: str, part: Any, frame: Any) -> None:
    """Raise where two parts of a table are frames of different libraries, which no join takes."""
    one, other = (type(each).__module__.partition(".")[0] for each in (frame, part))
    if is_frame(frame) and one != other:
        raise DataError(must_be(what, f"a data frame of {one}, as the rows are", other, f"Convert it, as in part.to_{one}()."))


def columns_of(frame: Any) -> tuple[Column, ...]:
    """Return the columns of a data frame that can be features.

    Raises:
        DataError: for a column of dates or of mixed values, and for infinite numbers; names the column.
    """
    table = _narwhals(frame)
    return tuple(_column(name, table[name]) for name in table.columns)


def _narwhals(frame: Any) -> nw.DataFrame[Any]:
    import narwhals as nw

    return nw.from_native(frame, eager_only=True)


def _column(name: str, series: nw.Series[Any]) -> Column:
    kind = _kind(name, series)
    if kind != "number":
        return Column(name, kind, int(series.is_null().sum()))
    values = to_floats(series)
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        advice = "Replace it, by a missing value where it stands for one."
        raise DataError(must_be(f"Column {name!r}", "finite", f"{values[row]} in row {row}", advice))
    return Column(name, kind, int(np.isnan(values).sum()))


def _kind(name: str, series: nw.Series[Any]) -> Kind:
    import narwhals as nw

    dtype = series.dtype
    if dtype.is_numeric():
        return "number"
    if dtype == nw.Boolean:
        return "boolean"
    if dtype == nw.String:
        return "text"
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        return "category"
    what = f"Column {name!r}"
    found = set() if dtype.is_temporal() else {type(value) for value in series.to_list() if not is_missing(value)}
    if dtype.is_temporal() or (found and all(issubclass(kind, (date, time, timedelta)) for kind in found)):
        advice = "Turn it into numbers, such as year and month, or drop it; time= takes the name of a column to split by."
        raise DataError(must_be(what, "numbers, texts, booleans or categories", "dates", advice))
    if found == {bool}:
        return "boolean"
    if found <= {str}:
        return "text"
    kinds = " and ".join(sorted(kind.__name__ for kind in found)) if len(found) < 4 else str(dtype)
    advice = "Make its values of one kind."
    if all(issubclass(kind, (int, float, np.number)) for kind in found):
        kinds, advice = f"Python objects ({kinds})", "Cast it, as in astype(float)."
    raise DataError(must_be(what, "all numbers, texts, booleans or categories", kinds, advice))


def to_floats(series: nw.Series[Any]) -> NDArray[np.float64]:
    """Return a column of numbers or booleans as float64, NaN where a value is missing."""
    if series.dtype.is_numeric():
        return np.asarray(series.to_numpy(), np.float64) if not series.is_null().any() else _with_gaps(series)
    return _with_gaps(series)


def _with_gaps(series: nw.Series[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if is_missing(value) else float(value) for value in series.to_list()], np.float64)


def to_texts(series: nw.Series[Any]) -> list[str | None]:
    """Return a column as texts, None where a value is missing."""
    return [None if is_missing(value) else str(value) for value in series.to_list()]


def column_values(frame: Any, column: Column) -> NDArray[np.float64] | list[str | None]:
    """Return the values of a column of a data frame: float64 for numbers and booleans, else texts."""
    series = _narwhals(frame)[column.name]
    return to_floats(series) if column.kind in ("number", "boolean") else to_texts(series)


def take_rows(frame: Any, rows: NDArray[Any] | slice) -> Any:
    """Return a data frame of some rows, in the order given."""
    taken = _narwhals(frame)[rows].to_native()
    return taken.reset_index(drop=True) if hasattr(taken, "reset_index") else taken


def join_rows(frames: Sequence[Any]) -> Any:
    """Return the rows of several data frames of the same columns, one after the other."""
    import narwhals as nw

    tables = [_narwhals(frame) for frame in frames]
    for name, kinds in {name: [table[name].dtype for table in tables] for name in tables[0].columns}.items():
        # polars does not join whole numbers with floats, nor texts with categories.
        wider: Any = nw.Float64 if all(kind.is_numeric() for kind in kinds) else nw.String
        texts = all(kind == nw.String or isinstance(kind, (nw.Categorical, nw.Enum)) for kind in kinds)
        if len(set(kinds)) > 1 and (texts or wider == nw.Float64):
            tables = [table.with_columns(nw.col(name).cast(wider)) for table in tables]
    joined = nw.concat(tables, how="vertical").to_native()
    return joined.reset_index(drop=True) if hasattr(joined, "reset_index") else joined


def fill_kinds(frame: Any, like: Any) -> Any:
    """Return a frame whose columns without any value are of numbers where those of another frame are."""
    import narwhals as nw

    table, other = _narwhals(frame), _narwhals(like)
    names = [name for name in table.columns if name in other.columns and other[name].dtype.is_numeric()]
    empty = [name for name in names if not table[name].dtype.is_numeric() and all(map(is_missing, table[name].to_list()))]
    return table.with_columns(*(nw.col(name).cast(nw.Float64) for name in empty)).to_native() if empty else frame


def pop_column(frame: Any, what: str, name: str) -> tuple[Any, Any]:
    """Return a column of a data frame, as it is there, and the frame without it.

    Raises:
        DataError: if there is no such column.
    """
    if name not in frame.columns:
        names = [str(column) for column in frame.columns]
        shown = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
        raise DataError(must_be(what, f"one of the columns {shown}", name, f"Check its spelling.{did_you_mean(name, names)}"))
    return frame[name], _narwhals(frame).drop(name).to_native()


def digest_frame(frame: Any, columns: Sequence[Column]) -> bytes:
    """Return a digest of the names, kinds and values of a data frame; the same for pandas and polars."""
    digest = hashlib.sha256()
    table = _narwhals(frame)
    for column in columns:
        series = table[column.name]
        digest.update(repr((column.name, column.kind)).encode())
        if column.kind in ("number", "boolean"):
            digest.update(_number_bytes(series))
        else:
            for text in to_texts(series):
                digest.update(b"-" if text is None else f"{len(text)}:{text}".encode())
    return digest.digest()


def _number_bytes(series: nw.Series[Any]) -> bytes:
    import narwhals as nw

    values = to_floats(series)
    values = np.where(np.isnan(values), np.nan, values)  # NaN has many bit patterns
    exact = b""
    if series.dtype.is_integer() and np.nanmax(np.abs(values), initial=0.0) > _EXACT:
        exact = repr([None if is_missing(value) else value for value in series.to_list()]).encode()
    return values.tobytes() + exact + (b"float32" if series.dtype == nw.Float32 else b"")


def missing_rows(column: Any) -> NDArray[np.intp]:
    """Return the rows of a column of a data frame that have no value."""
    import narwhals as nw

    series = nw.from_native(column, series_only=True)
    return np.array([row for row, value in enumerate(series.to_list()) if is_missing(value)], np.intp)


def count_distinct(frame: Any) -> dict[str, int]:
    """Return the number of distinct values of each column, missing values left out."""
    table = _narwhals(frame)
    return {name: len({v for v in table[name].to_list() if not is_missing(v)}) for name in table.columns}
