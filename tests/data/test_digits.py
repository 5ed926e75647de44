"""The embedded digits against scikit-learn's own."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from hpsearch.data import digits
from hpsearch.data.vault import open_test


def test_all_digits_are_there_once() -> None:
    data, source = digits(), load_digits()
    assert data.test is not None
    parts = [data.train, data.validation, open_test(data.test)]
    assert [len(part) for part in parts] == [1079, 359, 359]
    x = np.concatenate([part.x for part in parts])
    y = np.concatenate([part.y for part in parts])
    expected = np.column_stack([source.data / 16, source.target])
    found = np.column_stack([x, y])
    np.testing.assert_array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


def test_pixels_are_float32_in_the_unit_interval() -> None:
    x = digits().train.x
    assert (x.dtype, x.min(), x.max()) == (np.float32, 0.0, 1.0)


def test_the_split_is_seeded() -> None:
    assert digits(seed=3) == digits(seed=3)
    assert digits(seed=3) != digits()


def test_sizes_are_passed_on() -> None:
    data = digits(validation=100, test=0)
    assert repr(data) == "digits(train=1697, validation=100)"
    assert data.test is None
