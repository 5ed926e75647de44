"""Plot of two parameters: every trial where its params lie, over what a model of the trials expects there."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.importance import importance
from hpsearch.analysis.scales import Scale, place, scale, short
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.plots.chart import Axis, Chart, Dots, Layer, Panel
from hpsearch.plots.colouring import Colouring, by_name, by_rank, check_colour
from hpsearch.plots.marks import failure_marks, hover, star
from hpsearch.plots.surface import Surface, surface
from hpsearch.space import Choice
from hpsearch.trial import Trial

USUAL = ("learning_rate", "l2")


def pair_map(findings: Findings, x: str = "", y: str = "", by: str = "") -> Chart | str:
    """Draw the map of two parameters.

    Args:
        findings: of the study.
        x, y: parameters; what is left out is learning rate and decay, else the numeric ones that matter most.
        by: a parameter or a metric that colours the dots; left out, the rank of the value does.
    Raises:
        SettingError: there is no such parameter or metric, or x and y are the same.
    """
    _check(findings, x, y)
    check_colour(findings, by)
    names = _pair(findings, x, y)
    if names is None:
        return "A map needs two numeric parameters."
    finished, unfinished = (_having(trials, names) for trials in (findings.finished, findings.unfinished))
    if not finished:
        return findings.why_nothing
    across, up = (_scale(findings, name) for name in names)
    x_of, y_of = (_Place(findings, name) for name in names)
    below = surface(findings, names, (across, up))
    colouring = by_name(findings, by) if by else by_rank(findings)
    best = star(findings, x_of, y_of) if findings.chosen in finished else []
    dots = _dots(findings, finished[::-1], colouring, x_of, y_of)  # the best on top
    layers: list[Layer] = [*([below.cells] if below else []), *dots, *failure_marks(findings, unfinished, x_of, y_of), *best]
    return Chart(
        title=f"Map of {short(names[0], 30)} and {short(names[1], 30)}",
        caption=_caption(colouring, below, len(findings.space)),
        panels=[Panel(Axis(short(names[0], 40), across), Axis(short(names[1], 40), up), layers)],
        colours=colouring.bar,
    )


def _check(findings: Findings, x: str, y: str) -> None:
    """Raise `SettingError` unless x and y are different parameters, or left out."""
    for axis, name in (("x", x), ("y", y)):
        if name and name not in findings.space:
            advice = f"Take one of them.{did_you_mean(name, findings.space)}"
            raise SettingError(must_be(axis, f"one of the parameters {', '.join(findings.space)}", name, advice))
    if x and x == y:
        raise SettingError(
            must_be("y", f"another parameter than x, which is {x!r}", y, "Leave it out for the most important one.")
        )


def _pair(findings: Findings, x: str, y: str) -> tuple[str, str] | None:
    """Return the two parameters to map, in place of the ones left out the usual ones, else those that matter most."""
    numeric = [name for name, domain in findings.space.domains.items() if not isinstance(domain, Choice)]
    if all(name in numeric for name in USUAL):
        numeric = [*USUAL, *(name for name in numeric if name not in USUAL)]
    elif len(numeric) > 2 and not (x and y):
        found = importance(findings)
        if not isinstance(found, str):
            numeric = sorted(numeric, key=lambda name: -found.shares.get(name, 0.0))
    others = [name for name in numeric if name not in (x, y)]
    found_x, found_y = (name or (others.pop(0) if others else "") for name in (x, y))
    return (found_x, found_y) if found_x and found_y else None


def _dots(findings: Findings, trials: Sequence[Trial], colouring: Colouring, x: _Place, y: _Place) -> list[Layer]:
    """Return the dots of the trials that have a colour, and below them empty-looking grey ones of those without."""
    coloured = [trial for trial in trials if trial.number in colouring.places]
    grey = [trial for trial in trials if trial.number not in colouring.places]
    groups = ((grey, colouring.none, "dot", colouring.without), (coloured, colouring.of(coloured), "big dot", ""))
    return [
        Dots([x(t) for t in some], [y(t) for t in some], colour, _texts(findings, some, colouring), label, mark)  # type: ignore[arg-type]
        for some, colour, mark, label in groups
        if some
    ]


def _texts(findings: Findings, trials: Sequence[Trial], colouring: Colouring) -> list[str]:
    return [f"{text}{colouring.texts.get(t.number, '')}" for t, text in zip(trials, hover(findings, trials), strict=True)]


def _caption(colouring: Colouring, below: Surface | None, parameters: int) -> str:
    others = " The other parameters differ from dot to dot." if parameters > 2 else ""
    return f"Every trial where its params lie; {colouring.said}.{others}{below.said if below else ''}"


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
