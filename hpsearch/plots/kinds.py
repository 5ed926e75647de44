"""Kinds of plots by name, and how to draw one."""

from __future__ import annotations

from collections.abc import Callable

from hpsearch.analysis.findings import Findings
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.plots.chart import Picture
from hpsearch.plots.curves import curves
from hpsearch.plots.history import history, stage_ranges
from hpsearch.plots.importance import importance_bars, pair_map
from hpsearch.plots.model import model_chart
from hpsearch.plots.parameters import parallel, slices
from hpsearch.plots.predictions import calibration_chart, confusion_chart

# A kind returns a picture, or one sentence that says why there is none.
Kind = Callable[[Findings], Picture | str]

KINDS: dict[str, Kind] = {
    "history": history,
    "curves": curves,
    "slice": slices,
    "parallel": parallel,
    "map": pair_map,
    "ranges": stage_ranges,
    "importance": importance_bars,
    "model": model_chart,
    "confusion": confusion_chart,
    "calibration": calibration_chart,
}
# The kinds that need the predictions of a trial.
OF_PREDICTIONS = ("confusion", "calibration")


def check_kind(kind: str) -> None:
    """Raise `SettingError` for an unknown kind, and name the closest one."""
    if kind not in KINDS:
        advice = f"Take one of them.{did_you_mean(kind, KINDS)}"
        raise SettingError(must_be("A kind of picture", f"one of {', '.join(KINDS)}", kind, advice))


def draw(kind: str, findings: Findings) -> Picture | str:
    """Return the picture of a kind, or one sentence that says why there is none.

    Raises:
        SettingError: there is no such kind.
    """
    check_kind(kind)
    return KINDS[kind](findings)
