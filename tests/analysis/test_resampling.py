"""Estimates of the error of a model: against scikit-learn, and their bias and variance where the truth is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from hpsearch.analysis.resampling import (
    Data,
    Estimate,
    Fit,
    Predict,
    Quality,
    assess,
    cross_validation,
    errors_of,
    folds,
    misclassified,
    validation_set,
)
from hpsearch.errors import SettingError

NOISE = 0.5
N = 50
GRID = np.linspace(-1, 1, 201)


def curve(x: Data) -> Data:
    return np.asarray(np.sin(3 * x))


def sampled(rng: np.random.Generator) -> tuple[Data, Data]:
    x = rng.uniform(-1, 1, N)
    return x, curve(x) + NOISE * rng.standard_normal(N)


def polynomial(degree: int) -> Fit:
    def fit(x: Data, y: Data) -> Predict:
        basis = np.polynomial.legendre.legvander
        weights = np.linalg.lstsq(basis(x, degree), y, rcond=None)[0]
        return lambda new: np.asarray(basis(new, degree) @ weights)

    return fit


def majority(x: Data, y: Data) -> Predict:
    winner = int(np.bincount(y, minlength=2).argmax())
    return lambda new: np.full(len(new), winner)


def neighbours(count: int) -> Fit:
    return lambda x, y: KNeighborsClassifier(count).fit(x, y).predict


def by_folds(fit: Fit, k: int) -> Estimate:
    return lambda x, y, rng: cross_validation(fit, x, y, k, rng)


@cache
def of_polynomials(degree: int) -> dict[str, Quality]:
    """Quality of five estimates over 400 data sets of 50 points; the risk is exact but for the sum over a grid."""
    fit = polynomial(degree)

    def risk(x: Data, y: Data) -> float:
        return float(np.mean((fit(x, y)(GRID) - curve(GRID)) ** 2)) + NOISE**2

    estimates: dict[str, Estimate] = {str(k): by_folds(fit, k) for k in (2, 5, 10, N)}
    estimates["half"] = lambda x, y, rng: validation_set(fit, x, y, rng)
    return assess(sampled, risk, estimates, 400, np.random.default_rng(0))


def test_leaving_one_out_is_scikit_learns() -> None:
    x, y = sampled(np.random.default_rng(0))
    theirs = -cross_val_score(LinearRegression(), x[:, None], y, cv=LeaveOneOut(), scoring="neg_mean_squared_error").mean()
    ours = cross_validation(polynomial(1), x, y, N, np.random.default_rng(1))
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_leaving_one_out_of_least_squares_has_a_closed_form() -> None:
    """Mean of (residual / (1 - leverage))^2: James et al. (2013), equation 5.2."""
    x, y = sampled(np.random.default_rng(2))
    basis = np.polynomial.legendre.legvander(x, 4)
    hat = basis @ np.linalg.pinv(basis)
    expected = np.mean(((y - hat @ y) / (1 - np.diag(hat))) ** 2)
    assert cross_validation(polynomial(4), x, y, N, np.random.default_rng(3)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n", "k"), [(10, 2), (11, 3), (7, 7)])
def test_folds_are_disjoint_and_hold_everything(n: int, k: int) -> None:
    parts = folds(n, k, np.random.default_rng(0))
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))
    assert {len(part) for part in parts} <= {n // k, -(-n // k)}


@pytest.mark.parametrize("degree", [3, 5])
def test_fewer_folds_overstate_the_error_more(degree: int) -> None:
    """Published behaviour: half of the data most, five folds less, ten less still, leaving one out hardly.

    The bias of leaving one out over 20,000 such data sets: -.0001 +- .0004 for degree 3, -.0002 +- .0009 for degree 5.
    """
    found = of_polynomials(degree)
    bias = {name: quality.bias.centre for name, quality in found.items()}
    assert min(bias["half"], bias["2"]) > bias["5"] > bias["10"] - 0.002 > bias[str(N)] - 0.004
    assert found["half"].bias.low > 0
    assert abs(bias[str(N)]) < 4 * found[str(N)].bias.width / (2 * 1.966)  # four standard errors, by t with 399 degrees
    assert abs(bias[str(N)]) < 0.25 * bias["half"]


@pytest.mark.parametrize("degree", [3, 5])
def test_half_of_the_data_varies_most(degree: int) -> None:
    variance = {name: quality.variance for name, quality in of_polynomials(degree).items()}
    assert variance["half"] > 1.5 * variance["5"]
    assert variance["half"] > 1.5 * variance[str(N)]


def test_leaving_one_out_does_not_vary_more_for_least_squares() -> None:
    """Against what textbooks say of it: the models are stable, and that their errors go together costs nothing here."""
    variance = {name: quality.variance for name, quality in of_polynomials(5).items()}
    assert variance[str(N)] < variance["10"] < variance["5"]


def test_leaving_one_out_varies_most_where_one_example_turns_the_model() -> None:
    """Labels of a fair coin, predicted by the majority: with equal numbers each left-out label is in the minority.

    Its standard deviation is .18 against .11 of ten folds and .10 of five (400 data sets of 50); all are unbiased for .5.
    """

    def coins(rng: np.random.Generator) -> tuple[Data, Data]:
        return np.zeros(N), rng.integers(2, size=N)

    def by(k: int) -> Estimate:
        return lambda x, y, rng: cross_validation(majority, x, y, k, rng, misclassified)

    found = assess(coins, lambda x, y: 0.5, {str(k): by(k) for k in (5, 10, N)}, 400, np.random.default_rng(1))
    deviation = {name: quality.variance**0.5 for name, quality in found.items()}
    assert deviation[str(N)] > 1.3 * deviation["10"] > 1.3 * deviation["5"]
    assert all(0.0 in quality.bias for quality in found.values())


def test_cross_validation_chooses_the_degree() -> None:
    """sin(3x) on [-1, 1] is a cubic to .06: over 20 data sets of 50 points a degree of 3 to 5 is chosen in most."""
    rng = np.random.default_rng(5)
    fits = {str(degree): polynomial(degree) for degree in range(1, 11)}
    chosen = []
    for _ in range(20):
        errors = errors_of(fits, *sampled(rng), 10, rng)
        chosen.append(int(min(errors, key=lambda name: errors[name])))
    assert sum(3 <= degree <= 5 for degree in chosen) >= 12
    assert min(chosen) >= 3


def test_cross_validation_chooses_the_number_of_neighbours() -> None:
    """Two classes that overlap, error 15.9 % at best: one neighbour repeats the noise, 179 see little but the larger class."""
    rng = np.random.default_rng(6)
    y = np.repeat([0, 1], [90, 110])
    x = rng.normal(2.0 * y, 1.0)[:, None]
    errors = errors_of({str(k): neighbours(k) for k in (1, 25, 179)}, x, y, 10, rng, misclassified)
    assert errors["25"] < errors["1"] < errors["179"]
    assert errors["25"] == pytest.approx(0.159, abs=0.1)  # four standard errors of 200 examples


@pytest.mark.parametrize("k", [0, 1, 11])
def test_folds_that_cannot_be_are_refused(k: int) -> None:
    with pytest.raises(SettingError, match=rf"k must be a whole number in \[2, 10\], got {k}. Try 5 or 10"):
        folds(10, k, np.random.default_rng(0))
