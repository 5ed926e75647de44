"""Contract tests of a tracker: trials, identity, openings of the test part, networks and files are found again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hpsearch.nn.export import VERSION
from hpsearch.ports import Exported, StudyRecord, TrackedStudy, Tracker
from hpsearch.space import Choice, Float, Int, Params, Space
from hpsearch.testing.driver import table
from hpsearch.trial import Outcome, Status, Trial


class TrackerContract:
    """Tests that every tracker passes: a later process finds exactly what an earlier one recorded."""

    space = Space(
        rate=Float(1e-3, 10.0, log=True),
        batch=Choice(10, 20),
        act=Choice("relu", None),
        hidden=Choice((30,), (100, 50)),
        on=Choice(True, False),
        n=Int(1, 9),
    )

    def make(self) -> Tracker:
        """Return a tracker on the store under test; called again, return one as in a later process on the same store."""
        raise NotImplementedError

    def tracked_study(self, name: str = "contract") -> TrackedStudy:
        """Return what a study passes to its tracker."""
        record = StudyRecord(name, "Is it kept?", {"space": repr(self.space), "seed": "0"}, {"numpy": "2"})
        return TrackedStudy(record, self.space)

    def find_again(self, study: TrackedStudy) -> Tracker:
        """Return a later process's tracker that has found the study."""
        tracker = self.make()
        assert tracker.find(study) is not None
        return tracker

    def trials(self) -> list[Trial]:
        """Return one trial of every kind, with numbers that are hard to store exactly."""
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
        died = replace(died, continues=0, replicate=2, resumed_step=40, attempt=3, machine="numpy 1 instead of 2")
        return [finished, failed, diverged, died]

    def test_says_whether_its_record_is_lasting(self) -> None:
        assert self.make().lasting in (True, False)

    def test_trials_come_back_exactly(self) -> None:
        tracker, study = self.make(), self.tracked_study()
        tracker.start(study)
        for trial in self.trials():
            tracker.record(trial)
        tracker.finish("finished", self.trials())
        found = self.make().find(study)
        assert found is not None
        assert table(found.trials) == table(self.trials())
        assert found.finished
        assert not found.interrupted

    def test_an_unknown_study_is_not_found(self) -> None:
        assert self.make().find(self.tracked_study("never run")) is None

    def test_fresh_begins_a_new_record(self) -> None:
        study = self.tracked_study("fresh")
        for _ in range(2):
            tracker = self.make()
            tracker.start(study, fresh=True)
            tracker.record(self.trials()[0])
            tracker.finish("killed", self.trials()[:1])
        found = self.make().find(study)
        assert found is not None
        assert len(found.trials) == 1

    def test_a_failed_trial_may_be_replaced_and_a_finished_one_not(self) -> None:
        study = self.tracked_study("replaced")
        finished, failed = self.trials()[:2]
        tracker = self.make()
        tracker.start(study)
        for trial in (finished, failed, replace(finished, number=1), replace(failed, number=0)):
            tracker.record(trial)
        tracker.finish("finished", [])
        found = self.make().find(study)
        assert found is not None
        assert table(found.trials) == table([finished, replace(finished, number=1)])

    def test_identity_comes_back(self) -> None:
        study = self.tracked_study("identity")
        tracker = self.make()
        tracker.start(study)
        tracker.finish("finished", [])
        found = self.make().find(study)
        assert found is not None
        assert dict(found.identity) == dict(study.record.identity)

    def test_openings_are_counted(self) -> None:
        study = self.tracked_study("openings")
        tracker = self.make()
        tracker.start(study)
        tracker.record(self.trials()[0])
        tracker.finish("finished", self.trials()[:1])
        assert [self.find_again(study).opening(study.record, self.trials()[0]) for _ in range(2)] == [1, 2]
        self.find_again(study).tested(study.record, self.trials()[0], {"test_accuracy": 0.9})

    def test_a_network_is_kept_once(self) -> None:
        study, trial, exports = self.tracked_study("model"), self.trials()[0], []
        tracker = self.make()
        tracker.start(study)
        tracker.record(trial)
        tracker.finish("finished", [trial])

        def export() -> Exported:
            exports.append(1)
            return _exported()

        address = self.find_again(study).keep_model(study.record, trial, export)
        assert address == self.find_again(study).keep_model(study.record, trial, export)
        assert exports == [1]

    def test_attached_files_are_listed_until_a_trial_follows(self) -> None:
        study = self.tracked_study("attached")
        tracker = self.make()
        tracker.start(study)
        tracker.record(self.trials()[0])
        tracker.finish("finished", self.trials()[:1])
        for content in (b"first", b"second"):
            tracker.attach(study.record, {"report.html": content, "plots/history.png": b"\x89PNG\0"})
        assert set(self._attached(study)) == {"report.html", "plots/history.png"}
        tracker = self.make()
        tracker.start(study)
        tracker.record(self.trials()[1])
        tracker.finish("finished", self.trials()[:2])
        assert not self._attached(study)

    def _attached(self, study: TrackedStudy) -> Sequence[str]:
        found = self.make().find(study)
        assert found is not None
        return found.attached


def _exported() -> Exported:
    """Return a network of one softmax layer that predicts (1/2, 1/2) for zeros."""
    layer = {"units": 2, "inputs": 3, "activation": "softmax"}
    weights = {"weights_0": np.ones((2, 3), np.float32), "biases_0": np.zeros(2, np.float32)}
    architecture = {"version": VERSION, "layers": [layer], "labels": ["no", "yes"]}
    return Exported(architecture, weights, np.zeros((2, 3), np.float32), np.full((2, 2), 0.5, np.float32))
