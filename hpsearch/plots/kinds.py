"""Kinds of plots by name, and how to draw one."""

from __future__ import annotations

from collections.abc import Callable

from hpsearch.analysis.findings import Findings
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.plots.chart import Picture
from hpsearch.plots.curves import check_over, curves
from hpsearch.plots.history import history, stage_ranges
from hpsearch.plots.importance import importance_bars
from hpsearch.plots.layers import layers_chart
from hpsearch.plots.model import model_chart
from hpsearch.plots.pair_map import pair_map
from hpsearch.plots.parameters import parallel, slices
from hpsearch.plots.predictions import calibration_chart, confusion_chart
from hpsearch.plots.unit import unit_chart
from hpsearch.plots.weights import weights_chart

# A kind returns a picture, or one sentence that says why there is none.
Kind = Callable[[Findings], Picture | str]

KINDS: dict[str, Kind] = {
    "history": history,
    "curves": curves,
    "layers": layers_chart,
    "slice": slices,
    "parallel": parallel,
    "map": pair_map,
    "ranges": stage_ranges,
    "importance": importance_bars,
    "model": model_chart,
    "confusion": confusion_chart,
    "calibration": calibration_chart,
    "weights": weights_chart,
    "unit": unit_chart,
}
# The kinds that need the predictions of a trial.
OF_PREDICTIONS = ("confusion", "calibration")
# The kinds that need its network; a report leaves them out, as they take a shape for every weight.
OF_NETWORKS = ("weights",)


# The kinds that are left out of a report where there is nothing to draw, as it is recorded only where it is asked for.
WHERE_RECORDED = ("layers", "unit")
# The kind that takes names, and the one that is drawn over steps or seconds.
MAP, CURVES = "map", "curves"


def check_kind(kind: str, x: str = "", y: str = "", by: str = "", over: str = "") -> None:
    """Raise `SettingError` for an unknown kind, and name the closest one; and for names where the kind takes none."""
    if kind not in KINDS:
        advice = f"Take one of them.{did_you_mean(kind, KINDS)}"
        raise SettingError(must_be("A kind of picture", f"one of {', '.join(KINDS)}", kind, advice))
    if kind != MAP and (x or y or (by and kind != CURVES)):
        raise SettingError(must_be("A kind with x, y or by", f"{MAP!r}", kind, "Leave them out."))
    check_over(over)
    if kind != CURVES and over:
        raise SettingError(must_be("A kind with over", f"{CURVES!r}", kind, "Leave it out."))


def draw(kind: str, findings: Findings, x: str = "", y: str = "", by: str = "", over: str = "") -> Picture | str:
    """Return the picture of a kind, or one sentence that says why there is none.

    Args:
        kind: of picture.
        findings: of the study.
        x, y: of a map: its parameters; empty for the most important ones.
        by: of a map: a choice with a panel for each option, or what colours the dots; of curves: the parameter of few values
            that colours the lines; empty for the rank of the value.
        over: of curves: what lies across, ``"steps"`` or ``"seconds"``; empty for steps.
    Raises:
        SettingError: there is no such kind, or no such parameter or metric.
    """
    check_kind(kind, x, y, by, over)
    if kind == CURVES:
        return curves(findings, over, by)
    return pair_map(findings, x, y, by) if x or y or by else KINDS[kind](findings)
