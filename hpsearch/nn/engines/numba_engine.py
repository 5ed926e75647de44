"""The engine that trains in numba's compiled loop, and the memory layout of a network for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import Any

import numpy as np

from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.costs import one_hot
from hpsearch.nn.engines import kernels
from hpsearch.nn.engines.base import ChunkResult, by_columns, ends_of_pieces
from hpsearch.nn.engines.kernels import LANES
from hpsearch.nn.engines.numpy_engine import chunks
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.rules import Optimizer, rule_of
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.regularizers import decay

_COSTS = {
    "cross_entropy": kernels.CROSS_ENTROPY,
    "quadratic": kernels.QUADRATIC,
    "log_likelihood": kernels.LOG_LIKELIHOOD,
}
# The slope below 0 of units that are linear above it.
_LEAKS = {"relu": 0.0, "linear": 1.0}


class NumbaEngine:
    """See `hpsearch.nn.engines.base.Engine`; takes the settings that `hpsearch.nn.engines.select.covered` accepts.

    Weights and velocities are copied into the layout of the loop at the start of every epoch and copied back at its end. So
    scoring, saving and resuming work as with the other engine.
    """

    def __init__(self, network: Network, train: tuple[Array, Labels], recipe: Recipe, optimizer: Optimizer) -> None:
        self._x, self._labels = _read_only_view(train[0]), _read_only_view(np.ascontiguousarray(train[1], np.int64))
        samples, classes = len(self._labels), network.sizes[-1]
        self._weights, self._biases = _WeightLayout(network.weights), _BiasLayout(network.biases)
        into: tuple[_WeightLayout, _BiasLayout] = (self._weights, self._biases)
        if recipe.momentum:
            layers, arrays = range(len(network.weights)), optimizer.arrays
            into = (
                _WeightLayout([arrays[f"velocity_weights_{i}"] for i in layers]),
                _BiasLayout([arrays[f"velocity_biases_{i}"] for i in layers]),
            )
        self._layouts: set[_WeightLayout | _BiasLayout] = {self._weights, self._biases, *into}
        self._net = kernels.Net(
            np.array(network.sizes[:-1]), self._weights.firsts, self._weights.strips,
            self._weights.array, self._biases.array, into[0].array, into[1].array,
        )  # fmt: skip
        self._rule = _make_rule(network, recipe, samples)
        self._shapes = chunks(samples, recipe.batch_size)
        self._buffers = {(steps, size): self._make_buffers(network, steps, size) for steps, size, _ in self._shapes}
        self._classes = np.arange(classes)
        self.scale, self._evaluated_within = 1.0, recipe.monitors.images is not None

    def epoch(self, order: Labels, rates: Iterator[float], pauses: Sequence[int] = ()) -> Iterator[ChunkResult]:
        """See `hpsearch.nn.engines.base.Engine`."""
        order, start, before = np.array(order, np.int64), 0, 0
        for layout in self._layouts:
            layout.copy_in()
        for steps, size, times in self._shapes:
            buffers = self._buffers[steps, size]
            for _ in range(times):
                rows = order[start : start + steps * size]
                start += steps * size
                some = np.fromiter(islice(rates, steps), np.float64, steps)
                targets, first = one_hot(self._labels[rows].reshape(steps, size), self._classes), 0
                for end in ends_of_pieces(pauses, before, steps):
                    piece = buffers._replace(z=buffers.z[first:end])
                    some_rows, some_rates = rows[first * size : end * size], some[first:end]
                    self.scale = kernels.run(
                        self._x, self._labels, some_rows, some_rates, self._net, piece, self._rule, self.scale
                    )
                    for layout in (self._weights, self._biases) if self._evaluated_within else ():
                        layout.copy_out()
                    first = end
                    yield ChunkResult(buffers.z[:end], targets[:end], complete=end == steps)
                before += steps
        self._weights.array *= self.scale
        self.scale = 1.0
        for layout in self._layouts:
            layout.copy_out()

    def _make_buffers(self, network: Network, steps: int, samples: int) -> kernels.Buffers:
        sizes, dtype, widest = network.sizes, network.dtype, max(network.sizes)
        columns = np.zeros((samples + 1, widest + kernels.AT_ONCE), np.int32)
        columns[-1] = np.arange(columns.shape[1])
        counts = np.repeat(np.array(sizes[:-1])[:, None], samples, axis=1)
        a = make_aligned((len(sizes), samples, _round_up(widest)), dtype)
        delta = make_aligned((len(sizes), samples, _in_blocks(_round_up(max(sizes[1:])) // LANES) * LANES), dtype)
        listed = samples if by_columns(sizes[1], samples) else 0
        return kernels.Buffers(
            a, delta, columns, counts, make_aligned((samples, kernels.TOGETHER * kernels.SUMS, LANES), dtype),
            np.zeros(sizes[0], np.int64), np.zeros((sizes[0], listed), np.int32), np.zeros((sizes[0], listed), dtype),
            make_aligned((LANES, 1, _round_up(widest)), dtype), np.zeros((steps, sizes[-1], samples), dtype),
        )  # fmt: skip


def load_kernels(dtype: str, rows: str = "float32") -> None:
    """Load the compiled loop for the dtypes of network and rows, or compile it, by running it on a network of one weight."""
    network, recipe = Network([np.zeros((1, 1), dtype)], [np.zeros(1, dtype)]), Recipe(1.0, batch_size=1)
    train = np.zeros((1, 1), rows), np.zeros(1, np.int64)
    engine = NumbaEngine(network, train, recipe, rule_of("sgd").start(network, 0.0, 0.0, 0.0))
    list(engine.epoch(train[1], iter([1.0])))


class _WeightLayout:
    """The weights of all layers, or their velocities, in the layout of the compiled loop."""

    def __init__(self, weights: list[Array]) -> None:
        self._weights = weights
        inputs = [w.shape[1] for w in weights]
        self.strips = np.array([_round_up(len(w)) // LANES for w in weights])
        self.firsts = np.array([0, *accumulate(inputs)][:-1])
        self.array = make_aligned((_in_blocks(int(self.strips.max())), sum(inputs), LANES), weights[0].dtype)

    def _parts(self) -> Iterator[tuple[Array, Array]]:
        """Yield each strip of a layer in both layouts."""
        for w, first in zip(self._weights, self.firsts.tolist(), strict=True):
            for strip, unit in enumerate(range(0, len(w), LANES)):
                some = w[unit : unit + LANES]
                yield some, self.array[strip, first : first + w.shape[1], : len(some)].T

    def copy_in(self) -> None:
        """Copy the current weights into the layout."""
        for weights, part in self._parts():
            np.copyto(part, weights)

    def copy_out(self) -> None:
        """Copy the trained weights back to the network."""
        for weights, part in self._parts():
            np.copyto(weights, part)


class _BiasLayout:
    """The biases of all layers, or their velocities, one layer a row."""

    def __init__(self, biases: list[Array]) -> None:
        self._biases = biases
        self.array = make_aligned((len(biases), 1, _round_up(max(map(len, biases)))), biases[0].dtype)

    def copy_in(self) -> None:
        """Copy the current biases into the layout."""
        for bias, row in zip(self._biases, self.array, strict=True):
            row[0, : len(bias)] = bias

    def copy_out(self) -> None:
        """Copy the trained biases back to the network."""
        for bias, row in zip(self._biases, self.array, strict=True):
            np.copyto(bias, row[0, : len(bias)])


def _round_up(units: int) -> int:
    """Return a number of units rounded up to whole SIMD vectors."""
    return -(-units // LANES) * LANES


def _in_blocks(strips: int) -> int:
    """Return a number of strips rounded up to whole blocks."""
    return -(-strips // kernels.BLOCK) * kernels.BLOCK


def make_aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return zeros aligned to cache lines: loading a vector across two lines takes twice the time."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    found: Array = raw[start : start + size].view(dtype).reshape(shape)
    return found


def _read_only_view(data: Array) -> Array:
    """Return a read-only view, which has one type for numba whether the data are mapped, write-protected or neither."""
    view = np.asarray(data).view()
    view.flags.writeable = False
    return view


def _make_rule(network: Network, recipe: Recipe, samples: int) -> kernels.Rule:
    codes = {"sigmoid": kernels.SIGMOID, "tanh": kernels.TANH}
    hidden = codes.get(network.activation.name, kernels.RECTIFIER)
    leak = _LEAKS.get(network.activation.name, getattr(network.activation, "leak", 0.0))
    shrink = decay(recipe.l2, samples)
    return kernels.Rule(hidden, float(leak), _COSTS[network.cost_name], network.sizes[-1], float(recipe.momentum), shrink)
