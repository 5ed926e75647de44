"""Data sets from tables: data frames of pandas and polars, CSV and Parquet files."""

from __future__ import annotations

import bz2
import csv as csv_records
import gzip
import logging
import lzma
import re
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.checks import boolean, text
from hpsearch.data.arrays import read_targets
from hpsearch.data.assembly import Rows, Splitting, assemble
from hpsearch.data.dataset import Dataset
from hpsearch.data.frames import (
    columns_of,
    count_distinct,
    fill_kinds,
    is_frame,
    missing_rows,
    pop_column,
    read_frame,
    refuse_other_library,
)
from hpsearch.data.row_facts import read_groups, read_strata, read_times, read_weights, refuse_two_orders
from hpsearch.errors import DataError, must_be

logger = logging.getLogger(__name__)
# The columns that are no features, by the argument that names them.
_ROLES = ("groups", "time", "sample_weight")
# How files that are compressed are opened.
_OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# How pyarrow tells of a line that has another number of fields than the first.
_BROKEN = re.compile(r"Expected (\d+) columns, got (\d+)(?:: (.*))?", re.DOTALL)


def table(
    frame: Any,
    target: str,
    validation: Any = 0.2,
    test: Any = 0.2,
    seed: int = 0,
    name: str = "table",
    regression: bool = False,
    *,
    groups: str | ArrayLike | None = None,
    time: str | ArrayLike | None = None,
    sample_weight: str | ArrayLike | None = None,
    stratify: bool | str | ArrayLike = True,
) -> Dataset:
    """Split a table into a data set; its rows stay a data frame, with column names, texts, categories and missing values.

    An estimator is handed the frame, so a ``ColumnTransformer`` picks columns by name; `hpsearch.objectives.TrainNetwork`
    encodes it. Whatever is fitted to the columns belongs into a pipeline: then it is fitted to training rows alone.

    Args:
        frame: a data frame of pandas or polars; it is not changed.
        target: the column to predict: integers, strings or booleans; or numbers where ``regression=True``.
        validation: share of the rows (float) or number of rows (int); or the validation part itself, a frame of the same
            columns.
        test: the same; 0 for a data set without a test part.
        seed: of the split.
        name: the name of the data set in records.
        regression: whether the target holds numbers to predict instead of classes.
        groups: the column of the group of each row, such as a patient: no group is in two parts, and in two folds neither.
        time: the column of the time of each row, in rising order: the last rows are the test part, those before it the
            validation part, and each fold is validated on later rows than it is trained on.
        sample_weight: the column of how much each row counts, in training and in scores.
        stratify: whether each class has its share of every part; or the column to stratify by instead.

    The columns of ``target``, ``groups``, ``time`` and ``sample_weight`` are no features. These arguments, and ``stratify``,
    take one value per row, shape (n,), instead of a name, where no part is handed in.
    Raises:
        DataError: for a missing column, names that occur twice, dates or mixed values among the features, infinite numbers, a
            missing target, fewer than two classes, or parts that cannot be made.

    >>> import pandas
    >>> frame = pandas.DataFrame({"city": ["Rome", None] * 50, "age": range(100), "buys": ["no", "yes"] * 50})
    >>> table(frame, target="buys", name="shop")
    shop(train=60, validation=20)
    """
    boolean("regression", regression, "Pass True for numbers to predict.", error=DataError)
    text("name", name, "Give the data set a name.", error=DataError)
    text("target", target, "Name the column to predict.", error=DataError)
    refuse_two_orders(groups, time)
    roles = {"groups": groups, "time": time, "sample_weight": sample_weight, "stratify": stratify}
    parts = {"validation": validation, "test": test}
    frames = {which: read_frame(f"The {which} part", part) for which, part in parts.items() if is_frame(part)}
    for which, one in frames.items():
        refuse_other_library(f"The {which} part", one, frame)
        frames[which] = fill_kinds(one, frame)
    for which, role in roles.items() if frames else ():
        if not isinstance(role, (str, bool, type(None))):
            advice = "Make it a column of every part."
            raise DataError(must_be(which, "the name of a column where a part is handed in", type(role).__name__, advice))
    rows = _rows("frame", read_frame("frame", frame), target, roles, regression)
    handed = {which: _rows(f"The {which} part", one, target, roles, regression) for which, one in frames.items()}
    _say_constant(name, rows.x)
    splitting = Splitting(**(parts | handed), seed=seed, stratify=stratify is not False)
    return assemble(name, rows, splitting, regression)


def csv(path: str | PathLike[str], target: str, validation: Any = 0.2, test: Any = 0.2, **options: Any) -> Dataset:
    """Read a CSV file with a line of column names, as `table`; its name is that of the file unless ``name`` is given.

    ``validation`` and ``test`` may be paths of CSV files too. Fields that are empty, ``NA``, ``NaN`` or ``null`` are missing.

    Args:
        path: of the file; also compressed, as in ``data.csv.gz``.
        target: the column to predict.
        validation: as in `table`, or a path.
        test: the same.
        options: those of `table`.
    Raises:
        DataError: for a file that is missing or broken, naming the line; and as `table` does.
    """
    return _from_files(_read_csv, path, target, {"validation": validation, "test": test}, options)


def parquet(path: str | PathLike[str], target: str, validation: Any = 0.2, test: Any = 0.2, **options: Any) -> Dataset:
    """Read a Parquet file, as `table`; its name is that of the file unless ``name`` is given.

    ``validation`` and ``test`` may be paths of Parquet files too.

    Args:
        path: of the file.
        target: the column to predict.
        validation: as in `table`, or a path.
        test: the same.
        options: those of `table`.
    Raises:
        DataError: for a file that is missing or broken; and as `table` does.
    """
    return _from_files(_read_parquet, path, target, {"validation": validation, "test": test}, options)


