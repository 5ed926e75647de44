"""Numbers from predictions; the expected ones are counted by hand, or Brier's formula written out."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch.analysis.predictions import confusion, reliability, residual_spread
from hpsearch.ports import Predictions

TRUTH, PREDICTED = np.array([0, 0, 1, 1, 1, 2]), np.array([0, 1, 1, 1, 0, 2])
NAMES = ("ant", "bee", "cat")


def test_rows_count_by_true_and_predicted_class() -> None:
    assert confusion(Predictions(TRUTH, PREDICTED, classes=NAMES)).tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 1]]


def test_a_class_without_rows_has_a_line_of_its_own() -> None:
    assert confusion(Predictions(TRUTH[:5], PREDICTED[:5], classes=NAMES)).shape == (3, 3)


def test_the_curve_of_two_classes_is_that_of_the_second() -> None:
    share = np.array([0.05, 0.05, 0.05, 0.05, 0.95, 0.95, 1.0, 0.55])
    truth = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    found = Predictions(truth, (share > 0.5).astype(int), np.column_stack([1 - share, share]), ("no", "yes"))
    (curve,) = reliability(found)
    assert curve.name == "yes"
    assert curve.predicted == pytest.approx([0.05, 0.55, 2.9 / 3])
    assert curve.observed == pytest.approx([0.25, 0.0, 1.0])
    assert curve.counts == [4, 1, 3]
    assert curve.brier == pytest.approx(np.mean((share - truth) ** 2))


def test_of_more_classes_each_has_its_curve() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([1, 1, 1], 200)
    truth = rng.integers(3, size=200)
    curves = reliability(Predictions(truth, shares.argmax(axis=1), shares, NAMES))
    assert [curve.name for curve in curves] == list(NAMES)
    for index, curve in enumerate(curves):
        assert curve.brier == pytest.approx(np.mean((shares[:, index] - (truth == index)) ** 2))
        assert sum(curve.counts) == 200
        assert np.average(curve.observed, weights=curve.counts) == pytest.approx(np.mean(truth == index))


def test_residuals_are_spread_in_groups_of_equal_size() -> None:
    predicted = np.arange(100.0)
    groups = residual_spread(Predictions(predicted + np.where(np.arange(100) % 2, 1.0, -1.0), predicted))
    assert [group.rows for group in groups] == [10] * 10
    assert [(group.mean, group.deviation) for group in groups] == [(0.0, 1.0)] * 10
    assert groups[0].middle == 4.5


def test_predictions_of_folds_are_joined() -> None:
    one = Predictions(TRUTH, PREDICTED, np.eye(3)[PREDICTED], NAMES)
    both = Predictions.join([one, one], "rows of two folds")
    assert (len(both.truth), both.rows, both.classes) == (12, "rows of two folds", NAMES)
    assert both.probabilities is not None
    assert both.probabilities.shape == (12, 3)
