"""Identity as it was recorded at first (version 1): the rule by which records of that time are compared, kept unchanged."""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
import textwrap
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

_DEPTH = 6
# What a function may well fill while it runs (a log, a cache) says nothing about what it is.
_CHANGING = (list, dict, set)
_BARE: Any = object.__repr__


def describe_v1(thing: Any) -> str:
    """Return the repr of a strategy or objective, and a hash of its code where that is the user's own.

    The hash covers the source, and what it depends on beside the params: defaults, values from enclosing functions, and the
    plain values and functions of its own folder that it names. Lists, dicts and sets outside the function are left out.
    """
    if _is_ours(thing):
        return repr(thing)
    name = thing.__qualname__ if inspect.isroutine(thing) else _stable_repr(thing, _DEPTH)
    return f"{name} (code {hashlib.sha256(_content(thing, _DEPTH).encode()).hexdigest()[:12]})"


def _is_ours(thing: Any) -> bool:
    return type(thing).__module__.split(".")[0] == "hpsearch"


def _stable_repr(thing: Any, depth: int) -> str:
    """Return a repr without addresses; an object that has no repr of its own shows what it holds."""
    if getattr(type(thing), "__repr__", None) is _BARE:
        held = sorted(_attributes(thing).items()) if depth else ()
        texts = ", ".join(f"{name}={_stable_repr(value, depth - 1)}" for name, value in held)
        return f"{type(thing).__qualname__}({texts})"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))


def _attributes(thing: Any) -> dict[str, Any]:
    return {name: value for name, value in getattr(thing, "__dict__", {}).items() if not name.startswith("__")}


def _content(thing: Any, depth: int) -> str:
    """Return everything about a value that may change what it does, as text."""
    if depth == 0:
        return type(thing).__qualname__
    if isinstance(thing, functools.partial):
        return "partial " + " ".join(_content(part, depth - 1) for part in (thing.func, thing.args, thing.keywords))
    if isinstance(thing, MethodType):
        return f"{_content(thing.__func__, depth)} of {_content(thing.__self__, depth - 1)}"
    if isinstance(thing, FunctionType):
        return _function(thing, depth)
    if isinstance(thing, np.ndarray):
        return f"array {thing.dtype} {thing.shape} {hashlib.sha256(np.ascontiguousarray(thing).tobytes()).hexdigest()}"
    if isinstance(thing, (list, tuple, set, frozenset)):
        parts = [_content(item, depth - 1) for item in thing]
        return f"{type(thing).__name__} {sorted(parts) if isinstance(thing, (set, frozenset)) else parts}"
    if isinstance(thing, dict):
        return str({str(key): _content(value, depth - 1) for key, value in thing.items()})
    if isinstance(thing, type):
        return _source(thing)
    return _instance(thing, depth)


def _instance(thing: Any, depth: int) -> str:
    if thing is None or isinstance(thing, (bool, int, float, str, bytes)) or _is_ours(thing):
        return repr(thing)
    held = {name: _content(value, depth - 1) for name, value in sorted(_attributes(thing).items())}
    return f"{_source(type(thing))} {_stable_repr(thing, depth)} {held}"


def _function(function: FunctionType, depth: int) -> str:
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    cells = [value for value in cells if not isinstance(value, _CHANGING)]
    beside = [function.__defaults__, function.__kwdefaults__, *cells, *_read_globals(function)]
    source = _code(function.__code__) if function.__name__ == "<lambda>" else _source(function)
    return " ".join([source, *(_content(value, depth - 1) for value in beside)])


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a name bound later, such as the function's own
        return False


def _read_globals(function: FunctionType) -> list[Any]:
    """Return the globals a function names that are plain values, or functions from its own folder."""
    found = [function.__globals__.get(name) for name in sorted(_names(function.__code__))]
    folder = Path(function.__code__.co_filename).parent
    near = [v for v in found if isinstance(v, FunctionType) and Path(v.__code__.co_filename).parent == folder]
    plain = [v for v in found if isinstance(v, (bool, int, float, str, tuple, np.ndarray))]
    return plain + [value for value in near if value is not function]


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _code(code: CodeType) -> str:
    """Return what a lambda does: its source would be the whole statement around it."""
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {constants} {code.co_names} {code.co_varnames}"


def _source(thing: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError):
        return str(getattr(thing, "__qualname__", thing))
