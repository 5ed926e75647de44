"""Checks of arguments, NumPy's scalars as Python values, and reprs that stay the same when a class gets new fields.

Every check returns the value or raises an error of the form ``{what} must be {constraint}, got {value!r}. {what to do}``. True
and False are not numbers here, although Python counts them as such: ``epochs=True`` is a mistake.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import Field, fields
from typing import Any, TypeGuard

import numpy as np

from hpsearch.errors import HpsearchError, SettingError, did_you_mean, must_be

Error = type[HpsearchError]


def to_python(value: Any) -> Any:
    """Return NumPy scalars as Python values and lists as tuples; anything else as it is.

    >>> to_python(np.int64(3)), to_python([np.float32(0.5), "a"])
    (3, (0.5, 'a'))
    """
    if isinstance(value, np.generic):
        return value.item()
    return tuple(to_python(item) for item in value) if isinstance(value, (list, tuple)) else value


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an int, and not True or False."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is an int or a float, NaN and infinity included, and not True or False."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_finite(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a number other than NaN and infinity.

    >>> is_finite(2), is_finite(float("inf")), is_finite(10**400)
    (True, False, False)
    """
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:  # an int that is too large for a float
        return False


def integer(
    what: str,
    value: object,
    least: int | None = None,
    advice: str = "Give a whole number in that range.",
    *,
    most: int | None = None,
    other: str = "",
    error: Error = SettingError,
) -> int:
    """Return a whole number of at least ``least`` and at most ``most``, or raise ``error``.

    Args:
        other: what else is accepted there, for the sentence; the caller has looked for it before.

    >>> integer("epochs", 0, 1, "Try 10.")
    Traceback (most recent call last):
    hpsearch.errors.SettingError: epochs must be a whole number >= 1, got 0. Try 10.
    """
    if is_integer(value) and (least is None or value >= least) and (most is None or value <= most):
        return value
    span = f" in [{least}, {most}]" if most is not None else "" if least is None else f" >= {least}"
    raise error(must_be(what, f"a whole number{span}{f', or {other}' if other else ''}", value, advice))


def number(
    what: str,
    value: object,
    low: float = -math.inf,
    high: float = math.inf,
    advice: str = "Give a number in that range.",
    *,
    open_low: bool = False,
    open_high: bool = False,
    error: Error = SettingError,
) -> float:
    """Return a finite number between ``low`` and ``high``, ends included unless open, or raise ``error``.

    >>> number("momentum", 1.0, 0.0, 1.0, "Try 0.9.", open_high=True)
    Traceback (most recent call last):
    hpsearch.errors.SettingError: momentum must be a number in [0, 1), got 1.0. Try 0.9.
    """
    if is_finite(value) and (low < value if open_low else low <= value) and (value < high if open_high else value <= high):
        return value
    if math.isinf(low) and math.isinf(high):
        raise error(must_be(what, "a finite number", value, advice))
    left, right = "(" if open_low or math.isinf(low) else "[", ")" if open_high or math.isinf(high) else "]"
    raise error(must_be(what, f"a number in {left}{low:g}, {high:g}{right}", value, advice))


def choice(
    what: str, value: object, options: Iterable[str], advice: str = "Take one of these.", *, error: Error = SettingError
) -> str:
    """Return a text that is one of ``options``, or raise ``error`` and name the closest one.

    >>> choice("engine", "nunpy", ("numpy", "numba"))
    Traceback (most recent call last):
    hpsearch.errors.SettingError: engine must be one of 'numpy', 'numba', got 'nunpy'. Take one of these. Did you mean 'numpy'?
    """
    known = tuple(options)
    if isinstance(value, str) and value in known:
        return value
    raise error(must_be(what, f"one of {', '.join(map(repr, known))}", value, advice + did_you_mean(str(value), known)))


def boolean(what: str, value: object, advice: str, *, error: Error = SettingError) -> bool:
    """Return True or False, or raise ``error``."""
    if isinstance(value, bool):
        return value
    raise error(must_be(what, "True or False", value, advice))


def text(what: str, value: object, advice: str, *, constraint: str = "a text", error: Error = SettingError) -> str:
    """Return a text, or raise ``error``; where ``constraint`` says more than "a text", an empty one is wrong too."""
    if isinstance(value, str) and (value or constraint == "a text"):
        return value
    raise error(must_be(what, constraint, value, advice))


# Metadata of a dataclass field that was added after its class was first recorded, see `recorded_repr`.
LATER = {"later": True}


def recorded_repr(recorded: Any) -> str:
    """Return the repr of a dataclass, without the fields added `LATER` that have their default value.

    A repr is part of a study's identity: with a plain repr, a field added to a class would make every earlier record of it
    another study. Set it as the ``__repr__`` of a class that is recorded.

    >>> from dataclasses import dataclass, field
    >>> @dataclass
    ... class Rule:
    ...     rate: float
    ...     clip: float | None = field(default=None, metadata=LATER)
    ...     __repr__ = recorded_repr
    >>> Rule(0.5), Rule(0.5, clip=1.0)
    (Rule(rate=0.5), Rule(rate=0.5, clip=1.0))
    """
    shown = [item.name for item in fields(recorded) if item.repr and not _is_later_default(recorded, item)]
    return f"{type(recorded).__qualname__}({', '.join(f'{name}={getattr(recorded, name)!r}' for name in shown)})"


def _is_later_default(recorded: Any, item: Field[Any]) -> bool:
    off = item.metadata.get("off", item.default)
    value = getattr(recorded, item.name)
    return bool(item.metadata.get("later")) and bool(value == item.default or value == off)
