"""The hyperparameters of a Gaussian process by maximum a posteriori."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import minimize

from hpsearch.surrogate.encoding import Array
from hpsearch.surrogate.kernel import NO_TREND, Hyperparameters, correlations, parabolas, squared_distances

# Added to the noise, so that equal rows do not make the covariance singular.
JITTER = 1e-8
_LEAST_NOISE = float(np.log(1e-7))
_STEPS = 30


@dataclass(frozen=True)
class Prior:
    """Normal distributions of the logarithms of the hyperparameters: the mean and the deviation of each.

    Those of the length scales say: a function of the unit cube changes over half of a range, give or take a factor of two.
    A sum of parabolas explains a part of the function: people search scales on which it has one good region, and a few trials
    are enough to find its direction. Without a trend the length scales alone tell which parameters matter.
    Where there are more than ``many`` parameters the mean grows with the root of their number, since distances do.

    Source of the growth: Hvarfner, Hellsten and Nardi (2024), Vanilla Bayesian optimization performs great in high dimensions.
    """

    length: tuple[float, float] = (-0.5, 0.6)
    signal: tuple[float, float] = (0.0, 1.0)
    noise: tuple[float, float] = (float(np.log(1e-3)), 2.0)
    trend: tuple[float, float] | None = (float(np.log(0.3)), 1.0)
    many: int = 10

    def moments(self, parameters: int) -> tuple[Array, Array]:
        """Return the means and the deviations for so many parameters, in the order of `Hyperparameters.vector`."""
        trend = self.trend or (NO_TREND, 1.0)
        growth = 0.5 * max(np.log(parameters / self.many), 0.0) if parameters else 0.0
        means = np.append(np.full(parameters, self.length[0] + growth), [self.signal[0], self.noise[0], trend[0]])
        deviations = np.append(np.full(parameters, self.length[1]), [self.signal[1], self.noise[1], trend[1]])
        return means, deviations


def fit(
    features: Array,
    targets: Array,
    owners: NDArray[np.intp],
    start: Hyperparameters | None = None,
    prior: Prior = Prior(),
) -> Hyperparameters:
    """Return the hyperparameters of the largest posterior density, found by L-BFGS.

    Args:
        features: (points, features), the rows of the points.
        targets: (points,), their values, of mean 0 and deviation 1.
        owners: (features,), the length scale of each feature.
        start: where to begin; None takes the means of the prior.
    """
    count = int(owners.max()) + 1 if len(owners) else 0
    means, deviations = prior.moments(count)
    # Distances alone matter. Centred features lose the fewest digits in them.
    centred = features - 0.5
    basis = parabolas(features, owners)
    trend = basis @ basis.T
    bounds = [(-4.0, 4.0)] * (count + 1) + [(_LEAST_NOISE, 1.0), (-12.0, 4.0) if prior.trend else (NO_TREND, NO_TREND)]

    def loss(vector: Array) -> tuple[float, Array]:
        value, gradient = _negative_log_likelihood(vector, centred, targets, owners, trend)
        scores = (vector - means) / deviations
        return value + 0.5 * float(scores @ scores), gradient + scores / deviations

    options = {"maxiter": _STEPS}
    first = means if start is None else start.vector
    return Hyperparameters.from_vector(minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x)


def _negative_log_likelihood(
    vector: Array, features: Array, targets: Array, owners: NDArray[np.intp], trend: Array
) -> tuple[float, Array]:
    """Return -log p(targets), without its constant, and its gradient; ``trend`` are the covariances of the trend.

    Source: Rasmussen and Williams (2006), equations 5.8 and 5.9.
    """
    hyper = Hyperparameters.from_vector(vector)
    scaled = features / np.exp(hyper.log_lengths)[owners]
    alike, slope = correlations(squared_distances(scaled, scaled))
    alike *= hyper.signal
    covariance = alike + hyper.trend * trend
    covariance.flat[:: len(targets) + 1] += hyper.noise + JITTER
    factor, failed = dpotrf(covariance, lower=1)
    if failed:
        return 1e10, np.zeros_like(vector)
    lower, _ = dpotri(np.tril(factor), lower=1)
    inverse = lower + lower.T
    inverse.flat[:: len(targets) + 1] *= 0.5
    weights = inverse @ targets
    value = 0.5 * float(targets @ weights) + float(np.log(np.diag(factor)).sum())
    inner = 0.5 * (inverse - np.outer(weights, weights))
    by_length = _sum_of_squares(scaled, inner * slope * hyper.signal, owners, len(vector) - 3)
    of_parts = (inner * alike).sum(), hyper.noise * np.trace(inner), hyper.trend * (inner * trend).sum()
    return value, np.append(by_length, of_parts)


def _sum_of_squares(scaled: Array, weights: Array, owners: NDArray[np.intp], count: int) -> Array:
    """Return, per length scale, the weighted sum of the squared differences of all pairs of rows in its features.

    sum_ab w_ab (x_a - x_b)^2 = 2 (sum_a x_a^2 sum_b w_ab - x^T w x) for symmetric weights, which takes no array of all pairs.
    """
    by_feature = 2.0 * ((scaled * scaled * weights.sum(1)[:, None]).sum(0) - (scaled * (weights @ scaled)).sum(0))
    sums: Array = np.bincount(owners, by_feature, minlength=count).astype(float)
    return sums
