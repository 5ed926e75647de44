"""Tables and files of tables as data sets: what stays as it is, what is split off, and a sentence for what cannot be used."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hpsearch import data
from hpsearch.data.vault import open_test
from hpsearch.errors import DataError
from tests.data.tables import MAKERS, ROWS, Make, columns, pandas_frame

LINES = "".join(f"{row},{'ab'[row % 2]}\n" for row in range(ROWS))
both = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def said(call: Callable[[], object]) -> str:
    with pytest.raises(DataError) as caught:
        call()
    return str(caught.value)


@both
def test_the_rows_stay_a_frame_with_names_texts_and_gaps(make: Make) -> None:
    found = data.table(make(), "buys", groups="patient", sample_weight="count", name="shop")
    assert repr(found) == "shop(train=24, validation=8)"
    assert type(found.train.x) is type(make())
    assert list(found.train.x.columns) == ["city", "age", "member", "day"]
    assert [(column.name, column.kind) for column in found.train.columns] == [
        ("city", "text"),
        ("age", "number"),
        ("member", "boolean"),
        ("day", "number"),
    ]
    assert found.labels == found.class_names == ("no", "yes")


@both
def test_every_row_is_in_one_part_with_its_own_target_weight_and_group(make: Make) -> None:
    given = columns()
    found = data.table(make(), "buys", groups="patient", sample_weight="count")
    assert found.test is not None
    parts = [found.train, found.validation, open_test(found.test)]
    days = [np.asarray(part.x["day"]) for part in parts]
    assert sorted(np.concatenate(days).tolist()) == given["day"]
    for part, rows in zip(parts, days, strict=True):
        assert [found.labels[code] for code in part.y] == [given["buys"][row] for row in rows]
        assert part.weights is not None
        assert part.groups is not None
        assert part.weights.tolist() == [given["count"][row] for row in rows]
        assert part.groups.tolist() == [given["patient"][row] for row in rows]


def test_pandas_and_polars_are_one_data_set() -> None:
    one, other = (data.table(make(), "buys", groups="patient", seed=3) for make in MAKERS.values())
    assert one == other
    assert one.train.columns == other.train.columns


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([3, 1] * 20, (1, 3)),
        ([True, False] * 20, (False, True)),
        (pd.array([2, 1] * 20, "Int64"), (1, 2)),
        (pd.array([True, False] * 20, "boolean"), (False, True)),
        (pd.Categorical(["b", "a"] * 20), ("a", "b")),
        (["", "é"] * 20, ("", "é")),
        ([2**63, 1] * 20, (1, 2**63)),
    ],
)
def test_labels_stay_the_users_own(values: Any, labels: tuple[Any, ...]) -> None:
    found = data.table(pandas_frame(buys=values), "buys").labels
    assert found == labels
    assert [type(label) for label in found] == [type(label) for label in labels]


@both
def test_the_given_frame_is_not_changed(make: Make) -> None:
    frame = make()
    data.table(frame, "buys", groups="patient", sample_weight="count")
    assert frame.equals(make())


def test_an_index_of_pandas_is_no_column() -> None:
    frame = pandas_frame()
    assert data.table(frame.set_index(np.arange(ROWS) % 3), "buys") == data.table(frame, "buys")


@both
def test_the_checksum_follows_every_kind_of_change(make: Make) -> None:
    base = data.table(make(), "buys", sample_weight="count")
    given = columns()
    changed = [
        {"city": ["Bonn", *given["city"][1:]]},
        {"city": [given["city"][0], "", *given["city"][2:]]},
        {"age": [given["age"][0] + 1e-9, *given["age"][1:]]},
        {"member": [None, *given["member"][1:]]},
        {"count": [given["count"][0] + 1, *given["count"][1:]]},
    ]
    found = {data.table(make(**change), "buys", validation=8, test=0, sample_weight="count").checksum for change in changed}
    assert len(found | {data.table(make(), "buys", validation=8, test=0, sample_weight="count").checksum}) == 6
    assert base.checksum == data.table(make(), "buys", sample_weight="count").checksum


def test_large_whole_numbers_tell_tables_apart() -> None:
    """2^53 and 2^53 + 1 are one float64."""
    big = [2**53 + row for row in range(ROWS)]
    one, same = (make(big=[None, *big[1:]]) for make in (lambda big: MAKERS["polars"](big=big), nullable))
    other = MAKERS["polars"](big=[None, big[2], *big[2:]])
    checksums = [data.table(frame, "buys").checksum for frame in (one, same, other)]
    assert checksums[0] == checksums[1] != checksums[2]


def nullable(big: list[Any]) -> pd.DataFrame:
    return pandas_frame(big=pd.array(big, "Int64"))


@both
def test_parts_are_handed_in_as_they_are(make: Make) -> None:
    rows, others = make(), make(age=[float(row) for row in range(ROWS)])
    found = data.table(rows, "buys", validation=others, test=others[:7], sample_weight="count")
    assert found.test is not None
    assert [len(part) for part in (found.train, found.validation, open_test(found.test))] == [ROWS, ROWS, 7]
    assert np.asarray(found.validation.x["age"]).tolist() == list(range(ROWS))
    assert found.validation.weights is not None
    assert found.validation.weights.tolist() == columns()["count"]
    only_test = data.table(rows, "buys", test=others)
    assert (len(only_test.train), len(only_test.validation), len(only_test.test or ())) == (32, 8, ROWS)
    only_validation = data.table(rows, "buys", validation=others)
    assert (len(only_validation.train), len(only_validation.validation), len(only_validation.test or ())) == (32, ROWS, 8)


@both
def test_a_constant_column_is_said_in_one_line_and_kept(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = data.table(make(age=[1.0] * ROWS), "buys", name="shop")
    assert caplog.messages == ["Column 'age' of 'shop' holds one value in all rows. It tells a model nothing."]
    assert "age" in found.train.x.columns


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "misspelt target": (
        {},
        {"target": "buy"},
        "target must be one of the columns 'city', 'age', 'member', 'patient', 'day', 'count', 'buys', got 'buy'."
        " Check its spelling. Did you mean 'buys'?",
    ),
    "target=3": ({}, {"target": 3}, "target must be a text, got 3. Name the column to predict."),
    "target=list": ({}, {"target": ["buys"]}, "target must be a text, got ['buys']. Name the column to predict."),
    "gap in target": (
        {"buys": [None, "no"] * 20},
        {},
        "Target 'buys' must be known in every row, got '20 missing values, the first in row 0'. Drop these rows.",
    ),
    "one class": ({"buys": ["no"] * ROWS}, {}, "Classes of 'table' must be at least 2, got 1. Add rows of another class."),
    "texts as numbers": (
        {"buys": ["1", "a"] * 20},
        {"regression": True},
        "y must be real numbers where regression=True, got ",
    ),
    "regression=1": ({}, {"regression": 1}, "regression must be True or False, got 1. Pass True for numbers to predict."),
    "name=3": ({}, {"name": 3}, "name must be a text, got 3. Give the data set a name."),
    "seed=-1": ({}, {"seed": -1}, "seed must be a whole number >= 0, got -1. Try 0."),
    "seed=x": ({}, {"seed": "x"}, "seed must be a whole number >= 0, got 'x'. Try 0."),
    "seed=None": ({}, {"seed": None}, "seed must be a whole number >= 0, got None. Try 0."),
    "validation=x": ({}, {"validation": "x"}, "validation must be a share of the rows or a number of rows, got 'x'. Try 0.2."),
    "validation=None": ({}, {"validation": None}, "validation must be a share of the rows or a number of rows, got None."),
    "test=2.0": ({}, {"test": 2.0}, "test must be in [0, 1) as a share of the rows, got 2.0. Try 0.2."),
    "stratify=5": ({}, {"stratify": 5}, "stratify must be one value a row, of shape (40,), got 5."),
    "groups=3": ({}, {"groups": 3}, "groups must be one value a row, of shape (40,), got 3."),
    "time=3": ({}, {"time": 3}, "time must be one value a row, of shape (40,), got 3."),
    "sample_weight=3": ({}, {"sample_weight": 3}, "sample_weight must be one value a row, of shape (40,), got 3."),
    "groups misspelt": ({}, {"groups": "patients"}, "groups must be one of the columns"),
    "groups and time": ({}, {"groups": "patient", "time": "day"}, "groups must be left out where time is given, got 'both'."),
    "mixed groups": (
        {},
        {"groups": np.array([1, "a"] * 20, object)},
        "groups must be of one kind in all rows, got 'int and str'. Cast it, as in astype(str).",
    ),
    "gap in groups": (
        {"city": ["Rome", None] * 20},
        {"groups": "city"},
        "groups must be without missing values, got 'none in row 1'. Drop or fill these rows.",
    ),
    "two groups": (
        {},
        {"groups": [0, 1] * 20},
        "The number of groups must be at least 3, one a part, got 2. Add groups, leave groups out, or hand the parts in.",
    ),
    "time unsorted": (
        {"day": [*range(ROWS - 1), 3]},
        {"time": "day"},
        "The time column must be in rising order, got '3 after 38 in row 39'. Sort the rows by it, as in"
        " frame.sort_values(time).",
    ),
    "weight below 0": (
        {"count": [1.0, -1.0] * 20},
        {"sample_weight": "count"},
        "sample_weight[1] must be finite and >= 0, got -1.0. Take 0 for a row that must not count.",
    ),
    "weights of 0": (
        {"count": [0] * ROWS},
        {"sample_weight": "count"},
        "sample_weight must be above 0 somewhere, got '0 in every row'. Leave it out for equal weights.",
    ),
    "weights of 0 in one part": (
        {"count": [1, *[0] * (ROWS - 1)]},
        {"sample_weight": "count"},
        " part must be above 0 somewhere, got '0 in each of its ",
    ),
    "weights of other length": (
        {},
        {"sample_weight": [1.0] * 3},
        "sample_weight must be of shape (40,), one value a row, got (3,). Check both lengths.",
    ),
    "weight missing": ({"count": [1.0, None] * 20}, {"sample_weight": "count"}, "sample_weight"),
    "weights of texts": ({}, {"sample_weight": "city"}, "sample_weight must be numbers, got 'object'. Cast it to float."),
    "dates": (
        {"age": [date(2026, 1, 1)] * ROWS},
        {},
        "Column 'age' must be numbers, texts, booleans or categories, got 'dates'. Turn it into numbers, such as year and"
        " month, or drop it; time= takes the name of a column to split by.",
    ),
    "infinite": (
        {"age": [1.0, float("inf")] * 20},
        {},
        "Column 'age' must be finite, got 'inf in row 1'. Replace it, by a missing value where it stands for one.",
    ),
    "lists": ({"age": [[1.0]] * ROWS}, {}, "Column 'age' must be all numbers, texts, booleans or categories, got 'list'."),
    "no features": (
        dict.fromkeys(("city", "age", "member", "patient", "day", "count")),
        {},
        "frame must be a table with features, got 'none beside the target'. Add columns to learn from.",
    ),
    "rare class": (
        {"buys": ["yes", *["no"] * (ROWS - 1)]},
        {},
        "Rows left of class 'yes' must be at least 2 to be split, got 1.",
    ),
}


@both
@pytest.mark.parametrize(("others", "options", "sentence"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_told_in_one_sentence(make: Make, others: dict[str, Any], options: dict[str, Any], sentence: str) -> None:
    asked = {"target": "buys"} | options
    assert sentence in said(lambda: data.table(make(**others), **asked))


@both
def test_bad_parts_are_told_in_one_sentence(make: Make) -> None:
    frame = make()
    tell = [
        (
            said(lambda: data.table(frame, "buys", test=make(age=None))),
            "The test part of 'table' must be a table with the column 'age', got 'none'.",
        ),
        (
            said(lambda: data.table(frame, "buys", validation=make(buys=None))),
            "target of the validation part must be one of the columns",
        ),
        (
            said(lambda: data.table(frame, "buys", test=make(age=["a"] * ROWS))),
            "Column 'age' of the test part of 'table' must be number, got 'age (text)'.",
        ),
        (
            said(lambda: data.table(frame, "buys", test=frame, groups="patient")),
            "Groups of the training and the test part must be different, got 'group 0 in both'.",
        ),
        (
            said(lambda: data.table(frame, "buys", test=frame, groups=columns()["patient"])),
            "groups must be the name of a column where a part is handed in, got 'list'. Make it a column of every part.",
        ),
        (
            said(lambda: data.table(make(buys=["no"] * ROWS), "buys", validation=frame, test=0)),
            "The training part must be with rows of every class, got \"no row of class 'yes'\".",
        ),
        (
            said(lambda: data.table(frame, "buys", validation=frame, test=make(day=[50] * ROWS), time="day")),
            "The time where the validation part begins must be in rising order, got '0 after 39'. Hand in later rows.",
        ),
    ]
    for found, wanted in tell:
        assert wanted in found


def test_frames_that_are_none_are_told_in_one_sentence() -> None:
    frame = pandas_frame()
    assert said(lambda: data.table({"a": [1]}, "a")).startswith(
        "frame must be a data frame of pandas or polars, got 'builtins.dict'."
    )
    assert "got 'polars.LazyFrame'" in said(lambda: data.table(pl.from_pandas(frame).lazy(), "buys"))
    twice = pd.concat([frame, frame[["age"]]], axis=1)
    assert said(lambda: data.table(twice, "buys")).startswith("Column names of frame must be unique, got 'age'.")
    assert "A column name of frame must be text, got 0." in said(lambda: data.table(pd.DataFrame(np.ones((4, 3))), "0"))
    assert "frame must be a table with rows" in said(lambda: data.table(frame[:0], "buys"))
    mixed = frame.assign(age=pd.Series([1, "a"] * 20, dtype=object))
    assert "Column 'age' must be all numbers, texts, booleans or categories, got 'int and str'." in said(
        lambda: data.table(mixed, "buys")
    )
    objects = frame.assign(age=frame["age"].astype(object))
    assert "got 'Python objects (float)'. Cast it, as in astype(float)." in said(lambda: data.table(objects, "buys"))
    other = said(lambda: data.table(frame, "buys", test=pl.from_pandas(frame)))
    assert (
        other
        == "The test part must be a data frame of pandas, as the rows are, got 'polars'. Convert it, as in part.to_pandas()."
    )


def test_a_csv_file_is_the_table_it_holds(tmp_path: Path) -> None:
    frame = pandas_frame()
    path = tmp_path / "shop.2026.csv"
    frame.to_csv(path, index=False)
    assert data.csv(path, "buys", groups="patient") == data.table(frame, "buys", groups="patient", name="shop")
    frame.to_csv(tmp_path / "shop.csv.gz", index=False)
    assert data.csv(str(tmp_path / "shop.csv.gz"), "buys") == data.table(frame, "buys", name="shop")
    handed = data.csv(path, "buys", validation=path, test=str(path), name="own")
    assert (repr(handed), len(handed.test or ())) == ("own(train=40, validation=40)", 40)


def test_a_parquet_file_is_the_table_it_holds(tmp_path: Path) -> None:
    frame = pandas_frame()
    frame.to_parquet(tmp_path / "shop.parquet")
    path = tmp_path / "shop.parquet"
    assert data.parquet(path, "buys", time="day") == data.table(frame, "buys", time="day", name="shop")
    assert len(data.parquet(path, "buys", test=path).test or ()) == ROWS


FILES: dict[str, tuple[bytes, str]] = {
    "broken.csv": (
        f"x,y\n{LINES}1,2,3\n".encode(),
        "Line 42 of 'broken.csv' must be of 2 fields, as the first line is, got '3: 1,2,3'. Repair that line.",
    ),
    "short.csv": (b"x,y\n1,a\n\n2\n", "Line 4 of 'short.csv' must be of 2 fields, as the first line is, got '1: 2'."),
    "quoted.csv": (b'x,y\n"1\n2",a\n1,2,3\n', "Line 4 of 'quoted.csv' must be of 2 fields"),
    "open.csv": (b'x,y\n"1,a\n2,b\n', "of 'open.csv' must be of 2 fields, as the first line is, got '1: \"1,a'."),
    "empty.csv": (b"", "The file 'empty.csv' must be a table of comma-separated values, got 'an empty file'."),
    "header.csv": (b"x,y\n", "frame must be a table with rows, got '2 columns without a row'."),
    "twice.csv": (b"x,x,y\n1,2,a\n", "Column names of 'twice.csv' must be unique, got 'x'. Rename or drop one of these"),
    "twice.csv.gz": (gzip.compress(b"x,x,y\n1,2,a\n"), "Column names of 'twice.csv.gz' must be unique, got 'x'."),
    "no.csv.gz": (b"x,y\n1,a\n", "The file 'no.csv.gz' must be a table of comma-separated values, got "),
    "latin.csv": ("x,y\n1,a\n2,é\n".encode("latin1"), "Column 'y' of 'latin.csv' must be text in UTF-8, got 'other bytes'."),
    "names.csv": ("é,y\n1,a\n".encode("latin1"), "The first line of 'names.csv' must be text in UTF-8, got 'other bytes'."),
    "dates.csv": (
        b"x,y\n2026-01-01,a\n2026-01-02,b\n",
        "Column 'x' must be numbers, texts, booleans or categories, got 'dates'.",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), FILES.values(), ids=FILES.keys())
def test_a_bad_csv_file_is_told_in_one_sentence(
    content: bytes, sentence: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / request.node.callspec.id
    path.write_bytes(content)
    assert sentence in said(lambda: data.csv(path, "y"))


def test_a_path_without_a_table_is_told_in_one_sentence(tmp_path: Path) -> None:
    nowhere = tmp_path / "no.csv"
    for read in (data.csv, data.parquet):
        found = said(lambda read=read: read(nowhere, "y"))  # type: ignore[misc]
        assert found == (
            f"The path of a table must be that of a file, got {f'no file at {str(nowhere)!r}'!r}."
            " Check the path and the current folder."
        )
        assert "got 'a folder'" in said(lambda read=read: read(tmp_path, "y"))  # type: ignore[misc]
        assert "The path of a table must be a path, got 3." in said(lambda read=read: read(3, "y"))  # type: ignore[misc]
    for content in (b"", b"x,y\n1,a\n"):
        (tmp_path / "odd.parquet").write_bytes(content)
        assert "The file 'odd.parquet' must be in Parquet format, got " in said(
            lambda: data.parquet(tmp_path / "odd.parquet", "y")
        )


def test_a_missing_part_is_told_before_anything_is_split(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("x,y\n" + LINES)
    assert "no file at 'gone.csv'" in said(lambda: data.csv(tmp_path / "good.csv", "y", test="gone.csv"))
