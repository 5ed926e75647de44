"""Plots as PNG, SVG and PDF, with matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import (
    GREY,
    GREYS,
    INK,
    ORANGE,
    VIRIDIS,
    Axis,
    Band,
    Bars,
    Boxes,
    Cells,
    Chart,
    ColourBar,
    Dots,
    EndLabels,
    Lines,
    Panel,
    Parallel,
    Picture,
    Whiskers,
)
from hpsearch.plots.thinning import MOST, kept_dots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
_WIDTH, _HEIGHT, _MORE = 12.0, 7.0, 2.6  # inches; each row of panels beyond the second adds to the height
_MARKS: dict[str, dict[str, Any]] = {
    "dot": {"marker": "o", "s": 22, "linewidth": 0.3, "edgecolor": "white", "zorder": 3},
    "big dot": {"marker": "o", "s": 80, "linewidth": 0.5, "edgecolor": "white", "zorder": 3},
    "halo": {"marker": "o", "s": 190, "linewidth": 0.0, "zorder": 2.5},
    "cross": {"marker": "x", "s": 32, "linewidth": 1.2, "zorder": 4, "clip_on": False},
    "star": {"marker": "*", "s": 210, "linewidth": 0.8, "edgecolor": "black", "zorder": 6},
}
# Written in coloured cells, on pages in dark colours too: these two are not replaced there.
_BLACK, _WHITE = "#000000", "#fefefe"
_NAMED_MARKS = 1600  # of a picture within a page
_NAMED = 8  # more stages than this are marked, but not named


def png(picture: Picture) -> bytes:
    """Return the picture as a PNG of 1200 by 700 points, higher where it has more than two rows of panels."""
    return draw(picture, "png")


def draw(
    picture: Picture, kind: str, width: float | None = None, height: float | None = None, dpi: float | None = None
) -> bytes:
    """Return the content of a ``"png"``, ``"svg"`` or ``"pdf"`` file; SVG and PDF hold their fonts.

    Args:
        picture: to draw.
        kind: of file.
        width: in inches; None for the usual one, as below.
        height: in inches.
        dpi: dots per inch.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content, drawn = io.BytesIO(), figure(picture)
    drawn.set_size_inches(width or drawn.get_figwidth(), height or drawn.get_figheight())
    drawn.set_dpi(dpi or DPI)
    if kind == "png":
        # `savefig` would draw everything twice, the first time for the layout alone.
        canvas: Any = FigureCanvasAgg(drawn)
        canvas.print_png(content, pil_kwargs={"compress_level": 6})
    else:
        # TrueType in a PDF can be searched and edited; outlines in an SVG look the same everywhere. No date: the same bytes.
        with mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "hpsearch"}):
            drawn.savefig(content, format=kind, metadata={"Date" if kind == "svg" else "CreationDate": None})
    return content.getvalue()


def figure(picture: Picture, named: bool = False) -> Figure:
    """Return the picture as a matplotlib figure.

    Args:
        picture: to draw.
        named: whether marks carry their texts as addresses, which `hpsearch.plots.inline` makes tooltips of; of very many marks
            some are left out, and nothing is drawn as pixels.
    """
    return _parallel(picture, named) if isinstance(picture, Parallel) else _chart(picture, named)


