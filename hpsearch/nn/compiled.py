"""Whole chunks of mini-batches in one compiled loop, for the commonest networks: the accelerator beside the NumPy engine.

The loop multiplies no zeros: of each sample it lists the columns that are not zero, of which handwritten digits have a
fifth, and works on those rows of the weights alone, a strip of units at a time. Nothing is allocated inside it and nothing
depends on the number of threads, so that the same machine always gives the same bits. The machine code is kept on disk beside
this file and loaded from there ever after.

Layout: ``w[strip, first + row, lane]`` holds the weight from input ``row`` of a layer to its unit ``LANES strip + lane``; the
rows of all layers lie one below the other. What stands beyond the last unit is zero and stays so.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from hpsearch.nn.lanes import LANES, count, filled, load, logistic, lowest, more, nothing, prefetch, store, total

# How a hidden layer bends, and the output layer with its cost.
SIGMOID, TANH, RECTIFIER = 0, 1, 2
CROSS_ENTROPY, QUADRATIC, LOG_LIKELIHOOD = 0, 1, 2
# As in `hpsearch.nn.optimizers`: beyond these bounds the scale is multiplied in.
_LOW, _HIGH = 2.0**-10, 2.0**10
# Columns that are listed at a time; samples that are fetched from memory before it is their turn.
AT_ONCE, _AHEAD = 8, 2
# A product and the sum it goes into may be rounded once instead of twice: decided when compiled, never later.
_compile: Any = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


class Net(NamedTuple):
    """A network as the loop wants it.

    Args:
        inputs, firsts, strips: of each layer, how many inputs, where its rows begin, and how many strips of units.
        w: weights, (strips, rows, LANES); b: biases, (layers, 1, units).
        into_w, into_b: what the gradient goes into: the same arrays, or with momentum the velocities.
    """

    inputs: Any
    firsts: Any
    strips: Any
    w: Any
    b: Any
    into_w: Any
    into_b: Any


class Room(NamedTuple):
    """Buffers for mini-batches of m.

    Args:
        a: the inputs of every layer, of the first only those listed, and the last outputs; (layers + 1, m, units).
        delta: the deltas, by the same index as the outputs.
        columns: those listed for each sample, with `AT_ONCE` to spare, and a last row with all.
        counts: how many are listed, (layers, m).
        z: what a chunk's outputs are made of, (steps, k, m).
    """

    a: Any
    delta: Any
    columns: Any
    counts: Any
    z: Any


class Rule(NamedTuple):
    """How hidden units bend, the slope of a rectifier below 0, the cost, the classes, mu and lambda/n."""

    hidden: int
    leak: float
    cost: int
    classes: int
    momentum: float
    decay: float


@_compile
def run(x: Any, labels: Any, rows: Any, rates: Any, net: Net, room: Room, rule: Rule, scale: float) -> float:
    """Train on one chunk, a mini-batch for each rate, of the given rows; the true weights are ``scale`` times those in ``w``.

    Returns:
        The scale that is left.
    """
    samples = room.a.shape[1]
    for step in range(rates.size):
        first = step * samples
        for i in range(samples):
            _list(x, rows[first + i], rows[min(first + i + _AHEAD, rows.size - 1)], room, i)
        _forward(net, room, rule, scale)
        for i in range(samples):
            _answer(net, room, rule, i, scale, labels[rows[first + i]], step)
        _backward(net, room, rule, scale)
        scale = _prepare(net, rule, rates[step], scale)
        _update(net, room, -rates[step] / samples, scale)
        if rule.momentum != 0:
            _move(net)
    return scale


@_compile
def _list(x: Any, row: int, coming: int, room: Room, i: int) -> None:
    """Write down the columns of a sample that are not zero, and what stands there; fetch a coming sample meanwhile.

    Columns are written eight at a time, those behind the last one to be overwritten by the next: a loop that ended with each
    word's last bit would be mispredicted once a word.
    """
    a, columns, n, inputs = room.a, room.columns, 0, x.shape[1]
    whole = inputs - inputs % LANES
    for start in range(0, whole, 64):
        bits = 0
        for part in range(start, min(start + 64, whole), LANES):
            bits |= filled(x, row, part) << (part - start)
            prefetch(x, coming, part)
        end = n + count(bits)
        while n < end:
            for k in range(n, n + AT_ONCE):
                columns[i, k] = start + lowest(bits)
                bits &= bits - 1
            n += AT_ONCE
        n = end
    for j in range(whole, inputs):
        if x[row, j] != 0:
            columns[i, n] = j
            n += 1
    for k in range(n):
        a[0, i, k] = x[row, columns[i, k]]
    room.counts[0, i] = n


@_compile
def _forward(net: Net, room: Room, rule: Rule, scale: float) -> None:
    """Work out the outputs of every layer; of the last one only the products."""
    layers, samples = net.inputs.size, room.a.shape[1]
    for layer in range(layers):
        for strip in range(net.strips[layer]):
            for i in range(samples):
                _combine(net.w, strip, net.firsts[layer], room.a, layer, i, room.columns, room.counts)
        if layer < layers - 1:
            for i in range(samples):
                _bend(room.a, layer + 1, i, net.inputs[layer + 1], net.b, scale, rule.hidden, rule.leak)


@_compile
def _combine(w: Any, strip: int, first: int, a: Any, layer: int, i: int, columns: Any, counts: Any) -> None:
    """Sum one strip of the listed rows of ``w``, each times its input; four sums side by side need not wait for each other."""
    listed, n = i if layer == 0 else columns.shape[0] - 1, counts[layer, i]
    p, q, r, s = nothing(w), nothing(w), nothing(w), nothing(w)
    whole = n - n % 4
    for j in range(0, whole, 4):
        p = more(p, a[layer, i, j], load(w, strip, first + columns[listed, j], 0))
        q = more(q, a[layer, i, j + 1], load(w, strip, first + columns[listed, j + 1], 0))
        r = more(r, a[layer, i, j + 2], load(w, strip, first + columns[listed, j + 2], 0))
        s = more(s, a[layer, i, j + 3], load(w, strip, first + columns[listed, j + 3], 0))
    for j in range(whole, n):
        p = more(p, a[layer, i, j], load(w, strip, first + columns[listed, j], 0))
    store(a, layer + 1, i, strip * LANES, more(more(p, 1, q), 1, more(r, 1, s)))


@_compile
def _bend(a: Any, layer: int, i: int, units: int, b: Any, scale: float, hidden: int, leak: float) -> None:
    """Turn the products of a hidden layer into its outputs, in place."""
    by, below = a.dtype.type(scale), a.dtype.type(leak)
    for q in range(units):
        a[layer, i, q] = by * a[layer, i, q] + b[layer - 1, 0, q]
    if hidden == SIGMOID:
        _logistic(a, layer, i, units)
    elif hidden == TANH:
        for q in range(units):
            a[layer, i, q] *= 2
        _logistic(a, layer, i, units)
        for q in range(units):
            a[layer, i, q] = 2 * a[layer, i, q] - 1
    else:
        for q in range(units):
            a[layer, i, q] = a[layer, i, q] if a[layer, i, q] > 0 else below * a[layer, i, q]


@_compile
def _answer(net: Net, room: Room, rule: Rule, i: int, scale: float, label: int, step: int) -> None:
    """Turn the products of the output layer into z, and into its delta."""
    last, a, delta, b, z = net.inputs.size, room.a, room.delta, net.b, room.z
    one, by = a.dtype.type(1), a.dtype.type(scale)
    for q in range(rule.classes):
        a[last, i, q] = by * a[last, i, q] + b[last - 1, 0, q]
        z[step, q, i] = a[last, i, q]
    if rule.cost == LOG_LIKELIHOOD:
        _softmax(a, last, i, rule.classes)
    else:
        _logistic(a, last, i, rule.classes)
    for q in range(rule.classes):
        out = a[last, i, q]
        wrong = out - one if q == label else out
        delta[last, i, q] = wrong * (out - out * out) if rule.cost == QUADRATIC else wrong


@_compile
def _logistic(a: Any, layer: int, i: int, units: int) -> None:
    for k in range(0, units, LANES):
        store(a, layer, i, k, logistic(load(a, layer, i, k)))


@_compile
def _softmax(a: Any, layer: int, i: int, units: int) -> None:
    top, whole = a.dtype.type(-np.inf), a.dtype.type(0)
    for q in range(units):
        top = max(top, a[layer, i, q])
    for q in range(units):
        a[layer, i, q] = math.exp(a[layer, i, q] - top)
        whole += a[layer, i, q]
    for q in range(units):
        a[layer, i, q] /= whole


@_compile
def _backward(net: Net, room: Room, rule: Rule, scale: float) -> None:
    """Work out the deltas of the hidden layers from those of the output layer."""
    a, delta, w, number = room.a, room.delta, net.w, room.a.dtype.type
    one, by, below = number(1), number(scale), number(rule.leak)
    for layer in range(net.inputs.size - 1, 0, -1):
        first = net.firsts[layer]
        for i in range(a.shape[1]):
            for j in range(net.inputs[layer]):
                p = nothing(w)
                for strip in range(net.strips[layer]):
                    p = more(p, load(w, strip, first + j, 0), load(delta, layer + 1, i, strip * LANES))
                out = a[layer, i, j]
                if rule.hidden == SIGMOID:
                    slope = out - out * out
                elif rule.hidden == TANH:
                    slope = one - out * out
                else:
                    slope = one if out > 0 else below
                delta[layer, i, j] = by * total(p) * slope


@_compile
def _prepare(net: Net, rule: Rule, rate: float, scale: float) -> float:
    """Do all of a step that does not depend on the gradient: shrink the weights, or slow the velocities down."""
    if rule.momentum != 0:
        for layer in range(net.inputs.size):
            _mix(net.into_w, net, layer, rule.momentum, -rate * rule.decay, net.w)
        net.into_b[:] *= net.into_b.dtype.type(rule.momentum)
        return scale
    scale *= 1 - rate * rule.decay
    if _LOW < scale < _HIGH:
        return scale
    for layer in range(net.inputs.size):
        _mix(net.w, net, layer, scale, 0, net.w)
    return 1.0


@_compile
def _move(net: Net) -> None:
    """Move along the velocities."""
    for layer in range(net.inputs.size):
        _mix(net.w, net, layer, 1, 1, net.into_w)
    net.b[:] += net.into_b


@_compile
def _mix(array: Any, net: Net, layer: int, keep: float, by: float, other: Any) -> None:
    """Set one layer's part of an array to ``keep`` times itself plus ``by`` times another one's."""
    first = net.firsts[layer]
    for strip in range(net.strips[layer]):
        for row in range(first, first + net.inputs[layer]):
            kept = more(nothing(array), keep, load(array, strip, row, 0))
            store(array, strip, row, 0, more(kept, by, load(other, strip, row, 0)))


@_compile
def _update(net: Net, room: Room, by: float, scale: float) -> None:
    """Add the gradient, summed over the samples, times ``by``, to what it goes into."""
    a, delta, samples, number = room.a, room.delta, room.a.shape[1], room.a.dtype.type
    weights_by, biases_by = number(by / scale), number(by)
    for layer in range(net.inputs.size):
        for strip in range(net.strips[layer]):
            for i in range(samples):
                _adjust(net.into_w, strip, net.firsts[layer], a, delta, layer, i, weights_by, room.columns, room.counts)
        for i in range(samples):
            for q in range(net.strips[layer] * LANES):
                net.into_b[layer, 0, q] += biases_by * delta[layer + 1, i, q]


@_compile
def _adjust(
    into: Any, strip: int, first: int, a: Any, delta: Any, layer: int, i: int, by: Any, columns: Any, counts: Any
) -> None:
    """Add one sample's part of the gradient to one strip of the listed rows."""
    listed, n = i if layer == 0 else columns.shape[0] - 1, counts[layer, i]
    wanted = load(delta, layer + 1, i, strip * LANES)
    for j in range(n):
        much, row = by * a[layer, i, j], first + columns[listed, j]
        store(into, strip, row, 0, more(load(into, strip, row, 0), much, wanted))
