"""The protocol of an engine, which runs the mini-batches of an epoch."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from hpsearch.nn.arrays import Array, Labels

# Inputs (n, d), class indices or numbers (n,) or soft targets (n, k), and where rows do not count alike their weights (n,).
Rows = tuple[Array, Labels] | tuple[Array, Labels, Array]


# What a study records of the compiled loop. Since 2 it also trains wide first layers by default, which used to train on NumPy:
# the same to the bit by either, but not by both.
NUMBA = "numba 2"
# Hidden units, and samples in a mini-batch, from which on and up to which the compiled loop goes column by column.
_WIDE, _MANY, _MOST = 81, 20, 256


def by_columns(units: int, samples: int) -> bool:
    """Return whether the compiled loop adds the gradients of the first layer column by column instead of sample by sample.

    The results are the same to the bit. It pays where the lists by column, which have to be made, serve many units.

    Args:
        units: of the first layer.
        samples: of a mini-batch.
    """
    return units >= _WIDE and _MANY <= samples <= _MOST


class ChunkResult(NamedTuple):
    """The mini-batches of a chunk after training on them: z before the step of each, and the targets, both (steps, k, m).

    ``weights``, (steps, m), are those of the samples, None where all count alike. At a pause within a chunk it holds the
    mini-batches so far, and is not ``complete``.
    """

    z: Array
    targets: Array
    weights: Array | None = None
    complete: bool = True


class Engine(Protocol):
    """An engine: ``epoch`` trains on every mini-batch of an order, and ends with the true weights in the network.

    Where a recipe evaluates within epochs, the true weights are ``scale`` times those in the network after every chunk.
    """

    @property
    def scale(self) -> float: ...

    def epoch(self, order: Labels, rates: Iterator[float], pauses: Sequence[int] = ()) -> Iterator[ChunkResult]:
        """Train along an order of the rows, with a rate for each mini-batch, and yield the results chunk by chunk.

        Also yield after the mini-batches of the numbers ``pauses``, rising and counted from 1. They change no bit.
        """
        ...


def ends_of_pieces(pauses: Sequence[int], before: int, steps: int) -> list[int]:
    """Return where the pieces of a chunk end that the pauses cut it into.

    Args:
        pauses: numbers of mini-batches of the epoch.
        before: the mini-batches of the epoch before this chunk.
        steps: the mini-batches of this chunk.

    >>> ends_of_pieces([2, 5, 10, 12], before=4, steps=6)
    [1, 6]
    """
    within = pauses[bisect_right(pauses, before) : bisect_left(pauses, before + steps)]
    return [*(pause - before for pause in within), steps]
