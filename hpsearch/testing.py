"""Contracts to hold your own strategy, objective or tracker to; needs pytest.

Subclass one in a test file and say how to make the thing; pytest then runs the laws of its port against it:

    class TestMine(StrategyContract):
        def make(self): return Mine(trials=8)
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from hpsearch.execution import Backend
from hpsearch.nn.export import VERSION
from hpsearch.nn.gradcheck import check_gradient
from hpsearch.ports import Batch, Context, Exported, Proposal, Strategy, StudyRecord, Tracker
from hpsearch.space import Choice, Float, Int, Params, Space
from hpsearch.study import Study
from hpsearch.task import call
from hpsearch.trial import Outcome, Status, Trial

__all__ = ["SPACES", "ObjectiveContract", "StrategyContract", "TrackerContract", "check_gradient", "table"]


Ending = Callable[[int, Proposal, str], Trial]


@dataclass(frozen=True)
class _Template:
    steps: Any = 3


SPACES: dict[str, Space] = {
    "one float": Space(x=Float(-1.0, 2.0)),
    "log": Space(x=Float(1e-4, 10.0, log=True), n=Int(1, 1000, log=True)),
    "mixed": Space(x=Float(0.0, 1.0), n=Int(2, 10, step=2), c=Choice("a", "b", None), h=Choice((10,), (10, 20))),
    "conditional": Space(o=Choice("sgd", "momentum"), mu=Float(0.0, 0.9, when={"o": "momentum"}), x=Float(0.0, 1.0)),
    "template": Space(s=Choice(_Template(), _Template(steps=Int(1, 9))), x=Float(0.0, 1.0)),
}


def table(trials: Sequence[Trial]) -> list[str]:
    """Return everything of the trials that must not depend on workers, backends or crashes, floats by repr."""
    rows = []
    for trial in trials:
        outcome = trial.outcome or Outcome(math.nan)
        metrics, history = sorted(outcome.metrics.items()), sorted((k, tuple(v)) for k, v in outcome.history.items())
        asked = (trial.number, trial.params, trial.stage, trial.budget, trial.continues, trial.replicate)
        rows.append(repr((asked, str(trial.status), trial.value, metrics, history, trial.error)))
    return rows


def bowl(space: Space, params: Params) -> float:
    """Score a point by its squared distance from (0.3, ..., 0.3) in the unit cube; the least value is near 0."""
    return float(sum((u - 0.3) ** 2 for u in space.to_unit(params)))


@dataclass(frozen=True)
class _Bowl:
    space: Space

    def __call__(self, params: Params, context: Context) -> float:
        labels = {k: v for k, v in params.items() if not isinstance(v, _Template)}
        return float(sum(len(repr(v)) + (v if isinstance(v, float) else 0.0) for v in labels.values()))


def drive(
    strategy: Strategy, space: Space, seed: int = 0, fail: bool = False, end: Ending | None = None
) -> tuple[list[Batch], list[Trial]]:
    """Run a strategy by hand, without a study; return its batches and all trials.

    ``end`` turns number, proposal and stage into an ended trial; by default the bowl scores it, or all trials ``fail``.
    """
    finish = end or (lambda number, proposal, stage: _trial(space, number, proposal, stage, fail))
    search = strategy.search(space, np.random.default_rng(seed))
    batches: list[Batch] = []
    trials: list[Trial] = []
    try:
        batch = next(search)
        while True:
            batches.append(batch)
            ended = [finish(len(trials) + i, p, batch.stage) for i, p in enumerate(batch.proposals)]
            trials += ended
            batch = search.send(ended)
    except StopIteration:
        return batches, trials


def _trial(space: Space, number: int, proposal: Any, stage: str, fail: bool) -> Trial:
    if fail:
        return Trial(number, proposal.params, stage, Status.FAILED, error="planted", budget=proposal.budget)
    return Trial(number, proposal.params, stage, Status.FINISHED, Outcome(bowl(space, proposal.params)), proposal.budget)


class StrategyContract:
    """The law of the Strategy port, on every kind of space."""

    spaces = SPACES

    def make(self) -> Strategy:
        """Return the strategy under test; small enough to end within about 50 trials."""
        raise NotImplementedError

    @pytest.fixture(params=list(SPACES))
    def space(self, request: pytest.FixtureRequest) -> Space:
        """Each kind of space in turn."""
        name: str = request.param
        if name not in self.spaces:
            pytest.skip(f"{type(self).__name__} leaves out the space {name!r}")
        return self.spaces[name]

    def test_proposes_points_of_the_space(self, space: Space) -> None:
        batches, _ = drive(self.make(), space)
        assert batches
        for batch in batches:
            for proposal in batch.proposals:
                space.check(proposal.params, beyond=batch.space is not None)

    def test_proposes_python_values(self, space: Space) -> None:
        _, trials = drive(self.make(), space)
        kinds = {type(value) for trial in trials for value in trial.params.values()}
        assert kinds <= {int, float, str, bool, tuple, type(None)}

    def test_same_seed_same_batches(self, space: Space) -> None:
        assert drive(self.make(), space, seed=3)[0] == drive(self.make(), space, seed=3)[0]

    def test_survives_batches_that_fail_altogether(self, space: Space) -> None:
        batches, _ = drive(self.make(), space, fail=True)
        assert batches

    def test_repr_is_its_record_and_it_pickles(self) -> None:
        strategy = self.make()
        assert repr(pickle.loads(pickle.dumps(strategy))) == repr(strategy) == repr(self.make())
        assert " at 0x" not in repr(strategy)

    @pytest.mark.parametrize(("jobs", "backend"), [(2, "loky"), (2, "threading")])
    def test_same_trials_at_any_number_of_workers(self, jobs: int, backend: Backend) -> None:
        space = self.spaces.get("mixed", next(iter(self.spaces.values())))
        study = Study("contract", space, _Bowl(space), self.make(), seed=5)
        alone = study.run(1, backend="sequential", tracker=_memory())
        assert table(study.run(jobs, backend=backend, tracker=_memory()).trials) == table(alone.trials)

    def test_replays_what_is_recorded(self) -> None:
        space = self.spaces.get("mixed", next(iter(self.spaces.values())))
        study = Study("contract", space, _Bowl(space), self.make(), seed=5)
        whole = study.run(1, backend="sequential", tracker=_memory())
        tracker = _memory()
        tracker.start(study.record())
        for trial in whole.trials[: len(whole.trials) // 2]:
            tracker.record(trial)
        resumed = study.run(1, backend="sequential", tracker=tracker)
        assert table(resumed.trials) == table(whole.trials)
        assert resumed.taken_over == len(whole.trials) // 2


class ObjectiveContract:
    """The law of the Objective port."""

    def make(self) -> Any:
        """Return the objective under test."""
        raise NotImplementedError

    def params(self) -> Params:
        """Return params that the objective accepts."""
        raise NotImplementedError

    def outcome(self, seed: int = 0) -> Outcome:
        """Run the objective once."""
        answer = call(self.make(), self.params(), Context(np.random.default_rng(seed), budget=1))
        assert isinstance(answer, Outcome)
        return answer

    def test_same_random_numbers_same_outcome(self) -> None:
        assert repr(self.outcome()) == repr(self.outcome())

    def test_value_and_metrics_are_finite_python_floats(self) -> None:
        outcome = self.outcome()
        for number in (outcome.value, *outcome.metrics.values()):
            assert type(number) is float
            assert math.isfinite(number)

    def test_pickles(self) -> None:
        assert repr(pickle.loads(pickle.dumps(self.make()))) == repr(self.make())

    def test_names_its_parameters(self) -> None:
        objective = self.make()
        accepted = getattr(objective, "parameters", None)
        assert accepted is None or set(self.params()) <= set(accepted)
        assert set(getattr(objective, "required", ())) <= set(accepted or ())


class TrackerContract:
    """The law of the Tracker port: what went in comes out, exactly, also after a process that never said goodbye."""

    space = Space(
        rate=Float(1e-3, 10.0, log=True),
        batch=Choice(10, 20),
        act=Choice("relu", None),
        hidden=Choice((30,), (100, 50)),
        on=Choice(True, False),
        n=Int(1, 9),
    )

    def make(self) -> Tracker:
        """Return a tracker on the store under test; called again, it is a later process on the same store."""
        raise NotImplementedError

    def study_record(self, name: str = "contract") -> StudyRecord:
        """Return a record as a study would make it."""
        return StudyRecord(name, "Is it kept?", {"space": repr(self.space), "seed": "0"}, {"numpy": "2"}, self.space)

    def trials(self) -> list[Trial]:
        """Return one trial of every kind, with awkward numbers."""
        params: Params = {"rate": 0.1 + 0.2, "batch": 20, "act": None, "hidden": (100, 50), "on": True, "n": 3}
        history = {"cost": ((1, 0.1 + 0.2), (2, 1e-300), (3, math.inf), (4, math.nan)), "rate": ((1, 1.0),)}
        finished = Trial(
            0,
            params,
            "coarse",
            Status.FINISHED,
            Outcome(1 / 3, {"cost": 2.5, "epochs": 4.0}, history),
            started=1e9,
            seconds=1.5,
        )
        failed = replace(finished, number=1, status=Status.FAILED, outcome=Outcome(math.nan), error="E: no", traceback="T")
        diverged = replace(finished, number=2, status=Status.DIVERGED, outcome=Outcome(math.inf), error="inf", budget=3)
        died = replace(finished, number=3, status=Status.DIED, outcome=None, error="gone", params={**params, "act": "relu"})
        return [finished, failed, diverged, replace(died, continues=0, replicate=2)]

    def test_trials_come_back_exactly(self) -> None:
        tracker, record = self.make(), self.study_record()
        tracker.start(record)
        for trial in self.trials():
            tracker.record(trial)
        tracker.finish("finished", self.trials())
        found = self.make().find(record)
        assert found is not None
        assert table(found.trials) == table(self.trials())
        assert found.finished
        assert not found.interrupted

    def test_an_unknown_study_is_not_found(self) -> None:
        assert self.make().find(self.study_record("never run")) is None

    def test_fresh_forgets_the_earlier_trials(self) -> None:
        record = self.study_record("fresh")
        for _ in range(2):
            tracker = self.make()
            tracker.start(record, fresh=True)
            tracker.record(self.trials()[0])
            tracker.finish("killed", self.trials()[:1])
        found = self.make().find(record)
        assert found is not None
        assert len(found.trials) == 1

    def test_a_failed_trial_may_be_replaced_and_a_finished_one_not(self) -> None:
        record = self.study_record("replaced")
        finished, failed = self.trials()[:2]
        tracker = self.make()
        tracker.start(record)
        for trial in (finished, failed, replace(finished, number=1), replace(failed, number=0)):
            tracker.record(trial)
        tracker.finish("finished", [])
        found = self.make().find(record)
        assert found is not None
        assert table(found.trials) == table([finished, replace(finished, number=1)])

    def test_identity_comes_back(self) -> None:
        record = self.study_record("identity")
        tracker = self.make()
        tracker.start(record)
        tracker.finish("finished", [])
        found = self.make().find(record)
        assert found is not None
        assert dict(found.identity) == dict(record.identity)

    def test_openings_are_counted(self) -> None:
        record = self.study_record("openings")
        tracker = self.make()
        tracker.start(record)
        tracker.record(self.trials()[0])
        tracker.finish("finished", self.trials()[:1])
        assert [self.make().opening(record, self.trials()[0]) for _ in range(2)] == [1, 2]
        self.make().tested(record, self.trials()[0], {"test_accuracy": 0.9})

    def test_a_network_is_kept_once(self) -> None:
        record, trial, asked = self.study_record("model"), self.trials()[0], []
        tracker = self.make()
        tracker.start(record)
        tracker.record(trial)
        tracker.finish("finished", [trial])

        def export() -> Exported:
            asked.append(1)
            return _exported()

        address = self.make().keep_model(record, trial, export)
        assert address == self.make().keep_model(record, trial, export)
        assert asked == [1]

    def test_attached_files_are_known_until_a_trial_follows(self) -> None:
        record = self.study_record("attached")
        tracker = self.make()
        tracker.start(record)
        tracker.record(self.trials()[0])
        tracker.finish("finished", self.trials()[:1])
        for content in (b"first", b"second"):
            tracker.attach(record, {"report.html": content, "plots/history.png": b"\x89PNG\0"})
        assert set(self._attached(record)) == {"report.html", "plots/history.png"}
        tracker = self.make()
        tracker.start(record)
        tracker.record(self.trials()[1])
        tracker.finish("finished", self.trials()[:2])
        assert not self._attached(record)

    def _attached(self, record: StudyRecord) -> Sequence[str]:
        found = self.make().find(record)
        assert found is not None
        return found.attached


def _exported() -> Exported:
    """Return a network of one softmax layer that answers (1/2, 1/2) to zeros."""
    layer = {"units": 2, "inputs": 3, "activation": "softmax"}
    weights = {"weights_0": np.ones((2, 3), np.float32), "biases_0": np.zeros(2, np.float32)}
    told = {"version": VERSION, "layers": [layer], "labels": ["no", "yes"]}
    return Exported(told, weights, np.zeros((2, 3), np.float32), np.full((2, 2), 0.5, np.float32))


def _memory() -> Tracker:
    from hpsearch.tracking import MemoryTracker

    return MemoryTracker()
