"""A saved network known by its content, which travels as plain data."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network
from hpsearch.nn.plain_data import AnyNetwork, as_data, from_data
from hpsearch.nn.storage import load
from hpsearch.nn.table_network import TableNetwork

# A network, or the path of its file.
Source = AnyNetwork | str | os.PathLike[str]


@dataclass(frozen=True, eq=False, repr=False)
class SavedNetwork:
    """A network that was read from its file, or copied, when this was made: later changes of either do not count.

    Two are equal where their networks are, whatever the files are called. It holds plain data, which another process gets
    without the file, and its repr has a digest of them: so it is part of a study's identity by its content.

    Args:
        description: see `hpsearch.nn.export`.
        arrays: weights and biases by name.
    """

    description: Mapping[str, Any]
    arrays: Mapping[str, Array]

    @classmethod
    def of(cls, what: str, source: Source | SavedNetwork) -> SavedNetwork:
        """Return a network, or that of a file, as one that is known by its content.

        Args:
            what: the setting, for the sentence of an error.
            source: a network, or the path of a file that `hpsearch.nn.save` or ``hpsearch export NAME best.npz`` wrote.
        Raises:
            SettingError: for another kind of thing.
            DataError: for a file that is missing, or holds no network.
        """
        if isinstance(source, SavedNetwork):
            return source
        network = load(source) if isinstance(source, str | os.PathLike) else source
        if not isinstance(network, Network | Ensemble | TableNetwork):
            advice = f"Write {what}='net.npz'."
            raise SettingError(must_be(what, "a network, or the path of a saved one", source, advice))
        return cls(*as_data(network))

    @property
    def network(self) -> AnyNetwork:
        """The network, to the bit; its arrays belong to this object and are not to be changed."""
        return from_data(self.description, self.arrays)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the network."""
        found = hashlib.sha256(json.dumps(self.description, sort_keys=True).encode())
        for name, array in sorted(self.arrays.items()):
            found.update(f"{name} {array.dtype.name} {array.shape}".encode())
            found.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        return found.hexdigest()

    def __repr__(self) -> str:
        return f"SavedNetwork('{'-'.join(map(str, self.network.sizes))}', sha256='{self.digest[:16]}')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SavedNetwork) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __sklearn_clone__(self) -> SavedNetwork:
        # It never changes, so that copies of an estimator may share it.
        return self
