"""Pickling of functions and classes of a study's file for the processes that an objective starts itself.

`multiprocessing` sends them by name, and neither the workers nor the processes that they start can import a study's file.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from multiprocessing.reduction import ForkingPickler
from types import FunctionType
from typing import Any

import cloudpickle


def send_by_value() -> None:
    """Make `multiprocessing` send functions and classes by value where they cannot be imported by name; others as ever."""
    ForkingPickler.reducer_override = _reduce  # type: ignore[method-assign, assignment]


def _reduce(pickler: ForkingPickler, thing: Any) -> Any:
    if isinstance(thing, (FunctionType, type)) and not _has_name(thing):
        return _restore, (cloudpickle.dumps(thing),)
    return NotImplemented


def _restore(content: bytes) -> Any:
    send_by_value()  # for what this process returns
    return pickle.loads(content)  # from the process that started this one, never from a disk


def _has_name(thing: Any) -> bool:
    """Return whether another process finds a function or a class by the name of its module and its own."""
    name = getattr(thing, "__module__", None)
    if not isinstance(name, str) or name in cloudpickle.list_registry_pickle_by_value():
        return not isinstance(name, str)
    try:
        module = sys.modules.get(name) or importlib.import_module(name)
    except ImportError:
        return False
    # A study that was started as a script is the main module of its own process alone.
    return name != "__main__" or _find(module, thing.__qualname__) is thing


def _find(module: object, name: str) -> object:
    """Return what has this qualified name in a module; None where nothing has."""
    found: object = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
