"""Samples of training rows: nested, stratified, seeded, and the validation part stays whole."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from hpsearch import data
from hpsearch.data import Dataset, Part
from hpsearch.data.sample import fewest_rows, in_sample_order
from hpsearch.errors import DataError

# 60, 30, 9 and 1 rows of four classes, sorted by class; a row holds its own number.
CLASSES = np.repeat([0, 1, 2, 3], [60, 30, 9, 1])
SORTED = Part(np.arange(100, dtype=np.float32)[:, None], CLASSES)


def test_every_beginning_has_each_class_within_one_row_of_its_share() -> None:
    """By counting: one row a class from the fourth row on, and no class further than a row from its share (and that one)."""
    ordered = in_sample_order(SORTED, seed=3)
    assert sorted(ordered.x[:, 0].tolist()) == list(range(100))
    assert (CLASSES[ordered.x[:, 0].astype(int)] == ordered.y).all()
    for rows in range(4, 101):
        counts = np.bincount(ordered.y[:rows], minlength=4)
        assert counts.min() >= 1
        assert np.abs(counts - rows * np.array([0.6, 0.3, 0.09, 0.01])).max() <= 2.5


def test_the_seed_decides_the_order() -> None:
    first, again, other = (in_sample_order(SORTED, seed).x[:, 0].tolist() for seed in (1, 1, 2))
    assert first == again != other
    numbers = Part(SORTED.x, np.arange(100.0))
    assert in_sample_order(numbers, 1).y.tolist() != numbers.y.tolist()


def test_samples_are_nested_and_share_one_copy() -> None:
    digits = data.digits()
    small, large = digits.sample(50, seed=4), digits.sample(400, seed=4)
    assert repr(small) == "digits(train=50, validation=359)"
    assert np.array_equal(large.train.x[:50], small.train.x)
    assert np.shares_memory(large.train.x, small.train.x)
    assert small.validation is digits.validation
    assert digits.sample(len(digits.train), seed=4) is digits
    # A worker gets the order with the data set, and makes none of its own.
    sent: Dataset = pickle.loads(pickle.dumps(digits))
    assert np.shares_memory(sent.sample(50, seed=4).train.x, sent.sample(60, seed=4).train.x)
    assert np.array_equal(sent.sample(50, seed=4).train.x, small.train.x)
    assert sent.checksum == digits.checksum


def test_more_rows_than_there_are_raise() -> None:
    with pytest.raises(DataError, match="Number of rows must be a whole number in \\[1, 1079\\], got 1080"):
        data.digits().sample(1080, seed=0)


def test_the_smallest_sample_has_two_rows_a_class_and_ten_in_all() -> None:
    assert [fewest_rows(classes) for classes in (0, 2, 5, 6, 100)] == [10, 10, 10, 12, 200]
    assert data.digits().fewest_rows == 20
