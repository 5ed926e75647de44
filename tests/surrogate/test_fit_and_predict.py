"""Fits and predictions against scikit-learn's GaussianProcessRegressor."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import Ridge

from hpsearch.surrogate import Hyperparameters, Posterior, Prior, fit
from hpsearch.surrogate.fit import JITTER, _negative_log_likelihood
from hpsearch.surrogate.kernel import NO_TREND, parabolas

FLAT = Prior(length=(0.0, 1e6), signal=(0.0, 1e6), noise=(0.0, 1e6), trend=None)
NONE = np.zeros((1, 1))


def data(seed: int = 0, rows: int = 40, columns: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.random((rows, columns))
    y = np.sin(6 * x[:, 0]) + 0.3 * x[:, -1] + 0.1 * rng.normal(size=rows)
    return x, (y - y.mean()) / y.std()


def reference(hyper: Hyperparameters, x: np.ndarray, y: np.ndarray) -> GaussianProcessRegressor:
    kernel = ConstantKernel(hyper.signal) * Matern(np.exp(hyper.log_lengths), nu=2.5)
    return GaussianProcessRegressor(kernel, alpha=hyper.noise + JITTER, optimizer=None).fit(x, y)


@pytest.mark.parametrize("noise", [1e-6, 1e-2, 0.5])
def test_predicts_as_scikit_learn(noise: float) -> None:
    (x, y), at = data(), np.random.default_rng(1).random((30, 2))
    hyper = Hyperparameters(np.log([0.4, 1.5]), np.log(1.3), float(np.log(noise)))
    mean, deviation = Posterior(x, y, hyper, np.arange(2)).predict(at)
    means, deviations = reference(hyper, x, y).predict(at, return_std=True)
    np.testing.assert_allclose(mean, means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(deviation, deviations, rtol=1e-4, atol=1e-5)


def test_joint_and_average_predictions_as_scikit_learn() -> None:
    (x, y), at = data(), np.random.default_rng(1).random((6, 2))
    hyper = Hyperparameters(np.log([0.4, 1.5]), np.log(1.3), float(np.log(1e-2)))
    posterior = Posterior(x, y, hyper, np.arange(2))
    means, covariances = reference(hyper, x, y).predict(at, return_cov=True)
    ours = posterior.joint(at)
    np.testing.assert_allclose(ours[0], means, atol=1e-6)
    np.testing.assert_allclose(ours[1], covariances, atol=1e-6)
    mean, deviation = posterior.average([at[:4], at[4:]])
    np.testing.assert_allclose(mean, [means[:4].mean(), means[4:].mean()], atol=1e-6)
    variances = [covariances[:4, :4].mean(), covariances[4:, 4:].mean()]
    np.testing.assert_allclose(deviation, np.sqrt(variances), atol=1e-6)


def test_likelihood_and_gradient() -> None:
    x, y = data()
    vector = np.array([-0.7, 0.4, 0.2, -3.0, NO_TREND])
    value, gradient = _negative_log_likelihood(vector, x, y, np.arange(2), NONE)
    likelihood = reference(Hyperparameters.from_vector(vector), x, y).log_marginal_likelihood_value_
    assert -value - 0.5 * len(y) * np.log(2 * np.pi) == pytest.approx(likelihood, rel=1e-6)
    trend = parabolas(x, np.arange(2)) @ parabolas(x, np.arange(2)).T
    vector[-1] = -1.0
    _, gradient = _negative_log_likelihood(vector, x, y, np.arange(2), trend)
    numerical = approx_fprime(vector, lambda v: _negative_log_likelihood(v, x, y, np.arange(2), trend)[0], 1e-6)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("owners", [[0, 1], [0, 0]])
def test_the_trend_is_a_linear_model(owners: list[int]) -> None:
    """With nothing but a trend, the process is ridge regression on its functions (scikit-learn)."""
    x, y = data()
    hyper = Hyperparameters(np.zeros(2), -30.0, float(np.log(0.1)), float(np.log(0.7)))
    columns = parabolas(x, np.array(owners))
    ridge = Ridge(alpha=(hyper.noise + JITTER) / hyper.trend, fit_intercept=False).fit(columns, y)
    means, deviations = Posterior(x, y, hyper, np.array(owners)).predict(x[:5])
    np.testing.assert_allclose(means, ridge.predict(columns[:5]), atol=1e-6)
    spread = np.linalg.inv(columns.T @ columns / hyper.noise + np.eye(columns.shape[1]) / hyper.trend)
    np.testing.assert_allclose(deviations**2, np.diag(columns[:5] @ spread @ columns[:5].T), rtol=1e-4)


def test_a_few_trials_show_the_direction_of_a_bowl() -> None:
    """Eight points in six dimensions; without a trend the mean returns to 0 away from them."""
    rng = np.random.default_rng(0)
    x, at = rng.random((8, 6)), rng.random((200, 6))
    y = ((x - 0.2) ** 2).sum(1)
    truth = ((at - 0.2) ** 2).sum(1)
    found = []
    for prior in (Prior(), Prior(trend=None)):
        targets = (y - y.mean()) / y.std()
        found.append(Posterior(x, targets, fit(x, targets, np.arange(6), prior=prior), np.arange(6)).mean(at))
    with_trend, without = (np.corrcoef(truth, means)[0, 1] for means in found)
    assert with_trend > without


def test_without_a_prior_the_fit_is_scikit_learns() -> None:
    x, y = data(rows=60)
    hyper = fit(x, y, np.arange(2), prior=FLAT)
    bounds = (np.exp(-4), np.exp(4))
    kernel = ConstantKernel(1.0, bounds) * Matern([1.0, 1.0], [bounds] * 2, nu=2.5) + WhiteKernel(1e-2, (1e-7, np.e))
    theirs = GaussianProcessRegressor(kernel, alpha=JITTER, n_restarts_optimizer=4, random_state=0).fit(x, y)
    value = _negative_log_likelihood(hyper.vector, x, y, np.arange(2), NONE)[0]
    best = -theirs.log_marginal_likelihood_value_ - 0.5 * len(y) * np.log(2 * np.pi)
    assert value == pytest.approx(best, abs=0.05)


def test_the_noise_is_learnt_from_replicates() -> None:
    """Twelve points, ten values each of deviation .5 around a smooth function."""
    rng = np.random.default_rng(2)
    x = np.repeat(rng.random((12, 1)), 10, axis=0)
    y = np.sin(5 * x[:, 0]) + 0.5 * rng.normal(size=len(x))
    spread = y.std()
    hyper = fit(x, (y - y.mean()) / spread, np.zeros(1, int))
    assert spread * np.sqrt(hyper.noise) == pytest.approx(0.5, rel=0.15)


def test_believing_the_mean_changes_no_mean_and_lowers_the_deviation() -> None:
    (x, y), at = data(), np.random.default_rng(1).random((20, 2))
    before = Posterior(x, y, Hyperparameters(np.log([0.4, 1.5]), 0.0, np.log(1e-2)), np.arange(2))
    after = before.believe(at[:1])
    np.testing.assert_allclose(after.mean(at), before.mean(at), atol=1e-8)
    assert (after.predict(at)[1] <= before.predict(at)[1] + 1e-9).all()
    assert after.predict(at[:1])[1] < 0.9 * before.predict(at[:1])[1]


def test_points_without_features_have_the_mean() -> None:
    """A space of a single point."""
    y = np.array([1.0, -1.0, 0.0])
    hyper = fit(np.zeros((3, 0)), y, np.zeros(0, int))
    assert Posterior(np.zeros((3, 0)), y, hyper, np.zeros(0, int)).mean(np.zeros((1, 0))) == pytest.approx([0.0])


def test_more_parameters_are_expected_to_have_longer_scales() -> None:
    assert Prior().moments(10)[0][0] == Prior().moments(2)[0][0] < Prior().moments(50)[0][0]
