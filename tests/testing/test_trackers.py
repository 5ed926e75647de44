"""The contract of a tracker: each test fails for a tracker that breaks it; the sound ones are in tests/tracking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.ports import Exported, Recorded, StudyRecord, TrackedStudy, Tracker
from hpsearch.testing import TrackerContract
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Trial


class RoundsValues(MemoryTracker):
    def record(self, trial: Trial) -> None:
        outcome = trial.outcome and replace(trial.outcome, value=float(f"{trial.outcome.value:.6g}"))
        super().record(replace(trial, outcome=outcome))


class LeavesStudiesOpen(MemoryTracker):
    def finish(self, status: str, trials: Sequence[Trial]) -> None: ...


class InventsStudies(MemoryTracker):
    def find(self, study: TrackedStudy) -> Recorded | None:
        return super().find(study) or Recorded()


class KeepsEarlierTrials(MemoryTracker):
    def start(self, study: TrackedStudy, fresh: bool = False) -> None:
        super().start(study)

    def record(self, trial: Trial) -> None:
        taken = self._open().trials
        super().record(replace(trial, number=trial.number + len(taken)))


class KeepsTheFirstRecord(MemoryTracker):
    def record(self, trial: Trial) -> None:
        if trial.number not in self._open().trials:
            super().record(trial)


class KeepsTheLastRecord(MemoryTracker):
    def record(self, trial: Trial) -> None:
        self._open().trials.pop(trial.number, None)
        super().record(trial)


class ForgetsTheSeed(MemoryTracker):
    def start(self, study: TrackedStudy, fresh: bool = False) -> None:
        identity = {key: text for key, text in study.record.identity.items() if key != "seed"}
        super().start(replace(study, record=replace(study.record, identity=identity)), fresh)


class CountsEveryOpeningAsTheFirst(MemoryTracker):
    def opening(self, record: StudyRecord, trial: Trial) -> int:
        super().opening(record, trial)
        return 1


class ExportsEveryTime(MemoryTracker):
    def keep_model(self, record: StudyRecord, trial: Trial, export: Callable[[], Exported]) -> str:
        export()
        return super().keep_model(record, trial, export)


class DropsFiles(MemoryTracker):
    def attach(self, record: StudyRecord, files: Mapping[str, bytes]) -> None: ...


class KeepsOldFiles(MemoryTracker):
    def find(self, study: TrackedStudy) -> Recorded | None:
        found = super().find(study)
        return found and replace(found, attached=tuple(self.studies[study.record.name].files))


class IsVagueAboutLasting(MemoryTracker):
    lasting = None  # type: ignore[assignment]


# For each test of the contract, trackers that break it.
BROKEN: dict[str, list[type[MemoryTracker]]] = {
    "test_says_whether_its_record_is_lasting": [IsVagueAboutLasting],
    "test_trials_come_back_exactly": [RoundsValues, LeavesStudiesOpen],
    "test_an_unknown_study_is_not_found": [InventsStudies],
    "test_fresh_begins_a_new_record": [KeepsEarlierTrials],
    "test_a_failed_trial_may_be_replaced_and_a_finished_one_not": [KeepsTheFirstRecord, KeepsTheLastRecord],
    "test_identity_comes_back": [ForgetsTheSeed],
    "test_openings_are_counted": [CountsEveryOpeningAsTheFirst],
    "test_a_network_is_kept_once": [ExportsEveryTime],
    "test_attached_files_are_listed_until_a_trial_follows": [DropsFiles, KeepsOldFiles],
}


def contract(tracker: Tracker) -> Any:
    class Case(TrackerContract):
        def make(self) -> Tracker:
            return tracker

    return Case()


@pytest.mark.parametrize(("test", "broken"), [(test, broken) for test, all_of in BROKEN.items() for broken in all_of])
def test_a_broken_tracker_is_caught(test: str, broken: type[MemoryTracker]) -> None:
    getattr(contract(MemoryTracker()), test)()
    with pytest.raises(AssertionError):
        getattr(contract(broken()), test)()


def test_every_test_of_the_contract_can_fail() -> None:
    assert set(BROKEN) == {name for name in vars(TrackerContract) if name.startswith("test_")}
