"""The user's own arrays: encoded, split, sealed; what cannot be used is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.linear_model import Ridge

from hpsearch.data import arrays
from hpsearch.data.vault import open_test
from hpsearch.errors import DataError

X = np.arange(80.0).reshape(40, 2)
Y = np.tile([3, 7], 20)


def test_the_parts_hold_the_rows_that_were_handed_in() -> None:
    data = arrays(X, Y, name="own")
    assert repr(data) == "own(train=24, validation=8)"
    assert data.test is not None
    parts = [data.train, data.validation, open_test(data.test)]
    assert sorted(np.concatenate([part.x[:, 0] for part in parts]).tolist()) == X[:, 0].tolist()
    for part in parts:
        rows = (part.x[:, 0] / 2).astype(int)
        np.testing.assert_array_equal(np.array([3, 7])[part.y], Y[rows])


def test_the_seal_names_the_rows() -> None:
    data = arrays(X, Y)
    assert data.test is not None
    np.testing.assert_array_equal(open_test(data.test).x, X[list(data.test.rows)].astype(np.float32))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (Y, ("3", "7")),
        (np.where(Y == 3, "no", "yes"), ("no", "yes")),
        (np.where(Y == 3, "no", "yes").astype(object), ("no", "yes")),
        (Y == 7, ("False", "True")),
        (Y.astype(np.uint8).tolist(), ("3", "7")),
        (Y - 10, ("-7", "-3")),
        (Y.astype(np.uint64) + 2**63, ("9223372036854775811", "9223372036854775815")),
        ([2**63 if label == 3 else -1 for label in Y.tolist()], ("-1", "9223372036854775808")),
        (pd.Series(Y, dtype="Int64"), ("3", "7")),
        (pd.Series(Y == 7, dtype="boolean"), ("False", "True")),
        (pd.Series(np.where(Y == 3, "no", "yes"), dtype="category"), ("no", "yes")),
        (pd.Series(np.where(Y == 3, "no", "yes"), dtype="string"), ("no", "yes")),
    ],
)
def test_labels_of_any_kind_become_indices(labels: object, names: tuple[str, ...]) -> None:
    data = arrays(X, labels)  # type: ignore[arg-type]
    assert data.class_names == names
    assert set(data.train.y.tolist()) == {0, 1}


def test_seeded() -> None:
    assert arrays(X, Y, seed=1) == arrays(X, Y, seed=1)
    assert arrays(X, Y, seed=1) != arrays(X, Y, seed=2)


def test_without_a_test_part() -> None:
    data = arrays(X, Y, test=0)
    assert data.test is None
    assert repr(data) == "arrays(train=32, validation=8)"


def test_what_was_handed_in_stays_as_it_is() -> None:
    x = X.astype(np.float32)
    data = arrays(x, Y)
    x[:] = -1
    assert data.train.x.min() >= 0
    assert data.test is not None
    assert open_test(data.test).x.min() >= 0


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (X.ravel(), Y, r"X must be of shape \(n, d\) and not empty, got \(80,\)"),
        (X[:0], Y[:0], "not empty"),
        (X.astype(str), Y, "X must be real numbers, got '<U.*Encode it as numbers, categories with pandas.get_dummies"),
        (np.where(X == 5, None, X), Y, "X must be real numbers, got 'object'"),
        (scipy.sparse.csr_matrix(X), Y, r"X must be a dense array, got 'csr_matrix'. Pass X.toarray\(\)."),
        (scipy.sparse.coo_array(X), Y, r"X must be a dense array, got 'coo_array'. Pass X.toarray\(\)."),
        (X, scipy.sparse.csr_matrix(Y), r"y must be a dense array, got 'csr_matrix'. Pass y.toarray\(\).ravel\(\)."),
        (np.ma.masked_equal(X, 5), Y, r"X must be without masked values, got '1 masked'. Drop or fill them first"),
        (X.astype("datetime64[s]"), Y, "X must be real numbers, got 'datetime64"),
        (X.astype(int) + 2**60, Y, r"float64 tells apart, got '40 distinct values of column 0 become 1 \(and values of 1 more"),
        (X + 1j, Y, "X must be real numbers, got 'complex128'"),
        (np.where(X == 5, np.nan, X), Y, r"x\[2, 1\] must be finite, got nan"),
        (X * np.longdouble("1e4000"), Y, "must be finite, got inf"),
        (X, Y[:-1], "y must be one label for each of the 40 rows of X, got 39"),
        (X, np.eye(2, dtype=int)[Y % 2], r"y must be of shape \(n,\), got \(40, 2\)"),
        (X, Y / 2, "y must be integers or strings, got 'float64'"),
        (X, np.array(["a", None] * 20, dtype=object), "y must be integers or strings, got 'NoneType, str'"),
        (X, np.zeros(40, int), "Classes of 'arrays' must be at least 2, got 1"),
    ],
)
def test_what_cannot_be_used_is_refused(x: np.ndarray, y: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        arrays(x, y)


def test_numbers_to_be_predicted_stay_numbers() -> None:
    data = arrays(X, Y / 2, name="prices", regression=True)
    assert repr(data) == "prices(train=24, validation=8)"
    assert (data.classes, data.class_names, data.regression) == (0, (), True)
    assert data.test is not None
    for part in (data.train, data.validation, open_test(data.test)):
        assert part.y.dtype == np.float64
        np.testing.assert_array_equal(part.y, Y[(part.x[:, 0] / 2).astype(int)] / 2)
    assert not arrays(X, Y).regression


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (np.where(Y == 3, "no", "yes"), "y must be real numbers where regression=True, got '<U3'"),
        (np.where(Y == 3, np.nan, Y), r"y\[\d+\] must be finite, got nan"),
        (Y[:, None], r"y must be of shape \(n,\), got \(40, 1\)"),
        (np.stack([Y, Y], 1)[:, :, None], r"y must be of shape \(n,\), got \(40, 2, 1\)"),
    ],
)
def test_refuses_what_is_no_number_to_predict(y: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        arrays(X, y, regression=True)


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("float16", "float32"),
        ("longdouble", "float64"),
        ("bool", "float32"),
        ("uint8", "float32"),
        ("int16", "float32"),
        ("int32", "float64"),
        ("int64", "float64"),
        ("uint64", "float64"),
        ("object", "float64"),
    ],
)
def test_values_stay_exact_in_the_dtype_they_are_held_in(given: str, held: str) -> None:
    x = (X % 2).astype(given) if given == "bool" else X.astype(given)
    data = arrays(x, Y)
    assert data.train.dtype == data.validation.dtype == held
    assert data.record.dtype == held
    assert data.test is not None
    np.testing.assert_array_equal(open_test(data.test).x, x[list(data.test.rows)].astype(float))


def test_seconds_since_1970_keep_their_seconds() -> None:
    """A fit of scikit-learn on the rows themselves is the independent source; in float32 two distinct values are left."""
    x = 1.7e9 + np.arange(100.0)[:, None]
    data = arrays(x, x[:, 0] - 1.7e9, regression=True, test=0)
    assert len(np.unique(data.train.x)) == len(data.train)
    fitted = Ridge().fit(data.train.x, data.train.y)
    assert np.abs(fitted.predict(data.validation.x) - data.validation.y).max() < 0.1


FRAME = pd.DataFrame({"age": [1.5, 2.5, 3.5, 4.5] * 5, "city": ["a", "b"] * 10, "n": range(20)})


@pytest.mark.parametrize(
    ("frame", "held"),
    [
        (pd.get_dummies(FRAME), "float64"),
        (pd.get_dummies(FRAME, sparse=True), "float64"),
        (pd.get_dummies(FRAME[["city"]]), "float32"),
        (pd.get_dummies(FRAME).convert_dtypes(), "float64"),
        (pd.get_dummies(FRAME).astype({"age": "Float32", "n": "UInt8", "city_a": "boolean", "city_b": "int8"}), "float32"),
        (pd.get_dummies(FRAME).astype(object), "float64"),
        (pd.get_dummies(FRAME).astype({"n": "category"}), "float64"),
        (pd.get_dummies(FRAME).to_numpy(), "float64"),
    ],
)
def test_columns_of_frames_become_numbers(frame: pd.DataFrame, held: str) -> None:
    """The independent source is a table written out by hand."""
    expected = [[1.5 + i % 4, float(i), float(i % 2 == 0), float(i % 2)] for i in range(20)]
    data = arrays(frame, [0, 1] * 10, validation=0.5, test=0)
    rows = np.concatenate([data.train.x, data.validation.x]).tolist()
    assert data.train.dtype == held
    assert sorted(rows) == sorted(row[-data.features :] for row in expected)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"age": pd.array([1, None] * 10, dtype="Int64")},
            "Column 'age' of X must be without missing values, got '<NA> in row 1'",
        ),
        ({"age": pd.array([True, None] * 10, dtype="boolean")}, "Column 'age' of X must be without missing values"),
        ({"age": [1.0, np.nan] * 10}, "Column 'age' of X must be without missing values, got 'nan in row 1'. Drop or fill"),
        ({"age": [1.0, None] * 10}, "Column 'age' of X must be without missing values"),
        ({"age": ["x", "y"] * 10}, r"Column 'age' of X must be real numbers, got '(object|str)'. Encode it as numbers"),
        ({"age": pd.Categorical(["x", "y"] * 10)}, "Column 'age' of X must be real numbers, got 'category'"),
        ({"age": pd.date_range("2020", periods=20)}, r"Column 'age' of X must be real numbers, got 'datetime64\[\w+\]'"),
    ],
)
def test_a_column_that_is_no_number_is_named(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        arrays(FRAME[["n"]].assign(**change), [0, 1] * 10)


def test_nullable_numbers_to_predict_are_numbers() -> None:
    data = arrays(X, pd.Series(Y / 2, dtype="Float64"), regression=True)
    assert data.train.y.dtype == np.float64
    with pytest.raises(DataError, match="y must be without missing values, got '<NA> in row 0'"):
        arrays(X, pd.Series([None, *Y[1:]], dtype="Float64"), regression=True)
