"""Test contracts for your own strategies, objectives and trackers, and tools to test them without a study.

Subclass a contract in a test file and return your object from ``make``; pytest then runs the tests of its port:

    class TestMine(StrategyContract):
        def make(self): return Mine(trials=8)

`check_gradient` compares the derivatives of a network, or of your own layer in a `hpsearch.nn.Stack`, with differences. Only
`StrategyContract` needs pytest to be installed.
"""

from typing import TYPE_CHECKING, Any

from hpsearch.nn.gradcheck import check_gradient
from hpsearch.testing.driver import SPACES, bowl, drive, table
from hpsearch.testing.objectives import ObjectiveContract
from hpsearch.testing.trackers import TrackerContract

if TYPE_CHECKING:
    from hpsearch.testing.strategies import StrategyContract

__all__ = ["SPACES", "ObjectiveContract", "StrategyContract", "TrackerContract", "bowl", "check_gradient", "drive", "table"]


def __getattr__(name: str) -> Any:
    """Import `StrategyContract` at its first use: it is built on fixtures of pytest."""
    if name != "StrategyContract":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from hpsearch.testing.strategies import StrategyContract
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        advice = "Run: pip install pytest."
        raise ModuleNotFoundError(f"StrategyContract needs the package 'pytest', which is not installed. {advice}") from error
    return StrategyContract
