"""A trial that goes on with an earlier one equals, bit by bit, a trial trained through; with its cached state or without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hpsearch import Batch, Choice, Float, Proposal, Result, Space, Study, Trial, data
from hpsearch.errors import StudyError
from hpsearch.objectives import TrainNetwork
from hpsearch.search.rerun import rerun
from hpsearch.strategies import Halving
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker

STUDY = Study(
    name="halved",
    space=Space(learning_rate=Float(1e-2, 1.0, log=True), momentum=Float(0.0, 0.9), batch_size=Choice(10, 20)),
    objective=TrainNetwork(data.digits(), hidden=(10,), epochs=9, l2=0.5),
    strategy=Halving(trials=9, min_epochs=1, max_epochs=9),
    seed=6,
)


@pytest.fixture(scope="module")
def alone() -> Any:
    return STUDY.run(1, backend="sequential", tracker=MemoryTracker())


def test_promoted_trials_equal_those_trained_through(alone: Any) -> None:
    """`rerun` trains from the seed of the chain's first trial, without any state."""
    promoted = [trial for trial in alone.trials if trial.continues is not None]
    assert [trial.budget for trial in promoted] == [3, 3, 3, 9]
    for trial in promoted:
        assert rerun(STUDY, trial, alone.trials).differences == ()
        assert len(trial.outcome.history["validation_accuracy"]) == trial.budget


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_do_not_change_the_table(alone: Any, backend: Any) -> None:
    assert table(STUDY.run(2, backend=backend, tracker=MemoryTracker()).trials) == table(alone.trials)


@pytest.mark.parametrize("kept", [4, 9, 10])
def test_a_lost_state_is_trained_again_to_the_same_bits(
    alone: Any, kept: int, resume: Callable[[Study, Sequence[Trial]], Result]
) -> None:
    """A later process finds trials in real MLflow, but no state of theirs."""
    resumed = resume(STUDY, alone.trials[:kept])
    assert resumed.taken_over == kept
    assert table(resumed.trials) == table(alone.trials)


def test_states_are_neither_kept_in_the_table_nor_recorded(alone: Any) -> None:
    assert all(trial.outcome.state is None for trial in alone.trials)


def test_continuing_what_is_not_there_is_refused() -> None:
    class Astray:
        def search(self, space: Any, rng: Any, known: Any = ()) -> Any:
            yield Batch([Proposal(space.sample(rng), 2, continues=7)])

        def __repr__(self) -> str:
            return "Astray()"

    study = Study("astray", STUDY.space, STUDY.objective, Astray())
    with pytest.raises(StudyError, match="continues must be an earlier trial of the same params, got 7"):
        study.run(1, backend="sequential", tracker=MemoryTracker())
