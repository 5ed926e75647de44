"""Plain Python values, argument checks, and reprs that stay the same when a class gets new fields."""

from __future__ import annotations

import math
from dataclasses import Field, fields
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError, must_be


def plain(option: Any) -> Any:
    """Return NumPy scalars as Python values and lists as tuples; anything else as it is."""
    if isinstance(option, np.generic):
        return option.item()
    return tuple(plain(item) for item in option) if isinstance(option, (list, tuple)) else option


def finite(what: str, value: Any) -> float:
    """Return a finite number as Python's own, or refuse it."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SpaceError(must_be(what, "a finite number", value, "Write it as in Float(0.001, 1.0)."))
    return value


def whole(what: str, value: Any) -> int:
    """Return a whole number as Python's own, or refuse it."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpaceError(must_be(what, "a whole number", value, "Write it as in Int(2, 10), or use Float."))
    return value


def check_ends(kind: str, low: float, high: float, log: bool, hard: object) -> None:
    """Refuse the ends of a range that are the wrong way round, and an unknown way to keep them."""
    if not low < high:
        raise SpaceError(f"{kind} needs low < high, got low={low!r}, high={high!r}. Swap them, or fix the value.")
    if log and low <= 0:
        raise SpaceError(must_be(f"{kind} low", "> 0 where log=True", low, "Raise it, as in 1e-4, or leave log out."))
    if not (hard is None or isinstance(hard, bool) or hard in ("low", "high")):
        advice = "Leave it out to keep the ends of linear ranges only."
        raise SpaceError(must_be(f"{kind} hard", "True, False, 'low' or 'high'", hard, advice))


def even_units(count: object, spacing: str) -> list[float]:
    """Return ``count`` evenly spread points of [0, 1]: both ends included (``"ends"``), or centres of cells (``"cells"``).

    >>> even_units(3, "ends"), even_units(2, "cells")
    ([0.0, 0.5, 1.0], [0.25, 0.75])
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise SpaceError(must_be("A number of grid points", "a whole number >= 1", count, "Try 5."))
    if spacing == "cells" or count == 1:
        return [(i + 0.5) / count for i in range(count)]
    return [i / (count - 1) for i in range(count)]


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
    return bool(item.metadata.get("later")) and bool(getattr(recorded, item.name) == item.default)
