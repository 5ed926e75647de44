"""Texts for values in labels and records: no addresses, and sets in an order of their own."""

from __future__ import annotations

import dataclasses
import re
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any


def stable_repr(value: Any) -> str:
    """Return the repr of a value without addresses and hash order; functions and classes by their name.

    >>> stable_repr({"b", "a"}), stable_repr([len, object()])
    ("{'a', 'b'}", '[len, object()]')
    """
    if type(value) in (list, tuple):
        inner = ", ".join(map(stable_repr, value))
        return f"[{inner}]" if type(value) is list else f"({inner},)" if len(value) == 1 else f"({inner})"
    if type(value) is dict:
        return f"{{{', '.join(f'{stable_repr(key)}: {stable_repr(item)}' for key, item in value.items())}}}"
    if type(value) in (set, frozenset) and value:
        inner = f"{{{', '.join(sorted(map(stable_repr, value)))}}}"
        return inner if type(value) is set else f"frozenset({inner})"
    if isinstance(value, (type, FunctionType, BuiltinFunctionType, MethodType)):
        return str(value.__qualname__)
    if dataclasses.is_dataclass(value) and _has_made_repr(type(value)):
        shown = [field.name for field in dataclasses.fields(value) if field.repr]
        return f"{type(value).__qualname__}({', '.join(f'{name}={stable_repr(getattr(value, name))}' for name in shown)})"
    if _has_bare_repr(value):
        return f"{type(value).__qualname__}()"
    return without_addresses(repr(value))


def is_whole(value: Any) -> bool:
    """Return whether the repr of a value shows all of it: no address, nothing cut short, and a repr of its own."""
    text = repr(value)
    return not _has_bare_repr(value) and "..." not in text and " at 0x" not in text


def without_addresses(text: str) -> str:
    """Return a repr without the addresses of objects."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _has_bare_repr(value: Any) -> bool:
    bare: Any = object.__repr__
    return type(value).__repr__ is bare


def _has_made_repr(kind: type) -> bool:
    """Return whether a class has the repr that `dataclass` makes, which shows the fields."""
    made = getattr(kind.__repr__, "__wrapped__", None)
    return isinstance(made, FunctionType) and made.__code__.co_qualname.startswith("__create_fn__")
