"""Parts of a plot (panels, layers, axes), which `still` draws as PNG and `interactive` draws for a browser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hpsearch.analysis.scales import Scale

# A palette that colour-blind readers tell apart (Okabe and Ito); what matters differs in shape as well.
BLUE, SKY, GREEN, ORANGE, YELLOW, GREY = "#0072B2", "#56B4E9", "#009E73", "#D55E00", "#E69F00", "#8A8A8A"
PURPLE = "#CC79A7"
# Of texts and axes; a page in dark colours replaces it.
INK = "#1A1A1B"
# Five steps of viridis, from the best fifth to the worst: even in brightness, readable without colours.
FIFTHS = ("#440154", "#3B528B", "#21918C", "#5EC962", "#FDE725")
VIRIDIS = "viridis"
# The greys of a surface below marks, from 0 to 1.
GREYS = ("#A2A2A2", "#FAFAFA")

Mark = Literal["dot", "big dot", "halo", "cross", "star"]


@dataclass(frozen=True)
class Dots:
    """One mark per point; ``colour`` is one colour, or a place between 0 and 1 on the chart's colour bar for each."""

    x: Sequence[float]
    y: Sequence[float]
    colour: str | Sequence[float]
    texts: Sequence[str] = ()
    label: str = ""
    mark: Mark = "dot"


@dataclass(frozen=True)
class Lines:
    """Lines through points; NaN in both coordinates ends one line, so that hundreds of them are one layer."""

    x: Sequence[float]
    y: Sequence[float]
    colour: str
    label: str = ""
    width: float = 1.0
    dashed: bool = False
    steps: bool = False
    faint: bool = False
    texts: Sequence[str] = ()


@dataclass(frozen=True)
class Boxes:
    """Shaded rectangles ``(x0, x1, y0, y1)``; ``shade`` is how much they hide what is below."""

    boxes: Sequence[tuple[float, float, float, float]]
    colour: str
    label: str = ""
    shade: float = 0.3


@dataclass(frozen=True)
class Bars:
    """Horizontal bars with their length written beside them, the first one on top."""

    names: Sequence[str]
    lengths: Sequence[float]
    texts: Sequence[str]
    colour: str = BLUE


@dataclass(frozen=True)
class Band:
    """The shaded area between two lines over the same points, from left to right."""

    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    colour: str
    label: str = ""


@dataclass(frozen=True)
class Cells:
    """Coloured cells between the edges of columns and rows; ``places[i][j]`` of column i and row j on the colour bar.

    ``texts`` are shown under the pointer, and with ``written`` in the cells too. ``grey`` ones leave the colours to the marks
    above them: dark at 0, bright at 1.
    """

    x: Sequence[float]
    y: Sequence[float]
    places: Sequence[Sequence[float]]
    texts: Sequence[Sequence[str]]
    written: bool = False
    grey: bool = False


@dataclass(frozen=True)
class Whiskers:
    """Upright intervals: a short line from ``low`` to ``high`` at each place."""

    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    colour: str


@dataclass(frozen=True)
class EndLabels:
    """Texts beside the right ends of lines, each joined to its line's end.

    Args:
        x: where the lines end.
        ends: the height of each line's end.
        heights: where its text is centred; `spread_apart` finds them.
        colours: of the joining lines.
        texts: of one line or two.
    """

    x: float
    ends: Sequence[float]
    heights: Sequence[float]
    colours: Sequence[str]
    texts: Sequence[str]


Layer = Dots | Lines | Boxes | Bars | Band | Cells | Whiskers | EndLabels


@dataclass(frozen=True)
class Axis:
    """A label and a scale; without a scale the axis fits what is drawn."""

    label: str
    scale: Scale | None = None


@dataclass(frozen=True)
class Panel:
    """Layers over two axes, and where a new stage begins; ``square`` gives both axes the same unit, as an image needs."""

    x: Axis
    y: Axis
    layers: Sequence[Layer]
    title: str = ""
    stages: Sequence[tuple[float, str]] = ()
    square: bool = False


@dataclass(frozen=True)
class ColourBar:
    """What colours mean: a label, and texts at places between 0 and 1; the better end, 0 unless said, is on top."""

    label: str
    ticks: Sequence[tuple[float, str]]
    zero_on_top: bool = True


@dataclass(frozen=True)
class Cell:
    """Place of a panel: its row, its first column, and how many columns wide it is."""

    row: int
    column: int
    width: int


@dataclass(frozen=True)
class Chart:
    """Panels under one title, at most ``columns`` in a row; ``caption`` is one sentence on how to read it."""

    title: str
    caption: str
    panels: Sequence[Panel]
    columns: int = 1
    colours: ColourBar | None = None

    def layout(self) -> tuple[int, int, list[Cell]]:
        """Return rows and columns of a grid, and the cell of each panel; those of a last row that is short are wider.

        >>> empty = Panel(Axis(""), Axis(""), [])
        >>> rows, columns, cells = Chart("", "", [empty] * 3, columns=2).layout()
        >>> rows, columns, cells[-1]
        (2, 2, Cell(row=1, column=0, width=2))
        """
        count = len(self.panels)
        most = min(self.columns, count)
        rows, last = -(-count // most), (count - 1) % most + 1
        columns = math.lcm(most, last)
        widths = [columns // (last if i >= count - last else most) for i in range(count)]
        return rows, columns, [Cell(i // most, i % most * width, width) for i, width in enumerate(widths)]


@dataclass(frozen=True)
class Upright:
    """One upright axis of parallel coordinates: its label, its ticks, and where each line crosses it (0 to 1)."""

    label: str
    ticks: Sequence[tuple[float, str]]
    places: Sequence[float] = field(repr=False)


@dataclass(frozen=True)
class Parallel:
    """Parallel coordinates: ``places`` of the lines on the colour bar; the line of index ``best`` stands out.

    ``texts`` name the lines under the pointer.
    """

    title: str
    caption: str
    axes: Sequence[Upright]
    places: Sequence[float] = field(repr=False)
    best: int
    colours: ColourBar
    texts: Sequence[str] = ()


Picture = Chart | Parallel


def spread_apart(places: Sequence[float], gap: float) -> list[float]:
    """Return places between 0 and 1, at least ``gap`` apart and as near as possible to those given, in the same order.

    Where there is no room for the gaps, the places are spread evenly.

    >>> [round(place, 3) for place in spread_apart([0.5, 0.52, 0.9], 0.1)]
    [0.46, 0.56, 0.9]
    """
    gap = min(gap, 1.0 / max(len(places) - 1, 1))
    order = sorted(range(len(places)), key=lambda i: places[i])
    # What is left of a place when the gaps below it are taken away must rise: a group that does not has its mean.
    groups: list[list[float]] = []
    for rank, i in enumerate(order):
        groups.append([places[i] - rank * gap])
        while len(groups) > 1 and _mean(groups[-2]) > _mean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    room = 1.0 - gap * (len(places) - 1)
    lowered = [min(max(_mean(group), 0.0), room) for group in groups for _ in group]
    found = dict(zip(order, (place + rank * gap for rank, place in enumerate(lowered)), strict=True))
    return [found[i] for i in range(len(places))]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
