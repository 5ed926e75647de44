"""The engine that trains in a compiled loop: it lays the network out for it, and feeds it chunks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any

import numpy as np

from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.costs import one_hot
from hpsearch.nn.engines import kernels
from hpsearch.nn.engines.base import Ran
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
# The slope below 0 of units that are straight above it.
_LEAKS = {"relu": 0.0, "linear": 1.0}


class CompiledEngine:
    """See `hpsearch.nn.engines.base.Engine`; the settings must be ones that `hpsearch.nn.engines.select.covered` approves of.

    The network and what the optimiser remembers are laid out anew for every epoch and read back at its end, so that scoring,
    saving and going on see what they see with the other engine.
    """

    def __init__(self, network: Network, train: tuple[Array, Labels], recipe: Recipe, optimizer: Optimizer) -> None:
        self._x, self._labels = _readable(train[0]), _readable(np.ascontiguousarray(train[1], np.int64))
        samples, classes = len(self._labels), network.sizes[-1]
        self._weights, self._biases = _Strips(network.weights), _Rows(network.biases)
        into: tuple[_Strips, _Rows] = (self._weights, self._biases)
        if recipe.momentum:
            layers, arrays = range(len(network.weights)), optimizer.arrays
            into = (
                _Strips([arrays[f"velocity_weights_{i}"] for i in layers]),
                _Rows([arrays[f"velocity_biases_{i}"] for i in layers]),
            )
        self._laid: set[_Strips | _Rows] = {self._weights, self._biases, *into}
        self._net = kernels.Net(
            np.array(network.sizes[:-1]), self._weights.firsts, self._weights.strips,
            self._weights.array, self._biases.array, into[0].array, into[1].array,
        )  # fmt: skip
        self._rule = _rule(network, recipe, samples)
        self._shapes = chunks(samples, recipe.batch_size)
        self._rooms = {(steps, size): self._room(network, steps, size) for steps, size, _ in self._shapes}
        self._classes = np.arange(classes)
        self.scale, self._looked_at = 1.0, recipe.monitors.images is not None

    def epoch(self, order: Labels, rates: Iterator[float]) -> Iterator[Ran]:
        """See `hpsearch.nn.engines.base.Engine`."""
        order, start = np.array(order, np.int64), 0
        for laid in self._laid:
            laid.read()
        for steps, size, times in self._shapes:
            room = self._rooms[steps, size]
            for _ in range(times):
                rows = order[start : start + steps * size]
                start += steps * size
                some = np.fromiter(islice(rates, steps), np.float64, steps)
                self.scale = kernels.run(self._x, self._labels, rows, some, self._net, room, self._rule, self.scale)
                for laid in (self._weights, self._biases) if self._looked_at else ():
                    laid.write()
                yield Ran(room.z, one_hot(self._labels[rows].reshape(steps, size), self._classes))
        self._weights.array *= self.scale
        self.scale = 1.0
        for laid in self._laid:
            laid.write()

    def _room(self, network: Network, steps: int, samples: int) -> kernels.Room:
        sizes, dtype, widest = network.sizes, network.dtype, max(network.sizes)
        columns = np.zeros((samples + 1, widest + kernels.AT_ONCE), np.int32)
        columns[-1] = np.arange(columns.shape[1])
        counts = np.repeat(np.array(sizes[:-1])[:, None], samples, axis=1)
        a, delta = (aligned((len(sizes), samples, _whole(units)), dtype) for units in (widest, max(sizes[1:])))
        return kernels.Room(a, delta, columns, counts, np.zeros((steps, sizes[-1], samples), dtype))


def load(dtype: str) -> None:
    """Run the compiled loop once on next to nothing, which loads or compiles it for a dtype."""
    network, recipe = Network([np.zeros((1, 1), dtype)], [np.zeros(1, dtype)]), Recipe(1.0, batch_size=1)
    train = np.zeros((1, 1), np.float32), np.zeros(1, np.int64)
    engine = CompiledEngine(network, train, recipe, rule_of("sgd").start(network, 0.0, 0.0, 0.0))
    list(engine.epoch(train[1], iter([1.0])))


class _Strips:
    """The weights of all layers, or their velocities, in the layout of the compiled loop."""

    def __init__(self, weights: list[Array]) -> None:
        self._weights = weights
        inputs = [w.shape[1] for w in weights]
        self.strips = np.array([_whole(len(w)) // LANES for w in weights])
        self.firsts = np.array([0, *accumulate(inputs)][:-1])
        self.array = aligned((int(self.strips.max()), sum(inputs), LANES), weights[0].dtype)

    def _parts(self) -> Iterator[tuple[Array, Array]]:
        """Yield each strip of a layer in both layouts."""
        for w, first in zip(self._weights, self.firsts.tolist(), strict=True):
            for strip, unit in enumerate(range(0, len(w), LANES)):
                some = w[unit : unit + LANES]
                yield some, self.array[strip, first : first + w.shape[1], : len(some)].T

    def read(self) -> None:
        """Lay out the weights as they are now."""
        for weights, laid in self._parts():
            np.copyto(laid, weights)

    def write(self) -> None:
        """Write what was trained back to the weights."""
        for weights, laid in self._parts():
            np.copyto(weights, laid)


class _Rows:
    """The biases of all layers, or their velocities, one layer a row."""

    def __init__(self, biases: list[Array]) -> None:
        self._biases = biases
        self.array = aligned((len(biases), 1, _whole(max(map(len, biases)))), biases[0].dtype)

    def read(self) -> None:
        """Lay out the biases as they are now."""
        for bias, row in zip(self._biases, self.array, strict=True):
            row[0, : len(bias)] = bias

    def write(self) -> None:
        """Write what was trained back to the biases."""
        for bias, row in zip(self._biases, self.array, strict=True):
            np.copyto(bias, row[0, : len(bias)])


def _whole(units: int) -> int:
    """Return the units of so many whole vectors as hold them all."""
    return -(-units // LANES) * LANES


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return zeros that begin where a line of the cache does: a vector across two lines takes twice the time."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    found: Array = raw[start : start + size].view(dtype).reshape(shape)
    return found


def _readable(data: Array) -> Array:
    """Return a view that numba takes for the same type whether the data are mapped, write-protected or neither."""
    view = np.asarray(data).view()
    view.flags.writeable = False
    return view


def _rule(network: Network, recipe: Recipe, samples: int) -> kernels.Rule:
    bends = {"sigmoid": kernels.SIGMOID, "tanh": kernels.TANH}
    hidden = bends.get(network.activation.name, kernels.RECTIFIER)
    leak = _LEAKS.get(network.activation.name, getattr(network.activation, "leak", 0.0))
    shrink = decay(recipe.l2, samples)
    return kernels.Rule(hidden, float(leak), _COSTS[network.cost_name], network.sizes[-1], float(recipe.momentum), shrink)
