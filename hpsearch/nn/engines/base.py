"""The protocol of an engine, which runs the mini-batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from hpsearch.nn.arrays import Array, Labels

# Inputs (n, d), class indices or numbers (n,), and where rows do not count alike their weights (n,).
Rows = tuple[Array, Labels] | tuple[Array, Labels, Array]


class ChunkResult(NamedTuple):
    """The mini-batches of a chunk after training on them: z before the step of each, and the targets, both (steps, k, m).

    ``weights``, (steps, m), are those of the samples, None where all count alike.
    """

    z: Array
    targets: Array
    weights: Array | None = None


class Engine(Protocol):
    """An engine: ``epoch`` trains on every mini-batch of an order, and ends with the true weights in the network.

    Where a recipe evaluates within epochs, the true weights are ``scale`` times those in the network after every chunk.
    """

    @property
    def scale(self) -> float: ...

    def epoch(self, order: Labels, rates: Iterator[float]) -> Iterator[ChunkResult]:
        """Train along an order of the rows, with a rate for each mini-batch, and yield the results chunk by chunk."""
        ...
