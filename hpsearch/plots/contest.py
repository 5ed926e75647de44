"""Plot of a comparison: the best value of each contender against its budget, and which is ahead when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from hpsearch.analysis.contest import Contest
from hpsearch.analysis.intervals import Interval
from hpsearch.analysis.scales import Scale, short, value_scale
from hpsearch.plots.chart import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    YELLOW,
    Axis,
    Boxes,
    Chart,
    EndLabels,
    Layer,
    Lines,
    Panel,
    Whiskers,
    spread_apart,
)

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY)
# Pairs have other colours than contenders: a line of the right panel belongs to two of them.
_PAIR_COLOURS = (INK, "#7A5195", "#B3446C")
# With more contenders than this a reader cannot distinguish their pairs, nor their bands where these overlap.
_PAIRED = 3
# Of the axis's height: what a label of one line takes, and one of two.
_ONE_LINE, _TWO_LINES = 0.055, 0.095
# Intervals of many contenders are drawn at so many budgets, side by side.
_PLACES = 6
_WIDTH = 22


def contest_chart(contest: Contest) -> Chart:
    """Draw mean curves with their intervals; beside them, for up to three contenders, the chance that one beats another."""
    few = len(contest.arms) <= _PAIRED
    axis = Axis(f"spent ({contest.unit})", _rising(contest))
    values = _values(contest)
    panels = [Panel(axis, Axis(f"mean best {contest.measure} so far", values), _curves(contest, values, few))]
    if few:
        chance = Axis("share of repetitions in which one is ahead", Scale(-0.02, 1.02))
        panels.append(Panel(axis, chance, _chances(contest)))
    shown = "shaded" if few else "upright lines"
    return Chart(
        title=_title(contest.arms),
        caption=f"{contest.repetitions} repetitions on paired seeds; {shown}: {100 * contest.level:g} % intervals, "
        "each for its own budget. Ties count half.",
        panels=panels,
        columns=2,
    )


def _title(arms: Sequence[str]) -> str:
    return " against ".join(arms) if len(arms) <= _PAIRED else f"{len(arms)} contenders at equal budget"


def _rising(contest: Contest) -> Scale:
    first, last = float(contest.budgets[0]), float(contest.budgets[-1])
    wide = last > 20 * first > 0
    return Scale(first, last if last > first else first + 1, wide)


def _values(contest: Contest) -> Scale:
    """Return the axis of the mean values; it holds the intervals at the end, for which it may be cut off at the beginning."""
    curves = [contest.curve(arm) for arm in contest.arms]
    scale = value_scale([interval.centre for curve in curves for interval in curve], contest.maximize)
    ends = [end for curve in curves for end in (curve[-1].low, curve[-1].high)]
    low, high = min(scale.low, *ends), max(scale.high, *ends)
    return scale if scale.log and low <= 0 else Scale(low, high, scale.log)


def _curves(contest: Contest, scale: Scale, few: bool) -> list[Layer]:
    layers: list[Layer] = []
    curves = [contest.curve(arm) for arm in contest.arms]
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(curves))]
    for i, (curve, colour) in enumerate(zip(curves, colours, strict=True)):
        layers.append(_shade(contest, curve, colour, scale) if few else _whiskers(contest, curve, colour, scale, i))
    for i, (curve, colour) in enumerate(zip(curves, colours, strict=True)):
        layers.append(_line(contest, curve, colour, dashed=i >= len(COLOURS)))
    names = [short(arm, _WIDTH) for arm in contest.arms]
    return [*layers, _labels(contest, curves, colours, names, scale, _ONE_LINE)]


def _chances(contest: Contest) -> list[Layer]:
    pairs = list(combinations(contest.arms, 2))
    curves = [contest.chances(*pair) for pair in pairs]
    layers: list[Layer] = [_level(contest)]
    layers += [_shade(contest, curve, c, Scale(0.0, 1.0)) for curve, c in zip(curves, _PAIR_COLOURS, strict=False)]
    layers += [_line(contest, curve, colour) for curve, colour in zip(curves, _PAIR_COLOURS, strict=False)]
    texts = [f"{short(arm, _WIDTH)}\nahead of {short(other, _WIDTH)}" for arm, other in pairs]
    return [*layers, _labels(contest, curves, _PAIR_COLOURS[: len(pairs)], texts, Scale(-0.02, 1.02), _TWO_LINES)]


def _level(contest: Contest) -> Lines:
    ends = [float(contest.budgets[0]), float(contest.budgets[-1])]
    return Lines(ends, [0.5, 0.5], GREY, dashed=True)


def _line(contest: Contest, intervals: Sequence[Interval], colour: str, dashed: bool = False) -> Lines:
    """Return a line through the centres, as steps: a budget's value holds until the next one."""
    centres = [interval.centre for interval in intervals]
    return Lines(contest.budgets.tolist(), centres, colour, width=2.2, steps=True, dashed=dashed)


def _shade(contest: Contest, intervals: Sequence[Interval], colour: str, scale: Scale) -> Boxes:
    x = contest.budgets.tolist()
    ends = [*x[1:], x[-1]]
    frame = _beyond(scale)
    boxes = [(a, b, frame.clipped(i.low), frame.clipped(i.high)) for a, b, i in zip(x, ends, intervals, strict=True) if b > a]
    return Boxes(boxes, colour, shade=0.3 if len(contest.arms) == 2 else 0.16)


def _whiskers(contest: Contest, intervals: Sequence[Interval], colour: str, scale: Scale, turn: int) -> Whiskers:
    """Return the intervals at a few budgets, those of each contender a little to the right of the one before it."""
    found, frame = list(_places(contest, turn)), _beyond(scale)
    lows, highs = ([frame.clipped(getattr(intervals[i], end)) for i, _ in found] for end in ("low", "high"))
    return Whiskers([x for _, x in found], lows, highs, colour)


def _beyond(scale: Scale) -> Scale:
    """Return a scale that ends outside of the picture, at which what is cut off shows no end."""
    return Scale(scale.at(-0.1), scale.at(1.1), scale.log)


def _places(contest: Contest, turn: int) -> Iterator[tuple[int, float]]:
    """Yield where intervals are drawn: the index of the budget that holds there, and the place on the axis."""
    axis, budgets = _rising(contest), contest.budgets.tolist()
    share = (turn + 0.5) / len(contest.arms)
    for group in range(_PLACES):
        x = axis.at((group + 0.2 + 0.6 * share) / _PLACES)
        yield max((i for i, budget in enumerate(budgets) if budget <= x), default=0), x


def _labels(
    contest: Contest,
    curves: Sequence[Sequence[Interval]],
    colours: Sequence[str],
    texts: Sequence[str],
    scale: Scale,
    gap: float,
) -> EndLabels:
    ends = [scale.clipped(curve[-1].centre) for curve in curves]
    heights = [scale.at(place) for place in spread_apart([scale.unit(end) for end in ends], gap)]
    return EndLabels(float(contest.budgets[-1]), ends, heights, colours, texts)
