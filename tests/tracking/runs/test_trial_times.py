"""The seconds of a trial's steps as text."""

from __future__ import annotations

import pytest

from hpsearch.tracking.runs.trial_times import pack, unpack


def test_times_come_back_to_a_tenth_of_a_millisecond() -> None:
    times = {"epoch": ((0, 0.0), (1, 1 / 3), (2, 12345.678)), "images": ((1000, 0.5),)}
    assert unpack(pack(times)) == {"epoch": ((0, 0.0), (1, 0.3333), (2, 12345.678)), "images": ((1000, 0.5),)}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"epoch": 3}', '{"epoch": [["a", 1]]}', '{"epoch": [[1]]}'])
def test_a_damaged_text_holds_none(text: str) -> None:
    assert unpack(text) == {}
