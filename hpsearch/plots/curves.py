"""Plot of the training curves of all trials, with the best one highlighted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from hpsearch.analysis.curves import MOST, Gap, curve_names, gap, learning_curves
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import Scale, value_scale
from hpsearch.plots.chart import BLUE, FIFTHS, GREY, ORANGE, Axis, Band, Chart, Layer, Lines, Panel
from hpsearch.trial import Curve, Trial

# So many kinds of curve are drawn, and one more beside the panel of the gap, where there is one.
PANELS = 4
# Points of a panel: of longer curves an even choice is drawn, with the last one.
POINTS = 8000
_NAMES = ("best fifth of the trials", "second", "third", "fourth", "worst fifth")
Having = Sequence[tuple[Trial, Curve]]


def curves(findings: Findings) -> Chart | str:
    """Draw the kinds of curve, the value's own one first, and then the gap of the best trial between training and validation.

    Of very many trials the best and an even choice are drawn.
    """
    apart = gap(findings)
    names = [name for name in curve_names(findings) if apart is None or name != apart.source]
    most = PANELS if apart is None else PANELS + 1
    found = {name: learning_curves(findings, name) for name in names[:most]}
    panels = [_panel(findings, name, having) for name, having in found.items() if having]
    panels[1:1] = [_gap_panel(apart)] if apart else []
    if not panels:
        return "There are no learning curves: the objective reported none."
    drawn, trials = len(found[names[0]]), len(findings.searching)
    chosen = f" {drawn} of {trials} trials are drawn: the best, and an even choice of the others."
    part = "" if drawn == trials else chosen if trials > MOST else f" {drawn} of {trials} trials have one."
    left = f" Not drawn: {', '.join(names[most:])}." if names[most:] else ""
    of_best = f" {_gap_sentence(apart)}" if apart else ""
    caption = f"One line per trial, coloured by its rank.{part}{of_best}{left}"
    return Chart("Learning curves", caption, panels, min(len(panels), 2))


def _gap_panel(apart: Gap) -> Panel:
    """Return the panel of the best trial, training and validation, the gap between them shaded."""
    low, high = ([pick(pair) for pair in zip(apart.training, apart.validation, strict=True)] for pick in (min, max))
    layers: list[Layer] = [
        Band(apart.steps, low, high, GREY, "gap"),
        Lines(apart.steps, apart.training, BLUE, apart.source.replace("_", " "), width=2.0, dashed=True),
        Lines(apart.steps, apart.validation, ORANGE, f"validation {apart.name}".replace("_", " "), width=2.6),
    ]
    label = f"{apart.name} of trial {apart.trial.number}, the best".replace("_", " ")
    return Panel(Axis("step (epoch)"), Axis(label, value_scale([*apart.training, *apart.validation])), layers)


def _gap_sentence(apart: Gap) -> str:
    first, last = (abs(apart.training[i] - apart.validation[i]) for i in (0, -1))
    name = apart.name.replace("_", " ")
    return f"Shaded: training and validation {name} of the best trial are {first:.3g} apart at first and {last:.3g} in the end."


def _panel(findings: Findings, name: str, having: Having) -> Panel:
    groups: list[list[tuple[Trial, Curve]]] = [[] for _ in FIFTHS]
    failed = [pair for pair in having if not pair[0].ok]
    for pair in having:
        if pair[0].ok:
            groups[min(int(findings.ranks[pair[0].number] * len(FIFTHS)), len(FIFTHS) - 1)].append(pair)
    layers = [_lines(failed, len(having), GREY, "failed or stopped", dashed=True, width=0.9)] if failed else []
    drawn = [i for i in reversed(range(len(groups))) if groups[i]]  # the best on top
    layers += [_lines(groups[i], len(having), FIFTHS[i], _NAMES[i], faint=True) for i in drawn]
    best = [pair for pair in having if pair[0] is findings.chosen]
    layers += [_lines(best, len(having), ORANGE, f"best: trial {best[0][0].number}", width=2.6)] if best else []
    return Panel(Axis("step (epoch)"), Axis(name.replace("_", " "), _scale(having)), layers)


def _thinned(curve: Curve, curves: int) -> Curve:
    """Return an even choice of a curve's points, so that all curves of a panel together stay within its points."""
    every = -(-len(curve) * curves // POINTS)
    return curve if every <= 1 else tuple(point for i, point in enumerate(curve) if (len(curve) - 1 - i) % every == 0)


def _lines(having: Having, count: int, colour: str, label: str, **look: float | bool) -> Lines:
    """Return curves as one layer, a gap after each."""
    gap = (math.nan, math.nan)
    having = [(trial, _thinned(curve, count)) for trial, curve in having]
    points = list(chain.from_iterable([*curve, gap] for _, curve in having))
    texts = list(chain.from_iterable([f"trial {trial.number}"] * (len(curve) + 1) for trial, curve in having))
    return Lines([p[0] for p in points], [p[1] for p in points], colour, label, texts=texts, **look)  # type: ignore[arg-type]


def _scale(having: Having) -> Scale:
    """Return an axis for curves of which nobody said whether high or low is good: extremes are cut off at both ends."""
    values = [value for _, curve in having for _, value in curve]
    low, high = value_scale(values), value_scale(values, maximize=True)
    if low.log:
        return low
    return low if low.high - low.low < high.high - high.low else high
