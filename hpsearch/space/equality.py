"""Equality of parameter values: by type at every depth, where NaN equals NaN and -0.0 is 0.0.

Python's own ``==`` takes 1, 1.0 and True for one value, and NaN for none.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hpsearch.checks import to_python


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are the same option.

    >>> is_same(math.nan, math.nan), is_same((1, 2), (1.0, 2)), is_same(True, 1), is_same(-0.0, 0.0)
    (True, False, False, True)
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(value, other[key]) for key, value in one.items())
    if isinstance(one, (set, frozenset)):
        return len(one) == len(other) and all(any(is_same(item, twin) for twin in other) for item in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and is_same(one.tolist(), other.tolist())
    return _is_same_object(one, other)


def python_value(value: Any) -> Any:
    """Return a value as params hold it: a Python value, a list as a tuple, and -0.0 as 0.0.

    >>> python_value([np.float32(-0.0), np.int64(3)])
    (0.0, 3)
    """
    return _positive_zero(to_python(value))


def params_key(params: Mapping[str, Any]) -> str:
    """Return a text that two params share if their values are the same, in whatever order they stand.

    >>> params_key({"a": 0.0, "b": math.nan}) == params_key({"b": math.nan, "a": -0.0})
    True
    """
    return repr([(name, _positive_zero(params[name])) for name in sorted(params)])


def _positive_zero(value: Any) -> Any:
    if isinstance(value, float):
        return value + 0.0
    return tuple(map(_positive_zero, value)) if type(value) is tuple else value


def _is_same_object(one: Any, other: Any) -> bool:
    settings: Any = getattr(one, "__dataclass_params__", None)
    if settings is not None and settings.eq:
        names = [item.name for item in dataclasses.fields(one) if item.compare]
        return all(is_same(getattr(one, name), getattr(other, name)) for name in names)
    try:
        return bool(one == other)
    except Exception:  # a comparison that returns an array, or raises
        return False
