"""Compiled kernels for chunks of mini-batches of the most common networks, with SIMD vectors: numba's machine code.

The loop multiplies no zeros. For each sample it lists the columns that are not zero (a fifth of them for handwritten digits)
and works on those rows of the weights alone, `LANES` units at a time. It allocates nothing and does not depend on the number of
threads, so that the same machine always gives the same bits.

numba keeps the machine code on disk and compares it with the date of *this file* alone. So everything that is compiled must be
written here: import nothing of the package, or a change in another file leaves stale machine code in use.

Layout: ``w[strip, first + row, lane]`` holds the weight from input ``row`` of a layer to its unit ``LANES * strip + lane``; the
rows of all layers lie one below the other. What lies beyond the last unit is zero and stays zero.

The file has three parts: constants and arguments, the SIMD vectors, and the loop, from the whole to the details.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

# Numbers of a SIMD vector.
LANES = 16
# Activation of the hidden layers; cost, with the output function that belongs to it.
SIGMOID, TANH, RECTIFIER = 0, 1, 2
CROSS_ENTROPY, QUADRATIC, LOG_LIKELIHOOD = 0, 1, 2
# Beyond these bounds the scale is multiplied into the weights, as `hpsearch.nn.optimizers.rules` does.
_LOW, _HIGH = 2.0**-10, 2.0**10
# Columns that are listed at a time; samples that are fetched from memory before it is their turn.
AT_ONCE, _AHEAD = 8, 2
# Strips that are worked on together, and listed columns after which it is the next sample's turn: few enough for the rows of
# the weights that they read to stay in the first-level cache. A multiple of the four sums.
TOGETHER, _PIECE, SUMS = 2, 40, 4
# Strips whose gradient is added together; the layout has a whole number of such blocks.
BLOCK = 4
# A product and the sum it goes into may be rounded once instead of twice: decided at compile time, never later.
_compile: Any = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


class Net(NamedTuple):
    """A network in the layout of the loop.

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


class Buffers(NamedTuple):
    """Buffers for mini-batches of m.

    Args:
        a: the inputs of every layer (of the first one those listed) and the last outputs; (layers + 1, m, units).
        delta: the deltas, by the same index as the outputs.
        columns: those listed for each sample, with `AT_ONCE` to spare, and a last row with all.
        counts: how many are listed, (layers, m).
        sums: partial sums of the first layer, (m, strips at a time * 4, LANES).
        fills, samples, values: what is listed, column by column: how many entries each column has, (inputs,), and the sample
            and the value of each, (inputs, m); empty where gradients are added sample by sample.
        turned: the weights of a last layer of one strip, output by output: (LANES, 1, units below).
        z: pre-activations of the output layer, (steps, k, m).
    """

    a: Any
    delta: Any
    columns: Any
    counts: Any
    sums: Any
    fills: Any
    samples: Any
    values: Any
    turned: Any
    z: Any


class Rule(NamedTuple):
    """The settings of a training: activation, slope of a rectifier below 0, cost, number of classes, mu and lambda/n."""

    hidden: int
    leak: float
    cost: int
    classes: int
    momentum: float
    decay: float


# SIMD vectors


class SimdVector(types.Type):
    """`LANES` numbers of one dtype as a value in compiled code."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"SimdVector({dtype})")


@register_model(SimdVector)
class _SimdVectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: SimdVector) -> None:
        number = ir.FloatType() if kind.dtype == types.float32 else ir.DoubleType()
        super().__init__(manager, kind, ir.VectorType(number, LANES))


def _vector_address(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return the address of ``array[at]``, where ``at`` is a tuple of indices, as the address of a vector."""
    made = context.make_array(kind)(context, builder, array)
    item = cgutils.get_item_pointer(context, builder, kind, made, at, wraparound=False, boundscheck=False)
    return builder.bitcast(item, context.get_value_type(SimdVector(kind.dtype)).as_pointer())