def _from_files(read: Any, path: Any, target: str, parts: Mapping[str, Any], options: Mapping[str, Any]) -> Dataset:
    frame = read(path)
    read_parts = {which: read(part) if isinstance(part, (str, PathLike)) else part for which, part in parts.items()}
    stem = Path(path).name.partition(".")[0] or "table"
    return table(frame, target, **read_parts, **({"name": stem} | dict(options)))


def _read_csv(path: str | PathLike[str]) -> Any:
    import pandas

    found = _existing(path)
    try:
        _check_header(found)
        frame = pandas.read_csv(found, engine="pyarrow")
    except UnicodeDecodeError as error:
        raise _not_utf8(f"The first line of {found.name!r}") from error
    except ValueError as error:  # of pandas and of pyarrow
        raise DataError(_describe_broken(found, str(error))) from error
    except (OSError, EOFError) as error:  # of what is compressed
        raise DataError(_describe_broken(found, str(error))) from error
    for name in frame.columns:
        # pyarrow returns what is no UTF-8 as bytes.
        if frame[name].dtype == object and any(isinstance(value, bytes) for value in frame[name]):
            raise _not_utf8(f"Column {name!r} of {found.name!r}")
    return frame


def _not_utf8(what: str) -> DataError:
    return DataError(must_be(what, "text in UTF-8", "other bytes", "Save the file in UTF-8."))


def _check_header(path: Path) -> None:
    """Raise for names that occur twice, which pandas would change."""
    names = next(_lines(path), (0, []))[1]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(must_be(f"Column names of {path.name!r}", "unique", twice[0], "Rename or drop one of these columns."))


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each record of a file, and the number of its last line; nothing of an archive."""
    if path.suffix in (".zip", ".zst", ".tar"):
        return
    with _OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv_records.reader(file)
        try:
            for fields in reader:
                yield reader.line_num, fields
        except csv_records.Error:  # a field of more than 131,072 characters, which is no fault of a table
            return


def _describe_broken(path: Path, message: str) -> str:
    """Return what is wrong with a CSV file, in one sentence."""
    name, broken = path.name, _BROKEN.search(message)
    if broken is None:
        found = "an empty file" if "No columns" in message else message.partition("\n")[0]
        return must_be(f"The file {name!r}", "a table of comma-separated values", found, "Repair the file.")
    expected, count, line = broken.groups()
    # pyarrow reads blocks of a file side by side and cannot tell the number of a line.
    row = next((row for row, fields in _lines(path) if fields and len(fields) != int(expected)), None)
    where = f"A line of {name!r}" if row is None else f"Line {row} of {name!r}"
    shown = f"{count}: {line.strip().partition(chr(10))[0][:60]}" if line else count
    return must_be(where, f"of {expected} fields, as the first line is", shown, "Repair that line.")


def _read_parquet(path: str | PathLike[str]) -> Any:
    import pandas

    found = _existing(path)
    try:
        return pandas.read_parquet(found)
    except (ValueError, OSError) as error:
        message = str(error).partition("\n")[0]
        raise DataError(must_be(f"The file {found.name!r}", "in Parquet format", message, "Write it anew.")) from error


def _existing(path: str | PathLike[str]) -> Path:
    if not isinstance(path, (str, PathLike)):
        raise DataError(must_be("The path of a table", "a path", path, "Pass a data frame to data.table."))
    found = Path(path).expanduser()
    if not found.is_file():
        kind = "a folder" if found.is_dir() else f"no file at {str(found)!r}"
        raise DataError(must_be("The path of a table", "that of a file", kind, "Check the path and the current folder."))
    return found


def _rows(what: str, frame: Any, target: str, roles: Mapping[str, Any], regression: bool) -> Rows:
    """Return the rows of a frame; the columns that are named in ``roles`` are no features, but for those to stratify by."""
    column, features = pop_column(frame, "target" if what == "frame" else f"target of {what[0].lower()}{what[1:]}", target)
    gaps = missing_rows(column)
    if len(gaps):
        gap = f"{len(gaps)} missing value{'s' * (len(gaps) > 1)}, the first in row {gaps[0]}"
        raise DataError(must_be(f"Target {target!r}", "known in every row", gap, "Drop these rows."))
    values: dict[str, Any] = {}
    for role in _ROLES:
        values[role] = roles[role]
        if isinstance(roles[role], str):
            values[role], features = pop_column(features, role, roles[role])
    stratify = roles["stratify"]
    if isinstance(stratify, str):
        stratify = pop_column(frame, "stratify", stratify)[0]
    if not len(features.columns):
        raise DataError(must_be(what, "a table with features", "none beside the target", "Add columns to learn from."))
    _ = columns_of(features)
    count = len(frame)
    return Rows(
        features,
        read_targets(np.asarray(column), regression),
        weights=read_weights(values["sample_weight"], count),
        groups=read_groups(values["groups"], count),
        times=read_times(values["time"], count),
        strata=None if stratify is True or stratify is False else read_strata(stratify, count),
    )


def _say_constant(name: str, frame: Any) -> None:
    """Say in one line which columns tell nothing."""
    constant: Sequence[str] = [column for column, count in count_distinct(frame).items() if count < 2]
    if constant:
        more = len(constant) - 5
        shown = ", ".join(map(repr, constant[:5])) + (f" and {more} more" if more > 0 else "")
        columns, hold = ("Column", "holds") if len(constant) == 1 else ("Columns", "hold")
        logger.warning("%s %s of %r %s one value in all rows. It tells a model nothing.", columns, shown, name, hold)
