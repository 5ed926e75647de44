"""Every strategy is held to the law of its port, on every kind of space."""

from __future__ import annotations

from hpsearch import strategies
from hpsearch.ports import Strategy
from hpsearch.strategies import Grid, Random
from hpsearch.testing import StrategyContract


class TestRandom(StrategyContract):
    def make(self) -> Strategy:
        return Random(trials=12)


class TestGrid(StrategyContract):
    def make(self) -> Strategy:
        return Grid(points=2)


class TestGridOfCells(StrategyContract):
    def make(self) -> Strategy:
        return Grid(points=2, spacing="cells")


def test_no_strategy_is_left_out() -> None:
    tested = {type(case().make()).__name__ for case in StrategyContract.__subclasses__()}
    assert tested >= set(strategies.__all__)
