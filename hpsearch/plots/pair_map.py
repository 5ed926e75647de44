"""Plot of two parameters: every trial where its params lie, over what a model of the trials expects there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.importance import importance
from hpsearch.analysis.river import River, river
from hpsearch.analysis.scales import Scale, place, scale, short
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.plots.chart import ORANGE, Axis, Cells, Chart, Dots, Layer, Panel
from hpsearch.plots.colouring import Colouring, by_name, by_rank, check_colour
from hpsearch.plots.marks import failure_marks, hover, star
from hpsearch.plots.surface import surfaces
from hpsearch.space import Choice
from hpsearch.trial import Trial, best, lowest

USUAL = ("learning_rate", "l2")
# The largest number of panels: those of the best options.
PANELS, COLUMNS = 9, 3


def pair_map(findings: Findings, x: str = "", y: str = "", by: str = "") -> Chart | str:
    """Draw the map of two parameters, one panel for each option of a choice ``by``.

    The settings within one standard error of the best are marked, where it is known how noisy a value is: the river of good
    settings, as people call it where it winds through a map of learning rate and decay.

    Args:
        findings: of the study.
        x, y: parameters; what is left out is learning rate and decay, else the numeric ones that matter most.
        by: a choice of the space, such as the activation, has a panel for each of its options, all with the same colours; any
            other parameter or metric colours the dots. Left out, the rank of the value does.
    Raises:
        SettingError: there is no such parameter or metric, or x and y are the same.
    """
    _check(findings, x, y)
    check_colour(findings, by)
    names = _pair(findings, x, y)
    if names is None:
        return "A map needs two numeric parameters."
    if not _having(findings.finished, names):
        return findings.why_nothing
    parts = _parts(findings, names, by)
    split = len(parts) > 1
    axes = _scale(findings, names[0]), _scale(findings, names[1])
    below, said = surfaces([part for _, part in parts], names, axes)
    colouring = by_name(findings, by) if by and not split else by_rank(findings)
    places = _Place(findings, names[0]), _Place(findings, names[1])
    noise = Conclusions(findings).noise
    rivers = [river(part, noise) for _, part in parts]
    drawn = [_Map(findings, part, names, places, colouring, found) for (_, part), found in zip(parts, rivers, strict=True)]
    return Chart(
        title=f"Map of {short(names[0], 30)} and {short(names[1], 30)}" + (f" by {short(by, 30)}" if split else ""),
        caption=_caption(colouring, len(findings.space) - len(names) - split, by if split else "") + _ringed(rivers) + said,
        panels=[
            Panel(
                Axis(short(names[0], 40), axes[0]),
                Axis(short(names[1], 40) if i % COLUMNS == 0 else "", axes[1]),
                one.layers(cells),
                stages=[(axes[0].low, title)] if title else [],
            )
            for i, ((title, _), one, cells) in enumerate(zip(parts, drawn, below, strict=True))
        ],
        columns=COLUMNS,
        colours=colouring.bar,
    )


def _parts(findings: Findings, names: tuple[str, str], by: str) -> list[tuple[str, Findings]]:
    """Return the titles and the findings of the panels: one for each option of a choice that some trial finished with."""
    domain = findings.space.domains.get(by)
    if not isinstance(domain, Choice) or by in names:
        return [("", findings)]
    found: list[tuple[float, str, Findings]] = []
    for label, value in zip(domain.labels, domain.values, strict=True):
        trials = [t for t in findings.trials if by in t.params and t.params[by] == value]
        setting = lowest(trials)
        if setting is not None and _having(best(trials, len(trials)), names):
            part = replace(findings, trials=trials, setting=setting)
            found.append((setting.mean, f"{short(by, 20)} {short(label, 20)}", part))
    if len(found) < 2:
        return [("", findings)]
    worst = sorted(mean for mean, _, _ in found)[:PANELS][-1]
    return [(title, part) for mean, title, part in found if mean <= worst][:PANELS]


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


@dataclass(frozen=True)
class _Map:
    """What is drawn in one panel.

    Args:
        whole: the findings of the study, by which dots are coloured.
        part: those of the panel.
        names: of the two parameters.
        places: where a trial lies along each.
        colouring: of the dots.
        river: of the panel.
    """

    whole: Findings
    part: Findings
    names: tuple[str, str]
    places: tuple[_Place, _Place]
    colouring: Colouring
    river: River | None

    def layers(self, below: Cells | None) -> list[Layer]:
        """Return the layers of the panel, the surface first."""
        finished, unfinished = (_having(trials, self.names) for trials in (self.part.finished, self.part.unfinished))
        best_trial = star(self.whole, *self.places) if self.whole.chosen in finished else []
        dots = self._dots(finished[::-1])  # the best on top
        return [
            *([below] if below else []),
            *self._halo(),
            *dots,
            *failure_marks(self.whole, unfinished, *self.places),
            *best_trial,
        ]

    def _halo(self) -> list[Layer]:
        """Return a halo around each setting of the river, where there is more than the best one."""
        trials = _having(self.river.trials, self.names) if self.river else []
        if self.river is None or len(trials) < 2:
            return []
        label = "within one standard error of the best"
        x, y = ([place(trial) for trial in trials] for place in self.places)
        return [Dots(x, y, ORANGE, (), label, "halo")]

    def _dots(self, trials: Sequence[Trial]) -> list[Layer]:
        """Return the dots of the trials that have a colour, and below them empty-looking grey ones of those without."""
        colouring = self.colouring
        coloured = [trial for trial in trials if trial.number in colouring.places]
        grey = [trial for trial in trials if trial.number not in colouring.places]
        groups = ((grey, colouring.none, "dot", colouring.without), (coloured, colouring.of(coloured), "big dot", ""))
        x, y = self.places
        return [
            Dots([x(t) for t in some], [y(t) for t in some], colour, self._texts(some), label, mark)  # type: ignore[arg-type]
            for some, colour, mark, label in groups
            if some
        ]

    def _texts(self, trials: Sequence[Trial]) -> list[str]:
        texts = self.colouring.texts
        return [f"{text}{texts.get(t.number, '')}" for t, text in zip(trials, hover(self.whole, trials), strict=True)]


def _ringed(rivers: Sequence[River | None]) -> str:
    """Return the sentence of a caption on the rings, where there are any."""
    errors = [f"{found.error:.2g}" for found in rivers if found and len(found.trials) > 1]
    return f" Ringed: within one standard error of the best ({', '.join(errors)})." if errors else ""


def _caption(colouring: Colouring, others: int, by: str) -> str:
    differ = " The other parameters differ from dot to dot." if others > 0 else ""
    panels = f" One panel for each option of {short(by, 26)}, with the same colours." if by else ""
    return f"Every trial where its params lie; {colouring.said}.{panels}{differ}"


class _Place:
    """Where a trial lies along one parameter."""

    def __init__(self, findings: Findings, name: str) -> None:
        self.domain, self.name = findings.space[name], name

    def __call__(self, trial: Trial) -> float:
        return place(self.domain, trial.params[self.name], trial.number)


def _having(trials: Sequence[Trial], names: tuple[str, str]) -> list[Trial]:
    return [trial for trial in trials if all(name in trial.params for name in names)]


def _scale(findings: Findings, name: str) -> Scale:
    return scale(findings.space[name], [trial.params[name] for trial in findings.searching if name in trial.params])
