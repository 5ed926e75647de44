"""Splits are partitions, stratified, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.data.splits import draw_stratified, split, split_by_groups, split_in_order
from hpsearch.errors import DataError

# Rows of each class, few classes and uneven ones; shuffled by a seed in the test.
COUNTS = st.lists(st.integers(8, 60), min_size=2, max_size=5)
SEEDS = st.integers(0, 2**32 - 1)


def labels(counts: list[int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))


@settings(max_examples=60, deadline=None)
@given(COUNTS, st.floats(0.15, 0.35), st.floats(0.15, 0.35), SEEDS)
def test_every_row_is_in_one_part(counts: list[int], validation: float, test: float, seed: int) -> None:
    ids = split(labels(counts), validation, test, seed)
    assert sorted([*ids.train, *ids.validation, *ids.test]) == list(range(sum(counts)))
    assert (len(ids.validation), len(ids.test)) == (round(validation * sum(counts)), round(test * sum(counts)))


@settings(max_examples=60, deadline=None)
@given(COUNTS, st.floats(0.2, 0.8), SEEDS)
def test_each_class_is_within_one_row_of_its_share(counts: list[int], share: float, seed: int) -> None:
    classes, drawn = labels(counts), round(share * sum(counts))
    for ids, size in zip(draw_stratified(classes, drawn, seed), (sum(counts) - drawn, drawn), strict=True):
        found = np.bincount(classes[ids], minlength=len(counts))
        assert np.abs(found - np.array(counts) * size / sum(counts)).max() <= 1


@settings(max_examples=20, deadline=None)
@given(COUNTS, SEEDS)
def test_same_seed_same_rows(counts: list[int], seed: int) -> None:
    classes = labels(counts)
    one, two = split(classes, 0.2, 0.2, seed), split(classes, 0.2, 0.2, np.random.default_rng(seed))
    assert one.train.tolist() == two.train.tolist()
    assert one.test.tolist() == two.test.tolist()


def test_other_seed_other_rows() -> None:
    classes = labels([50, 50])
    assert split(classes, 0.2, 0.2, 0).test.tolist() != split(classes, 0.2, 0.2, 1).test.tolist()


def test_the_first_rows_of_a_part_are_a_sample_even_of_sorted_labels() -> None:
    classes = np.repeat([0, 1], 500)
    first = classes[split(classes, 0.2, 0.2, 0).train[:100]]
    assert 25 < first.sum() < 75  # binomial(100, 1/2): five standard deviations either side


def test_sizes_may_be_numbers_of_rows_and_no_test_part() -> None:
    ids = split(labels([20, 20]), validation=7, test=0, seed=0)
    assert [len(ids.train), len(ids.validation), len(ids.test)] == [33, 7, 0]


@pytest.mark.parametrize(
    ("validation", "test", "sentence"),
    [
        (0, 0.2, "Parts of 40 rows must be not empty, got 'validation=0, test=8'"),
        (0.6, 0.4, "must be not empty"),
        (1.0, 0.2, r"validation must be in \[0, 1\) as a share of the rows, got 1.0"),
        (0.2, -0.1, "test must be in"),
        (0.2, float("nan"), "test must be in"),
        (40, 0.2, r"validation must be in \[0, 40\) rows, got 40"),
        (True, 0.2, "validation must be a share of the rows or a number of rows, got True"),
        (1, 0, r"Rows to draw from 40 must be in \[2, 38\], one a class on either side, got 1"),
    ],
)
def test_impossible_sizes_are_refused(validation: float, test: float, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        split(labels([20, 20]), validation, test, 0)


def test_a_class_too_rare_to_split_is_named() -> None:
    with pytest.raises(DataError, match="Rows left of class 1 must be at least 2 to be split, got 1"):
        split([0] * 20 + [1], 0.2, 0.2, 0)


GROUPS = st.lists(st.integers(1, 6), min_size=12, max_size=40)


def grouped(sizes: list[int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


@settings(max_examples=60, deadline=None)
@given(GROUPS, st.floats(0.15, 0.35), st.floats(0.15, 0.35), SEEDS)
def test_no_group_is_in_two_parts_and_parts_are_near_their_share(
    sizes: list[int], validation: float, test: float, seed: int
) -> None:
    groups = grouped(sizes, seed)
    ids = split_by_groups(groups, None, validation, test, seed)
    assert sorted([*ids.train, *ids.validation, *ids.test]) == list(range(len(groups)))
    held = [set(groups[rows].tolist()) for rows in (ids.train, ids.validation, ids.test)]
    assert sum(map(len, held)) == len(sizes)
    # Of a hundred orders the nearest is within one group, or the group that every part must keep.
    for rows, share in ((ids.validation, validation), (ids.test, test)):
        assert abs(len(rows) - share * len(groups)) <= max(sizes)


@settings(max_examples=30, deadline=None)
@given(GROUPS, SEEDS)
def test_groups_are_drawn_by_the_seed_alone(sizes: list[int], seed: int) -> None:
    groups = grouped(sizes, 0)
    one, other = (split_by_groups(groups, groups % 2, 0.25, 0.25, seed) for _ in range(2))
    assert one.train.tolist() == other.train.tolist()
    assert one.test.tolist() == other.test.tolist()


def test_groups_of_one_class_are_spread_over_the_parts() -> None:
    """Of 60 groups, every third is of class 1."""
    groups = np.repeat(np.arange(60), 3)
    classes = (groups % 3 == 0).astype(int)
    for seed in range(10):
        ids = split_by_groups(groups, classes, 0.2, 0.2, seed)
        for rows in (ids.train, ids.validation, ids.test):
            assert classes[rows].mean() == pytest.approx(1 / 3, abs=0.1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=20, max_size=60), st.floats(0.1, 0.3), st.floats(0.1, 0.3))
def test_later_rows_are_in_later_parts_and_equal_times_in_one(found: list[int], validation: float, test: float) -> None:
    times = np.sort(np.array(found))
    try:
        ids = split_in_order(times, validation, test)
    except DataError:  # the rows of one time would fill a part
        return
    assert [*ids.train, *ids.validation, *ids.test] == list(range(len(times)))
    assert times[ids.train].max() < times[ids.validation].min()
    assert times[ids.validation].max() < times[ids.test].min()
    assert len(ids.test) <= round(test * len(times))


def test_times_that_are_all_different_are_split_to_the_row() -> None:
    ids = split_in_order(np.arange(20), 4, 3)
    assert [len(rows) for rows in (ids.train, ids.validation, ids.test)] == [13, 4, 3]
    none = split_in_order(np.arange(20), 4, 0)
    assert [len(rows) for rows in (none.train, none.validation, none.test)] == [16, 4, 0]


def test_a_part_without_time_of_its_own_is_told() -> None:
    with pytest.raises(DataError, match="The validation part must be not empty, got '1 different times'"):
        split_in_order(np.zeros(20), 0.2, 0.2)