def _load_vector(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    vector = builder.load(_vector_address(context, builder, kind, array, at))
    vector.align = kind.dtype.bitwidth // 8
    return vector


@intrinsic
def load(typing: Any, array: Any, i: Any, j: Any, k: Any) -> Any:
    """Return ``array[i, j, k : k + LANES]``."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load_vector(context, builder, signature.args[0], args[0], args[1:])

    return SimdVector(array.dtype)(array, i, j, k), code


@intrinsic
def store(typing: Any, array: Any, i: Any, j: Any, k: Any, vector: Any) -> Any:
    """Write a vector to ``array[i, j, k : k + LANES]``."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        done = builder.store(args[4], _vector_address(context, builder, signature.args[0], args[0], args[1:4]))
        done.align = signature.args[0].dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, i, j, k, vector), code


def _spread_number(builder: Any, number: Any, kind: Any) -> Any:
    """Return a vector that repeats one number."""
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    first_lane = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), first_lane)


@intrinsic
def add_product(typing: Any, vector: Any, factor: Any, other: Any) -> Any:
    """Return ``vector + factor * other``; ``factor`` may be a number."""
    number = not isinstance(factor, SimdVector)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        factors = _spread_number(builder, args[1], args[0].type) if number else args[1]
        return builder.fadd(args[0], builder.fmul(factors, args[2], flags=("contract",)), flags=("contract",))

    return vector(vector, vector.dtype if number else vector, vector), code


@intrinsic
def sum_lanes(typing: Any, vector: Any) -> Any:
    """Return the sum of a vector: add its upper half to its lower half until one number is left."""

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
    """Return exp(x) = 2^n exp(r) with |r| <= ln(2) / 2, exp(r) by its Taylor series; the last digit may be off by one or two.

    Results that would overflow or underflow are clipped to the largest or smallest power of two that is a normal number.
    """
    kind, mantissa, terms = x.type, *{32: (23, 8), 64: (52, 14)}[bits]
    most = 2 ** (bits - mantissa - 2) - 1

    def constant(value: float) -> Any:
        return ir.Constant(kind, [value] * LANES)

    def product(a: Any, b: Any, c: Any) -> Any:
        return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))

    for bound, sign in ((most * math.log(2), ">"), ((1 - most) * math.log(2), "<")):
        x = builder.select(builder.fcmp_ordered(sign, x, constant(bound)), constant(bound), x)  # NaN stays NaN
    n = _call_llvm(builder, f"llvm.rint.v{LANES}f{bits}", kind, builder.fmul(x, constant(1 / math.log(2))))
    high = np.float32(math.log(2)) if bits == 64 else np.float16(math.log(2))  # few enough digits for n * high to be exact
    r = product(n, constant(-float(high)), x)
    r = product(n, constant(float(high) - math.log(2)), r)
    found = constant(1 / math.factorial(terms - 1))
    for k in range(terms - 2, -1, -1):
        found = product(found, r, constant(1 / math.factorial(k)))
    whole = ir.VectorType(ir.IntType(bits), LANES)
    power = _call_llvm(builder, f"llvm.fptosi.sat.v{LANES}i{bits}.v{LANES}f{bits}", whole, n)  # of a NaN too
    power = builder.add(power, ir.Constant(whole, [most] * LANES))
    power = builder.shl(power, ir.Constant(whole, [mantissa] * LANES))
    return builder.fmul(found, builder.bitcast(power, kind))


def _call_llvm(builder: Any, name: str, kind: Any, value: Any) -> Any:
    """Return the result of an LLVM intrinsic, a value of type ``kind``."""
    return builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [value.type]), name), [value])


