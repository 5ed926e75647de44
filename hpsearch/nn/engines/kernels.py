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
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

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


LANES = 16


class Lanes(types.Type):
    """`LANES` numbers of one dtype as a value in compiled code."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"Lanes({dtype})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Lanes) -> None:
        number = ir.FloatType() if kind.dtype == types.float32 else ir.DoubleType()
        super().__init__(manager, kind, ir.VectorType(number, LANES))


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return the address of ``array[at]``, a tuple of indices, as one of a vector."""
    made = context.make_array(kind)(context, builder, array)
    item = cgutils.get_item_pointer(context, builder, kind, made, at, wraparound=False, boundscheck=False)
    return builder.bitcast(item, context.get_value_type(Lanes(kind.dtype)).as_pointer())


def _load(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    vector = builder.load(_place(context, builder, kind, array, at))
    vector.align = kind.dtype.bitwidth // 8
    return vector


@intrinsic
def load(typing: Any, array: Any, i: Any, j: Any, k: Any) -> Any:
    """Return ``array[i, j, k : k + LANES]``."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load(context, builder, signature.args[0], args[0], args[1:])

    return Lanes(array.dtype)(array, i, j, k), code


@intrinsic
def store(typing: Any, array: Any, i: Any, j: Any, k: Any, vector: Any) -> Any:
    """Write a vector to ``array[i, j, k : k + LANES]``."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        done = builder.store(args[4], _place(context, builder, signature.args[0], args[0], args[1:4]))
        done.align = signature.args[0].dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, i, j, k, vector), code


def _spread(builder: Any, number: Any, kind: Any) -> Any:
    """Return a vector of one number."""
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


@intrinsic
def more(typing: Any, vector: Any, factor: Any, other: Any) -> Any:
    """Return ``vector + factor * other``; ``factor`` may be a number."""
    number = not isinstance(factor, Lanes)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        factors = _spread(builder, args[1], args[0].type) if number else args[1]
        return builder.fadd(args[0], builder.fmul(factors, args[2], flags=("contract",)), flags=("contract",))

    return vector(vector, vector.dtype if number else vector, vector), code


@intrinsic
def total(typing: Any, vector: Any) -> Any:
    """Return the sum of a vector, its upper half onto its lower one until one number is left."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found, width = args[0], LANES // 2
        while width:
            parts = [list(range(start, start + width)) for start in (0, width)]
            places = [ir.Constant(ir.VectorType(ir.IntType(32), width), part) for part in parts]
            low, high = (builder.shuffle_vector(found, ir.Constant(found.type, ir.Undefined), place) for place in places)
            found, width = builder.fadd(low, high), width // 2
        return builder.extract_element(found, ir.Constant(ir.IntType(32), 0))

    return vector.dtype(vector), code


@intrinsic
def logistic(typing: Any, vector: Any) -> Any:
    """Return 1 / (1 + exp(-v)) of each number v of a vector."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = ir.Constant(args[0].type, [1.0] * LANES)
        return builder.fdiv(one, builder.fadd(one, _exp(builder, builder.fneg(args[0]), signature.args[0].dtype.bitwidth)))

    return vector(vector), code


def _exp(builder: Any, x: Any, bits: int) -> Any:
    """Return exp(x) = 2^n exp(r) with |r| <= ln(2) / 2, exp(r) by its Taylor series; to the last digit or the one before.

    What would overflow, or vanish, is held at the largest, or smallest, power of two that is a normal number.
    """
    kind, mantissa, terms = x.type, *{32: (23, 8), 64: (52, 14)}[bits]
    most = 2 ** (bits - mantissa - 2) - 1

    def constant(value: float) -> Any:
        return ir.Constant(kind, [value] * LANES)

    def product(a: Any, b: Any, c: Any) -> Any:
        return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))

    for bound, sign in ((most * math.log(2), ">"), ((1 - most) * math.log(2), "<")):
        x = builder.select(builder.fcmp_ordered(sign, x, constant(bound)), constant(bound), x)  # NaN stays NaN
    n = _call(builder, f"llvm.rint.v{LANES}f{bits}", kind, builder.fmul(x, constant(1 / math.log(2))))
    high = np.float32(math.log(2)) if bits == 64 else np.float16(math.log(2))  # few enough digits for n * high to be exact
    r = product(n, constant(-float(high)), x)
    r = product(n, constant(float(high) - math.log(2)), r)
    found = constant(1 / math.factorial(terms - 1))
    for k in range(terms - 2, -1, -1):
        found = product(found, r, constant(1 / math.factorial(k)))
    whole = ir.VectorType(ir.IntType(bits), LANES)
    power = _call(builder, f"llvm.fptosi.sat.v{LANES}i{bits}.v{LANES}f{bits}", whole, n)  # of a NaN too
    power = builder.add(power, ir.Constant(whole, [most] * LANES))
    power = builder.shl(power, ir.Constant(whole, [mantissa] * LANES))
    return builder.fmul(found, builder.bitcast(power, kind))


def _call(builder: Any, name: str, kind: Any, value: Any) -> Any:
    """Return what a function of LLVM's own gives, a value of type ``kind``."""
    return builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [value.type]), name), [value])


@intrinsic
def nothing(typing: Any, array: Any) -> Any:
    """Return a vector of zeros of an array's dtype."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(signature.return_type), [0.0] * LANES)

    return Lanes(array.dtype)(array), code


@intrinsic
def filled(typing: Any, array: Any, row: Any, column: Any) -> Any:
    """Return a whole number with bit b set where ``array[row, column + b]`` is not 0, for b < LANES."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = _load(context, builder, signature.args[0], args[0], args[1:])
        bits = builder.fcmp_unordered("!=", vector, ir.Constant(vector.type, [0.0] * LANES))
        return builder.zext(builder.bitcast(bits, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(array, row, column), code


@intrinsic
def lowest(typing: Any, bits: Any) -> Any:
    """Return the number of the lowest bit that is set, 64 where none is."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), code


@intrinsic
def count(typing: Any, bits: Any) -> Any:
    """Return how many bits are set."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.int64), code


@intrinsic
def prefetch(typing: Any, array: Any, row: Any, column: Any) -> Any:
    """Have the line of the cache around ``array[row, column]`` fetched, without waiting for it."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1:])
        number, address = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [address, number, number, number])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(fetch, [builder.bitcast(place, address), number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, row, column), code
