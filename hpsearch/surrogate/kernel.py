"""The Matern kernel of smoothness 5/2 with a length scale per parameter, and a trend of each parameter by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.surrogate.encoding import Array

_ROOT = np.sqrt(5.0)
# The logarithm of a variance that is none.
NO_TREND = -30.0


@dataclass(frozen=True)
class Hyperparameters:
    """What a Gaussian process is made of: logarithms of its length scales, and of the variances of its parts.

    Args:
        log_lengths: (parameters,), how far a parameter has to change until the function is another.
        log_signal: of the part with length scales.
        log_noise: of a value around the function.
        log_trend: of the part that is a sum of parabolas, one per parameter; none by default.
    """

    log_lengths: Array
    log_signal: float = 0.0
    log_noise: float = float(np.log(1e-3))
    log_trend: float = NO_TREND

    @classmethod
    def from_vector(cls, vector: Array) -> Hyperparameters:
        """Return those whose `vector` this is."""
        return cls(vector[:-3], float(vector[-3]), float(vector[-2]), float(vector[-1]))

    @property
    def vector(self) -> Array:
        """All of them in one array: the length scales, the signal, the noise, the trend."""
        return np.append(self.log_lengths, [self.log_signal, self.log_noise, self.log_trend])

    @property
    def signal(self) -> float:
        """The variance of the part with length scales."""
        return float(np.exp(self.log_signal))

    @property
    def noise(self) -> float:
        """The variance of a value around the function."""
        return float(np.exp(self.log_noise))

    @property
    def trend(self) -> float:
        """The variance of the part that is a sum of parabolas."""
        return float(np.exp(self.log_trend))


def squared_distances(first: Array, second: Array) -> Array:
    """Return the squared distances of all pairs of rows, (rows of first, rows of second).

    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[25.]])
    """
    squares: Array = (first * first).sum(1)[:, None] + (second * second).sum(1) - 2.0 * (first @ second.T)
    return np.maximum(squares, 0.0, out=squares)


def correlations(squares: Array) -> tuple[Array, Array]:
    """Return the correlations at squared distances r^2, and their slope: minus twice the derivative by r^2.

    k = (1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r); the slope is 5/3 (1 + sqrt(5) r) exp(-sqrt(5) r).

    Source: Rasmussen and Williams (2006), Gaussian processes for machine learning, equation 4.17.
    """
    scaled = _ROOT * np.sqrt(squares)
    decay = np.exp(-scaled)
    slope = (5.0 / 3.0) * (1.0 + scaled) * decay
    return (1.0 + scaled) * decay + (5.0 / 3.0) * squares * decay, slope


def kernel(first: Array, second: Array, hyper: Hyperparameters, owners: NDArray[np.intp]) -> Array:
    """Return the covariances of the function at all pairs of rows of features; ``owners`` has the length scale of each."""
    lengths = np.exp(hyper.log_lengths)[owners]
    covariances = hyper.signal * correlations(squared_distances(first / lengths, second / lengths))[0]
    if hyper.log_trend > NO_TREND:
        covariances += hyper.trend * (parabolas(first, owners) @ parabolas(second, owners).T)
    return covariances


def variances(features: Array, hyper: Hyperparameters, owners: NDArray[np.intp]) -> Array:
    """Return the variance of the function at rows of features: the diagonal of their `kernel`."""
    basis = parabolas(features, owners)
    found: Array = hyper.signal + hyper.trend * (basis * basis).sum(1)
    return found


def parabolas(features: Array, owners: NDArray[np.intp]) -> Array:
    """Return the functions whose sum is the trend, at rows of features: (rows, functions).

    Of a range they are the Legendre polynomials of degrees 1 and 2 on its width, of a choice the indicators of its options.
    They are scaled so that the sum has the same variance for any number of parameters.
    """
    if not len(owners):
        return features
    counts = np.bincount(owners)
    alone = counts[owners] == 1
    straight = np.where(alone, 2.0 * features - 1.0, 2.0 * features)
    bent = 1.5 * straight[:, alone] ** 2 - 0.5
    scaled: Array = np.hstack([straight, bent]) / np.sqrt(len(counts))
    return scaled
