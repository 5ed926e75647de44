"""The simulation of many workers agrees with what can be said without it."""

from __future__ import annotations

import pytest

from tests.benchmarks.many_workers import Costs, share_busy


@pytest.mark.parametrize(("workers", "seconds", "serial"), [(100, 5.0, 0.1), (1000, 5.0, 0.02), (50, 1.0, 0.1)])
def test_a_process_that_cannot_keep_up_is_the_limit(workers: int, seconds: float, serial: float) -> None:
    """So many trials a second leave it, and each keeps one worker busy: utilisation law, Little (1961)."""
    assert share_busy(workers, seconds, Costs(serial), each=200) == pytest.approx(seconds / serial / workers, rel=0.02)


def test_workers_are_busy_where_the_process_keeps_up() -> None:
    assert share_busy(100, 5.0, Costs(0.005), each=100) > 0.98


def test_a_slow_server_is_the_limit_once_its_queue_is_full() -> None:
    assert share_busy(100, 1.0, Costs(0.0, 0.1), each=200) == pytest.approx(0.1, rel=0.05)
    assert share_busy(100, 1.0, Costs(0.0, 0.1), each=2) > 0.9  # a short study ends before it is full
