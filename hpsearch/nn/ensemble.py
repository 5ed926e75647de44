"""Ensembles: several networks whose outputs are averaged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.nn.arrays import Array
from hpsearch.nn.network import Network
from hpsearch.nn.prediction import Predictor


class Ensemble(Predictor):
    """Networks of one architecture; each output is the mean of theirs, and the class is the one of the largest mean.

    Args:
        networks: one at least; ensembles among them are replaced by their members, so that every network counts once.
    Source: Hansen and Salamon (1990), Neural network ensembles; averaged outputs, as in Krizhevsky et al. (2012).
    """

    def __init__(self, networks: Sequence[Network | Ensemble]) -> None:
        self.networks = [one for network in networks for one in members_of(network)]
        self.cost, self.cost_name = self.networks[0].cost, self.networks[0].cost_name

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer, inputs first, which is that of each member."""
        return self.networks[0].sizes

    def forward(self, x: Array) -> Array:
        """Return the mean of the outputs, (n, k), for inputs x, (n, d)."""
        total = self.networks[0].forward(x)
        for network in self.networks[1:]:
            total = total + network.forward(x)
        return total / len(self.networks)

    def _z(self, x: Array) -> Array:
        """Return the pre-activation that would give the mean outputs, (k, n), finite for any |z| of the members."""
        if self.cost.output_name == "linear":
            mean: Array = np.mean([network._z(x) for network in self.networks], axis=0)
            return mean
        if self.cost.output_name == "tanh":  # tanh(z) = 2 sigmoid(2z) - 1
            return self._mean_logit([2 * network._z(x) for network in self.networks], "sigmoid") / 2
        return self._mean_logit([network._z(x) for network in self.networks], self.cost.output_name)

    def _mean_logit(self, parts: list[Array], output: str) -> Array:
        logs = [_log_outputs(z, output) for z in parts]
        on, off = (np.logaddexp.reduce(np.stack(side)) for side in zip(*logs, strict=True))
        z: Array = on - off
        return z


def members_of(network: Network | Ensemble) -> list[Network]:
    """Return the members of an ensemble, or a network as its only member."""
    return network.networks if isinstance(network, Ensemble) else [network]


def _log_outputs(z: Array, output: str) -> tuple[Array, Array]:
    """Return ln a and the ln of what it is weighed against: 1 - a for sigmoid outputs, 1 for softmax ones."""
    if output == "softmax":
        return z - np.logaddexp.reduce(z, axis=0), np.zeros_like(z)
    return -np.logaddexp(0, -z), -np.logaddexp(0, z)
