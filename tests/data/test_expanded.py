"""The expanded data set: originals first, labels kept, the other parts untouched, never cross-validated."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import data
from hpsearch.data import expanded
from hpsearch.errors import DataError, SettingError
from hpsearch.nn.augment import Affine, Elastic
from hpsearch.objectives import CrossValidate, TrainSVM

DIGITS = data.digits()


def test_copies_follow_the_originals_with_their_labels() -> None:
    more, n = expanded(DIGITS, Affine(), copies=2), len(DIGITS.train)
    assert len(more.train) == 3 * n
    np.testing.assert_array_equal(more.train.x[:n], DIGITS.train.x)
    for copy in (1, 2):
        np.testing.assert_array_equal(more.train.y[copy * n : (copy + 1) * n], DIGITS.train.y)
    first, second = more.train.x[n : 2 * n], more.train.x[2 * n :]
    assert not np.array_equal(first, second)
    # A copy is nearer to its own row than to another row: small changes.
    own, other = np.abs(first - DIGITS.train.x).mean(), np.abs(first - np.roll(DIGITS.train.x, 1, axis=0)).mean()
    assert own < other / 2
    assert more.validation is DIGITS.validation
    assert more.test is DIGITS.test


def test_the_seed_decides() -> None:
    assert expanded(DIGITS, Elastic()) == expanded(DIGITS, Elastic())
    assert expanded(DIGITS, Elastic(), seed=1) != expanded(DIGITS, Elastic())


def test_it_is_not_cross_validated() -> None:
    with pytest.raises(SettingError, match=r"CrossValidate's data must be not expanded, got digits-expanded"):
        CrossValidate(TrainSVM(expanded(DIGITS, Affine())))


def test_refuses_bad_input() -> None:
    with pytest.raises(DataError, match=r"copies must be a whole number >= 1, got 0\."):
        expanded(DIGITS, Affine(), copies=0)
    with pytest.raises(SettingError, match=r"expansion must be an expansion or None, got None\."):
        expanded(DIGITS, None)  # type: ignore[arg-type]
    flat = data.arrays(np.random.default_rng(0).random((40, 3)), [0, 1] * 20)
    with pytest.raises(SettingError, match="those of a square image"):
        expanded(flat, Affine())
