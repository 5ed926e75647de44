"""Plot of what one hidden unit of a recurrent network does over a text: each character in the colour of the unit's output."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import Axis, Cells, Chart, ColourBar, Panel

# The file of a trial that holds a text and what a unit does over it; see `hpsearch.objectives.TrainRNN`.
ACTIVITY = "activity.json"
# A longer line is broken.
_COLUMNS = 80
_BREAK = "↵"


def unit_chart(findings: Findings) -> Chart | str:
    """Draw the text of the best trial's ``activity.json`` in lines, coloured by the output of the unit."""
    best = findings.chosen
    if best is None or best.outcome is None:
        return findings.why_nothing
    if ACTIVITY not in best.outcome.artifacts:
        return "No activity of a unit was recorded: TrainRNN on a text records it."
    try:
        found = json.loads(best.outcome.artifacts[ACTIVITY])
        return _chart(best.number, found)
    except (ValueError, KeyError, TypeError):
        return f"The file {ACTIVITY} of trial {best.number} cannot be read."


def _chart(number: int, found: Mapping[str, Any]) -> Chart:
    lines = _lines(str(found["text"]), [float(value) for value in found["values"]])
    columns, rows = max(map(len, lines)), len(lines)
    grid = [[line[column] if column < len(line) else (" ", math.nan) for line in reversed(lines)] for column in range(columns)]
    places = [[(value + 1.0) / 2.0 for _, value in column] for column in grid]
    texts = [[character for character, _ in column] for column in grid]
    x, y = [float(edge) for edge in range(columns + 1)], [edge - 0.5 for edge in range(rows + 1)]
    numbers = tuple(str(rows - row) for row in range(rows))
    axes = Axis("character of the line", Scale(0.0, float(columns))), Axis("line", Scale(-0.5, rows - 0.5, options=numbers))
    caption = (
        f"What unit {found['unit']} of {found['units']} of trial {number}'s network does over the beginning of the validation "
        f"text; {_BREAK} is a line break. A unit that remembers something, such as being "
        "within a quotation, keeps its colour for as long as that lasts."
    )
    bar = ColourBar("output of the unit", [(0.0, "-1"), (0.5, "0"), (1.0, "1")], zero_on_top=False)
    cells = Cells(x, y, places, texts, written=True)
    return Chart(f"Unit {found['unit']} over a text", caption, [Panel(*axes, [cells])], colours=bar)


def _lines(text: str, values: list[float]) -> list[list[tuple[str, float]]]:
    """Return the characters of each line, with the unit's output after each; long lines are broken."""
    lines: list[list[tuple[str, float]]] = [[]]
    for character, value in zip(text, values, strict=True):
        if len(lines[-1]) == _COLUMNS or (lines[-1] and lines[-1][-1][0] == _BREAK):
            lines.append([])
        lines[-1].append((_visible(character), value))
    return lines


def _visible(character: str) -> str:
    """Return what is written for a character: a sign for one that no font has."""
    sign = character if character.isprintable() else "·"
    return {"\n": _BREAK, "\t": "→"}.get(character, sign)