def _chart(chart: Chart, named: bool) -> Figure:
    from matplotlib.figure import Figure

    rows, columns, cells = chart.layout()
    height = _HEIGHT if rows <= 2 else _HEIGHT + _MORE * (rows - 2)
    drawn = Figure(figsize=(_WIDTH, height), dpi=DPI, layout="constrained")
    places = drawn.add_gridspec(rows, columns)
    shown = [drawn.add_subplot(places[cell.row, cell.column : cell.column + cell.width]) for cell in cells]
    for axes, panel in zip(shown, chart.panels, strict=True):
        _panel(axes, panel, min(MOST, _NAMED_MARKS // len(chart.panels)) if named else 0)
        axes.set_aspect("equal" if panel.square else "auto")
    _title(drawn, chart.title)
    _legend(drawn, shown)
    if chart.colours is not None:
        _colour_bar(drawn, shown, chart.colours, named)
    return drawn


def _panel(axes: Axes, panel: Panel, named: int) -> None:
    """Draw a panel; its dots carry their texts, as far as there are no more than ``named`` of a layer, or none do."""
    for layer in panel.layers:
        if isinstance(layer, Dots):
            _dots(axes, layer, named)
        elif isinstance(layer, Lines):
            _lines(axes, layer, named > 0)
        elif isinstance(layer, Boxes):
            _boxes(axes, layer)
        elif isinstance(layer, Band):
            axes.fill_between(
                layer.x, layer.low, layer.high, color=layer.colour, alpha=0.25, linewidth=0, label=_text(layer.label)
            )
        elif isinstance(layer, Cells):
            _cells(axes, layer, named > 0)
        elif isinstance(layer, Whiskers):
            axes.vlines(layer.x, layer.low, layer.high, color=layer.colour, linewidth=1.6, alpha=0.75)
        elif isinstance(layer, EndLabels):
            _end_labels(axes, layer)
        else:
            _bars(axes, layer)
    _axis(axes.xaxis, panel.x)
    _axis(axes.yaxis, panel.y)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    for i, (start, name) in enumerate(panel.stages):
        if i:
            axes.axvline(start, color=GREY, linewidth=0.9)
        if len(panel.stages) <= _NAMED:
            where: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "fontsize": 8}
            axes.annotate(_text(name), (start, 1.0), (2, 3), annotation_clip=False, **where)


def _cells(axes: Axes, cells: Cells, named: bool) -> None:
    if named:
        _named_cells(axes, cells)
    else:
        colours: dict[str, Any] = {"cmap": _colours(cells), "vmin": 0.0, "vmax": 1.0}
        axes.pcolormesh(cells.x, cells.y, np.array(cells.places).T, rasterized=True, **colours)
    if not cells.written:
        return
    across, up = ([(low + high) / 2 for low, high in pairwise(edges)] for edges in (cells.x, cells.y))
    for x, column, texts in zip(across, cells.places, cells.texts, strict=True):
        for y, place, text in zip(up, column, texts, strict=True):
            axes.text(x, y, _text(text), ha="center", va="center", color=_BLACK if place > 0.6 else _WHITE, fontsize=9)


def _named_cells(axes: Axes, cells: Cells) -> None:
    from matplotlib.collections import PolyCollection

    columns, rows = list(pairwise(cells.x)), list(pairwise(cells.y))
    corners = [[(a, c), (a, d), (b, d), (b, c)] for a, b in columns for c, d in rows]
    colours: dict[str, Any] = {"array": np.ravel(cells.places), "cmap": _colours(cells), "clim": (0.0, 1.0)}
    shades = PolyCollection(corners, linewidth=0.4, edgecolor="face", **colours)
    shades.set_urls([text for texts in cells.texts for text in texts])
    axes.add_collection(shades)


def _colours(cells: Cells) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("surface", GREYS, 64) if cells.grey else VIRIDIS


def _dots(axes: Axes, dots: Dots, named: int) -> None:
    kept = kept_dots(dots, named) if named else range(len(dots.x))
    x, y = ([places[i] for i in kept] for places in (dots.x, dots.y))
    one = isinstance(dots.colour, str)
    colour: dict[str, Any] = {"color": dots.colour} if one else {"c": [dots.colour[i] for i in kept]}
    scale: dict[str, Any] = {} if one else {"cmap": VIRIDIS, "vmin": 0.0, "vmax": 1.0}
    drawn = axes.scatter(x, y, label=_text(dots.label) or None, **colour, **scale, **_MARKS[dots.mark])
    if named and dots.texts:
        drawn.set_urls([dots.texts[i] for i in kept])


def _lines(axes: Axes, lines: Lines, named: bool) -> None:
    look: dict[str, Any] = {"drawstyle": "steps-post"} if lines.steps else {}
    look |= {"linestyle": "--"} if lines.dashed else {}
    look |= {"alpha": 0.55} if lines.faint else {}
    if named and lines.texts:
        _named_lines(axes, lines, look)
        return
    alone = len(lines.x) == 1 or (len(lines.x) == 2 and np.isnan(lines.x[1]))
    look |= {"marker": "."} if alone or lines.texts else {}
    axes.plot(lines.x, lines.y, color=lines.colour, linewidth=lines.width, markersize=3, label=_text(lines.label), **look)


def _named_lines(axes: Axes, lines: Lines, look: dict[str, Any]) -> None:
    """Draw each line as a shape of its own, and a line of one point as a dot."""
    from matplotlib.collections import LineCollection

    ends = [-1, *np.flatnonzero(np.isnan(lines.x)).tolist(), len(lines.x)]
    parts = [slice(before + 1, end) for before, end in pairwise(ends) if end > before + 1]
    long = [part for part in parts if part.stop - part.start > 1]
    drawn = LineCollection(
        [np.column_stack([lines.x[part], lines.y[part]]) for part in long],
        colors=lines.colour, linewidths=lines.width, label=_text(lines.label), **look,
    )  # fmt: skip
    drawn.set_urls([lines.texts[part.start] for part in long])
    axes.add_collection(drawn)
    alone = [part.start for part in parts if part.stop - part.start == 1]
    points = axes.scatter([lines.x[i] for i in alone], [lines.y[i] for i in alone], s=6, color=lines.colour)
    points.set_urls([lines.texts[i] for i in alone])
    axes.autoscale_view()


def _boxes(axes: Axes, boxes: Boxes) -> None:
    from matplotlib.collections import PolyCollection

    corners = [[(x0, y0), (x0, y1), (x1, y1), (x1, y0)] for x0, x1, y0, y1 in boxes.boxes]
    shades = PolyCollection(corners, facecolor=boxes.colour, alpha=boxes.shade, linewidth=0, label=_text(boxes.label))
    axes.add_collection(shades)


def _end_labels(axes: Axes, labels: EndLabels) -> None:
    """Write texts beside the axes, with a line from each to the end of the line it names; a text's middle is at its height."""
    for end, height, colour, text in zip(labels.ends, labels.heights, labels.colours, labels.texts, strict=True):
        axes.annotate(
            _text(text), (labels.x, end), (26, height), xycoords="data", textcoords=("offset points", "data"), fontsize=9,
            va="center", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 1.6, "shrinkA": 2, "shrinkB": 0, "relpos": (0, 0.5)},
        )  # fmt: skip


