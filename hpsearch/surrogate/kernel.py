"""The Matern kernel of smoothness 5/2 with a length scale per parameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.surrogate.encoding import Array

_ROOT = np.sqrt(5.0)


@dataclass(frozen=True)
class Hyperparameters:
    """What a Gaussian process is made of: logarithms of the length scales, of the signal's and of the noise's variance."""

    log_lengths: Array
    log_signal: float = 0.0
    log_noise: float = float(np.log(1e-3))

    @classmethod
    def from_vector(cls, vector: Array) -> Hyperparameters:
        """Return those whose `vector` this is."""
        return cls(vector[:-2], float(vector[-2]), float(vector[-1]))

    @property
    def vector(self) -> Array:
        """All of them in one array: the length scales, the signal, the noise."""
        return np.append(self.log_lengths, [self.log_signal, self.log_noise])

    @property
    def signal(self) -> float:
        """The variance of the function."""
        return float(np.exp(self.log_signal))

    @property
    def noise(self) -> float:
        """The variance of a value around the function."""
        return float(np.exp(self.log_noise))


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
    return hyper.signal * correlations(squared_distances(first / lengths, second / lengths))[0]
