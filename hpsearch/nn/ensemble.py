"""Ensembles: several networks whose outputs are averaged, or that vote."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.checks import boolean
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.costs import one_hot
from hpsearch.nn.network import Network
from hpsearch.nn.prediction import Predictor, predicts_numbers


class Ensemble(Predictor):
    """Networks with the same inputs, outputs and cost; each output is the mean of theirs.

    The class is the one of the largest mean, or by vote.

    Args:
        networks: one at least; ensembles among them are replaced by their members, so that every network counts once. Their
            hidden layers may differ.
        vote: whether the class is the one that most networks choose: 3 if three of five say 3. Of classes with equally many
            votes it is the one of the larger mean output. Outputs and cost are those of the mean in either case.
    Raises:
        SettingError: for networks that differ in inputs, outputs or cost, or a vote of networks that predict numbers.
    Source: Hansen and Salamon (1990), Neural network ensembles, who vote; averaged outputs, as in Krizhevsky et al. (2012).
    """

    def __init__(self, networks: Sequence[Network | Ensemble], vote: bool = False) -> None:
        self.networks = [one for network in networks for one in members_of(network)]
        _check_alike(self.networks)
        self.cost, self.cost_name = self.networks[0].cost, self.networks[0].cost_name
        boolean("vote", vote, "True lets each network have one vote.")
        if vote and predicts_numbers(self):
            raise SettingError(must_be("vote", "False for networks that predict numbers", vote, "Take the mean of them."))
        self.vote = vote

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer of the first member, inputs first."""
        return self.networks[0].sizes

    def forward(self, x: Array) -> Array:
        """Return the mean of the outputs, (n, k), for inputs x, (n, d)."""
        total = self.networks[0].forward(x)
        for network in self.networks[1:]:
            total = total + network.forward(x)
        return total / len(self.networks)

    def features(self, x: Array, layer: int) -> Array:
        """Return the outputs of a hidden layer of all members side by side; see `hpsearch.nn.network.Network.features`."""
        return np.concatenate([network.features(x, layer) for network in self.networks], axis=1)

    def _z(self, x: Array) -> Array:
        """Return the pre-activation that would give the mean outputs, (k, n), finite for any |z| of the members."""
        if self.cost.output_name == "linear":
            mean: Array = np.mean([network._z(x) for network in self.networks], axis=0)
            return mean
        if self.cost.output_name == "tanh":  # tanh(z) = 2 sigmoid(2z) - 1
            return self._mean_logit([2 * network._z(x) for network in self.networks], "sigmoid") / 2
        return self._mean_logit([network._z(x) for network in self.networks], self.cost.output_name)

    def votes(self, x: Array) -> Array:
        """Return how many networks choose each class, (n, k), for inputs x, (n, d)."""
        return self._count(self._check_input(x)).T

    def _choose(self, x: Array, z: Array) -> Array:
        if not self.vote:
            return super()._choose(x, z)
        counts = self._count(x)
        leading: Array = np.where(counts == counts.max(axis=0), z, -np.inf)
        return super()._choose(x, leading)

    def _count(self, x: Array) -> Array:
        """Return how many networks choose each class, (k, n)."""
        classes = np.arange(self.sizes[-1])
        counts: Array = sum(one_hot(network._z(x).argmax(axis=0), classes).astype(int) for network in self.networks)  # type: ignore[assignment]
        return counts

    def _mean_logit(self, parts: list[Array], output: str) -> Array:
        logs = [_log_outputs(z, output) for z in parts]
        on, off = (np.logaddexp.reduce(np.stack(side)) for side in zip(*logs, strict=True))
        z: Array = on - off
        return z


def _check_alike(networks: Sequence[Network]) -> None:
    """Raise for no networks, and for networks that could not answer the same question."""
    kinds = [(one.sizes[0], one.sizes[-1], one.cost_name) for one in networks]
    if len(set(kinds)) != 1:
        shown = "; ".join(f"{inputs} inputs, {outputs} outputs, {cost}" for inputs, outputs, cost in dict.fromkeys(kinds))
        advice = "Take networks that were trained for the same task with one cost."
        raise SettingError(must_be("Networks of an ensemble", "one or more, alike", shown or "none", advice))


def members_of(network: Network | Ensemble) -> list[Network]:
    """Return the members of an ensemble, or a network as its only member."""
    return network.networks if isinstance(network, Ensemble) else [network]


def _log_outputs(z: Array, output: str) -> tuple[Array, Array]:
    """Return ln a and the ln of what it is weighed against: 1 - a for sigmoid outputs, 1 for softmax ones."""
    if output == "softmax":
        return z - np.logaddexp.reduce(z, axis=0), np.zeros_like(z)
    return -np.logaddexp(0, -z), -np.logaddexp(0, z)
