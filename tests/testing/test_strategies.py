"""The contract of a strategy: a sound strategy passes every test, and each test fails for a strategy that breaks it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SpaceError, StudyError
from hpsearch.ports import Batch, Proposal, Search, Strategy, StrategyBase
from hpsearch.space import Space
from hpsearch.testing import SPACES, StrategyContract
from hpsearch.trial import Trial, best

CALLS = itertools.count()


@dataclass(frozen=True)
class Sound(StrategyBase):
    """Draws three points, then trains the best of them again for longer."""

    continues = True

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        trials = yield Batch([Proposal(space.sample(rng), 1) for _ in range(3)])
        for trial in best(trials):
            yield Batch([Proposal(trial.params, 2, continues=trial.number)], "longer")


class Undeclared(Sound):
    continues = False


class ContinuesOtherParams(Sound):
    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        yield Batch([Proposal(space.sample(rng), 1)])
        yield Batch([Proposal(space.sample(rng), 2, continues=0)])


class LeavesTheSpace(StrategyBase):
    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        yield Batch([Proposal(space.sample(rng) | {"unknown": 1})])


class ProposesNothing(StrategyBase):
    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        yield from ()


class ProposesNumpyValues(StrategyBase):
    """Its numbers are floats too, so the space accepts them, but they print otherwise."""

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        yield Batch([Proposal({n: np.float64(v) if type(v) is float else v for n, v in space.sample(rng).items()})])


class CountsSearches(StrategyBase):
    """Draws another point in every search, as one with its own source of randomness does."""

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        own = np.random.default_rng(next(CALLS))
        yield Batch([Proposal(space.sample(own)) for _ in range(3)])


class NeedsAValue(StrategyBase):
    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        trials = yield Batch([Proposal(space.sample(rng))])
        yield Batch([Proposal(best(trials)[0].params)])


class HasNoRepr(StrategyBase):
    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        yield Batch([Proposal(space.sample(rng))])


class HasATextForANumber(Sound):
    max_epochs = "ten"  # type: ignore[assignment]


# For each test of the contract, strategies that break it, and the error that says so.
BROKEN: dict[str, list[tuple[Strategy, type[Exception]]]] = {
    "test_proposes_points_of_the_space": [(LeavesTheSpace(), SpaceError), (ProposesNothing(), AssertionError)],
    "test_proposes_python_values": [(ProposesNumpyValues(), AssertionError)],
    "test_same_seed_same_batches": [(CountsSearches(), AssertionError)],
    "test_survives_batches_that_fail_altogether": [(NeedsAValue(), IndexError)],
    "test_declares_that_it_continues": [(Undeclared(), AssertionError), (ContinuesOtherParams(), AssertionError)],
    "test_optional_values_are_of_their_kind": [(HasATextForANumber(), StudyError)],
    "test_repr_is_its_record_and_it_pickles": [(HasNoRepr(), AssertionError)],
    "test_same_trials_at_any_number_of_workers": [(CountsSearches(), AssertionError)],
    "test_replays_what_is_recorded": [(CountsSearches(), StudyError)],
}
# The arguments of the tests that do not take a space alone.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "test_optional_values_are_of_their_kind": {},
    "test_repr_is_its_record_and_it_pickles": {},
    "test_same_trials_at_any_number_of_workers": {"jobs": 2, "backend": "threading"},
    "test_replays_what_is_recorded": {},
}


class TestSound(StrategyContract):
    def make(self) -> Strategy:
        return Sound()


@pytest.mark.parametrize(("test", "strategy", "error"), [(test, *row) for test, rows in BROKEN.items() for row in rows])
def test_a_broken_strategy_is_caught(test: str, strategy: Strategy, error: type[Exception]) -> None:
    class Case(StrategyContract):
        def make(self) -> Strategy:
            return strategy

    arguments = ARGUMENTS.get(test, {"space": SPACES["mixed"]})
    with pytest.raises(error) as caught:
        getattr(Case(), test)(**arguments)
    assert caught.type is error


def test_every_test_of_the_contract_can_fail() -> None:
    assert set(BROKEN) == {name for name in vars(StrategyContract) if name.startswith("test_")}
