"""Frames of pandas and polars: one checksum, one encoding, and parts of different dtypes that are joined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import data
from hpsearch.data.encoding import fit_inputs
from hpsearch.data.frames import columns_of, fill_kinds, join_rows, take_rows
from hpsearch.data.part import Part

ROWS = 6
KINDS: list[st.SearchStrategy[Any]] = [
    st.floats(-1e6, 1e6, allow_nan=False),
    st.booleans(),
    st.text(st.characters(codec="utf-8"), max_size=3),
]


def column(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.one_of(st.none(), values), min_size=ROWS, max_size=ROWS).filter(lambda held: set(held) != {None})


TABLES = st.dictionaries(st.text(min_size=1, max_size=3), st.one_of([column(kind) for kind in KINDS]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(held=TABLES)
def test_any_table_has_one_checksum_kinds_and_encoding_in_both_libraries(held: dict[str, list[Any]]) -> None:
    y = np.arange(ROWS) % 2
    one, other = Part(pd.DataFrame(held), y), Part(pl.DataFrame(held, strict=False), y)
    assert one.columns == other.columns
    assert one.checksum == other.checksum
    if any(len({v for v in values if v is not None}) > 1 for values in held.values()):
        inputs = fit_inputs(one, standardize=True)
        assert inputs == fit_inputs(other, standardize=True)
        np.testing.assert_array_equal(inputs.encode(one.x, "float64"), inputs.encode(other.x, "float64"))


@settings(max_examples=30, deadline=None)
@given(held=TABLES, rows=st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=8))
def test_rows_are_taken_and_joined_in_the_order_given(held: dict[str, list[Any]], rows: list[int]) -> None:
    """The checksum is that of the rows written out."""
    wanted = {name: [values[row] for row in rows] * 2 for name, values in held.items()}
    for make in (pd.DataFrame, lambda values: pl.DataFrame(values, strict=False)):
        taken = take_rows(make(held), np.array(rows))
        joined = join_rows([taken, taken])
        assert len(joined) == 2 * len(rows)
        for name, values in wanted.items():
            found = [None if pd.isna(value) else value for value in joined[name].to_list()]
            assert found == values


@pytest.mark.parametrize(
    ("one", "other", "values"),
    [
        (pl.Series([1, 2]), pl.Series([0.5, None]), [1.0, 2.0, 0.5, None]),
        (pl.Series([1, 2]), pl.Series([1, 2], dtype=pl.UInt8), [1.0, 2.0, 1.0, 2.0]),
        (pl.Series(["a", None]), pl.Series(["b", "a"], dtype=pl.Categorical), ["a", None, "b", "a"]),
        (pl.Series(["a"], dtype=pl.Enum(["a"])), pl.Series(["b"], dtype=pl.Enum(["b"])), ["a", "b"]),
        (pl.Series([True]), pl.Series([None]), [True, None]),
    ],
)
def test_parts_of_polars_with_other_dtypes_are_joined(one: pl.Series, other: pl.Series, values: list[Any]) -> None:
    assert join_rows([pl.DataFrame({"a": one}), pl.DataFrame({"a": other})])["a"].to_list() == values


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_column_without_values_is_of_the_kind_of_the_other_part(make: Any) -> None:
    rows, empty = (
        make({"a": [1, 2], "b": ["x", "y"], "c": [True, False]}),
        make({"a": [None] * 2, "b": [None] * 2, "c": [None] * 2}),
    )
    assert columns_of(fill_kinds(empty, rows))[0].kind == "number"
    found = data.table(
        make({"a": [1, 2] * 4, "b": ["x", "y"] * 4, "c": [True, False] * 4, "y": [0, 1] * 4}),
        "y",
        validation=make({"a": [None] * 2, "b": [None] * 2, "c": [None] * 2, "y": [0, 1]}),
        test=0,
    )
    both = Part.join([found.train, found.validation])
    assert [(one.kind, one.missing) for one in both.columns] == [("number", 2), ("text", 2), ("boolean", 2)]
