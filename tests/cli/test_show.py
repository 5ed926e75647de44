"""The summary of a recorded study."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from rich.console import Console

from hpsearch.cli.commands import show_summary
from hpsearch.tracking.runs.catalog import StudySummary, TrialRow

ROW = TrialRow(0, "finished", "all", 0.5, {}, 1.0, None, "")


@pytest.mark.parametrize("maximize", [False, True])
def test_of_equal_values_the_earliest_trial_comes_first(maximize: bool) -> None:
    """Stores list trials in any order, such as by their end."""
    worse = 0.1 if maximize else 0.9
    rows = [replace(ROW, number=number) for number in (9, 2, 5)] + [replace(ROW, number=0, value=worse)]
    rows.append(replace(ROW, number=1, value=math.nan))
    summary = StudySummary("s", "finished", 5, {}, 0.5, 0.0, "", "", None, maximize, {}, (), "", "")
    console = Console(record=True, width=120)
    show_summary(console, summary, rows, 10)
    assert re.findall(r"^\s+(\d+)\s+0\.", console.export_text(), re.MULTILINE) == ["2", "5", "9", "0"]
