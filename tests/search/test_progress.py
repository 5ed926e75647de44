"""Progress: what is counted, and the time that is left, by hand."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import pytest

from hpsearch.search.progress import Progress, Running
from hpsearch.trial import Outcome, Status, Trial


def ended(number: int, status: Status = Status.FINISHED, value: float = 1.0, stage: str = "all") -> Trial:
    return Trial(number, {}, stage, status, Outcome(value))


def test_counts() -> None:
    """Three trials of a record, of which one failed; then three new ones: stopped, diverged, best."""
    progress = Progress(total=10, jobs=3)
    assert (progress.done, progress.failed, progress.taken_over, progress.proposed, progress.best) == (0, 0, 0, 0, None)
    progress.count_replayed([ended(0, value=2.0), ended(1, Status.FAILED), ended(2, value=3.0)], proposed=8)
    assert (progress.done, progress.failed, progress.taken_over, progress.proposed) == (3, 1, 3, 8)
    assert progress.best == ended(0, value=2.0)
    assert progress.last is None
    progress.count_ended(ended(3, Status.STOPPED, 0.0))
    progress.count_ended(ended(4, value=math.nan))
    progress.count_ended(ended(5, value=1.0))
    assert (progress.done, progress.failed, progress.taken_over) == (6, 2, 3)
    assert progress.best == progress.last == ended(5, value=1.0)


@pytest.mark.parametrize(("total", "proposed", "expected"), [(None, 8, 8), (10, 8, 10), (5, 8, 8)])
def test_as_many_are_expected_as_are_known(total: int | None, proposed: int, expected: int) -> None:
    assert Progress(total=total, proposed=proposed).expected == expected


def test_no_more_are_running_than_are_left() -> None:
    assert [Progress(jobs=3, proposed=5, done=done).running for done in (0, 2, 4, 5)] == [3, 3, 1, 0]
    assert Progress(proposed=5).running == 1


def test_the_time_left_is_that_of_the_trials_left_at_the_pace_of_the_new_ones() -> None:
    """Four new trials in the last 20 s, after two of a record; ten of 16 are left: 50 s, whatever the start took."""
    progress = Progress(total=16, jobs=2, started=time.monotonic() - 100)
    assert progress.seconds_left is None
    progress.count_replayed([ended(0), ended(1)], proposed=16)
    assert progress.seconds_left is None
    for number in range(2, 6):
        progress.count_ended(replace(ended(number), started=time.time() - 20, seconds=7.0))
    assert progress.seconds_left == pytest.approx(50, abs=5)


def test_the_first_trials_tell_the_time_left_by_their_duration() -> None:
    """One of ten took 6 s; another runs since 2 s: 9 x 6 - 2 seconds of work are left for two workers."""
    progress = Progress(total=10, jobs=2, proposed=10, latest={1: Running(time.monotonic() - 2)})
    progress.count_ended(replace(ended(0), started=time.time() - 300, seconds=6.0))
    assert progress.seconds_left == pytest.approx(26, abs=1)


def test_news_are_what_was_found_and_what_the_strategy_said() -> None:
    progress = Progress()
    assert progress.messages == []
    assert [progress.add_note(note) for note in ("", "narrowed", "ended")] == [False, True, True]
    assert progress.messages == ["narrowed", "ended"]
    assert Progress(found="3 trials", notes=["ended"]).messages == ["3 trials", "ended"]
