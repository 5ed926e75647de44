"""Plot of a comparison: the best value of each contender against its budget, and which is ahead when."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from hpsearch.analysis.contest import Contest
from hpsearch.analysis.intervals import Interval
from hpsearch.analysis.scales import Scale, value_scale
from hpsearch.plots.chart import BLUE, GREEN, GREY, ORANGE, SKY, YELLOW, Axis, Boxes, Chart, Layer, Lines, Panel

COLOURS = (BLUE, ORANGE, GREEN, YELLOW, SKY, GREY)
# With more contenders than this a reader cannot distinguish their pairs.
_PAIRED = 3


def contest_chart(contest: Contest) -> Chart:
    """Draw mean curves with their intervals; beside them, for up to three contenders, the chance that one beats another."""
    axis = Axis(f"spent ({contest.unit})", _rising(contest))
    means = [interval.centre for arm in contest.arms for interval in contest.curve(arm)]
    values = value_scale(means, contest.maximize)
    panels = [Panel(axis, Axis(f"mean best {contest.measure} so far", values), _curves(contest, values))]
    if len(contest.arms) <= _PAIRED:
        chance = Axis("share of repetitions in which one is ahead", Scale(-0.02, 1.02))
        panels.append(Panel(axis, chance, _chances(contest)))
    return Chart(
        title=" against ".join(contest.arms),
        caption=f"{contest.repetitions} repetitions on paired seeds; shaded: {100 * contest.level:g} % intervals, "
        "each for its own budget. Ties count half.",
        panels=panels,
        columns=2,
    )


def _rising(contest: Contest) -> Scale:
    first, last = float(contest.budgets[0]), float(contest.budgets[-1])
    wide = last > 20 * first > 0
    return Scale(first, last if last > first else first + 1, wide)


def _curves(contest: Contest, scale: Scale) -> list[Layer]:
    layers: list[Layer] = []
    for arm, colour in zip(contest.arms, COLOURS * len(contest.arms), strict=False):
        layers += _band(contest, contest.curve(arm), colour, arm, scale)
    return layers


def _chances(contest: Contest) -> list[Layer]:
    layers: list[Layer] = [_level(contest)]
    for (arm, other), colour in zip(combinations(contest.arms, 2), (BLUE, ORANGE, GREEN), strict=False):
        layers += _band(contest, contest.chances(arm, other), colour, f"{arm} ahead of {other}", Scale(0.0, 1.0))
    return layers


def _level(contest: Contest) -> Lines:
    ends = [float(contest.budgets[0]), float(contest.budgets[-1])]
    return Lines(ends, [0.5, 0.5], GREY, "even", dashed=True)


def _band(contest: Contest, intervals: Sequence[Interval], colour: str, label: str, scale: Scale) -> list[Layer]:
    """Return a line through the centres and the intervals around it, as steps: a budget's value holds until the next one."""
    x = contest.budgets.tolist()
    ends = [*x[1:], x[-1]]
    boxes = [(a, b, scale.clipped(i.low), scale.clipped(i.high)) for a, b, i in zip(x, ends, intervals, strict=True) if b > a]
    line = Lines(x, [interval.centre for interval in intervals], colour, label, width=2.2, steps=True)
    return [Boxes(boxes, colour), line]
