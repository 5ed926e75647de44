"""Trials that go on long after they were paused: with their states, with states from files, and with none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from hpsearch import Batch, Choice, Float, Outcome, Proposal, Space, Study, data
from hpsearch.execution.states import States
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.strategies import FreezeThaw
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker, MlflowTracker
from hpsearch.tracking.runs.deletion import delete_study
from hpsearch.trial import Params

# Rungs of 1, 3 and 9 epochs: a first round of 63 epochs, later ones of 45.
SEARCH = FreezeThaw(epochs=108, max_epochs=9)
STUDY = Study(
    name="thawed",
    space=Space(learning_rate=Float(1e-2, 3.0, log=True), momentum=Float(0.0, 0.9), batch_size=Choice(20, 50)),
    objective=TrainNetwork(data.digits().head(300), hidden=(8,), epochs=9),
    strategy=SEARCH,
    seed=18,  # one in which a trial of the first round is thawed in the second
)


@pytest.fixture(scope="module")
def alone() -> Any:
    return STUDY.run(1, backend="sequential", tracker=MemoryTracker())


def test_a_trial_of_an_earlier_round_is_thawed(alone: Any) -> None:
    second = [trial for trial in alone.trials if trial.stage.startswith("round-1") and trial.continues is not None]
    assert any(alone.trials[trial.continues].stage.startswith("round-0") for trial in second)


def test_two_workers_give_the_same_table(alone: Any) -> None:
    assert table(STUDY.run(2, tracker=MemoryTracker()).trials) == table(alone.trials)


@pytest.mark.parametrize("kept", [30, 45])
def test_lost_states_are_trained_again_to_the_same_bits(alone: Any, kept: int) -> None:
    """A later process finds the trials, and none of the states."""
    tracker = MemoryTracker()
    tracker.start(STUDY.tracked())
    for trial in alone.trials[:kept]:
        tracker.record(trial)
    assert table(STUDY.run(1, backend="sequential", tracker=tracker).trials) == table(alone.trials)


@pytest.mark.parametrize("cap", [0, 3000])
def test_states_without_room_are_trained_again_to_the_same_bits(alone: Any, cap: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(States.__init__, "__kwdefaults__", {"memory": cap, "files": 0, "fresh": False})
    assert table(STUDY.run(1, backend="sequential", tracker=MemoryTracker()).trials) == table(alone.trials)


@dataclass(frozen=True)
class Counting(ObjectiveBase):
    """Says how many epochs it trained, and may be interrupted before its n-th call."""

    calls: ClassVar[list[int]] = []
    interrupt_at: ClassVar[int | None] = None

    def __call__(self, params: Params, context: Context) -> Outcome:
        if len(self.calls) == Counting.interrupt_at:
            raise KeyboardInterrupt
        before = 0 if context.state is None else int(context.state["epochs"][0])
        self.calls.append((context.budget or 0) - before)
        return Outcome(abs(params["x"] - 0.3) + 1.0 / (context.budget or 1), state={"epochs": np.array([context.budget])})


COUNTED = Study("counted", Space(x=Float(0.0, 1.0)), Counting(), SEARCH)


@pytest.fixture
def calls() -> Any:
    Counting.calls.clear()
    yield Counting.calls
    Counting.interrupt_at = None


def test_no_epoch_is_trained_twice(calls: list[int]) -> None:
    COUNTED.run(1, backend="sequential", tracker=MemoryTracker())
    assert sum(calls) == 108


def test_replicates_and_confirmation_continue_their_own_training(calls: list[int]) -> None:
    study = replace(COUNTED, replicates=2, confirm=1, confirm_replicates=2)
    trials = study.run(1, backend="sequential", tracker=MemoryTracker()).trials
    assert sum(calls) == 2 * 108 + 2 * 9
    chained = [trial for trial in trials if trial.continues is not None]
    assert all(trials[trial.continues].replicate == trial.replicate for trial in chained)


def test_a_resumed_study_finds_the_states_in_files(calls: list[int], put_store: Callable[[Path], Path], tmp_path: Path) -> None:
    put_store(tmp_path)
    folder = tmp_path / "mlruns" / "states" / "counted"
    Counting.interrupt_at = 41
    with pytest.raises(KeyboardInterrupt):
        COUNTED.run(1, backend="sequential", tracker=MlflowTracker(root=tmp_path))
    # 27 + 9 + 3 of the first round and 2 of the second have ended; 12 went on, and 3 of the rest are at the last rung.
    assert len(list(folder.iterdir())) == 41 - 12 - 3
    Counting.interrupt_at = None
    COUNTED.run(1, backend="sequential", tracker=MlflowTracker(root=tmp_path), report=False)
    assert sum(calls) == 108
    assert not folder.exists()


def test_deleting_a_study_removes_its_states(calls: list[int], put_store: Callable[[Path], Path], tmp_path: Path) -> None:
    put_store(tmp_path)
    Counting.interrupt_at = 30
    tracker = MlflowTracker(root=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        COUNTED.run(1, backend="sequential", tracker=tracker)
    assert (tmp_path / "mlruns" / "states" / "counted").exists()
    delete_study(tracker.store, "counted")
    assert not (tmp_path / "mlruns" / "states" / "counted").exists()


class Own:
    """A user's strategy without a base class, which continues a trial after two other batches."""

    continues = True

    def __init__(self, thaws: bool) -> None:
        self.thaws = thaws

    def search(self, space: Any, rng: Any, known: Any = ()) -> Any:
        first = space.sample(rng)
        yield Batch([Proposal(first, 2)])
        yield Batch([Proposal(space.sample(rng), 2)])
        yield Batch([Proposal(first, 5, continues=0)])

    def __repr__(self) -> str:
        return f"Own({self.thaws})"


@pytest.mark.parametrize(("thaws", "trained"), [(True, [2, 2, 3]), (False, [2, 2, 5])])
def test_states_of_earlier_batches_are_kept_for_strategies_that_thaw(thaws: bool, trained: list[int], calls: list[int]) -> None:
    replace(COUNTED, strategy=Own(thaws)).run(1, backend="sequential", tracker=MemoryTracker())
    assert calls == trained
