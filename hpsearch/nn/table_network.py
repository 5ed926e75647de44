"""A network with the encoding of its inputs: rows of a table go in, labels or numbers come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.inputs import Inputs, say_unseen
from hpsearch.nn.network import Network
from hpsearch.nn.prediction import Score


class TableNetwork:
    """A network, or an ensemble, that takes rows as they are in a table.

    Args:
        network: that takes encoded rows.
        inputs: the encoding, fitted to the training rows.
        labels: of the classes, in the order of the outputs; empty where it predicts numbers.

    Rows are a data frame of pandas or polars, a dict of lists by column name, or an array where the columns have no names. A
    category that the training rows did not have counts as none; that is said once.
    """

    def __init__(self, network: Network | Ensemble, inputs: Inputs, labels: Sequence[Any] = ()) -> None:
        if inputs.width != network.sizes[0]:
            advice = "Take the encoding that it was trained with."
            raise SettingError(must_be("The inputs of a network", f"{network.sizes[0]}", inputs.width, advice))
        if (labels and len(labels) != network.sizes[-1]) or not all(isinstance(label, (str, int)) for label in labels):
            what, advice = f"The labels of {network.sizes[-1]} outputs", "Take those that it was trained with."
            raise SettingError(must_be(what, "a text or a whole number each, or none", list(labels), advice))
        self.network, self.inputs, self.labels = network, inputs, tuple(labels)
        self._said = False

    @property
    def sizes(self) -> tuple[int, ...]:
        """Width of every layer, encoded inputs first."""
        return self.network.sizes

    def encode(self, rows: Any) -> Array:
        """Return the inputs of the network for rows of a table, (n, inputs).

        Raises:
            DataError: for a missing column, or values of another kind.
        """
        if not self._said and self.inputs.unseen(rows):
            self._said = True
            say_unseen(self.inputs, rows)
        members = self.network.networks if isinstance(self.network, Ensemble) else [self.network]
        return self.inputs.encode(rows, members[0].dtype.name)

    def forward(self, rows: Any) -> Array:
        """Return the outputs, (n, k), for rows of a table."""
        return self.network.forward(self.encode(rows))

    def predict(self, rows: Any) -> Array:
        """Return the label of each row, the one of the largest output; or the number it predicts: (n,)."""
        found = self.network.predict(self.encode(rows))
        return as_array(self.labels)[found] if self.labels else found

    def features(self, rows: Any, layer: int) -> Array:
        """Return the outputs of a hidden layer for rows of a table; see `hpsearch.nn.network.Network.features`."""
        return self.network.features(self.encode(rows), layer)

    def score(self, rows: Any, targets: Array) -> Score:
        """Return cost and accuracy on rows of a table and their class indices, or numbers, (n,)."""
        return self.network.score(self.encode(rows), targets)


def as_array(labels: Sequence[Any]) -> Array:
    """Return labels as an array, whole numbers of any size as they are.

    >>> as_array((-1, 2**63)).tolist()
    [-1, 9223372036854775808]
    """
    found = np.asarray(labels)
    return np.asarray(labels, object) if found.dtype.kind == "f" else found


def combine(networks: Sequence[Network | Ensemble | TableNetwork], vote: bool = False) -> Ensemble | TableNetwork:
    """Return an ensemble of networks; where they take rows of a table, one that does so too.

    Args:
        networks: one at least, with the same inputs, outputs and cost, and one encoding.
        vote: see `hpsearch.nn.ensemble.Ensemble`.
    Raises:
        SettingError: for networks that differ in these.
    """
    tables = [network for network in networks if isinstance(network, TableNetwork)]
    ensemble = Ensemble([one.network if isinstance(one, TableNetwork) else one for one in networks], vote)
    if not tables:
        return ensemble
    first = tables[0]
    told = [(one.inputs.description(), one.labels) for one in tables]
    if len(tables) < len(networks) or any(one != told[0] for one in told):
        advice = "Take trials of one study with one encoding."
        raise SettingError(must_be("Networks of an ensemble", "with the same encoding of their inputs", "others", advice))
    return TableNetwork(ensemble, first.inputs, first.labels)