@intrinsic
def zeros(typing: Any, array: Any) -> Any:
    """Return a vector of zeros of an array's dtype."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(signature.return_type), [0.0] * LANES)

    return SimdVector(array.dtype)(array), code


@intrinsic
def nonzero_bits(typing: Any, array: Any, row: Any, column: Any) -> Any:
    """Return a whole number with bit b set where ``array[row, column + b]`` is not 0, for b < LANES."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = _load_vector(context, builder, signature.args[0], args[0], args[1:])
        bits = builder.fcmp_unordered("!=", vector, ir.Constant(vector.type, [0.0] * LANES))
        return builder.zext(builder.bitcast(bits, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(array, row, column), code


@intrinsic
def lowest_bit(typing: Any, bits: Any) -> Any:
    """Return the number of the lowest bit that is set, 64 where none is."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), code


@intrinsic
def count_bits(typing: Any, bits: Any) -> Any:
    """Return how many bits are set."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.int64), code


@intrinsic
def prefetch(typing: Any, array: Any, row: Any, column: Any) -> Any:
    """Prefetch the cache line of ``array[row, column]``, without waiting for it."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _vector_address(context, builder, signature.args[0], args[0], args[1:])
        number, address = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [address, number, number, number])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(fetch, [builder.bitcast(place, address), number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, row, column), code


# The loop


@_compile
def run(x: Any, labels: Any, rows: Any, rates: Any, net: Net, buffers: Buffers, rule: Rule, scale: float) -> float:
    """Train on one chunk of the given rows, one mini-batch for each rate; the true weights are ``scale`` times those in ``w``.

    Returns:
        The scale after the last step.
    """
    samples = buffers.a.shape[1]
    for step in range(rates.size):
        first = step * samples
        for i in range(samples):
            _list_columns(x, rows[first + i], rows[min(first + i + _AHEAD, rows.size - 1)], buffers, i)
        if buffers.values.size:
            _list_samples(buffers)
        _forward(net, buffers, rule, scale)
        for i in range(samples):
            _compute_outputs(net, buffers, rule, i, scale, labels[rows[first + i]], step)
        _backward(net, buffers, rule, scale)
        scale = _prepare_step(net, rule, rates[step], scale)
        _add_gradient(net, buffers, -rates[step] / samples, scale)
        if rule.momentum != 0:
            _apply_velocities(net)
    return scale


@_compile
def _list_columns(x: Any, row: int, coming: int, buffers: Buffers, i: int) -> None:
    """List the columns of a sample that are not zero, with their values; prefetch a later sample meanwhile.

    Columns are written eight at a time; surplus ones are overwritten by the next word's. A loop that ended with the last bit of
    each word would cost one branch misprediction a word.
    """
    a, columns, n, inputs = buffers.a, buffers.columns, 0, x.shape[1]
    whole = inputs - inputs % LANES
    for start in range(0, whole, 64):
        bits = 0
        for part in range(start, min(start + 64, whole), LANES):
            bits |= nonzero_bits(x, row, part) << (part - start)
            prefetch(x, coming, part)
        end = n + count_bits(bits)
        while n < end:
            for k in range(n, n + AT_ONCE):
                columns[i, k] = start + lowest_bit(bits)
                bits &= bits - 1
            n += AT_ONCE
        n = end
    for j in range(whole, inputs):
        if x[row, j] != 0:
            columns[i, n] = j
            n += 1
    for k in range(n):
        a[0, i, k] = x[row, columns[i, k]]
    buffers.counts[0, i] = n


@_compile
def _list_samples(buffers: Buffers) -> None:
    """List what is listed of each sample by its column, in the order of the samples."""
    fills, columns, counts, a = buffers.fills, buffers.columns, buffers.counts, buffers.a
    fills[:] = 0
    for i in range(a.shape[1]):
        for k in range(counts[0, i]):
            column = columns[i, k]
            n = fills[column]
            buffers.samples[column, n], buffers.values[column, n] = i, a[0, i, k]
            fills[column] = n + 1


@_compile
def _forward(net: Net, buffers: Buffers, rule: Rule, scale: float) -> None:
    """Compute the outputs of every layer; of the last layer only the products."""
    layers, samples = net.inputs.size, buffers.a.shape[1]
    for layer in range(layers):
        together = net.strips[0] - net.strips[0] % TOGETHER if layer == 0 and buffers.values.size else 0
        for strip in range(0, together, TOGETHER):
            _combine_first(net.w, strip, net.firsts[0], buffers)
        for strip in range(together, net.strips[layer]):
            for i in range(samples):
                _combine_rows(net.w, strip, net.firsts[layer], buffers.a, layer, i, buffers.columns, buffers.counts)
        if layer < layers - 1:
            for i in range(samples):
                _activate_hidden(buffers.a, layer + 1, i, net.inputs[layer + 1], net.b, scale, rule.hidden, rule.leak)


@_compile
def _combine_rows(w: Any, strip: int, first: int, a: Any, layer: int, i: int, columns: Any, counts: Any) -> None:
    """Sum one strip of the listed rows of ``w``, each times its input; four independent sums need not wait for each other."""
    listed, n = i if layer == 0 else columns.shape[0] - 1, counts[layer, i]
    p, q, r, s = zeros(w), zeros(w), zeros(w), zeros(w)
    whole = n - n % 4
    for j in range(0, whole, 4):
        p = add_product(p, a[layer, i, j], load(w, strip, first + columns[listed, j], 0))
        q = add_product(q, a[layer, i, j + 1], load(w, strip, first + columns[listed, j + 1], 0))
        r = add_product(r, a[layer, i, j + 2], load(w, strip, first + columns[listed, j + 2], 0))
        s = add_product(s, a[layer, i, j + 3], load(w, strip, first + columns[listed, j + 3], 0))
    for j in range(whole, n):
        p = add_product(p, a[layer, i, j], load(w, strip, first + columns[listed, j], 0))
    store(a, layer + 1, i, strip * LANES, add_product(add_product(p, 1, q), 1, add_product(r, 1, s)))


@_compile
def _combine_first(w: Any, strip: int, first: int, buffers: Buffers) -> None:
    """Sum two strips of the listed rows for all samples, piece by piece; the sums are those of `_combine_rows`, to the bit."""
    a, columns, counts, sums, most = buffers.a, buffers.columns, buffers.counts, buffers.sums, 0
    for i in range(a.shape[1]):
        most = max(most, counts[0, i])
    for start in range(0, most, _PIECE):
        for i in range(a.shape[1]):
            _add_piece(w, strip, first, a, columns, sums, i, start, counts[0, i])
    for i in range(a.shape[1]):
        for k in range(TOGETHER):
            _close_sums(w, strip, k, first, a, columns, sums, i, counts[0, i])


@_compile
def _add_piece(w: Any, strip: int, first: int, a: Any, columns: Any, sums: Any, i: int, start: int, n: int) -> None:
    """Add some listed rows of a sample to its sums: two strips, four sums each."""
    if start == 0:
        p, q, r, s = zeros(w), zeros(w), zeros(w), zeros(w)
        t, u, v, x = zeros(w), zeros(w), zeros(w), zeros(w)
    else:
        p, q, r, s = load(sums, i, 0, 0), load(sums, i, 1, 0), load(sums, i, 2, 0), load(sums, i, 3, 0)
        t, u, v, x = load(sums, i, 4, 0), load(sums, i, 5, 0), load(sums, i, 6, 0), load(sums, i, 7, 0)
    for j in range(start, min(start + _PIECE, n - n % SUMS), SUMS):
        one, row = a[0, i, j], first + columns[i, j]
        p = add_product(p, one, load(w, strip, row, 0))
        t = add_product(t, one, load(w, strip + 1, row, 0))
        one, row = a[0, i, j + 1], first + columns[i, j + 1]
        q = add_product(q, one, load(w, strip, row, 0))
        u = add_product(u, one, load(w, strip + 1, row, 0))
        one, row = a[0, i, j + 2], first + columns[i, j + 2]
        r = add_product(r, one, load(w, strip, row, 0))
        v = add_product(v, one, load(w, strip + 1, row, 0))
        one, row = a[0, i, j + 3], first + columns[i, j + 3]
        s = add_product(s, one, load(w, strip, row, 0))
        x = add_product(x, one, load(w, strip + 1, row, 0))
    store(sums, i, 0, 0, p)
    store(sums, i, 1, 0, q)
    store(sums, i, 2, 0, r)
    store(sums, i, 3, 0, s)
    store(sums, i, 4, 0, t)
    store(sums, i, 5, 0, u)
    store(sums, i, 6, 0, v)
    store(sums, i, 7, 0, x)


@_compile
def _close_sums(w: Any, strip: int, k: int, first: int, a: Any, columns: Any, sums: Any, i: int, n: int) -> None:
    """Add the rows that are left over, and write the total of the four sums."""
    p, q, r, s = zeros(w), zeros(w), zeros(w), zeros(w)
    if n >= SUMS:
        of = SUMS * k
        p, q, r, s = load(sums, i, of, 0), load(sums, i, of + 1, 0), load(sums, i, of + 2, 0), load(sums, i, of + 3, 0)
    for j in range(n - n % SUMS, n):
        p = add_product(p, a[0, i, j], load(w, strip + k, first + columns[i, j], 0))
    store(a, 1, i, (strip + k) * LANES, add_product(add_product(p, 1, q), 1, add_product(r, 1, s)))


@_compile
def _activate_hidden(a: Any, layer: int, i: int, units: int, b: Any, scale: float, hidden: int, leak: float) -> None:
    """Turn the products of a hidden layer into its outputs, in place."""
    by, below = a.dtype.type(scale), a.dtype.type(leak)
    for q in range(units):
        a[layer, i, q] = by * a[layer, i, q] + b[layer - 1, 0, q]
    if hidden == SIGMOID:
        _apply_logistic(a, layer, i, units)
    elif hidden == TANH:
        for q in range(units):
            a[layer, i, q] *= 2
        _apply_logistic(a, layer, i, units)
        for q in range(units):
            a[layer, i, q] = 2 * a[layer, i, q] - 1
    else:
        for q in range(units):
            a[layer, i, q] = a[layer, i, q] if a[layer, i, q] > 0 else below * a[layer, i, q]


@_compile
def _compute_outputs(net: Net, buffers: Buffers, rule: Rule, i: int, scale: float, label: int, step: int) -> None:
    """Turn the products of the output layer into z, the outputs and their delta."""
    last, a, delta, b, z = net.inputs.size, buffers.a, buffers.delta, net.b, buffers.z
    one, by = a.dtype.type(1), a.dtype.type(scale)
    for q in range(rule.classes):
        a[last, i, q] = by * a[last, i, q] + b[last - 1, 0, q]
        z[step, q, i] = a[last, i, q]
    if rule.cost == LOG_LIKELIHOOD:
        _apply_softmax(a, last, i, rule.classes)
    else:
        _apply_logistic(a, last, i, rule.classes)
    for q in range(rule.classes):
        out = a[last, i, q]
        wrong = out - one if q == label else out
        delta[last, i, q] = wrong * (out - out * out) if rule.cost == QUADRATIC else wrong


@_compile
def _apply_logistic(a: Any, layer: int, i: int, units: int) -> None:
    for k in range(0, units, LANES):
        store(a, layer, i, k, logistic(load(a, layer, i, k)))


@_compile
def _apply_softmax(a: Any, layer: int, i: int, units: int) -> None:
    top, whole = a.dtype.type(-np.inf), a.dtype.type(0)
    for q in range(units):
        top = max(top, a[layer, i, q])
    for q in range(units):
        a[layer, i, q] = math.exp(a[layer, i, q] - top)
        whole += a[layer, i, q]
    for q in range(units):
        a[layer, i, q] /= whole


@_compile
def _backward(net: Net, buffers: Buffers, rule: Rule, scale: float) -> None:
    """Compute the deltas of the hidden layers from those of the output layer."""
    a, delta, w, number = buffers.a, buffers.delta, net.w, buffers.a.dtype.type
    one, by, below = number(1), number(scale), number(rule.leak)
    for layer in range(net.inputs.size - 1, 0, -1):
        first = net.firsts[layer]
        if net.strips[layer] == 1 and a.shape[1] > 1:
            _turn_weights(w, first, net.inputs[layer], buffers.turned)
            for i in range(a.shape[1]):
                _backward_turned(net, buffers, layer, i, by, rule.hidden, below)
            continue
        for i in range(a.shape[1]):
            for j in range(net.inputs[layer]):
                p = zeros(w)
                for strip in range(net.strips[layer]):
                    p = add_product(p, load(w, strip, first + j, 0), load(delta, layer + 1, i, strip * LANES))
                out = a[layer, i, j]
                if rule.hidden == SIGMOID:
                    slope = out - out * out
                elif rule.hidden == TANH:
                    slope = one - out * out
                else:
                    slope = one if out > 0 else below
                delta[layer, i, j] = by * sum_lanes(p) * slope


@_compile
def _turn_weights(w: Any, first: int, inputs: int, turned: Any) -> None:
    """Copy the weights of a layer of one strip, output by output."""
    for j in range(inputs):
        for k in range(LANES):
            turned[k, 0, j] = w[0, first + j, k]


@_compile
def _backward_turned(net: Net, buffers: Buffers, layer: int, i: int, by: Any, hidden: int, below: Any) -> None:
    """Compute the deltas below a layer of one strip for one sample, `LANES` units at a time.

    The products of the outputs are added in the order of `sum_lanes`, so the results are the same to the bit.
    """
    a, delta, turned, one = buffers.a, buffers.delta, buffers.turned, buffers.a.dtype.type(1)
    for j in range(0, net.inputs[layer], LANES):
        total = _sum_products(turned, delta, layer + 1, i, j)
        store(delta, layer, i, j, total)
    for j in range(net.inputs[layer]):
        out = a[layer, i, j]
        if hidden == SIGMOID:
            slope = out - out * out
        elif hidden == TANH:
            slope = one - out * out
        else:
            slope = one if out > 0 else below
        delta[layer, i, j] = by * delta[layer, i, j] * slope
    for j in range(net.inputs[layer], delta.shape[2]):
        delta[layer, i, j] = 0


@_compile
def _sum_products(turned: Any, delta: Any, above: int, i: int, j: int) -> Any:
    """Return the sum over the outputs of weight times delta for `LANES` units, halves added as `sum_lanes` adds them."""
    c0 = _sum_four(turned, delta, above, i, j, 0)
    c1 = _sum_four(turned, delta, above, i, j, 1)
    c2 = _sum_four(turned, delta, above, i, j, 2)
    c3 = _sum_four(turned, delta, above, i, j, 3)
    return add_product(add_product(c0, 1, c2), 1, add_product(c1, 1, c3))


@_compile
def _sum_four(turned: Any, delta: Any, above: int, i: int, j: int, k: int) -> Any:
    """Return (p[k] + p[k + 8]) + (p[k + 4] + p[k + 12]) of the products p of each output."""
    p = add_product(zeros(turned), delta[above, i, k], load(turned, k, 0, j))
    q = add_product(zeros(turned), delta[above, i, k + 8], load(turned, k + 8, 0, j))
    r = add_product(zeros(turned), delta[above, i, k + 4], load(turned, k + 4, 0, j))
    s = add_product(zeros(turned), delta[above, i, k + 12], load(turned, k + 12, 0, j))
    return add_product(add_product(p, 1, q), 1, add_product(r, 1, s))


@_compile
def _prepare_step(net: Net, rule: Rule, rate: float, scale: float) -> float:
    """Do all of a step that does not depend on the gradient: decay the weights or the velocities."""
    if rule.momentum != 0:
        for layer in range(net.inputs.size):
            _scale_and_add(net.into_w, net, layer, rule.momentum, -rate * rule.decay, net.w)
        net.into_b[:] *= net.into_b.dtype.type(rule.momentum)
        return scale
    scale *= 1 - rate * rule.decay
    if _LOW < scale < _HIGH:
        return scale
    for layer in range(net.inputs.size):
        _scale_and_add(net.w, net, layer, scale, 0, net.w)
    return 1.0


@_compile
def _apply_velocities(net: Net) -> None:
    """Move weights and biases along their velocities."""
    for layer in range(net.inputs.size):
        _scale_and_add(net.w, net, layer, 1, 1, net.into_w)
    net.b[:] += net.into_b


@_compile
def _scale_and_add(array: Any, net: Net, layer: int, keep: float, by: float, other: Any) -> None:
    """Set one layer of an array to ``keep`` times itself plus ``by`` times the same layer of another array."""
    first = net.firsts[layer]
    for strip in range(net.strips[layer]):
        for row in range(first, first + net.inputs[layer]):
            kept = add_product(zeros(array), keep, load(array, strip, row, 0))
            store(array, strip, row, 0, add_product(kept, by, load(other, strip, row, 0)))


@_compile
def _add_gradient(net: Net, buffers: Buffers, by: float, scale: float) -> None:
    """Add ``by`` times the gradient, summed over the samples, to the weights or the velocities."""
    a, delta, samples, number = buffers.a, buffers.delta, buffers.a.shape[1], buffers.a.dtype.type
    weights_by, biases_by = number(by / scale), number(by)
    for layer in range(net.inputs.size):
        together = net.strips[0] if layer == 0 and buffers.values.size else 0
        for strip in range(0, together, BLOCK):
            _add_columns(net.into_w, strip, net.firsts[0], delta, weights_by, buffers)
        for strip in range(together, net.strips[layer]):
            for i in range(samples):
                _add_sample_gradient(
                    net.into_w, strip, net.firsts[layer], a, delta, layer, i, weights_by, buffers.columns, buffers.counts
                )
        for i in range(samples):
            for q in range(net.strips[layer] * LANES):
                net.into_b[layer, 0, q] += biases_by * delta[layer + 1, i, q]


@_compile
def _add_sample_gradient(
    into: Any, strip: int, first: int, a: Any, delta: Any, layer: int, i: int, by: Any, columns: Any, counts: Any
) -> None:
    """Add the gradient of one sample to one strip of the listed rows."""
    listed, n = i if layer == 0 else columns.shape[0] - 1, counts[layer, i]
    wanted = load(delta, layer + 1, i, strip * LANES)
    for j in range(n):
        much, row = by * a[layer, i, j], first + columns[listed, j]
        store(into, strip, row, 0, add_product(load(into, strip, row, 0), much, wanted))


@_compile
def _add_columns(into: Any, strip: int, first: int, delta: Any, by: Any, buffers: Buffers) -> None:
    """Add the gradient of all samples to four strips, column by column: each row is read and written once.

    Every number gets the same products in the same order as in `_add_sample_gradient`: the results are the same to the bit.
    """
    samples, values = buffers.samples, buffers.values
    for j in range(buffers.fills.size):
        n, row = buffers.fills[j], first + j
        if n == 0:
            continue
        p, q = load(into, strip, row, 0), load(into, strip + 1, row, 0)
        r, s = load(into, strip + 2, row, 0), load(into, strip + 3, row, 0)
        for k in range(n):
            much, i = by * values[j, k], 0 + samples[j, k]
            p = add_product(p, much, load(delta, 1, i, strip * LANES))
            q = add_product(q, much, load(delta, 1, i, (strip + 1) * LANES))
            r = add_product(r, much, load(delta, 1, i, (strip + 2) * LANES))
            s = add_product(s, much, load(delta, 1, i, (strip + 3) * LANES))
        store(into, strip, row, 0, p)
        store(into, strip + 1, row, 0, q)
        store(into, strip + 2, row, 0, r)
        store(into, strip + 3, row, 0, s)
