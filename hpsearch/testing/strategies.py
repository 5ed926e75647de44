"""Contract tests of a strategy: proposals on every kind of space, workers, resumption and continued training."""

from __future__ import annotations

import pickle

import pytest

from hpsearch.execution.local import Backend
from hpsearch.ports import Strategy, TrackerBase, adapt_strategy
from hpsearch.space import Space
from hpsearch.study import Study
from hpsearch.testing.driver import SPACES, Bowl, drive, table


class StrategyContract:
    """Tests that every strategy passes, on every kind of space."""

    spaces = SPACES

    def make(self) -> Strategy:
        """Return the strategy under test, with settings for at most about 50 trials."""
        raise NotImplementedError

    def study(self) -> Study:
        """Return a study of the strategy with an objective of pure Python."""
        space = self.spaces.get("mixed", next(iter(self.spaces.values())))
        return Study("contract", space, Bowl(space), self.make(), seed=5)

    @pytest.fixture(params=list(SPACES))
    def space(self, request: pytest.FixtureRequest) -> Space:
        """Each kind of space in turn."""
        name: str = request.param
        if name not in self.spaces:
            pytest.skip(f"{type(self).__name__} does not use the space {name!r}")
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

    def test_declares_that_it_continues(self, space: Space) -> None:
        """A study keeps the states of trials only for a strategy with ``continues = True``."""
        batches, trials = drive(self.make(), space)
        continuing = [proposal for batch in batches for proposal in batch.proposals if proposal.continues is not None]
        assert adapt_strategy(self.make()).continues or not continuing
        assert all(proposal.params == trials[proposal.continues or 0].params for proposal in continuing)

    def test_optional_values_are_of_their_kind(self) -> None:
        """Adapting raises an error that names the first attribute of another kind."""
        assert callable(adapt_strategy(self.make()).search)

    def test_repr_is_its_record_and_it_pickles(self) -> None:
        strategy = self.make()
        assert repr(pickle.loads(pickle.dumps(strategy))) == repr(strategy) == repr(self.make())
        assert " at 0x" not in repr(strategy)

    @pytest.mark.parametrize(("jobs", "backend"), [(2, "loky"), (2, "threading")])
    def test_same_trials_at_any_number_of_workers(self, jobs: int, backend: Backend) -> None:
        study = self.study()
        sequential = study.run(1, backend="sequential", tracker=_memory())
        assert table(study.run(jobs, backend=backend, tracker=_memory()).trials) == table(sequential.trials)

    def test_replays_what_is_recorded(self) -> None:
        study = self.study()
        whole = study.run(1, backend="sequential", tracker=_memory())
        tracker = _memory()
        tracker.start(study.tracked())
        for trial in whole.trials[: len(whole.trials) // 2]:
            tracker.record(trial)
        resumed = study.run(1, backend="sequential", tracker=tracker)
        assert table(resumed.trials) == table(whole.trials)
        assert resumed.taken_over == len(whole.trials) // 2


def _memory() -> TrackerBase:
    from hpsearch.tracking import MemoryTracker

    return MemoryTracker()
