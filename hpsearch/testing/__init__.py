"""Contracts to hold your own strategy, objective or tracker to; needs pytest.

Subclass one in a test file and say how to make the thing; pytest then runs the laws of its port against it:

    class TestMine(StrategyContract):
        def make(self): return Mine(trials=8)

`check_gradient` holds a network's derivatives, or those of a layer of your own in a `hpsearch.nn.Stack`, against differences.
"""

from hpsearch.nn.gradcheck import check_gradient
from hpsearch.testing.by_hand import SPACES, bowl, drive, table
from hpsearch.testing.objectives import ObjectiveContract
from hpsearch.testing.strategies import StrategyContract
from hpsearch.testing.trackers import TrackerContract

__all__ = ["SPACES", "ObjectiveContract", "StrategyContract", "TrackerContract", "bowl", "check_gradient", "drive", "table"]
