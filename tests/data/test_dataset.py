"""A data set: stable text, equality by name and content, smaller versions, reproductions through the vault."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from hpsearch.data import Dataset, Part, digits
from hpsearch.errors import DataError, VaultError
from tests.data.small_parts import part_of


def test_repr_is_short_and_stable(toy: Dataset) -> None:
    assert repr(toy) == "toy(train=4, validation=2)"


def test_equal_by_name_and_content_not_by_object(toy: Dataset) -> None:
    same = Dataset("toy", part_of(4), part_of(2, start=100.0), classes=2)
    assert toy == same
    assert hash(toy) == hash(same)
    assert toy != replace(toy, name="other")
    assert toy != replace(toy, validation=part_of(2, start=101.0))
    assert toy != "toy"


def test_checksum_tells_training_from_validation(toy: Dataset) -> None:
    assert toy.checksum != replace(toy, train=toy.validation, validation=toy.train).checksum
    assert len(toy.checksum) == 64


def test_is_frozen_and_pickles(toy: Dataset) -> None:
    with pytest.raises(FrozenInstanceError):
        toy.name = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(toy)) == toy


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": 1}, "Classes of 'toy' must be at least 2, got 1"),
        ({"train": part_of(4, classes=3)}, r"Classes in 'toy' must be in \[0, 2\), got 2"),
        ({"validation": part_of(3, classes=3)}, r"Classes in 'toy' must be in \[0, 2\), got 2"),
        ({"validation": part_of(2, features=3)}, "Features of the validation part of 'toy' must be 2, got 3"),
        ({"class_names": ("a",)}, "class_names of 'toy' must be 2 names, got 1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(toy: Dataset, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        replace(toy, **changes)


def test_head_is_the_first_rows(toy: Dataset) -> None:
    small = toy.head(train=3, validation=1)
    assert repr(small) == "toy(train=3, validation=1)"
    np.testing.assert_array_equal(small.train.x, toy.train.x[:3])
    assert toy.head(validation=1).train is toy.train
    assert small != toy


def test_head_keeps_the_seal_and_refuses_too_much(toy: Dataset) -> None:
    data = digits()
    assert data.head(10, 10).test is data.test
    with pytest.raises(DataError, match=r"in \[1, 4\], got 5"):
        toy.head(train=5)


def test_a_reproduction_evaluates_on_the_test_part_and_says_so() -> None:
    data, log = digits(), []
    reproduction = data.for_reproduction(on_open=lambda: log.append("opened"))
    assert log == ["opened"]
    assert reproduction.reproduction
    assert repr(reproduction) == "digits-reproduction(train=1079, validation=359)"
    assert reproduction.test is None
    assert reproduction.train is data.train
    assert data.test is not None
    assert reproduction.validation.checksum == data.test.checksum
    assert reproduction != data


def test_a_reproduction_needs_a_test_part(toy: Dataset) -> None:
    with pytest.raises(DataError, match="Test part of 'toy' must be sealed and unopened, got None"):
        toy.for_reproduction()


def test_a_reproduction_stops_when_its_log_does() -> None:
    def full_disk() -> None:
        raise VaultError("cannot be logged")

    with pytest.raises(VaultError, match="cannot be logged"):
        digits().for_reproduction(on_open=full_disk)


def test_features_counts_the_inputs(toy: Dataset) -> None:
    assert (toy.features, Dataset("wide", part_of(2, 5), part_of(2, 5), 2).features) == (2, 5)
    assert isinstance(toy.train, Part)


def numbers(rows: int) -> Part:
    return Part(part_of(rows).x, np.linspace(0.0, 1.0, rows))


def test_numbers_are_told_from_classes() -> None:
    data = Dataset("prices", numbers(4), numbers(3), classes=0)
    assert data.regression
    assert data.head(2).train.y.dtype == np.float64
    assert not replace(data, train=part_of(4), validation=part_of(3), classes=2).regression
    # The same bytes are another part when they stand for numbers.
    zeros = np.zeros(2, np.int64)
    assert Part(part_of(2).x, zeros).checksum != Part(part_of(2).x, zeros.astype(float)).checksum


@pytest.mark.parametrize(
    ("train", "validation", "classes"), [(numbers(4), numbers(3), 2), (numbers(4), part_of(3), 0), (part_of(4), part_of(3), 0)]
)
def test_refuses_numbers_among_classes(train: Part, validation: Part, classes: int) -> None:
    with pytest.raises(DataError, match=f"Classes of 'odd' must be 0 for numbers, and for nothing else, got {classes}. Give"):
        Dataset("odd", train, validation, classes)


def test_at_most_takes_the_first_rows_and_all_where_there_are_fewer() -> None:
    given = digits()
    small = given.at_most(train=500, validation=1000)
    assert (len(small.train), len(small.validation), small.test) == (500, len(given.validation), given.test)
    np.testing.assert_array_equal(small.train.x, given.train.x[:500])
    assert given.at_most() == given
