"""The encoding of a data set: fitted to training rows alone, and no way for the others to leak in."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight

from hpsearch import data
from hpsearch.data.encoding import balanced_weights, encode, reason_to_standardize
from hpsearch.errors import SettingError
from hpsearch.objectives import CrossValidate, TrainNetwork
from hpsearch.ports import Context
from tests.data.tables import MAKERS, ROWS, Make, columns, pandas_frame

both = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@both
def test_validation_and_test_rows_do_not_change_the_encoding(make: Make) -> None:
    others = make(age=[1e6] * ROWS, city=["Ulm"] * ROWS)
    one = encode(data.table(make(), "buys", validation=make(), test=make()), True, "float64")
    other = encode(data.table(make(), "buys", validation=others, test=others), True, "float64")
    assert one.inputs == other.inputs
    np.testing.assert_array_equal(one.data.train.x, other.data.train.x)
    assert not np.array_equal(one.data.validation.x, other.data.validation.x)


def test_a_network_encodes_each_fold_by_its_own_training_rows() -> None:
    """Mean and deviation per fold are worked out from the frame itself."""
    objective = TrainNetwork(data.table(pandas_frame(), "buys", test=0), learning_rate=0.1)
    found = [encode(fold, True, "float64").inputs.columns[1] for fold in CrossValidate(objective, folds=4).datasets()]
    wanted = [fold.train.x["age"] for fold in CrossValidate(objective, folds=4).datasets()]
    for column, ages in zip(found, wanted, strict=True):
        assert (column.mean, column.spread) == pytest.approx((ages.mean(), ages.std(ddof=0)))  # type: ignore[union-attr]
    assert len({column.mean for column in found}) == 4  # type: ignore[union-attr]


def test_a_column_that_leaks_only_through_the_whole_table_brings_no_gain() -> None:
    """A code per row, no two alike: numbered in order over the whole table the codes tell the class, of some rows nothing."""
    rng, rows = np.random.default_rng(0), 150
    y = rng.permutation(np.arange(rows) % 2)
    frame = pd.DataFrame({"code": [f"{'ab'[k]}{i}" for i, k in enumerate(y)], "noise": rng.normal(size=rows), "y": y})
    numbered = frame["code"].astype("category").cat.codes
    assert ((numbered >= rows // 2) == frame["y"]).all()  # the leak is there
    found = data.table(frame, "y", validation=0.4, test=0)
    value = TrainNetwork(found, hidden=(4,), learning_rate=0.3, epochs=5)({}, Context(np.random.default_rng(0), 5)).value
    assert 0.3 <= value <= 0.7


SAID = [
    ({}, "column 'city' holds texts"),
    ({"city": None}, "column 'member' has missing values"),
    ({"city": None, "member": None, "age": [1000.0, 1001.0] * 20}, "column 'age' has mean 1000 and deviation 0.5"),
    ({"city": None, "member": None, "age": [0.0, 500.0] * 20}, "column 'age' has mean "),
    ({"city": None, "member": None, "age": [0.0, 0.01] * 20}, "column 'age' has mean "),
    ({"city": None, "member": None, "age": [0.0, 1e300] * 20}, "column 'age' has mean "),
    ({"city": None, "member": None, "age": [0.0, 1.0] * 20}, ""),
]


@both
@pytest.mark.parametrize(("others", "reason"), SAID)
def test_it_is_decided_by_the_columns_and_said_once(
    make: Make, others: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = data.table(make(**({"patient": None, "count": None, "day": None} | others)), "buys", name="shop")
    with caplog.at_level(logging.WARNING):
        first, second = (TrainNetwork(found, learning_rate=0.1) for _ in range(2))
    assert first.standardize is second.standardize is bool(reason)
    assert len(caplog.messages) == bool(reason)
    assert reason_to_standardize(found).startswith(reason)
    assert ("standardize=True" in repr(first)) == bool(reason)
    for message in caplog.messages:
        assert message.startswith(f"TrainNetwork standardizes the columns of 'shop', since {reason}")


def test_gaps_in_the_validation_part_decide_too() -> None:
    """Folds mix both parts."""
    plain: Any = dict.fromkeys(("city", "member", "patient", "day", "count"))
    rows, gaps = pandas_frame(**plain, age=[0.5, 1.5] * 20), pandas_frame(**plain, age=[None, 1.5] * 20)
    objective = TrainNetwork(data.table(rows, "buys", validation=gaps, test=0), hidden=3, learning_rate=0.1, epochs=1)
    assert objective.standardize
    assert 0 <= CrossValidate(objective, folds=2)({}, Context(np.random.default_rng(0), 1)).value <= 1


def test_what_is_scaled_already_is_left_alone() -> None:
    assert reason_to_standardize(data.digits()) == ""
    assert not TrainNetwork(data.digits(), learning_rate=0.1).standardize
    x = np.arange(80.0).reshape(40, 2) * 1000
    assert TrainNetwork(data.arrays(x, columns()["buys"]), learning_rate=0.1).standardize
    assert not TrainNetwork(data.arrays(x, columns()["buys"]), learning_rate=0.1, standardize=False).standardize


@both
def test_texts_and_gaps_cannot_stay_as_they_are(make: Make) -> None:
    for others in ({"member": None}, {"city": None}):
        with pytest.raises(SettingError, match="standardize must be True, or left out, for a table with texts or missing"):
            TrainNetwork(data.table(make(**others), "buys"), learning_rate=0.1, standardize=False)
    with pytest.raises(SettingError, match="standardize must be True or False, got 3"):
        TrainNetwork(data.table(make(), "buys"), learning_rate=0.1, standardize=3)  # type: ignore[arg-type]


def test_equal_rows_cannot_be_encoded() -> None:
    frame = pd.DataFrame({"a": [1.0] * 20, "b": ["x"] * 20, "y": [0, 1] * 10})
    with pytest.raises(SettingError, match="The training rows must be different in some column, got 'equal rows'"):
        TrainNetwork(data.table(frame, "y"), learning_rate=0.1)


@pytest.mark.parametrize("y", [[0, 0, 0, 1], [2, 1, 1, 0, 2, 2, 2], [0, 1]])
def test_balanced_weights_are_those_of_scikit_learn(y: list[int]) -> None:
    classes = np.unique(y)
    wanted = compute_class_weight("balanced", classes=classes, y=np.array(y))
    np.testing.assert_allclose(balanced_weights(np.array(y), len(classes)), wanted)
