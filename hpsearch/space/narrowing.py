"""Narrowed, widened and extended domains, for searches that move their ranges between batches.

Positions are on the unit scale of a range: 0 is its low end, 1 its high end. Only ends that are not hard can be passed.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

from hpsearch.checks import is_finite, is_integer
from hpsearch.space.domains import Choice, Domain, Float, Int

# Values in this share of a range, next to an end, are "at the edge".
EDGE = 0.2
_LARGEST_LOG = math.log(sys.float_info.max)
_D = TypeVar("_D", bound=Domain)


def can_reach(domain: Domain, value: object) -> bool:
    """Return whether ``value`` is in the domain, or of its kind and beyond an end that is not hard.

    >>> [can_reach(Float(0.1, 1.0, log=True), x) for x in (0.5, 20.0, -1.0)], can_reach(Float(0.0, 0.9), 0.95)
    ([True, True, False], False)
    """
    if domain.contains(value) or isinstance(domain, Choice):
        return domain.contains(value)
    if not is_finite(value):
        return False
    if isinstance(domain, Int) and (not is_integer(value) or domain.steps_to(value) is None):
        return False
    if isinstance(domain, Float) and domain.step is not None and domain.steps_to(value) is None:
        return False
    low, high = domain.free
    return (low or value >= domain.low) and (high or value <= domain.high) and (not domain.log or value > 0)


def cut_domain(domain: _D, start: float, end: float) -> _D:
    """Return the range between two positions; a position below 0 or above 1 counts only if that end is not hard.

    A range of steps keeps at least two values. A Float that would become empty, a fixed value and a Choice are returned
    unchanged.

    >>> cut_domain(Float(0.01, 1.0, log=True), 0.5, 1.5)
    Float(0.1, 10.0, log=True)
    >>> cut_domain(Int(0, 9), 0.25, 0.75), cut_domain(Float(0.0, 0.9), 0.5, 1.5)
    (Int(2, 7), Float(0.45, 0.9))
    """
    if isinstance(domain, Choice) or domain.is_fixed:
        return domain
    start = start if domain.free[0] else max(start, 0.0)
    end = end if domain.free[1] else min(end, 1.0)
    low, high = value_at(domain, start), value_at(domain, end)
    if domain.count and low >= high:
        low, high = _two_values(domain, min(low, high))
    return dataclasses.replace(domain, low=low, high=high) if low < high else domain


def value_at(domain: Float | Int, u: float) -> Any:
    """Return the value at a position that may lie outside [0, 1]."""
    if 0 <= u <= 1:
        return domain.from_unit(u)
    if domain.count and not domain.log:
        return domain.at(math.floor(u * domain.count))
    if not domain.log:
        return _within_floats(domain.low + u * (domain.high - domain.low))
    half = 0.5 if isinstance(domain, Int) else 0.0
    low, high = math.log(domain.low - half), math.log(domain.high + half)
    value = math.exp(min(low + u * (high - low), _LARGEST_LOG))
    return max(round(value), 1) if isinstance(domain, Int) else _within_floats(float(f"{value:.15g}"))


def narrow_domain(domain: _D, values: Sequence[Any], width: float) -> _D:
    """Return the hull of the windows around some values, each ``width`` wide and shifted to lie inside the range.

    Without values, return the whole range.

    >>> narrow_domain(Float(0.0, 1.0), [0.5, 0.95], width=0.25)
    Float(0.375, 1.0)
    """
    if isinstance(domain, Choice) or not values or width >= 1:
        return domain
    starts = [min(max(domain.to_unit(value) - width / 2, 0.0), 1.0 - width) for value in values]
    return cut_domain(domain, min(starts), max(starts) + width)


def widen_domain(domain: _D, values: Sequence[Any], limit: _D) -> _D:
    """Return the range extended by one step past the end at which the first value and most of the others lie.

    A step is as in `extend_domain`; the new end stays within ``limit``.

    >>> widen_domain(Float(0.01, 1.0, log=True), [0.9, 0.8, 0.02], Float(1e-3, 10.0, log=True))
    Float(0.01, 10.0, log=True)
    """
    if isinstance(domain, Choice) or isinstance(limit, Choice) or not values:
        return domain
    positions = [domain.to_unit(value) for value in values]
    at_low, at_high = _is_majority([u < EDGE for u in positions]), _is_majority([u > 1 - EDGE for u in positions])
    extended = extend_domain(domain, float(at_low), float(at_high))
    low, high = max(extended.low, min(limit.low, domain.low)), min(extended.high, max(limit.high, domain.high))
    ends: dict[str, Any] = {"low": low, "high": high}
    return dataclasses.replace(domain, **ends)


def extend_domain(domain: _D, down: float, up: float) -> _D:
    """Return the range extended by ``down`` steps past its low end and ``up`` steps past its high end, unless they are hard.

    A step is a factor of 10 for a logarithmic Float, a factor of 2 for a logarithmic Int (sizes cost memory and time), and
    half the width of a linear range.

    >>> extend_domain(Float(0.01, 1.0, log=True), 1, 2)
    Float(0.001, 100.0, log=True)
    >>> extend_domain(Int(10, 100, log=True), 0, 1)
    Int(10, 200, log=True)
    """
    if isinstance(domain, Choice):
        return domain
    if not domain.log:
        return cut_domain(domain, -down / 2, 1 + up / 2)
    factor = 2 if isinstance(domain, Int) else 10
    low = domain.low / factor**down if domain.free[0] else domain.low
    high = domain.high * factor**up if domain.free[1] else domain.high
    if isinstance(domain, Int):
        low, high = max(math.ceil(low), 1), math.floor(high)
    else:
        low, high = max(low, min(domain.low, sys.float_info.min)), _within_floats(high)
    ends: dict[str, Any] = {"low": low, "high": high}
    return dataclasses.replace(domain, **ends)


def _within_floats(value: float) -> float:
    """Return a value, or the largest float where it overflowed."""
    return min(max(value, -sys.float_info.max), sys.float_info.max)


def _is_majority(at_edge: list[bool]) -> bool:
    """Return whether the first value and more than half of all are at the edge."""
    return at_edge[0] and 2 * sum(at_edge) > len(at_edge)


def _two_values(domain: Float | Int, value: Any) -> tuple[Any, Any]:
    """Return two neighbouring values of the range, one of them ``value``."""
    if value >= domain.high and not domain.free[1]:
        return domain.at(domain.count - 2), domain.high
    return value, domain.at((domain.steps_to(value) or 0) + 1)