def _bars(axes: Axes, bars: Bars) -> None:
    places = range(len(bars.names))
    axes.barh(places, bars.lengths, color=bars.colour)
    axes.set_yticks(places, [_text(name) for name in bars.names], fontsize=11)
    axes.invert_yaxis()
    for place, length, text in zip(places, bars.lengths, bars.texts, strict=True):
        axes.annotate(text, (length, place), (5, 0), textcoords="offset points", va="center")


def _axis(side: Any, axis: Axis) -> None:
    name = side.axis_name
    setter = {k: getattr(side.axes, f"set_{name}{k}") for k in ("label", "scale", "lim")}
    setter["label"](_text(axis.label))
    if axis.scale is None:
        return
    if axis.scale.log:
        setter["scale"]("log")
        _plain_ticks(side, axis.scale)
    if axis.scale.options:
        options = list(axis.scale.options)
        places = [i for i, option in enumerate(options) if option]  # an axis of an image has no names, and no ticks
        side.set_ticks(places, [_text(options[i]) for i in places], fontsize=8 if len(options) > 8 else 9)
        if name == "x" and sum(map(len, options)) > 32:
            side.set_tick_params(rotation=25)
            for label in side.get_ticklabels():
                label.set_horizontalalignment("right")
    margin = 0.0 if axis.scale.options else 0.02
    setter["lim"](*_padded(axis, margin))


