"""Batch normalisation as a layer."""

from __future__ import annotations

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.settings import number, whole

_EPSILON, _SHARE = 1e-5, 0.1


class BatchNorm:
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta for every unit, with mean and variance over the mini-batch.

    gamma starts at 1 and beta at 0; both are learnt, and no penalty applies to them. A bias below has no effect: leave it out,
    as in ``Affine(weights, None)``. While scoring, the running mean and variance take the place of those of the mini-batch:
    after mini-batch t of a training they move by the larger of 0.1 and 1/t towards its mean and its unbiased variance,
    m / (m - 1) times the other. A mini-batch of one row, which may be left over at the end of an epoch, is normalised with the
    running statistics and does not change them. Rows count alike here, whatever their weights.

    Args:
        units: how many are normalised.
        dtype: of the network.
        epsilon: is added to every variance.
    Source: Ioffe and Szegedy (2015), Batch normalization: accelerating deep network training by reducing internal covariate
    shift, algorithms 1 and 2.

    >>> layer = BatchNorm(1, "float64", epsilon=1e-12)
    >>> layer.forward(np.array([[1.0, 2.0, 3.0]]), np.random.default_rng(0)).round(4).tolist()
    [[-1.2247, 0.0, 1.2247]]
    """

    decays = False

    def __init__(self, units: int, dtype: str = "float32", epsilon: float = _EPSILON) -> None:
        whole(1, "Give the units of the layer below.")("BatchNorm units", units)
        number(0.0, open_low=True, advice="1e-5 is usual.")("BatchNorm epsilon", epsilon)
        self.epsilon = epsilon
        self.parameters = [np.ones(units, dtype), np.zeros(units, dtype)]
        # The running mean and variance, and the number of mini-batches in them.
        self.statistics = [np.zeros(units, dtype), np.ones(units, dtype), np.zeros(1, dtype)]
        self._of_batch: tuple[Array, Array, int] | None = None
        self._normal = self._by = np.empty(0, dtype)
        self._gradients: list[Array] = []

    def forward(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        gamma, beta = self.parameters
        mean, variance = self.statistics[:2]
        self._of_batch = None
        if rng is not None and x.shape[1] > 1:
            mean, variance = x.mean(axis=1), x.var(axis=1)
            self._of_batch = mean, variance, x.shape[1]
        inverse = 1 / np.sqrt(variance + self.epsilon)
        self._by = gamma * inverse
        self._normal = (x - mean[:, None]) * inverse[:, None]
        y: Array = gamma[:, None] * self._normal + beta[:, None]
        return y

    def backward(self, delta: Array) -> Array:
        by_gamma, by_beta = (delta * self._normal).sum(axis=1), delta.sum(axis=1)
        self._gradients = [by_gamma, by_beta]
        below: Array = delta.copy()
        if self._of_batch is not None:
            samples = self._of_batch[2]
            below -= (by_beta / samples)[:, None]
            below -= self._normal * (by_gamma / samples)[:, None]
        below *= self._by[:, None]
        return below

    def gradients(self) -> list[Array]:
        """Return the derivatives of the cost by gamma and by beta, summed over the samples."""
        return self._gradients

    def track(self) -> None:
        """Take the last mini-batch of a training into the running statistics."""
        if self._of_batch is None:
            return
        mean, variance, samples = self._of_batch
        running_mean, running_variance, count = self.statistics
        count += 1
        share = max(_SHARE, 1 / float(count[0]))
        running_mean += share * (mean - running_mean)
        running_variance += share * (variance * (samples / (samples - 1)) - running_variance)

    def scale_and_shift(self) -> tuple[Array, Array]:
        """Return a and b of y = a x + b, which the layer is while scoring, in float64."""
        gamma, beta, mean, variance = (a.astype(np.float64) for a in (*self.parameters, *self.statistics[:2]))
        by = gamma / np.sqrt(variance + self.epsilon)
        return by, beta - by * mean

    def units(self, inputs: int) -> int:
        if inputs != len(self.parameters[0]):
            advice = "Match it to the layer below."
            constraint = f"{inputs}, the outputs of the layer below"
            raise SettingError(must_be("Units of a BatchNorm layer", constraint, len(self.parameters[0]), advice))
        return inputs
