"""The protocol of an engine, which runs the mini-batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from hpsearch.nn.arrays import Array, Labels


class Ran(NamedTuple):
    """Some mini-batches that have run: z before the step of each, and the targets, both (steps, k, m)."""

    z: Array
    targets: Array


class Engine(Protocol):
    """The law of an engine: ``epoch`` trains on every mini-batch of an order, and leaves the network's weights true.

    Where a recipe wants looks within epochs, they are ``scale`` times those in the network after every chunk.
    """

    @property
    def scale(self) -> float: ...

    def epoch(self, order: Labels, rates: Iterator[float]) -> Iterator[Ran]:
        """Train along an order of the rows, with a rate for each mini-batch, and yield what ran, chunk by chunk."""
        ...
