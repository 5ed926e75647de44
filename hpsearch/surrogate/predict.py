"""The posterior of a Gaussian process: what it believes at other points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf, dtrtrs

from hpsearch.errors import HpsearchError
from hpsearch.surrogate.encoding import Array
from hpsearch.surrogate.fit import JITTER
from hpsearch.surrogate.kernel import Hyperparameters, kernel, variances


class Posterior:
    """A Gaussian process conditioned on values at some points.

    Args:
        features: (points, features), the rows of the points.
        targets: (points,), their values, of mean 0 and deviation 1.
        hyper: the hyperparameters.
        owners: (features,), the length scale of each feature.

    >>> line = Posterior(np.array([[0.0], [1.0]]), np.array([-1.0, 1.0]), Hyperparameters(np.array([0.0])), np.array([0]))
    >>> round(abs(line.predict(np.array([[0.5]]))[0].item()), 6)
    0.0
    """

    def __init__(self, features: Array, targets: Array, hyper: Hyperparameters, owners: NDArray[np.intp]) -> None:
        self.features, self.targets, self.hyper, self.owners = features, targets, hyper, owners
        covariance = kernel(features, features, hyper, owners)
        covariance.flat[:: len(targets) + 1] += hyper.noise + JITTER
        self._factor, failed = dpotrf(covariance, lower=1, clean=1)
        if failed:
            raise HpsearchError(f"The covariance of {len(targets)} points must be positive definite. Pass finite values.")
        self._weights: Array = self.solve(targets)

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Return the mean and the standard deviation of the function at rows of features, without the noise of a value."""
        alike = kernel(features, self.features, self.hyper, self.owners)
        solved, _ = dtrtrs(self._factor, alike.T, lower=1)
        left = variances(features, self.hyper, self.owners) - np.einsum("ij,ij->j", solved, solved)
        return alike @ self._weights, np.sqrt(np.maximum(left, 1e-12))

    def mean(self, features: Array) -> Array:
        """Return the mean of the function at rows of features."""
        means: Array = kernel(features, self.features, self.hyper, self.owners) @ self._weights
        return means

    def solve(self, right: Array) -> Array:
        """Return K^-1 times columns, (points, columns), K being the covariance of the values."""
        solved: Array = cho_solve((self._factor, True), right, check_finite=False)
        return solved

    def joint(self, features: Array) -> tuple[Array, Array]:
        """Return the means and the covariances of the function at rows of features."""
        alike = kernel(features, self.features, self.hyper, self.owners)
        covariances: Array = kernel(features, features, self.hyper, self.owners) - alike @ self.solve(alike.T)
        return alike @ self._weights, covariances

    def average(self, groups: Sequence[Array]) -> tuple[Array, Array]:
        """Return the mean and the standard deviation of the function's average over each group of rows: (groups,) each."""
        alike = np.array([kernel(rows, self.features, self.hyper, self.owners).mean(0) for rows in groups])
        before = np.array([kernel(rows, rows, self.hyper, self.owners).mean() for rows in groups])
        left = before - np.einsum("ij,ji->i", alike, self.solve(alike.T))
        return alike @ self._weights, np.sqrt(np.maximum(left, 0.0))

    def believe(self, features: Array) -> Posterior:
        """Return the posterior after a value at one more point that is just its mean: (1, features)."""
        targets = np.append(self.targets, self.mean(features))
        return Posterior(np.vstack([self.features, features]), targets, self.hyper, self.owners)
