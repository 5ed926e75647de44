"""Cross-validation, the validation set and the bootstrap as the documents have them, on few draws, against known results."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hpsearch.analysis.resampling import cross_validation, validation_set
from hpsearch.ports import Context
from hpsearch.reproductions.documents.degree_nine import DEGREE_NINE, LINE, NINE, FitTenPoints, X
from hpsearch.reproductions.judging.bootstrap import BOOTSTRAP, POPULATION, EstimateShare, large_sample_error, sample, share
from hpsearch.reproductions.judging.cross_validation import COUNTS, LOGISTIC, NEIGHBOURS, ChooseByFolds
from hpsearch.reproductions.judging.validation_set import (
    REGRESSION,
    AssessEstimates,
    draw_numbers,
    fit_polynomial,
    squared_error,
)


def context(seed: int = 0) -> Context:
    return Context(np.random.default_rng(seed))


def test_the_share_of_a_sample_is_that_of_its_covariance_matrix() -> None:
    pairs = sample(np.random.default_rng(0), 1, 100)[0]
    (xx, xy), (_, yy) = np.cov(pairs)
    assert share(pairs) == pytest.approx((yy - xy) / (xx + yy - 2 * xy))


def test_the_population_has_the_published_moments() -> None:
    drawn = sample(np.random.default_rng(0), 1, 400_000)[0]
    assert np.cov(drawn) == pytest.approx(np.array([[1.0, 0.5], [0.5, 1.25]]), abs=0.01)
    assert share(drawn) == pytest.approx(0.6, abs=0.005)
    # The mix varies by .36 + .2 + .24 = .8, the difference by 1.25.
    assert large_sample_error(100) == pytest.approx(math.sqrt(0.8 / 1.25) / 10)


def test_standard_errors_are_the_published_ones() -> None:
    ours = EstimateShare()({"source": POPULATION}, context())
    assert ours.metrics["mean"] == pytest.approx(0.5996, abs=4 * 0.083 / math.sqrt(1000))
    assert ours.metrics["standard_error"] == pytest.approx(0.083, abs=4 * 0.083 / math.sqrt(2000))
    assert sum(count for _, count in ours.history["count"]) == 1000


def test_the_bootstrap_is_scipys() -> None:
    ours = EstimateShare()({"source": BOOTSTRAP}, context(3))
    pairs = sample(np.random.default_rng(3), 1, 100)[0]

    def of_columns(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return share(np.stack([x, y], axis=-2))

    theirs = stats.bootstrap(
        tuple(pairs), of_columns, n_resamples=1000, paired=True, vectorized=True, method="percentile", random_state=0
    )
    assert ours.metrics["first"] == pytest.approx(float(share(pairs)))
    assert ours.metrics["standard_error"] == pytest.approx(theirs.standard_error, rel=0.15)  # s.e. of each: 2.2 %


def test_ten_folds_choose_among_degrees_and_among_neighbours() -> None:
    for model, sizes in ((LOGISTIC, (1, 2, 3, 4)), (NEIGHBOURS, COUNTS)):
        found = ChooseByFolds()({"model": model}, context())
        curves = {name: dict(curve) for name, curve in found.history.items()}
        assert tuple(curves["ten_fold"]) == sizes
        chosen = int(found.metrics["chosen"])
        assert curves["ten_fold"][chosen] == min(curves["ten_fold"].values())
        assert found.value == curves["true"][chosen]
        assert min(curves["true"].values()) > found.metrics["bayes_error"]
    assert curves["training"][1] == 0.0  # one neighbour, each row its own


def test_a_validation_set_overstates_the_error_and_five_folds_do_less() -> None:
    found = AssessEstimates(draws=150)({"problem": REGRESSION}, context()).metrics
    assert found["bias_half"] > found["bias_five"] > 0
    assert abs(found["bias_one"]) < 0.02


def test_the_true_error_of_a_fit_is_the_mean_over_new_numbers() -> None:
    rng = np.random.default_rng(0)
    predict = fit_polynomial(*draw_numbers(rng, 50))
    x, y = draw_numbers(rng, 400_000)
    assert squared_error(predict) == pytest.approx(float(np.mean((predict(x) - y) ** 2)), rel=0.01)


def test_estimates_are_those_of_the_resampling_module() -> None:
    x, y = draw_numbers(np.random.default_rng(0), 50)
    objective, rng = AssessEstimates(), np.random.default_rng
    from hpsearch.reproductions.judging.validation_set import HALF, ONE, PROBLEMS

    whole = objective._estimate(ONE, PROBLEMS[REGRESSION])(x, y, rng(1))
    assert whole == cross_validation(fit_polynomial, x, y, 50, rng(1))
    assert objective._estimate(HALF, PROBLEMS[REGRESSION])(x, y, rng(1)) == validation_set(fit_polynomial, x, y, rng(1))


def test_degree_nine_is_the_polynomial_through_all_points() -> None:
    """Against Lagrange's formula at x = 5.5, whose weights are (-1)^(k + 1) C(10, k)."""
    y = 2 * X + 0.5 * np.random.default_rng(5).standard_normal(10)
    found = FitTenPoints()(DEGREE_NINE.settings[NINE], context(5))
    # Equally spaced points continue by y_11 = sum over k = 1 ... 10 of (-1)^(k + 1) C(10, k) y_(11 - k).
    beyond = sum((-1) ** (k + 1) * math.comb(10, k) * y[10 - k] for k in range(1, 11))
    assert dict(found.history["fitted"])[110] == pytest.approx(beyond, rel=1e-6)
    assert found.metrics["miss"] < 1e-9
    line = FitTenPoints()(DEGREE_NINE.settings[LINE], context(5))
    assert line.metrics["slope"] == pytest.approx(stats.linregress(X, y).slope)
    assert line.metrics["between"] < found.metrics["between"]
