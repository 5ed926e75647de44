"""Checkpoints of one trial: written as a whole or not at all, checked when read, and never the end of a trial."""

from __future__ import annotations

import logging
import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.execution.attempts import run_in_child
from hpsearch.execution.checkpoints import TrialCheckpoints
from hpsearch.execution.task import run_task, trial_context
from hpsearch.ports import CheckpointPlace, Context, Limits, Task, adapt_objective
from hpsearch.trial import Params, Status, Trial


def task(folder: Path, number: int = 3, **changes: Any) -> Task:
    trial = Trial(number, {"n": number}, "all", Status.FAILED)
    return replace(Task(trial, {"n": number}, 7, (2, number)), checkpoints=CheckpointPlace(folder), **changes)


def write(context: Context, step: int, content: str = "", exact: bool = False) -> None:
    context.report(step, error=1.0 / step)
    with context.checkpoint(step, exact=exact) as folder:
        (folder / "within").mkdir()
        (folder / "within" / "model.txt").write_text(content or f"step {step}")


def read(context: Context) -> str | None:
    return None if context.folder is None else (context.folder / "within" / "model.txt").read_text()


def test_an_attempt_finds_the_newest_checkpoint_of_the_one_before(tmp_path: Path) -> None:
    first = trial_context(task(tmp_path / "own"))
    assert (first.folder, first.step, first.number) == (None, 0, 3)
    for step in (1, 2, 3):
        write(first, step)
    second = trial_context(task(tmp_path / "own"))
    assert (read(second), second.step) == ("step 3", 3)
    write(second, 4)
    third = trial_context(task(tmp_path / "own"))
    assert read(third) == "step 4"
    assert third.resumed is not None
    assert (third.resumed.step, third.resumed.attempt) == (4, 3)


def test_attempts_without_a_checkpoint_of_their_own_count(tmp_path: Path) -> None:
    write(trial_context(task(tmp_path)), 1)
    resumed = [trial_context(task(tmp_path)) for _ in range(3)]
    assert [read(context) for context in resumed] == ["step 1"] * 3
    assert [context.resumed and context.resumed.attempt for context in resumed] == [2, 3, 4]


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    context = trial_context(task(tmp_path))
    for step in (10, 20, 30):
        write(context, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000002-20", "000003-30"]


def test_curves_up_to_the_step_are_taken_over_and_later_points_dropped(tmp_path: Path) -> None:
    first = trial_context(task(tmp_path))
    first.report(1, error=0.1 + 0.2, extra=float("nan"))
    first.report(2, error=float("-inf"))
    first.report(5, error=9.0)
    write(first, 4)
    seen: list[Any] = []
    second = trial_context(task(tmp_path))
    second.on_report = lambda step, metrics: seen.append((step, dict(metrics)))
    assert second.history == {}
    assert second.step == 4
    assert second.history["error"] == ((1, 0.1 + 0.2), (2, float("-inf")), (4, 0.25))
    assert repr(second.history["extra"]) == "((1, nan),)"
    assert [step for step, _ in seen] == [1, 2, 4]


@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "more", "manifest", "no manifest"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path, damage: str, caplog: Any) -> None:
    context = trial_context(task(tmp_path))
    write(context, 10)
    write(context, 20)
    newest = tmp_path / "000002-20"
    model, manifest = newest / "files" / "within" / "model.txt", newest / "manifest"
    {
        "cut": lambda: os.truncate(model, 3),
        "flip": lambda: model.write_text("step 21"),
        "gone": model.unlink,
        "more": lambda: (newest / "files" / "other").touch(),
        "manifest": lambda: manifest.write_bytes(manifest.read_bytes().replace(b'"step": 20', b'"step": 21')),
        "no manifest": manifest.unlink,
    }[damage]()
    again = trial_context(task(tmp_path))
    assert (read(again), again.step) == ("step 10", 10)
    assert caplog.messages == ["The newest checkpoint of trial 3 is damaged, so it goes on from step 10."]


def test_where_all_are_damaged_the_trial_starts_anew(tmp_path: Path, caplog: Any) -> None:
    write(trial_context(task(tmp_path)), 10)
    (tmp_path / "000001-10" / "manifest").write_text("nothing")
    again = trial_context(task(tmp_path))
    assert (again.folder, again.step, again.resumed) == (None, 0, None)
    assert caplog.messages == ["The newest checkpoint of trial 3 is damaged, so it starts anew."]


