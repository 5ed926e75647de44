"""The seconds at the steps of a curve."""

from __future__ import annotations

import pytest

from hpsearch.trial import seconds_of

TIMES = {"epoch": ((0, 0.5), (2, 1.5), (4, 3.5)), "images": ((100, 2.0),)}


def test_seconds_lie_between_known_ones_in_proportion() -> None:
    assert seconds_of("cost", [0, 1, 2, 3, 4], TIMES) == [0.5, 1.0, 1.5, 2.5, 3.5]
    assert seconds_of("accuracy_by_images", [25, 50, 100], TIMES) == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("name", ["cost_by_iteration", "loss_by_iteration"])
def test_there_are_none_of_another_unit(name: str) -> None:
    assert seconds_of(name, [1], TIMES) is None
    assert seconds_of(name, [1], {}) is None
