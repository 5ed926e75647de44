"""Functions and classes on their way to processes of `multiprocessing`: by name where they have one, else by value."""

from __future__ import annotations

import pickle
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import pytest

from hpsearch.execution.pickling import send_by_value

CODE = """
class Point:
    def __init__(self, value):
        self.value = value
    class Inner:
        pass
def double(point):
    return Point(2 * point.value)
"""


def names_of(module: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": module}
    exec(CODE, space)
    return space


@pytest.fixture(autouse=True)
def by_value() -> None:
    send_by_value()


def test_what_can_be_imported_goes_by_name() -> None:
    for thing in (names_of, Path, pickle.dumps, Any, dict):
        assert bytes(ForkingPickler.dumps(thing)) == bytes(pickle.dumps(thing))


@pytest.mark.parametrize("module", ["hpsearch_file_gone", "__main__"])
def test_what_cannot_goes_by_value(module: str) -> None:
    """A module of a study's file is nowhere in a worker; the main module there is another one."""
    there = names_of(module)
    double, point, inner = pickle.loads(ForkingPickler.dumps((there["double"], there["Point"](3), there["Point"].Inner)))
    assert double(point).value == 6
    assert inner.__name__ == "Inner"
    with pytest.raises((pickle.PicklingError, AttributeError, ImportError)):
        pickle.dumps(there["double"])


def test_a_file_that_is_sent_by_value_to_workers_is_so_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the study's own process the module is there, but the processes that it spawns have none of that name."""
    module = ModuleType("hpsearch_file_here")
    exec(CODE, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    cloudpickle.register_pickle_by_value(module)
    sent = ForkingPickler.dumps(module.double)
    cloudpickle.unregister_pickle_by_value(module)
    monkeypatch.delitem(sys.modules, module.__name__)
    assert pickle.loads(sent)(module.Point(4)).value == 8


def test_local_functions_are_errors_as_ever() -> None:
    def local() -> None: ...

    with pytest.raises((pickle.PicklingError, AttributeError)):
        ForkingPickler.dumps(local)
