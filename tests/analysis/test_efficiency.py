"""The efficiency curve: two trials in closed form, worked out by hand, and what any curve must do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.analysis.efficiency import Best, Scores, binomial_variance, chance_of_best, efficiency_curve, experiment, mixture
from hpsearch.analysis.sample import Array
from hpsearch.errors import SettingError

DRAWS = 400_000


def phi(z: float) -> float:
    """The normal distribution function, by the error function of the standard library."""
    return (1 + math.erf(z / math.sqrt(2))) / 2


def random_scores(count: int, seed: int = 0) -> Scores:
    rng = np.random.default_rng(seed)
    errors = rng.uniform(0.05, 0.5, count)
    return Scores.of_errors(errors, np.clip(errors + rng.normal(0, 0.01, count), 0, 1), 2000, 10_000)


def test_two_trials_by_hand() -> None:
    """Validation .10 and .12 on 901 examples; test .11 and .13 on 10,001.

    Validation variances .10 * .90 / 900 = .0001 and .12 * .88 / 900 = .000117333. Z_2 - Z_1 ~ N(.02, .000217333), so that
    w_1 = Phi(.02 / .01474223) = Phi(1.356647) = .9125533 and w_2 = .0874467.
    mu_z = .9125533 * .11 + .0874467 * .13 = .10038086 + .01136807 = .11174893.
    Test variances .11 * .89 / 10,000 = 9.79e-6 and .13 * .87 / 10,000 = 1.131e-5.
    sigma_z^2 = .9125533 * (.0121 + 9.79e-6) + .0874467 * (.0169 + 1.131e-5) - .0124878243
              = .0110508286 + .0014788385 - .0124878243 = 4.1843e-5.
    """
    scores = Scores.of_errors([0.10, 0.12], [0.11, 0.13], 901, 10_001)
    assert scores.validation_variance == pytest.approx([0.0001, 0.000117333333], rel=1e-8)
    assert scores.test_variance == pytest.approx([9.79e-6, 1.131e-5], rel=1e-12)
    w = phi(0.02 / math.sqrt(0.0001 + 0.12 * 0.88 / 900))
    assert w == pytest.approx(0.9125533, abs=1e-7)
    exact = mixture([w, 1 - w], scores.test, scores.test_variance)
    assert exact.mean == pytest.approx(0.11174893, abs=1e-8)
    by_the_equation = w * (0.11**2 + 9.79e-6) + (1 - w) * (0.13**2 + 1.131e-5) - exact.mean**2
    assert exact.variance == pytest.approx(by_the_equation, abs=1e-15)
    assert exact.variance == pytest.approx(4.1843e-5, abs=1e-9)


def test_simulation_finds_the_closed_form() -> None:
    """Four standard errors of a share near .91 in 400,000 draws: .0018; times the .02 between the two test scores."""
    scores = Scores.of_errors([0.10, 0.12], [0.11, 0.13], 901, 10_001)
    weights = chance_of_best(scores.validation, scores.validation_variance, np.random.default_rng(0), DRAWS)
    assert weights == pytest.approx([0.9125533, 0.0874467], abs=0.0018)
    best = experiment(scores, np.random.default_rng(0), DRAWS)
    assert best.mean == pytest.approx(0.11174893, abs=0.0018 * 0.02)


def test_three_trials_against_numerical_integration() -> None:
    """P(Z_1 lowest) = integral of the density of Z_1 times the chances that the others lie above, by the trapezoid rule."""
    mean, sd = np.array([0.2, 0.22, 0.25]), np.array([0.02, 0.05, 0.03])
    z = np.linspace(-0.3, 0.8, 20_001)
    densities = np.exp(-(((z - mean[:, None]) / sd[:, None]) ** 2) / 2) / (sd[:, None] * math.sqrt(2 * math.pi))
    above = np.array([[1 - phi((x - m) / s) for x in z] for m, s in zip(mean, sd, strict=True)])
    exact = [np.trapezoid(densities[i] * np.delete(above, i, axis=0).prod(axis=0), z) for i in range(3)]
    assert sum(exact) == pytest.approx(1)
    assert chance_of_best(mean, sd**2, np.random.default_rng(1), DRAWS) == pytest.approx(exact, abs=4 * 0.5 / math.sqrt(DRAWS))


def test_experiments_are_disjoint_and_leave_out_what_fills_none() -> None:
    curve = efficiency_curve(random_scores(21), np.random.default_rng(0), draws=100)
    assert [(box.trials, len(box.experiments)) for box in curve] == [(1, 21), (2, 10), (4, 5), (8, 2), (16, 1)]


def test_experiments_of_one_trial_are_its_own_test_score() -> None:
    scores = random_scores(9)
    first = efficiency_curve(scores, np.random.default_rng(0), draws=10)[0]
    assert [best.mean for best in first.experiments] == pytest.approx(scores.test)
    assert first.numbers == pytest.approx(np.percentile(scores.test, [0, 25, 50, 75, 100]))


def test_without_noise_the_best_of_validation_is_taken() -> None:
    none = np.zeros(4)
    scores = Scores(np.array([0.3, 0.1, 0.2, 0.4]), none, np.array([0.31, 0.12, 0.05, 0.4]), none)
    medians = [box.numbers[2] for box in efficiency_curve(scores, np.random.default_rng(0), draws=10)]
    assert medians[1:] == pytest.approx([(0.12 + 0.05) / 2, 0.12])


def test_larger_experiments_are_better_and_spread_less() -> None:
    """256 trials of errors spread over [.05, .5]: the medians of 1, 4, 16 and 64 trials are far apart."""
    boxes = {box.trials: box.numbers for box in efficiency_curve(random_scores(256), np.random.default_rng(0), draws=2000)}
    assert boxes[1][2] > boxes[4][2] > boxes[16][2] > boxes[64][2]
    assert boxes[1][3] - boxes[1][1] > boxes[16][3] - boxes[16][1] > boxes[64][3] - boxes[64][1]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8), st.integers(0, 100))
def test_a_mixture_lies_among_its_parts(pairs: list[tuple[float, float]], seed: int) -> None:
    validation, test = (np.array(column) for column in zip(*pairs, strict=True))
    scores = Scores.of_errors(validation, test, 100, 100)
    weights = chance_of_best(scores.validation, scores.validation_variance, np.random.default_rng(seed), 200)
    assert weights.sum() == pytest.approx(1)
    best = mixture(weights, scores.test, scores.test_variance)
    assert test.min() - 1e-12 <= best.mean <= test.max() + 1e-12
    assert best.variance >= 0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.floats(-5, 5))
def test_a_shift_of_all_scores_changes_no_chances(means: list[float], shift: float) -> None:
    variance = np.full(len(means), 0.01)

    def chances(mean: Array) -> Array:
        return chance_of_best(mean, variance, np.random.default_rng(3), 500)

    # one draw in 500 may change sides by rounding
    assert np.abs(chances(np.array(means) + shift) - chances(np.array(means))).max() <= 0.0021


def test_what_is_no_error_rate_is_refused() -> None:
    with pytest.raises(SettingError, match=r"error must be a rate in \[0, 1\], got 12.5. Divide by"):
        binomial_variance(12.5, 100)
    with pytest.raises(SettingError, match="size must be at least 2 examples, got 1"):
        binomial_variance(0.1, 1)
    with pytest.raises(SettingError, match="test errors must be as many as the 2 validation errors, got 1"):
        Scores.of_errors([0.1, 0.2], [0.1], 100, 100)
    with pytest.raises(SettingError, match="scores must be those of at least one trial, got 0"):
        efficiency_curve(Scores(*[np.empty(0)] * 4), np.random.default_rng(0))


def test_equal_parts_have_the_plain_mean_and_variance() -> None:
    """Law of total variance: mean variance 1 plus variance of the means 2/3."""
    assert mixture([1 / 3] * 3, [0, 1, 2], [1, 1, 1]) == Best(pytest.approx(1.0), pytest.approx(5 / 3))
