"""The NumPy engine and its mini-batches: shuffled rows, gathered in chunks into buffers that are allocated once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.augment import expand
from hpsearch.nn.costs import encode_targets
from hpsearch.nn.engines.base import ChunkResult, Rows, ends_of_pieces
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.rules import Optimizer
from hpsearch.nn.passes.backprop import Minibatch
from hpsearch.nn.passes.dropout import Rates
from hpsearch.nn.recipe import Recipe

# A chunk stays small enough for the cache: gathering row by row costs calls, gathering an epoch at once costs a copy of it.
_CHUNK_ROWS, _CHUNK_STEPS = 1000, 100


def chunks(rows: int, samples: int) -> list[tuple[int, int, int]]:
    """Return how an epoch is cut into chunks: mini-batches of a chunk, their size, and the number of such chunks.

    >>> chunks(2_507, 10)
    [(100, 10, 2), (50, 10, 1), (1, 7, 1)]
    """
    full, left_over = divmod(rows, samples)
    per_chunk = max(1, min(_CHUNK_STEPS, _CHUNK_ROWS // samples, full))
    times, rest = divmod(full, per_chunk)
    shapes = [(per_chunk, samples, times), (rest, samples, 1), (1, left_over, 1)]
    return [shape for shape in shapes if all(shape)]


class Chunk:
    """Buffers for some mini-batches of one size, and the views of each."""

    def __init__(self, steps: int, samples: int, inputs: int, classes: int, dtype: np.dtype, weighted: bool = False) -> None:
        self.rows, self.samples = steps * samples, samples
        self.x = np.empty((self.rows, inputs), dtype)
        self.targets = np.empty((steps, classes, samples), dtype)
        self.z = np.empty((steps, classes, samples), dtype)
        self.weights = np.empty((steps, samples), dtype) if weighted else None
        x = self.x.reshape(steps, samples, inputs)
        of_step = [None] * steps if self.weights is None else list(self.weights)
        self.batches = [Minibatch(x[i].T, self.targets[i], self.z[i], self.z[i].T, of_step[i]) for i in range(steps)]
        self._classes = np.arange(classes)
        self._raw: Array | None = None

    def fill(self, x: Array, labels: Labels, rows: Labels, weights: Array | None = None) -> None:
        """Gather the given rows; ``clip`` only saves NumPy a second buffer, the rows are in range."""
        if x.dtype == self.x.dtype:
            np.take(x, rows, 0, self.x, "clip")
        else:
            self._raw = np.empty(self.x.shape, x.dtype) if self._raw is None else self._raw
            np.take(x, rows, 0, self._raw, "clip")
            np.copyto(self.x, self._raw)
        taken = labels[rows]
        if taken.ndim == 2:
            np.copyto(self.targets, taken.reshape(-1, self.samples, taken.shape[1]).transpose(0, 2, 1), "same_kind")
        else:
            encode_targets(taken.reshape(-1, self.samples), self._classes, self.targets)
        if weights is not None and self.weights is not None:
            np.copyto(self.weights, weights[rows].reshape(-1, self.samples))


class Minibatches:
    """The training rows in mini-batches, in any order; a smaller last one takes the rows left over.

    Args:
        x: training inputs, (n, d); never copied as a whole, may be a read-only memory map.
        labels: class indices or numbers, (n,), or soft targets, (n, k).
        classes: k.
        samples: m, the size of a mini-batch.
        dtype: of the network.
        weights: how much each row counts, (n,); None where all count alike.
    """

    def __init__(
        self, x: Array, labels: Labels, classes: int, samples: int, dtype: np.dtype, weights: Array | None = None
    ) -> None:
        self._x, self._labels, self._weights = x, labels, weights
        weighted = weights is not None
        shapes = chunks(len(x), samples)
        self._chunks = [(Chunk(steps, size, x.shape[1], classes, dtype, weighted), times) for steps, size, times in shapes]

    @property
    def sizes(self) -> set[int]:
        """The sizes of the mini-batches."""
        return {chunk.samples for chunk, _ in self._chunks}

    def chunks(self, order: Labels) -> Iterator[Chunk]:
        """Yield the filled chunks of one epoch; the buffers are used again."""
        start = 0
        for chunk, times in self._chunks:
            for _ in range(times):
                chunk.fill(self._x, self._labels, order[start : start + chunk.rows], self._weights)
                start += chunk.rows
                yield chunk


class NumpyEngine:
    """See `Engine`: chunks of shuffled rows, and for each mini-batch a forward pass, a backward pass and a step."""

    def __init__(
        self,
        network: Network,
        train: Rows,
        recipe: Recipe,
        optimizer: Optimizer,
        rng: Callable[[], np.random.Generator],
    ) -> None:
        self._optimizer, self._expansion, self._rng = optimizer, recipe.expansion, rng
        x, labels, *weights = train
        self._minibatches = Minibatches(x, labels, network.sizes[-1], recipe.batch_size, network.dtype, *weights)
        rates = Rates(recipe.dropout, recipe.input_dropout)
        self._passes = {size: network.passes(size, rates, rng) for size in self._minibatches.sizes}

    @property
    def scale(self) -> float:
        """See `Engine`."""
        return self._optimizer.scale

    def epoch(self, order: Labels, rates: Iterator[float], pauses: Sequence[int] = ()) -> Iterator[ChunkResult]:
        """See `Engine`."""
        optimizer, step, before = self._optimizer, self._optimizer.step, 0
        for chunk in self._gather_chunks(order):
            passes, steps, first = self._passes[chunk.samples], len(chunk.batches), 0
            run = passes.run
            for end in ends_of_pieces(pauses, before, steps):
                for batch, rate in zip(chunk.batches[first:end], rates, strict=False):
                    run(batch, optimizer.scale)
                    step(passes, batch, rate)
                first = end
                weights = None if chunk.weights is None else chunk.weights[:end]
                yield ChunkResult(chunk.z[:end], chunk.targets[:end], weights, end == steps)
            before += steps
        optimizer.fold()

    def _gather_chunks(self, order: Labels) -> Iterator[Chunk]:
        """Yield the chunks of one epoch, with distorted images where the recipe has an expansion.

        The distortions have their own generator, so that they do not depend on how the rows are cut into chunks.
        """
        if self._expansion is None:
            yield from self._minibatches.chunks(order)
            return
        rng = np.random.default_rng(int(self._rng().integers(2**63)))
        for chunk in self._minibatches.chunks(order):
            expand(chunk.x, self._expansion, rng)
            yield chunk
