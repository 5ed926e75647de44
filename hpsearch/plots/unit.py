"""Plot of what one hidden unit of a recurrent network does over a text: each character in the colour of the unit's output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import Axis, Cells, Chart, ColourBar, Panel

# The file of a trial that holds a text and what a unit does over it; see `hpsearch.objectives.TrainRNN`.
ACTIVITY = "activity.json"
_COLUMNS = 60
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
    text, values = str(found["text"]), [float(value) for value in found["values"]]
    rows = -(-len(text) // _COLUMNS)
    places, texts = _grid(text, values, rows)
    edges = [float(edge) for edge in range(rows + 1)]
    cells = Cells([float(edge) for edge in range(_COLUMNS + 1)], [-edge for edge in edges], places, texts, written=True)
    caption = (
        f"What unit {found['unit']} of {found['units']} of trial {number}'s network does over the beginning of the validation "
        f"text, which is read line by line; {_BREAK} is a line break. A unit that remembers something keeps its colour for as "
        "long as that lasts, such as a quotation."
    )
    panel = Panel(Axis("", Scale(0.0, float(_COLUMNS))), Axis("", Scale(-float(rows), 0.0)), [cells])
    bar = ColourBar("output of the unit", [(0.0, "-1"), (0.5, "0"), (1.0, "1")], zero_on_top=False)
    return Chart(f"Unit {found['unit']} over a text", caption, [panel], colours=bar)


def _grid(text: str, values: list[float], rows: int) -> tuple[list[list[float]], list[list[str]]]:
    """Return the place of each cell on the colour bar, and its character, column by column."""
    filled = text.ljust(rows * _COLUMNS)
    outputs = [(value + 1.0) / 2.0 for value in values] + [0.5] * (len(filled) - len(values))
    places = [[outputs[row * _COLUMNS + column] for row in range(rows)] for column in range(_COLUMNS)]
    shown = filled.replace("\n", _BREAK).replace("\t", "→")
    return places, [[shown[row * _COLUMNS + column] for row in range(rows)] for column in range(_COLUMNS)]
