"""A part is checked once, read-only, and known by its content."""

from __future__ import annotations

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
        (X.astype(float), Y, "float32 and C-contiguous, got 'float64, C-contiguous'"),
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


def test_pickling_keeps_content() -> None:
    assert pickle.loads(pickle.dumps(Part(X, Y))).checksum == Part(X, Y).checksum
