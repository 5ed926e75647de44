"""The bootstrap standard error: a closed form, and the textbook's investment with its published figures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch.analysis.intervals import resamples, standard_error
from tests.analysis import investment


def test_resamples_keep_columns_together() -> None:
    pairs = np.array([np.arange(6.0), 10 * np.arange(6.0)])
    drawn = resamples(pairs, np.random.default_rng(0), 50)
    assert drawn.shape == (50, 2, 6)
    assert (drawn[:, 1] == 10 * drawn[:, 0]).all()
    assert len({tuple(row) for row in drawn[:, 0]}) > 40


def test_the_standard_error_of_a_mean_has_a_closed_form() -> None:
    """s sqrt((n - 1) / n) / sqrt(n); a standard deviation of 20,000 resamples is known to .5 %, four times that is 2 %."""
    values = np.random.default_rng(0).exponential(size=30)
    found = standard_error(values, lambda x: x.mean(axis=-1), np.random.default_rng(1), 20_000)
    assert found == pytest.approx(values.std(ddof=0) / math.sqrt(30), rel=0.02)


def test_a_thousand_samples_find_the_published_share_and_error() -> None:
    """James et al. (2013), section 5.2: mean alpha .5996 and standard error .083 over 1,000 samples of 100 pairs.

    Of ours the mean has a standard error of .083 / sqrt(1000) = .0026 and the standard deviation one of .0019; four of both.
    """
    alphas = investment.share(investment.draw(np.random.default_rng(0), 1000))
    assert alphas.shape == (1000,)
    assert alphas.mean() == pytest.approx(investment.ALPHA, abs=0.0105)
    assert alphas.std(ddof=1) == pytest.approx(0.083, abs=0.0075)


def test_the_bootstrap_finds_nearly_the_same_from_one_sample() -> None:
    """Published .087 from one sample. Over 30 samples the mean lies within .005 of .083, and each within half of it."""
    rng = np.random.default_rng(1)
    errors = [standard_error(pairs, investment.share, rng, 500) for pairs in investment.draw(rng, 30)]
    assert np.mean(errors) == pytest.approx(0.083, abs=0.005)
    assert min(errors) > 0.083 / 2
    assert max(errors) < 0.083 * 1.5


def test_the_share_follows_its_formula() -> None:
    """With the law's own covariances: (1.25 - .5) / (1 + 1.25 - 1) = .6."""
    assert investment.share(investment.draw(np.random.default_rng(2), 1, 1_000_000))[0] == pytest.approx(0.6, abs=0.004)
    x = np.random.default_rng(3).standard_normal((2, 50))
    covariance = np.cov(x)
    expected = (covariance[1, 1] - covariance[0, 1]) / (covariance.trace() - 2 * covariance[0, 1])
    assert investment.share(x) == pytest.approx(expected, abs=1e-12)