def test_a_block_that_ends_with_an_error_leaves_nothing(tmp_path: Path) -> None:
    context = trial_context(task(tmp_path))
    write(context, 1)
    with pytest.raises(TypeError), context.checkpoint(2) as folder:
        (folder / "half").write_text(b"an error of the user")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["000001-1"]


def test_an_interrupt_in_the_block_leaves_nothing(tmp_path: Path) -> None:
    context = trial_context(task(tmp_path))
    with pytest.raises(KeyboardInterrupt), context.checkpoint(2):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_attempt_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "0123.part" / "files").mkdir(parents=True)
    write(trial_context(task(tmp_path)), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["000001-1"]


def test_a_trial_that_saves_before_it_asks_starts_anew(tmp_path: Path) -> None:
    write(trial_context(task(tmp_path)), 5)
    again = trial_context(task(tmp_path))
    write(again, 1)
    assert (again.folder, again.resumed) == (None, None)


@pytest.mark.parametrize("step", [-1, 1.5, None, True])
def test_a_step_is_a_whole_number(step: Any) -> None:
    with pytest.raises(SettingError, match="The step of a checkpoint must be a whole number >= 0"):
        Context(np.random.default_rng(0)).checkpoint(step)


def test_a_bare_context_throws_its_checkpoints_away() -> None:
    context = Context(np.random.default_rng(0))
    with context.checkpoint(np.int64(1)) as folder:
        (folder / "model").touch()
    assert not folder.exists()
    assert (context.folder, context.step, context.resumed) == (None, 0, None)


def test_the_checkpoint_of_the_trial_before_is_continued(tmp_path: Path) -> None:
    write(trial_context(task(tmp_path / "0", number=0)), 9)
    place = CheckpointPlace(tmp_path / "3", tmp_path / "0")
    context = trial_context(replace(task(tmp_path / "3"), checkpoints=place))
    assert read(context) == "step 9"
    assert context.history["error"] == ((9, 1 / 9),)
    assert context.resumed is not None
    assert context.resumed.attempt == 1
    write(context, 12)
    again = trial_context(replace(task(tmp_path / "3"), checkpoints=place))
    assert read(again) == "step 12"
    assert again.resumed is not None
    assert again.resumed.attempt == 2


def test_an_exact_checkpoint_marks_nothing_and_belongs_to_its_own_trial(tmp_path: Path) -> None:
    write(trial_context(task(tmp_path / "0", number=0)), 9, exact=True)
    own = trial_context(task(tmp_path / "0", number=0))
    assert (read(own), own.resumed, own.history) == ("step 9", None, {"error": ((9, 1 / 9),)})
    other = trial_context(replace(task(tmp_path / "3"), checkpoints=CheckpointPlace(tmp_path / "3", tmp_path / "0")))
    assert other.folder is None


def test_a_checkpoint_above_the_limit_is_dropped_with_one_sentence(tmp_path: Path, caplog: Any) -> None:
    place = CheckpointPlace(tmp_path, most_bytes=2**20)
    context = trial_context(replace(task(tmp_path), checkpoints=place))
    for step in (1, 2):
        write(context, step, content="x" * (2 * 2**20))
    assert list(tmp_path.iterdir()) == []
    sentence = "A checkpoint of trial 3 could not be kept, and it goes on without: it has 2 MB, and at most 1 MB are kept."
    assert caplog.messages == [sentence]
    write(context, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["000001-3"]


def test_where_the_folder_cannot_be_made_the_trial_goes_on_without(tmp_path: Path, caplog: Any) -> None:
    (tmp_path / "file").touch()
    context = trial_context(task(tmp_path / "file" / "own"))
    for step in (1, 2):
        write(context, step)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages[0].startswith("A checkpoint of trial 3 could not be kept, and it goes on without: [Errno 20]")


def test_an_error_of_a_full_disk_in_the_block_is_survived(tmp_path: Path, caplog: Any) -> None:
    """``/dev/full`` is Linux's own full disk; a library may raise an error of its own about it."""
    context = trial_context(task(tmp_path))
    write(context, 1)
    for _ in range(2):
        with context.checkpoint(2), Path("/dev/full").open("wb", buffering=0) as full:
            try:
                full.write(b"x")
            except OSError as error:
                raise RuntimeError("the archive cannot be written") from error
    assert [path.name for path in tmp_path.iterdir()] == ["000001-1"]
    assert caplog.messages == [
        "A checkpoint of trial 3 could not be kept, and it goes on without: the archive cannot be written."
    ]


def test_files_that_are_gone_before_they_are_kept_are_survived(tmp_path: Path, caplog: Any) -> None:
    """Somebody deletes the study while it runs."""
    context = trial_context(task(tmp_path / "own"))
    with context.checkpoint(1) as folder:
        (folder / "model").touch()
        (tmp_path / "own").rename(tmp_path / "elsewhere")
    assert [text.split(":")[0] for text in caplog.messages] == [
        "A checkpoint of trial 3 could not be kept, and it goes on without"
    ]


def without_room(params: Params, context: Context) -> float:
    """No file of this process takes a byte from the second step on: the system raises EFBIG."""
    for step in (1, 2, 3):
        if step == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        with context.checkpoint(step) as folder:
            try:
                (folder / "model").write_text("x")
            except OSError:
                raise RuntimeError("of a library that says nothing of the disk") from None
    return 0.5


def test_a_disk_without_room_is_found_by_a_probe(tmp_path: Path) -> None:
    trial = run_in_child(adapt_objective(without_room), task(tmp_path, limits=Limits(seconds=60)))
    assert (trial.status, trial.value) == (Status.FINISHED, 0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["000001-1"]


def dies_once(params: Params, context: Context) -> float:
    for step in range(context.step + 1, 7):
        write(context, step)
        if step == 4 and context.resumed is None:
            os._exit(3)
    return float(len(context.history["error"]))


def test_a_trial_that_is_tried_again_goes_on_and_is_marked(tmp_path: Path) -> None:
    trial = run_in_child(adapt_objective(dies_once), task(tmp_path))
    assert (trial.status, trial.value, trial.resumed_step, trial.attempt) == (Status.FINISHED, 6.0, 4, 2)
    assert trial.outcome is not None
    assert [step for step, _ in trial.outcome.history["error"]] == [1, 2, 3, 4, 5, 6]


def too_slow(params: Params, context: Context) -> float:
    """Each step takes .3 s, so that two fit into .8 s."""
    for step in range(context.step + 1, 5):
        time.sleep(0.3)
        write(context, step)
    return 0.25


def test_the_time_limit_counts_for_each_attempt(tmp_path: Path) -> None:
    """Four steps take 1.2 s: more than the limit, less than two attempts have."""
    limited = task(tmp_path, limits=Limits(seconds=0.8))
    first = run_in_child(adapt_objective(too_slow), limited)
    assert first.status is Status.TIMED_OUT
    attempts = [first]
    while attempts[-1].status is Status.TIMED_OUT:
        attempts.append(run_in_child(adapt_objective(too_slow), limited))
    assert attempts[-1].status is Status.FINISHED
    assert attempts[-1].attempt == len(attempts)


def test_a_failed_attempt_is_marked_too(tmp_path: Path) -> None:
    def fails(params: Params, context: Context) -> float:
        write(context, context.step + 1)
        raise ValueError("on purpose")

    trials = [run_task(adapt_objective(fails), task(tmp_path)) for _ in range(2)]
    assert [(trial.status, trial.resumed_step, trial.attempt) for trial in trials] == [
        (Status.FAILED, None, 1),
        (Status.FAILED, 1, 2),
    ]


def test_a_checkpoint_that_cannot_be_used_gives_way_to_the_one_before(tmp_path: Path) -> None:
    """Each attempt that fails without a checkpoint of its own falls back by one, and at last to the start."""
    begun: list[int] = []

    def fails(params: Params, context: Context) -> float:
        begun.append(context.step)
        if context.folder is not None:
            raise ValueError("the user's own library cannot read it")
        if len(begun) == 1:
            write(context, 10)
            write(context, 20)
            raise ValueError("on purpose")
        return 0.5

    trials = [run_task(adapt_objective(fails), task(tmp_path)) for _ in range(4)]
    assert begun == [0, 20, 10, 0]
    assert [trial.ok for trial in trials] == [False, False, False, True]
    assert [trial.resumed_step for trial in trials] == [None, 20, 10, None]


def test_two_processes_with_one_trial_do_not_harm_each_other(tmp_path: Path, monkeypatch: Any) -> None:
    """The orphan of a killed study may still write when the next start runs the same trial."""
    rename: Callable[..., Any] = Path.rename
    other = TrialCheckpoints(CheckpointPlace(tmp_path), 3)
    taken: list[Path] = []

    def rename_late(self: Path, target: Path) -> Any:
        if not taken:  # the other one is first
            taken.append(target)
            with other.save(8, {}, False, {}) as folder:
                (folder / "theirs").touch()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_late)
    other._cleared = True
    write(trial_context(task(tmp_path)), 8)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000001-8", "000002-8"]
    assert read(trial_context(task(tmp_path))) == "step 8"
