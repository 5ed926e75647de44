"""Plot of the importance of each parameter."""

from __future__ import annotations

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.importance import importance
from hpsearch.analysis.scales import Scale, short
from hpsearch.plots.chart import Axis, Bars, Chart, Panel


def importance_bars(findings: Findings) -> Chart | str:
    """Draw one bar per parameter, the most important on top."""
    found = importance(findings)
    if isinstance(found, str):
        return found
    constant = f" Never varied: {', '.join(found.constant)}." if found.constant else ""
    few = len(found.shares) + len(found.weak)
    weak = (
        f" Of {few} parameters, the {len(found.shares)} that the ranks follow most closely are analysed." if found.weak else ""
    )
    names, lengths = list(found.shares), list(found.shares.values())
    bars = Bars([short(name, 30) for name in names], lengths, [f"{100 * share:.0f} %" for share in lengths])
    return Chart(
        title="Which parameters matter (fANOVA)",
        caption=f"How much of the differences between {found.trials} trials each parameter explains by itself; computed from "
        f"the trials' ranks, failed ones worst. What is missing to 100 % they explain only together.{weak}{constant}",
        panels=[Panel(Axis("share of the variance", Scale(0.0, max(lengths) * 1.12)), Axis(""), [bars])],
    )
