"""The same events go into every tracker, and the same trials come out, bit by bit."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.ports import TrackedStudy, Tracker, TrackerBase
from hpsearch.testing import TrackerContract
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store
from hpsearch.tracking.store.server import serve
from tests.tracking.sample import plain, record, text, tracked, trials


class Contract(TrackerContract):
    """The shipped contract, and harder trials."""

    def test_every_kind_of_trial_comes_back_bit_by_bit(self) -> None:
        tracker = self.make()
        tracker.start(tracked())
        for trial in trials():
            tracker.record(trial)
        tracker.finish("killed", trials())
        found = self.make().find(tracked())
        assert found is not None
        assert text(found.trials) == text(trials())
        assert not found.finished

    def test_types_of_params_come_back(self) -> None:
        tracker = self.make()
        tracker.start(tracked("types"))
        tracker.record(trials()[0])
        tracker.finish("killed", trials()[:1])
        found = self.make().find(tracked("types"))
        assert found is not None
        assert {name: type(value) for name, value in found.trials[0].params.items()} == {
            "rate": float, "hidden": tuple, "batch": int, "act": str, "on": bool, "n": int,
            "schedule": str, "schedule.patience": int,
        }  # fmt: skip

    def test_a_maximised_value_comes_back(self) -> None:
        study = tracked("maximise", maximize=True)
        tracker = self.make()
        tracker.start(study)
        asked = [plain(number, value) for number, value in enumerate((-0.97, -0.0, 0.0))]
        for trial in asked:
            tracker.record(trial)
        tracker.finish("finished", asked)
        found = self.make().find(study)
        assert found is not None
        assert text(found.trials) == text(asked)

    def test_model_state_is_not_kept(self) -> None:
        tracker = self.make()
        tracker.start(tracked("state"))
        trial = plain(0)
        assert trial.outcome is not None
        tracker.record(replace(trial, outcome=replace(trial.outcome, state={"w": object()})))
        tracker.finish("finished", [])
        found = self.make().find(tracked("state"))
        assert found is not None
        assert found.trials[0].outcome is not None
        assert found.trials[0].outcome.state is None

    def test_a_finished_study_can_be_extended(self) -> None:
        for number in range(2):
            tracker = self.make()
            tracker.start(tracked("extended"))
            tracker.record(plain(number))
            tracker.finish("finished", [])
        found = self.make().find(tracked("extended"))
        assert found is not None
        assert [trial.number for trial in found.trials] == [0, 1]

    def test_identity_and_facts_come_back_in_full(self) -> None:
        tracker = self.make()
        tracker.start(tracked("identity in full"))
        tracker.finish("finished", [])
        found = self.make().find(tracked("identity in full"))
        assert found is not None
        assert dict(found.identity) == record().identity
        assert dict(found.facts) == record().facts

    def test_a_long_identity_that_changed_is_noticed(self) -> None:
        tracker = self.make()
        tracker.start(tracked("changed"))
        tracker.finish("finished", [])
        changed = tracked("changed", identity={**record().identity, "objective": "o" * 20_001})
        found = self.make().find(changed)
        assert found is not None
        assert found.identity["objective"] != changed.record.identity["objective"]


class TestMemory(Contract):
    @pytest.fixture(autouse=True)
    def one_memory(self) -> None:
        self.tracker = MemoryTracker()

    def make(self) -> Tracker:
        return self.tracker


class TestSqlite(Contract):
    @pytest.fixture(autouse=True)
    def one_store(self, root: Path) -> None:
        self.root = root

    def make(self) -> Tracker:
        return MlflowTracker(root=self.root)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serve(Store.open(None, tmp_path_factory.mktemp("served")), port) as server:
        yield server.url


class TestServer(Contract):
    """Over a real server process."""

    @pytest.fixture(autouse=True)
    def one_store(self, address: str, tmp_path: Path) -> None:
        self.address, self.root = address, tmp_path

    def make(self) -> Tracker:
        return MlflowTracker(self.address, self.root)


def test_a_tracker_without_a_method_of_the_port_is_an_error_at_once() -> None:
    """As the base class documents: a misspelt method is an error, not silence."""

    class Misspelt(TrackerBase):
        def fnd(self, study: TrackedStudy) -> None: ...

    with pytest.raises(TypeError, match=r"abstract methods? .*find"):
        Misspelt()  # type: ignore[abstract]


def test_a_record_outlives_the_process_unless_the_tracker_says_otherwise() -> None:
    assert (MlflowTracker().lasting, MemoryTracker().lasting) == (True, False)
