"""A data set of some classes alone: rows, numbers and the sealed part, held against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import data
from hpsearch.data.vault import open_test
from hpsearch.errors import DataError
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context

DIGITS = data.digits()


def test_rows_of_the_classes_in_their_order_numbered_anew() -> None:
    pair = DIGITS.only(classes=(7, 3))
    assert repr(pair) == f"digits-7-3(train={len(pair.train)}, validation={len(pair.validation)})"
    assert pair.class_names == ("7", "3")
    for ours, whole in ((pair.train, DIGITS.train), (pair.validation, DIGITS.validation)):
        wanted = [i for i, label in enumerate(whole.y) if label in (3, 7)]
        np.testing.assert_array_equal(ours.x, whole.x[wanted])
        assert ours.y.tolist() == [0 if whole.y[i] == 7 else 1 for i in wanted]


def test_the_test_part_goes_with_it() -> None:
    pair = DIGITS.only(classes=(7, 3))
    assert DIGITS.test is not None
    assert pair.test is not None
    whole, ours = open_test(DIGITS.test), open_test(pair.test)
    wanted = [i for i, label in enumerate(whole.y) if label in (3, 7)]
    np.testing.assert_array_equal(ours.x, whole.x[wanted])
    assert [DIGITS.test.rows[i] for i in wanted] == list(pair.test.rows)
    assert pair.test != DIGITS.test


def test_a_network_without_hidden_layers_tells_two_digits_apart() -> None:
    """The document's first reduced problem: digits 0 and 1, no hidden layer."""
    objective = TrainNetwork(DIGITS.only(classes=(0, 1)), hidden=(), learning_rate=0.5, epochs=5, cost="log_likelihood")
    outcome = objective({}, Context(np.random.default_rng(0)))
    assert outcome.value <= 0.02
    assert objective.network({}, Context(np.random.default_rng(0))).sizes == (64, 2)


@pytest.mark.parametrize("classes", [(0,), (0, 0), (0, 10), (-1, 2), (), (0, True), ("0", "1")])
def test_refuses_other_classes(classes: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"classes of 'digits' must be two or more of its classes, got .*of 0 to 9"):
        DIGITS.only(classes=classes)


def test_refuses_numbers_to_predict() -> None:
    rng = np.random.default_rng(0)
    numbers = data.arrays(rng.normal(size=(50, 3)), rng.normal(size=50), regression=True)
    with pytest.raises(DataError, match="It predicts numbers"):
        numbers.only(classes=(0, 1))
