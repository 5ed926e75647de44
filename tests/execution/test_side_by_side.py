"""Values that workers compute meanwhile are those of the built-in map."""

from __future__ import annotations

import os

import pytest

from hpsearch.execution.side_by_side import map_ahead


def process_of(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_values_come_in_order(jobs: int) -> None:
    numbers = [3, -1, 2, 0]
    assert list(map_ahead(abs, numbers, jobs)) == list(map(abs, numbers))


def test_two_jobs_run_in_other_processes() -> None:
    assert os.getpid() not in set(map_ahead(process_of, range(4), 2))
    assert set(map_ahead(process_of, range(4), 1)) == {os.getpid()}


def end_in_worker(item: tuple[int, int]) -> int:
    value, parent = item
    if value == 2 and os.getpid() != parent:
        os._exit(3)
    return value


def test_a_worker_that_dies_leaves_its_values_to_this_process() -> None:
    items = [(value, os.getpid()) for value in range(6)]
    assert list(map_ahead(end_in_worker, items, 2)) == list(range(6))


def test_an_error_is_raised_as_it_was() -> None:
    for jobs in (1, 2):
        with pytest.raises(ValueError, match="invalid literal"):
            list(map_ahead(int, ["1", "one"], jobs))
