"""A part is checked once, read-only, and known by its content."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest

from hpsearch.data import Part
from hpsearch.errors import DataError

X = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], np.float32)
Y = np.array([0, 1, 0])


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (X[0], Y, r"x must be an array of shape \(n, d\).*got \(2,\)"),
        (X[:0], Y[:0], r"not empty, got \(0, 2\)"),
        (X.tolist(), Y, "got 'list'"),
        (X.astype(np.float16), Y, "float32 or float64 and C-contiguous, got 'float16, C-contiguous'"),
        (X.astype(int), Y, "float32 or float64 and C-contiguous, got 'int64, C-contiguous'"),
        (np.where(X == 3, np.nan, X.astype(float)), Y, r"x\[1, 1\] must be finite, got nan"),
        (np.asfortranarray(X), Y, "got 'float32, not C-contiguous'"),
        (np.where(X == 3, np.float32(np.nan), X), Y, r"x\[1, 1\] must be finite, got nan"),
        (np.where(X == 4, np.float32(-np.inf), X), Y, r"x\[2, 0\] must be finite, got -inf"),
        (X, Y[:2], r"y must be an array of shape \(3,\).*got \(2,\)"),
        (X, Y.astype(np.uint8), "y must be int64, got 'uint8'"),
        (X, Y - 1, "class indices from 0 on, got -1"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(x: np.ndarray, y: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        Part(x, y)


def test_arrays_cannot_be_written_and_the_given_ones_stay_writable() -> None:
    x, y = X.copy(), Y.copy()
    part = Part(x, y)
    with pytest.raises(ValueError, match="read-only"):
        part.x[0, 0] = 9
    with pytest.raises(ValueError, match="read-only"):
        part.y[0] = 9
    assert x.flags.writeable
    assert y.flags.writeable


def test_head_copies_nothing() -> None:
    part = Part(X, Y)
    assert np.shares_memory(part.head(2).x, X)
    assert part.head(2).y.tolist() == [0, 1]


@pytest.mark.parametrize("rows", [0, 4, -1, 1.5, True, "2"])
def test_head_refuses_impossible_numbers(rows: object) -> None:
    with pytest.raises(DataError, match=r"whole number in \[1, 3\]"):
        Part(X, Y).head(rows)  # type: ignore[arg-type]


def test_checksum_is_of_the_content() -> None:
    assert Part(X, Y).checksum == Part(X.copy(), Y.copy()).checksum
    assert Part(X, Y).checksum == Part(X, np.repeat(Y, 2)[::2]).checksum
    others = [Part(X + 1, Y), Part(X, 1 - Y), Part(X.reshape(2, 3), Y[:2]), Part(X, Y).head(2)]
    assert len({part.checksum for part in [Part(X, Y), *others]}) == 5


def test_checksum_covers_the_dtype_and_is_that_of_before_for_float32() -> None:
    """The independent source is hashlib over shape, rows and targets, as it was when all rows were float32."""
    before = hashlib.sha256(b"(3, 2)" + X.tobytes() + Y.tobytes()).hexdigest()
    assert Part(X, Y).checksum == before
    assert Part(X.astype(float), Y).checksum != before
    # The same bytes under another dtype.
    zeros = Part(np.zeros((2, 2), np.float32), np.zeros(2, np.int64)), Part(np.zeros((2, 1)), np.zeros(2, np.int64))
    assert zeros[0].checksum != zeros[1].checksum


def test_rows_of_float32_are_never_copied_and_others_cast() -> None:
    part = Part(X, Y)
    assert part.as_float32() is part
    wide = Part(X.astype(float) + 1e-12, Y)
    assert (wide.dtype, wide.as_float32().dtype) == ("float64", "float32")
    np.testing.assert_array_equal(wide.as_float32().x, X + np.float32(1e-12))
    with pytest.raises(
        DataError, match=r"x\[2, 1\] must be within float32, got 5e\+39. Scale that column, or take dtype='float64'"
    ):
        Part(np.where(X == 5, 5e39, X.astype(float)), Y).as_float32()


def test_pickling_keeps_content() -> None:
    assert pickle.loads(pickle.dumps(Part(X, Y))).checksum == Part(X, Y).checksum
