"""Rows of a search: equal content has one checksum, whatever holds it; any change gives another."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.tree import DecisionTreeClassifier

from hpsearch import Study
from hpsearch.sklearn.candidate import ScoreEstimator
from hpsearch.sklearn.rows import SearchRows
from hpsearch.sklearn.spaces import read_space
from hpsearch.strategies import Random

X, Y = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 0, 1, 0, 1])
SPLITS = [(np.arange(3), np.arange(3, 6))]
WORDS = ["a", None, "b", "a", "b", None]


def polars_frame(value: float = 1.0, word: str = "b") -> Any:
    pl = pytest.importorskip("polars")
    return pl.DataFrame({"n": [value, 2.0, 3.0, None, 5.0, 6.0], "w": [*WORDS[:4], word, None], "i": list(range(6))})


def pandas_frame(value: float = 1.0, word: str = "b") -> Any:
    return pd.DataFrame({"n": [value, 2.0, 3.0, np.nan, 5.0, 6.0], "w": [*WORDS[:4], word, None], "i": list(range(6))})


def array(value: float = 1.0, word: str = "b") -> Any:
    return X + value + len(word)


def csr(value: float = 1.0, word: str = "b") -> Any:
    return scipy.sparse.csr_array(X * (value + len(word)))


def listed(value: float = 1.0, word: str = "b") -> Any:
    return [[value, word]] * 6


@pytest.mark.parametrize("make", [array, csr, pandas_frame, polars_frame, listed])
def test_the_checksum_is_that_of_the_content(make: Callable[..., Any]) -> None:
    first = SearchRows(make(), Y, SPLITS, {})
    assert first.checksum == SearchRows(make(), Y.copy(), copy.deepcopy(SPLITS), {}).checksum
    others = [
        SearchRows(make(value=1.5), Y, SPLITS, {}),
        SearchRows(make(word="bc"), Y, SPLITS, {}),
        SearchRows(make(), 1 - Y, SPLITS, {}),
        SearchRows(make(), Y, [(np.arange(3), np.arange(4, 6))], {}),
        SearchRows(make(), Y, SPLITS, {"sample_weight": np.ones(6)}),
    ]
    assert len({first.checksum, *(rows.checksum for rows in others)}) == 6


@pytest.mark.parametrize(("make", "features"), [(array, 2), (csr, 2), (pandas_frame, 3), (polars_frame, 3), (listed, 0)])
def test_the_record_is_without_a_row(make: Callable[..., Any], features: int) -> None:
    rows = SearchRows(make(), Y, SPLITS, {}, classes=2)
    record = rows.record
    assert (record.features, record.classes, record.checksum) == (features, 2, rows.checksum)
    assert [(part.name, part.rows, part.sealed) for part in record.parts] == [("training", 6, False)]
    assert repr(rows) == "SearchRows(rows=6, folds=1)"


def test_trials_share_the_rows_which_are_sent_to_workers_once() -> None:
    rows = SearchRows(np.zeros((2**17, 2)), Y, SPLITS, {})
    assert copy.deepcopy({"rows": rows})["rows"] is rows
    space = read_space({"max_depth": [1, 2]})
    objective = ScoreEstimator(DecisionTreeClassifier(), rows, space, None, "score", "cross-validation score")
    made = Study("s", space.space, objective, Random(trials=1))
    assert made.copies.shared == (rows,)
    assert made.copies.of(made.adapted)[0].data is rows
    sent = cloudpickle.dumps((made.objective, made.copies))
    assert rows.x.nbytes < len(sent) < 1.1 * rows.x.nbytes
