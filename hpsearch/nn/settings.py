"""Checks of a setting's type and range, and the rule that lets a template hold a range in a setting's place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field, fields, is_dataclass
from typing import Any

from hpsearch import checks
from hpsearch.errors import SettingError, must_be

Check = Callable[[str, object], None]


def whole(low: int, advice: str = "Give a whole number in that range.") -> Check:
    """Return a check that a setting is a whole number of at least ``low``."""

    def check(what: str, value: object) -> None:
        checks.integer(what, value, low, advice)

    return check


def number(
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
    advice: str = "Give a number in that range.",
) -> Check:
    """Return a check that a setting is a finite number between ``low`` and ``high``, ends included unless open."""

    def check(what: str, value: object) -> None:
        checks.number(what, value, low, high, advice, open_low=open_low, open_high=open_high)

    return check


def widths(hidden: object) -> tuple[int, ...]:
    """Return the widths of the hidden layers, a number or a tuple of them, none for ``()``, or say what is wrong with them.

    >>> widths(30), widths((100, 30))
    ((30,), (100, 30))
    """
    advice = "Give a number of units, or a tuple of them such as (100, 30)."
    given = hidden if isinstance(hidden, tuple) else (hidden,)
    return tuple(checks.integer("hidden", width, 1, advice) for width in given)


def setting(check: Check, **default: Any) -> Any:
    """Return a dataclass field that a `Template` checks, with ``default=`` where it has one."""
    return field(metadata={"check": check}, **default)


def unresolved(value: object) -> bool:
    """Return whether a value is a range that a search fills in later, known by its map from the unit interval."""
    return hasattr(value, "from_unit")


def refuse_open(what: str, rule: object) -> None:
    """Raise an error for a template that still holds a range, in itself or in a template inside it."""
    for item in fields(rule) if is_dataclass(rule) else ():
        value = getattr(rule, item.name)
        if unresolved(value):
            advice = "Put a rule with a range into the space, as a Choice."
            raise SettingError(must_be(f"{what} {item.name}", "a plain value", value, advice))
        refuse_open(f"{what} {item.name}", value)


class Template:
    """Base of frozen dataclasses whose fields may hold a range; plain values are checked, ranges are let through.

    Filling the ranges in with `dataclasses.replace` makes a new object, and so checks what was filled in.
    """

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            value = getattr(self, item.name)
            if "check" in item.metadata and not unresolved(value):
                item.metadata["check"](f"{type(self).__name__} {item.name}", value)
