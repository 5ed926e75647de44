"""The user's own arrays: encoded, split, sealed; what cannot be used is refused."""

from __future__ import annotations

import numpy as np
import pytest

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
        (X.astype(str), Y, "X must be real numbers, got '<U"),
        (X + 1j, Y, "X must be real numbers, got 'complex128'"),
        (np.where(X == 5, np.nan, X), Y, r"x\[2, 1\] must be finite, got nan"),
        (X * 1e38, Y, "must be finite, got inf"),
        (X, Y[:-1], "y must be one label for each of the 40 rows of X, got 39"),
        (X, np.eye(2)[Y % 2], r"y must be of shape \(n,\), got \(40, 2\)"),
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
        (np.stack([Y, Y], 1), r"y must be of shape \(n,\), got \(40, 2\)"),
    ],
)
def test_refuses_what_is_no_number_to_predict(y: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        arrays(X, y, regression=True)
