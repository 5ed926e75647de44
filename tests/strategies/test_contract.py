"""The contract of a strategy, run against every strategy on every kind of space."""

from __future__ import annotations

from typing import ClassVar

import pytest
from sklearn.naive_bayes import GaussianNB

from hpsearch import Float, Int, Space, Study, data, strategies
from hpsearch.objectives import TuneEstimator
from hpsearch.ports import Strategy
from hpsearch.strategies import (
    Bayesian,
    FollowSlope,
    FreezeThaw,
    GaussianProcess,
    Grid,
    Grow,
    Halving,
    Hyperband,
    InTurn,
    QuasiRandom,
    Random,
    Staged,
)
from hpsearch.testing import SPACES, StrategyContract


class TestRandom(StrategyContract):
    def make(self) -> Strategy:
        return Random(trials=12)


class TestGrid(StrategyContract):
    def make(self) -> Strategy:
        return Grid(points=2)


class TestGridOfCells(StrategyContract):
    def make(self) -> Strategy:
        return Grid(points=2, spacing="cells")


class TestStaged(StrategyContract):
    def make(self) -> Strategy:
        return Staged(trials=24, batch_size=4)


class TestStagedWithEpochs(StrategyContract):
    def make(self) -> Strategy:
        return Staged(stages=(8, 8), keep=2, epochs=(1, 3), batch_size=3)


class TestHalving(StrategyContract):
    def make(self) -> Strategy:
        return Halving(trials=12, min_epochs=1, max_epochs=4, factor=2)


class TestHalvingOnAParameter(StrategyContract):
    # Only a space with a whole number in it has such a resource.
    spaces: ClassVar = {"log": Space(x=Float(1e-4, 10.0, log=True), n=Int(1, 8, log=True))}

    def make(self) -> Strategy:
        return Halving(trials=10, factor=2, resource="n")


class TestHyperband(StrategyContract):
    def make(self) -> Strategy:
        return Hyperband(max_epochs=4, factor=2)


class TestFreezeThaw(StrategyContract):
    def make(self) -> Strategy:
        return FreezeThaw(epochs=42, max_epochs=2)


class TestFreezeThawOnRows(StrategyContract):
    def make(self) -> Strategy:
        # A study does this by itself, for an objective that holds data.
        return FreezeThaw(resource="rows", trainings=24, min_rows=30).on_rows(90, 10)

    def study(self) -> Study:
        space = Space(var_smoothing=Float(1e-9, 1.0, log=True))
        bayes = TuneEstimator(GaussianNB(), data.digits().head(90))
        return Study("contract", space, bayes, FreezeThaw(resource="rows", trainings=24, min_rows=30), seed=5)


class TestInTurn(StrategyContract):
    def make(self) -> Strategy:
        return InTurn(trials=40)


class TestInTurnInAnOrder(StrategyContract):
    # Only this space has both names.
    spaces: ClassVar = {"mixed": SPACES["mixed"]}

    def make(self) -> Strategy:
        return InTurn(("n", "x", "n"), trials=20)


class TestGrow(StrategyContract):
    # The first space has two parameters, of which one can grow; a pass by itself with three stages.
    spaces: ClassVar = {"mixed": SPACES["mixed"]}

    def make(self) -> Strategy:
        return Grow(("n",), trials=10, reduced=6)


class TestFollowSlope(StrategyContract):
    # The contract's trials report no derivatives: it ends after its first batch, with a sentence.
    spaces: ClassVar = {
        name: space for name, space in SPACES.items() if any(isinstance(d, Float) for d in space.domains.values())
    }

    def make(self) -> Strategy:
        return FollowSlope(trials=12)


class TestQuasiRandom(StrategyContract):
    def make(self) -> Strategy:
        return QuasiRandom(trials=12)


class TestBayesian(StrategyContract):
    def make(self) -> Strategy:
        return Bayesian(trials=14, startup=6)


class TestBayesianInBatches(StrategyContract):
    def make(self) -> Strategy:
        return Bayesian(trials=17, batch_size=4, startup=6)


class TestBayesianByEvolution(StrategyContract):
    # It models real and whole numbers only, two of them at least; elsewhere it draws at random.
    spaces: ClassVar = {name: SPACES[name] for name in ("log", "mixed")}

    def make(self) -> Strategy:
        pytest.importorskip("cmaes")
        return Bayesian(trials=17, batch_size=4, startup=6, sampler="cmaes")


class TestBayesianByGaussianProcess(StrategyContract):
    def make(self) -> Strategy:
        pytest.importorskip("torch")
        return Bayesian(trials=12, batch_size=3, startup=6, sampler="gp")


class TestGaussianProcess(StrategyContract):
    def make(self) -> Strategy:
        return GaussianProcess(trials=12)


class TestGaussianProcessInBatches(StrategyContract):
    def make(self) -> Strategy:
        return GaussianProcess(trials=17, batch_size=4, startup=5, centre=False)


def test_no_strategy_is_left_out() -> None:
    tested = {case.__name__.removeprefix("Test") for case in StrategyContract.__subclasses__()}
    assert tested >= set(strategies.__all__)
