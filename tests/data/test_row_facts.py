"""Weights, groups and times as users hold them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hpsearch.data.row_facts import read_groups, read_strata, read_times, read_weights
from hpsearch.errors import DataError


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, 2],
        np.array([1.0, 0.0, 2.0], np.float32),
        pd.Series([1, 0, 2], dtype="Int64"),
        pl.Series([1, 0, 2]),
        pd.Series([1.0, 0.0, 2.0], index=[5, 5, 5]),
    ],
)
def test_weights_are_read_from_whatever_holds_them(values: Any) -> None:
    found = read_weights(values, 3)
    assert found is not None
    assert (found.dtype, found.tolist()) == (np.float64, [1.0, 0.0, 2.0])


def test_weights_must_have_a_sum() -> None:
    with pytest.raises(DataError, match=r"sample_weight must be of a finite sum, got inf\. Divide it by its largest value\."):
        read_weights([1e308, 1e308], 2)


@pytest.mark.parametrize(
    "values",
    [["b", "a", "b"], pd.Series(["b", "a", "b"], dtype="category"), pl.Series(["b", "a", "b"]), np.array(["b", "a", "b"])],
)
def test_groups_and_strata_are_read_from_whatever_holds_them(values: Any) -> None:
    found = read_groups(values, 3)
    assert found is not None
    assert found.tolist() == ["b", "a", "b"]
    assert read_strata(values, 3).tolist() == [1, 0, 1]


DAYS = [datetime(2026, 1, day) for day in (1, 2, 2)]


@pytest.mark.parametrize("values", [DAYS, pd.Series(DAYS), pl.Series(DAYS), pd.Series(DAYS).dt.tz_localize("UTC")])
def test_times_may_be_dates(values: Any) -> None:
    found = read_times(values, 3)
    assert found is not None
    assert (found[1:] >= found[:-1]).all()


@pytest.mark.parametrize("read", [read_groups, read_times, read_strata])
@pytest.mark.parametrize("values", [[1.0, np.nan, 2.0], ["a", None, "b"], pd.Series(["a", None, "b"]), pl.Series([1, None, 2])])
def test_a_gap_is_told_with_its_row(read: Any, values: Any) -> None:
    with pytest.raises(DataError, match=r"must be without missing values, got 'none in row 1'\. Drop or fill these rows\."):
        read(values, 3)


def test_a_date_without_value_is_a_gap() -> None:
    with pytest.raises(DataError, match="got 'none in row 1'"):
        read_times(pd.Series([DAYS[0], None, DAYS[2]]), 3)
