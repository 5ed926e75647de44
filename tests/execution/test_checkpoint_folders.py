"""The folders of a study's checkpoints: what is kept, what is removed, and what an earlier run left."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.errors import StudyError
from hpsearch.execution.checkpoint_folders import CheckpointFolders, remove_stale, temporary_root
from hpsearch.ports import CheckpointPlace
from hpsearch.trial import Status, Trial

KEY = (2, 0)


def trial(number: int = 0, status: Status = Status.FINISHED, **changes: Any) -> Trial:
    return replace(Trial(number, {"x": 0.5}, "all", status), **changes)


def filled(folders: CheckpointFolders, one: Trial, size: int = 10) -> Path:
    place = folders.place(one, KEY, None)
    assert place is not None
    (place.folder / "000001-4" / "files").mkdir(parents=True)
    (place.folder / "000001-4" / "files" / "model").write_bytes(b"x" * size)
    return place.folder


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("continued", [False, True])
def test_only_trials_that_may_go_on_keep_theirs(tmp_path: Path, status: Status, continued: bool) -> None:
    """Law 6 names the endings; a diverged trial would diverge again, a stopped one be stopped again."""
    folders = CheckpointFolders.open(tmp_path / "a", "study")
    folder = filled(folders, trial(status=status))
    folders.end(trial(status=status), continued)
    failed = status in (Status.FAILED, Status.DIED, Status.TIMED_OUT, Status.OUT_OF_MEMORY)
    assert folder.exists() is (failed or continued)
    folders.drop(trial(status=status))
    assert folder.exists() is failed
    folders.close({0: trial(status=status)}, continued=False)
    assert (tmp_path / "a").exists() is failed


@pytest.mark.parametrize(
    "changes", [{"params": {"x": 0.25}}, {"budget": 9}, {"continues": 1}, {"replicate": 1}, {"stage": "other"}, {"number": 1}]
)
def test_another_trial_has_another_folder(tmp_path: Path, changes: dict[str, Any]) -> None:
    folders = CheckpointFolders.open(tmp_path, "study")
    assert folders.place(trial(), KEY, None) != folders.place(trial(**changes), KEY, None)
    assert folders.place(trial(), KEY, None) == CheckpointFolders.open(tmp_path, "study").place(trial(), KEY, None)
    assert folders.place(trial(), KEY, None) != folders.place(trial(), (2, 1), None)


def test_the_place_names_the_trial_that_is_continued(tmp_path: Path) -> None:
    folders = CheckpointFolders.open(tmp_path, "study")
    before = folders.place(trial(budget=1), KEY, None)
    after = folders.place(trial(3, budget=3, continues=0), KEY, trial(budget=1))
    assert before is not None
    assert after == CheckpointPlace(after.folder, before.folder) if after else False


@pytest.mark.parametrize(("study", "fresh", "left"), [("study", False, True), ("study", True, False), ("other", False, False)])
def test_an_earlier_run_is_found_by_the_same_study_alone(tmp_path: Path, study: str, fresh: bool, left: bool) -> None:
    folder = filled(CheckpointFolders.open(tmp_path / "a", "study"), trial())
    (tmp_path / "a" / "file of the user").touch()
    again = CheckpointFolders.open(tmp_path / "a", study, fresh=fresh)
    assert folder.exists() is left
    again.close({0: trial()}, continued=False)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file of the user"]


def test_a_trial_that_has_not_ended_keeps_its_own(tmp_path: Path) -> None:
    folders = CheckpointFolders.open(tmp_path / "a", "study")
    folder = filled(folders, trial())
    folders.close({}, continued=False)
    assert folder.exists()


def test_beyond_the_total_the_oldest_ones_go(tmp_path: Path) -> None:
    folders = CheckpointFolders.open(tmp_path / "a", "study")
    failed = [trial(number, Status.FAILED) for number in range(4)]
    kept = [filled(folders, one, size=100_000) for one in failed]
    folders.total = 250_000
    for one in failed[:3]:
        folders.end(one, continued=False)
    assert [folder.exists() for folder in kept] == [False, True, True, True]


def test_stale_ones_of_any_study_go(tmp_path: Path) -> None:
    folder = filled(CheckpointFolders.open(tmp_path / "a", "study"), trial())
    remove_stale(tmp_path)
    assert folder.exists()
    before = time.time() - 40 * 24 * 3600
    os.utime(folder, (before, before))
    CheckpointFolders.open(tmp_path / "b", "another")
    assert not (tmp_path / "a").exists()


def test_without_a_folder_there_is_no_place() -> None:
    folders = CheckpointFolders.open(None, "study")
    assert folders.place(trial(), KEY, None) is None
    folders.end(trial(), continued=False)
    folders.close({0: trial()}, continued=False)


def test_temporary_ones_go_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "hpsearch-checkpoints-4194305-of_a_process_that_ended").mkdir()  # above the highest number of a process
    folders = CheckpointFolders.open(temporary_root(), "study", temporary=True)
    filled(folders, trial(status=Status.FAILED))
    folders.close({}, continued=True)
    assert list(tmp_path.iterdir()) == []


def test_the_limit_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_CHECKPOINT_MB", "5")
    place = CheckpointFolders.open(tmp_path, "study").place(trial(), KEY, None)
    assert place is not None
    assert place.most_bytes == 5 * 2**20
    monkeypatch.setenv("HPSEARCH_CHECKPOINT_MB", "lots")
    with pytest.raises(StudyError, match="HPSEARCH_CHECKPOINT_MB must be a whole number of megabytes, got 'lots'"):
        CheckpointFolders.open(tmp_path, "study")
