"""The simulated two-class problem, against scipy's quadrature, counting, and models whose error is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import dblquad

from hpsearch.reproductions.judging.two_classes import bayes_error, draw, logistic, nearest, probability, true_error


def test_the_bayes_error_is_that_of_quadrature_and_the_published_one() -> None:
    def least(y: float, x: float) -> float:
        p = 1 / (1 + math.exp(-5.05 * (y - 0.5 * math.sin(5 * x))))
        return min(p, 1 - p) / 4

    exact = dblquad(least, -1, 1, -1, 1, epsabs=1e-4)[0]
    assert bayes_error() == pytest.approx(exact, abs=2e-4)
    assert f"{bayes_error():.3f}" == "0.133"


def test_the_true_error_is_the_share_of_wrong_classes_among_many_points() -> None:
    x, y = draw(np.random.default_rng(0), 200)
    predict = logistic(3)(x, y)
    new, classes = draw(np.random.default_rng(1), 200_000)
    counted = float(np.mean(predict(new) != classes))
    assert true_error(predict) == pytest.approx(counted, abs=4 * math.sqrt(0.16 * 0.84 / 200_000))


def test_no_classifier_errs_less_than_the_best_one() -> None:
    assert true_error(lambda new: (probability(new) > 0.5).astype(int)) == bayes_error()
    assert true_error(lambda new: np.ones(len(new), int)) == pytest.approx(0.5, abs=1e-6)  # by symmetry


def test_one_neighbour_knows_its_own_rows() -> None:
    x, y = draw(np.random.default_rng(0), 50)
    assert (nearest(1)(x, y)(x) == y).all()


def test_a_logistic_regression_has_the_powers_of_each_input_and_no_products() -> None:
    """Against Newton's method on the same columns, written out."""
    x, y = draw(np.random.default_rng(2), 200)
    columns = np.column_stack([np.ones(200), x[:, 0], x[:, 1], x[:, 0] ** 2, x[:, 1] ** 2])
    weights = np.zeros(5)
    for _ in range(25):
        p = 1 / (1 + np.exp(-columns @ weights))
        weights += np.linalg.solve(columns.T * (p * (1 - p)) @ columns, columns.T @ (y - p))
    assert np.mean((columns @ weights > 0) == logistic(2)(x, y)(x)) >= 0.99
