"""The picture of a unit's activity: every character in its place and colour; damaged files are told in a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hpsearch.analysis.findings import Findings
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Cells, Chart
from hpsearch.plots.unit import ACTIVITY, unit_chart
from hpsearch.space import Float, Space
from hpsearch.trial import Candidate, Outcome, Status, Trial


def findings(content: bytes | None) -> Findings:
    files = {} if content is None else {ACTIVITY: content}
    trial = Trial(7, {"x": 0.5}, "all", Status.FINISHED, Outcome(1.0, artifacts=files))
    return Findings("s", "bits", False, Space(x=Float(0, 1)), [trial], Candidate({"x": 0.5}, None, (trial,)))


def activity(text: str, values: list[float]) -> bytes:
    return json.dumps({"text": text, "unit": 3, "units": 9, "values": values}).encode()


def test_lines_are_broken_where_the_text_breaks_them() -> None:
    picture = unit_chart(findings(activity("ab\nc", [-1.0, 0.0, 0.5, 1.0])))
    assert isinstance(picture, Chart)
    (cells,) = picture.panels[0].layers
    assert isinstance(cells, Cells)
    assert cells.texts == [["c", "a"], [" ", "b"], [" ", "↵"]]  # column by column, from the last line up
    assert [column[1] for column in cells.places] == [0.0, 0.5, 0.75]
    assert cells.places[0][0] == 1.0
    assert "unit 3 of 9 of trial 7" in picture.caption
    assert len(still.png(picture)) > 5000
    assert "NaN" not in interactive.figure(picture).to_json()


def test_a_long_line_is_broken() -> None:
    picture = unit_chart(findings(activity("x" * 200, [0.0] * 200)))
    assert isinstance(picture, Chart)
    (cells,) = picture.panels[0].layers
    assert isinstance(cells, Cells)
    assert (len(cells.texts), len(cells.texts[0])) == (80, 3)


def test_a_character_that_no_font_has_is_a_dot() -> None:
    picture = unit_chart(findings(activity("a\r\x0c\x00\ufeff\té", [0.0] * 7)))
    assert isinstance(picture, Chart)
    (cells,) = picture.panels[0].layers
    assert isinstance(cells, Cells)
    assert [column[0] for column in cells.texts] == ["a", "·", "·", "·", "·", "→", "é"]
    assert len(still.png(picture)) > 5000  # a missing glyph would warn, and a warning is an error here


@pytest.mark.parametrize("content", [b"no json", b"{}", b"[]", activity("ab", [0.0])])
def test_a_damaged_file_is_told_in_a_sentence(content: Any) -> None:
    assert unit_chart(findings(content)) == "The file activity.json of trial 7 cannot be read."


def test_where_nothing_was_recorded_a_sentence_says_so() -> None:
    assert unit_chart(findings(None)) == "No activity of a unit was recorded: TrainRNN on a text records it."
