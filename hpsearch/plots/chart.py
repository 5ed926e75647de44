"""Parts of a plot (panels, layers, axes), which `still` draws as PNG and `interactive` draws for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hpsearch.analysis.scales import Scale

# A palette that colour-blind readers tell apart (Okabe and Ito); what matters differs in shape as well.
BLUE, SKY, GREEN, ORANGE, YELLOW, GREY = "#0072B2", "#56B4E9", "#009E73", "#D55E00", "#E69F00", "#8A8A8A"
# Five steps of viridis, from the best fifth to the worst: even in brightness, readable without colours.
FIFTHS = ("#440154", "#3B528B", "#21918C", "#5EC962", "#FDE725")
VIRIDIS = "viridis"

Mark = Literal["dot", "big dot", "cross", "star"]


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
    """Shaded rectangles ``(x0, x1, y0, y1)``."""

    boxes: Sequence[tuple[float, float, float, float]]
    colour: str
    label: str = ""


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

    ``texts`` are shown under the pointer, and with ``written`` in the cells too.
    """

    x: Sequence[float]
    y: Sequence[float]
    places: Sequence[Sequence[float]]
    texts: Sequence[Sequence[str]]
    written: bool = False


Layer = Dots | Lines | Boxes | Bars | Band | Cells


@dataclass(frozen=True)
class Axis:
    """A label and a scale; without a scale the axis fits what is drawn."""

    label: str
    scale: Scale | None = None


@dataclass(frozen=True)
class Panel:
    """Layers over two axes, and where a new stage begins."""

    x: Axis
    y: Axis
    layers: Sequence[Layer]
    title: str = ""
    stages: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True)
class ColourBar:
    """What colours mean: a label, and texts at places between 0 and 1; the better end, 0 unless said, is on top."""

    label: str
    ticks: Sequence[tuple[float, str]]
    zero_on_top: bool = True


@dataclass(frozen=True)
class Chart:
    """Panels under one title; ``caption`` is one sentence on how to read it."""

    title: str
    caption: str
    panels: Sequence[Panel]
    columns: int = 1
    colours: ColourBar | None = None


@dataclass(frozen=True)
class Upright:
    """One upright axis of parallel coordinates: its label, its ticks, and where each line crosses it (0 to 1)."""

    label: str
    ticks: Sequence[tuple[float, str]]
    places: Sequence[float] = field(repr=False)


@dataclass(frozen=True)
class Parallel:
    """Parallel coordinates: ``places`` of the lines on the colour bar; the line of index ``best`` stands out."""

    title: str
    caption: str
    axes: Sequence[Upright]
    places: Sequence[float] = field(repr=False)
    best: int
    colours: ColourBar


Picture = Chart | Parallel
