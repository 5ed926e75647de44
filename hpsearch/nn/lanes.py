"""Vectors in compiled code: `LANES` numbers at a time, whatever the width of the processor's own registers.

numba's loops over a few dozen numbers spend more on the loop than on the numbers; these intrinsics name the vectors instead.
What numba keeps on disk is checked against `hpsearch.nn.compiled` alone: after a change here, change that file too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

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