def _plain_ticks(side: Any, scale: Scale) -> None:
    """Write 0.01 instead of a power, and between the powers where there are few; formulas are also slow to draw."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if scale.high / scale.low < 200:
        side.set_major_locator(LogLocator(subs=(1, 2, 5)))
    side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    side.set_minor_formatter(NullFormatter())


def _padded(axis: Axis, margin: float) -> tuple[float, float]:
    scale = axis.scale
    assert scale is not None
    if scale.log:
        factor = (scale.high / scale.low) ** margin
        return scale.low / factor, scale.high * factor
    return scale.low - margin * (scale.high - scale.low), scale.high + margin * (scale.high - scale.low)


def _legend(drawn: Figure, panels: Sequence[Axes]) -> None:
    entries: dict[str, Any] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        entries = dict(zip(labels, handles, strict=True)) | entries
    if entries:
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": min(len(entries), 6), "frameon": False, "fontsize": 9}
        drawn.legend(list(entries.values()), list(entries), **place)


def _colour_bar(drawn: Figure, panels: Sequence[Axes], colours: ColourBar, named: bool) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable

    # A bar of fewer than 50 colours is drawn as shapes, not as pixels.
    colour_map = colormaps[VIRIDIS].resampled(48) if named else VIRIDIS
    bar = drawn.colorbar(ScalarMappable(cmap=colour_map), ax=list(panels), shrink=0.75, aspect=35, pad=0.015)
    if named and bar.solids is not None:  # no gaps between the shapes
        bar.solids.set_edgecolor("face")
    bar.set_ticks([u for u, _ in colours.ticks], labels=[text for _, text in colours.ticks])
    bar.set_label(_text(colours.label))
    if colours.zero_on_top:
        bar.ax.invert_yaxis()


def _parallel(picture: Parallel, named: bool) -> Figure:
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(_WIDTH, _HEIGHT), dpi=DPI, layout="constrained")
    axes = drawn.subplots()
    heights = np.array([upright.places for upright in picture.axes], dtype=float).T
    steps = np.arange(len(picture.axes), dtype=float)
    lines = [np.column_stack([steps, row]) for row in heights]
    faint = 0.75 if len(lines) <= 100 else 0.35
    colours: dict[str, Any] = {"cmap": VIRIDIS, "array": np.array(picture.places), "clim": (0.0, 1.0), "alpha": faint}
    drawn_lines = LineCollection(lines, linewidths=1.1, **colours)
    best = LineCollection([lines[picture.best]], linewidths=2.6, colors=ORANGE, label="best")
    if named and picture.texts:
        drawn_lines.set_urls(list(picture.texts))
        best.set_urls([picture.texts[picture.best]])
    axes.add_collection(drawn_lines)
    axes.add_collection(best)
    for step, upright in zip(steps, picture.axes, strict=True):
        axes.axvline(step, color=INK, linewidth=1.0)
        for place, text in upright.ticks:
            box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75, "linewidth": 0}
            side = "right" if step == steps[-1] and len(steps) > 1 else "left"
            gap = -4 if side == "right" else 4
            axes.annotate(
                _text(text), (step, place), (gap, 0), textcoords="offset points", va="center", ha=side, fontsize=8, bbox=box
            )
    names = [_text(upright.label) for upright in picture.axes]
    crowded = max(map(len, names)) * len(names) > 150
    axes.set_xticks(steps, names, fontsize=9, rotation=15 if crowded else 0, ha="right" if crowded else "center")
    axes.set_yticks([])
    axes.set_xlim(-0.15, steps[-1] + 0.15)
    axes.set_ylim(min(-0.04, float(heights.min()) - 0.04), 1.04)
    for spine in axes.spines.values():
        spine.set_visible(False)
    _title(drawn, picture.title)
    _legend(drawn, [axes])
    _colour_bar(drawn, [axes], picture.colours, named)
    return drawn


def _title(drawn: Figure, title: str) -> None:
    """Set the title, in one line or two of the figure's width; an empty one takes no room."""
    if title:
        drawn.suptitle(_text(title), fontsize=14, wrap=True)


def _text(text: str) -> str:
    """Return text that matplotlib shows as it is: dollars would begin a formula, and a leading _ hides a legend's entry."""
    return text.replace("$", r"\$")
