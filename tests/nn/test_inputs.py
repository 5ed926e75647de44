"""The encoding of columns, against scikit-learn's encoders, and what it says of rows that it cannot read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from hpsearch.errors import DataError, SettingError
from hpsearch.nn.inputs import MOST_OPTIONS, Inputs, Numbers, Options, fit_numbers, fit_options, spelled

FLOATS = st.floats(-1e6, 1e6, allow_nan=False, width=32)
NUMBERS = st.lists(st.one_of(st.none(), FLOATS), min_size=2, max_size=20)
TEXTS = st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=3)), min_size=2, max_size=20)


def encoded(column: Numbers | Options, values: Any) -> np.ndarray:
    return Inputs((column,)).encode({column.name: values}, "float64")


@settings(max_examples=60, deadline=None)
@given(train=NUMBERS, other=NUMBERS)
def test_numbers_are_as_scikit_learn_standardizes_and_imputes_them(train: list[Any], other: list[Any]) -> None:
    x, later = (np.array([np.nan if v is None else v for v in values])[:, None] for values in (train, other))
    column = fit_numbers("a", train, standardize=True)
    if not np.isfinite(x).any():
        assert column.width == 0
        return
    scaler, filled = StandardScaler().fit(x), SimpleImputer(strategy="mean").fit(x)
    assert column.mean == pytest.approx(scaler.mean_[0], rel=1e-9, abs=1e-9)
    assert column.marks == np.isnan(x).any()
    parts = []
    if column.spread:
        parts.append(scaler.transform(filled.transform(later)))
        assert column.spread == pytest.approx(np.sqrt(scaler.var_[0]), rel=1e-6)
    else:
        # A deviation that is rounding: scikit-learn's limit differs by a factor.
        assert np.sqrt(scaler.var_[0]) <= 1e-11 * abs(column.mean)
    if column.marks:
        parts.append(MissingIndicator(features="all").fit(x).transform(later))
    if parts:
        np.testing.assert_allclose(encoded(column, other), np.hstack(parts), rtol=1e-6, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(train=TEXTS, other=TEXTS)
def test_texts_are_as_scikit_learn_encodes_them(train: list[Any], other: list[Any]) -> None:
    column, known = fit_options("a", train), [[v] for v in train if v is not None]
    if not column.width:
        assert len({v for v in train if v is not None}) < 2
        return
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float64).fit(np.array(known, object))
    assert list(column.options) == encoder.categories_[0].tolist()
    found = encoded(column, other)
    seen = [row for row, v in enumerate(other) if v is not None]
    if seen:
        wanted = encoder.transform(np.array([[other[row]] for row in seen], object))
        np.testing.assert_array_equal(found[seen, : len(column.options)], wanted)
    gaps = [row for row, v in enumerate(other) if v is None]
    assert not found[gaps, : len(column.options)].any()
    assert column.marks == (None in train)
    if column.marks:
        assert found[:, -1].tolist() == [float(v is None) for v in other]


def test_a_column_that_tells_nothing_has_no_input() -> None:
    for column in (
        fit_numbers("a", [0.1] * 7, True),
        fit_numbers("a", [None, np.nan], True),
        fit_options("a", ["x", "x"]),
        fit_options("a", [None, None]),
    ):
        assert column.width == 0
        assert column.unseen(["x", "y"]) == []
    assert fit_numbers("a", [1.0, None, 1.0], True).width == 1  # whether it is missing


def test_a_column_as_it_is() -> None:
    assert encoded(fit_numbers("a", [3.0, 50.0], standardize=False), [7, True, 2.5]).tolist() == [[7.0], [1.0], [2.5]]


def test_huge_and_tiny_numbers_are_standardized() -> None:
    for scale in (1e-300, 1e300, 1e308):
        column = fit_numbers("a", [0.25 * scale, 0.75 * scale], True)
        np.testing.assert_allclose(encoded(column, [0.25 * scale, 0.75 * scale]), [[-1.0], [1.0]])


def test_the_rare_options_of_a_long_list_have_no_input() -> None:
    values = [f"{i:03}" for i in range(MOST_OPTIONS + 20)] + ["119", "118"]
    column = fit_options("a", values)
    assert len(column.options) == MOST_OPTIONS
    assert {"118", "119", "000"} <= set(column.options)
    assert column.unseen(values)[0] == "098"


@pytest.mark.parametrize(
    ("value", "options", "found"),
    [
        (2, ["2"], "2"),
        (2.0, ["2"], "2"),
        (np.float64(2.0), ["1", "2"], "2"),
        (2, ["2.0"], "2.0"),
        (2.5, ["2"], "2.5"),
        (True, ["True", "1"], "True"),
        (np.True_, ["True"], "True"),
        ("2.0", ["2"], "2.0"),
        (2**60, [str(2**60)], str(2**60)),
    ],
)
def test_a_number_is_one_option_as_a_float_and_as_a_whole_number(value: object, options: list[str], found: str) -> None:
    assert spelled(value, dict.fromkeys(options)) == found


COLUMNS = Inputs((fit_numbers("age", [1.0, None, 3.0], True), fit_options("city", ["Rome", "Oslo", None])))
ROWS = {"age": [3.0, None, 2.0], "city": ["Oslo", "Bonn", None]}
ENCODED = [[1.0, 0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        pd.DataFrame(ROWS),
        pl.DataFrame(ROWS),
        pd.DataFrame(ROWS)[["city", "age"]].assign(more=1).set_index(np.array([7, 7, 7])),
        pd.DataFrame(ROWS).astype({"age": "Float64", "city": "category"}),
        pl.DataFrame(ROWS).with_columns(pl.col("city").cast(pl.Categorical)),
        {"age": np.array([3.0, np.nan, 2.0]), "city": np.array(["Oslo", "Bonn", None], object), "more": ()},
        pd.DataFrame({"age": pd.array([3, None, 2], "Int64"), "city": ROWS["city"]}),
    ],
)
def test_rows_are_read_by_name_from_whatever_holds_them(rows: Any) -> None:
    assert COLUMNS.encode(rows, "float64").tolist() == ENCODED
    assert COLUMNS.unseen(rows) == {"city": ["Bonn"]}


def test_a_single_row_of_plain_values() -> None:
    assert COLUMNS.encode({"age": 3.0, "city": "Oslo"}, "float64").tolist() == ENCODED[:1]


def test_it_comes_back_from_json() -> None:
    assert Inputs.restore(COLUMNS.description()) == COLUMNS
    assert Inputs.restore(json.loads(json.dumps(COLUMNS.description()))) == COLUMNS


@pytest.mark.parametrize(
    "told",
    [
        None,
        3,
        "city",
        {"name": "a"},
        ["city"],
        [{"name": "a"}],
        [{"name": "a", "marks": False, "options": "abc"}],
        [{"name": "a", "marks": False, "options": [1]}],
        [{"name": "a", "marks": 3, "options": []}],
        [{"name": ["a"], "marks": False, "options": []}],
        [{"name": "a", "marks": False, "mean": float("nan"), "spread": 1.0}],
        [{"name": "a", "marks": False, "mean": 0.0, "spread": -1.0}],
        [{"name": "a", "marks": False, "mean": "x", "spread": 1.0}],
        [{"name": "a", "marks": False, "mean": None, "spread": 1.0}],
    ],
)
def test_a_damaged_description_is_refused(told: Any) -> None:
    with pytest.raises(SettingError, match=r"Inputs of a saved network must be a list of columns, got .*\. Save it again\."):
        Inputs.restore(told)


def gone(**others: Any) -> Callable[[], object]:
    return lambda: COLUMNS.encode({**ROWS, **others}, "float32")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: COLUMNS.encode({"age": [1.0]}, "float32"),
            "The rows must be a table with the column 'city', got 'age'. Pass the columns it was trained on.",
        ),
        (
            lambda: COLUMNS.encode(pd.DataFrame({"age": [1.0]}), "float32"),
            "The rows must be a table with the column 'city', got 'age'. Pass the columns it was trained on.",
        ),
        (
            lambda: COLUMNS.encode(pl.DataFrame({"age": [1.0]}), "float32"),
            "The rows must be a table with the column 'city', got 'age'. Pass the columns it was trained on.",
        ),
        (
            lambda: COLUMNS.encode(np.ones((2, 2)), "float32"),
            "The rows must be a table with the column 'age', got 'none with a name'. Pass the columns it was trained on.",
        ),
        (
            lambda: COLUMNS.encode([{"age": 1.0, "city": "Rome"}], "float32"),
            "The rows must be a table with the column 'age', got 'none with a name'. Pass the columns it was trained on.",
        ),
        (gone(age=["old", 1, 2]), "Column 'age' must be numbers, got \"'old' in row 0\". Pass numbers there."),
        (gone(age=[1.0]), "Column 'city' must be of 1 rows, as 'age' is, got 3. Give all columns one length."),
        (
            gone(age=[1.0, float("inf"), 2.0]),
            "Column 'age' must be finite once it is standardized, in float32, got 'inf in row 1'. Replace that value.",
        ),
        (
            gone(age=[1.0, 1e40, 2.0]),
            "Column 'age' must be finite once it is standardized, in float32, got '1e+40 in row 1'. Replace that value.",
        ),
        (
            lambda: Inputs((Numbers(0), Numbers(1))).encode(np.ones((2, 3)), "float32"),
            "x must be of shape (n, 2), got (2, 3). Take the columns it was trained on.",
        ),
    ],
)
def test_rows_that_cannot_be_read_are_told_in_one_sentence(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == sentence
