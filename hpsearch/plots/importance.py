"""Plots of what matters: the importance of each parameter, and the map of the two that matter most."""

from __future__ import annotations

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.importance import importance
from hpsearch.analysis.scales import Scale, place, scale, short
from hpsearch.plots.chart import Axis, Bars, Chart, Panel
from hpsearch.plots.marks import failure_marks, rank_colours, star, trial_dots
from hpsearch.space import Choice
from hpsearch.trial import Trial

USUAL = ("learning_rate", "l2")


def importance_bars(findings: Findings) -> Chart | str:
    """Draw one bar per parameter, the most important on top."""
    found = importance(findings)
    if isinstance(found, str):
        return found
    constant = f" Never varied: {', '.join(found.constant)}." if found.constant else ""
    names, lengths = list(found.shares), list(found.shares.values())
    bars = Bars([short(name, 30) for name in names], lengths, [f"{100 * share:.0f} %" for share in lengths])
    return Chart(
        title="Which parameters matter (fANOVA)",
        caption=f"How much of the differences between {found.trials} trials each parameter explains by itself; computed from "
        f"the trials' ranks, failed ones worst. What is missing to 100 % they explain only together.{constant}",
        panels=[Panel(Axis("share of the variance", Scale(0.0, max(lengths) * 1.12)), Axis(""), [bars])],
    )


def pair(findings: Findings) -> tuple[str, str] | None:
    """Return the two parameters to map: learning rate and decay, else the two numeric ones that matter most."""
    numeric = [name for name, domain in findings.space.domains.items() if not isinstance(domain, Choice)]
    if all(name in numeric for name in USUAL):
        return USUAL
    if len(numeric) > 2:
        found = importance(findings)
        if not isinstance(found, str):
            numeric = sorted(numeric, key=lambda name: -found.shares.get(name, 0.0))
    return (numeric[0], numeric[1]) if len(numeric) >= 2 else None


def pair_map(findings: Findings, x: str = "", y: str = "") -> Chart | str:
    """Draw the map of two parameters; named ones, else those of `pair`."""
    names = (x, y) if x and y else pair(findings)
    if names is None:
        return "A map needs two numeric parameters."
    finished, unfinished = (_having(trials, names) for trials in (findings.finished, findings.unfinished))
    if not finished:
        return findings.why_nothing
    across, up = (_scale(findings, name) for name in names)
    x_of, y_of = (_Place(findings, name) for name in names)
    best = star(findings, x_of, y_of) if findings.chosen in finished else []
    dots = trial_dots(findings, finished[::-1], x_of, y_of, mark="big dot")  # the best on top
    return Chart(
        title=f"Map of {short(names[0], 30)} and {short(names[1], 30)}",
        caption="Every trial where its params lie; dark ones are good. The other parameters differ from dot to dot.",
        panels=[
            Panel(Axis(short(names[0], 40), across), Axis(short(names[1], 40), up),
                  [dots, *failure_marks(findings, unfinished, x_of, y_of), *best])
        ],
        colours=rank_colours(findings),
    )  # fmt: skip


class _Place:
    """Where a trial lies along one parameter."""

    def __init__(self, findings: Findings, name: str) -> None:
        self.domain, self.name = findings.space[name], name

    def __call__(self, trial: Trial) -> float:
        return place(self.domain, trial.params[self.name], trial.number)


def _having(trials: list[Trial], names: tuple[str, str]) -> list[Trial]:
    return [trial for trial in trials if all(name in trial.params for name in names)]


def _scale(findings: Findings, name: str) -> Scale:
    return scale(findings.space[name], [trial.params[name] for trial in findings.searching if name in trial.params])
