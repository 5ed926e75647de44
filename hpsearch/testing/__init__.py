"""Test contracts for your own strategies, objectives, trackers and executors, and tools to test them without a study.

Subclass a contract in a test file and return your object from ``make``; pytest then runs the tests of its port:

    class TestMine(StrategyContract):
        def make(self): return Mine(trials=8)

`check_gradient` compares the derivatives of a network, or of your own layer in a `hpsearch.nn.Stack`, with differences.
The contracts of strategies and executors need pytest to be installed.
"""

import importlib
from typing import TYPE_CHECKING, Any

from hpsearch.nn.gradcheck import check_gradient
from hpsearch.testing.driver import SPACES, bowl, drive, table
from hpsearch.testing.objectives import ObjectiveContract
from hpsearch.testing.trackers import TrackerContract

if TYPE_CHECKING:
    from hpsearch.testing.executors import ExecutorContract
    from hpsearch.testing.strategies import StrategyContract

__all__ = [
    "SPACES",
    "ExecutorContract",
    "ObjectiveContract",
    "StrategyContract",
    "TrackerContract",
    "bowl",
    "check_gradient",
    "drive",
    "table",
]
# The contracts that are built on fixtures of pytest, and their files.
_BY_PYTEST = {"ExecutorContract": "executors", "StrategyContract": "strategies"}


def __getattr__(name: str) -> Any:
    """Import a contract that needs pytest at its first use."""
    if name not in _BY_PYTEST:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_BY_PYTEST[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        raise ModuleNotFoundError(
            f"{name} needs the package 'pytest', which is not installed. Run: pip install pytest."
        ) from error
