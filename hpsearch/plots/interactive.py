"""Interactive plots for a browser, with plotly: marks name their trial, axes can be zoomed and filtered."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.plots.chart import (
    FIFTHS,
    GREY,
    GREYS,
    ORANGE,
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
from hpsearch.plots.chart import Axis as ChartAxis
from hpsearch.plots.thinning import kept_dots

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

NAMED = 8  # more stages than this are marked, but not named
_MARKS: dict[str, dict[str, Any]] = {
    "dot": {"symbol": "circle", "size": 7, "line": {"width": 0.5, "color": "white"}},
    "big dot": {"symbol": "circle", "size": 12, "line": {"width": 0.5, "color": "white"}},
    "cross": {"symbol": "x-thin", "size": 7},
    "halo": {"symbol": "circle", "size": 18, "line": {"width": 0}},
    "star": {"symbol": "star", "size": 16, "line": {"width": 1, "color": "black"}},
}
_CONFIG = {"displaylogo": False, "responsive": True}
_VIRIDIS = "Viridis"
# The usual width of a figure, how far a label lies from the end of its line, and the width of its dash, in points.
_WIDTH, _JOIN, _DASH = 1100, 8, 20


def page(picture: Picture) -> str:
    """Return the picture as a page of its own that needs no network: plotly's script stands in it."""
    return str(figure(picture).to_html(include_plotlyjs=True, config=_CONFIG))


def figure(picture: Picture) -> Figure:
    """Return the picture as a plotly figure."""
    return _parallel(picture) if isinstance(picture, Parallel) else _chart(picture)


def _chart(chart: Chart) -> Figure:
    from plotly.subplots import make_subplots

    rows, columns, cells = chart.layout()
    height = 560 if rows == 1 else 330 * rows + 60
    beside = max((_width(layer) for panel in chart.panels for layer in panel.layers if isinstance(layer, EndLabels)), default=0)
    most = min(chart.columns, len(chart.panels))
    spacing = 0.26 / (most + 1) + (beside / _WIDTH if most > 1 else 0.0)
    gaps = {"horizontal_spacing": spacing, "vertical_spacing": 80 / height if rows > 1 else 0.0}
    specs: list[list[dict[str, int] | None]] = [[None] * columns for _ in range(rows)]
    for cell in cells:
        specs[cell.row][cell.column] = {"colspan": cell.width}
    drawn = make_subplots(rows=rows, cols=columns, specs=specs, **gaps)
    seen: set[str] = set()
    for cell, panel in zip(cells, chart.panels, strict=True):
        _panel(drawn, panel, {"row": cell.row + 1, "col": cell.column + 1}, seen)
    drawn.update_layout(**_layout(chart.title, height))
    drawn.update_layout(margin={"r": 30 + beside})
    if chart.colours is not None:
        drawn.update_layout(coloraxis=_colour_axis(chart.colours))
    return drawn


def _panel(drawn: Figure, panel: Panel, cell: dict[str, int], seen: set[str]) -> None:
    for layer in panel.layers:
        if isinstance(layer, EndLabels):
            _end_labels(drawn, layer, panel, cell)
            continue
        label = getattr(layer, "label", "")
        entry = {"name": _text(label), "legendgroup": label, "showlegend": bool(label) and label not in seen}
        seen.add(label)
        drawn.add_trace(_trace(layer) | entry, **cell)
    drawn.update_xaxes(**_axis(panel.x), **cell)
    drawn.update_yaxes(**_axis(panel.y), **cell)
    if any(isinstance(layer, Bars) for layer in panel.layers):
        drawn.update_yaxes(autorange="reversed", **cell)
    for i, (start, name) in enumerate(panel.stages):
        label = {"text": _text(name), "font": {"size": 10}, "textposition": "start", "yanchor": "top", "xanchor": "left"}
        drawn.add_vline(
            start, line={"width": 1 if i else 0, "color": GREY}, label=label if len(panel.stages) <= NAMED else {}, **cell
        )


def _width(labels: EndLabels) -> int:
    """Return about how many points labels take beside their panel."""
    return _JOIN + _DASH + 7 * max(len(line) for text in labels.texts for line in text.split("\n"))


def _end_labels(drawn: Figure, labels: EndLabels, panel: Panel, cell: dict[str, int]) -> None:
    """Write texts beside a panel, each after a dash of its line's colour: plotly clips what leaves the panel."""
    across, up = (np.log10 if axis.scale is not None and axis.scale.log else float for axis in (panel.x, panel.y))
    for height, colour, text in zip(labels.heights, labels.colours, labels.texts, strict=True):
        at = {"x": float(across(labels.x)), "y": float(up(height)), "xanchor": "left", "yanchor": "middle", "align": "left"}
        dash = f'<span style="color: {colour}">\u2501</span> '
        drawn.add_annotation(text=dash + _text(text).replace("\n", "<br>"), showarrow=False, xshift=_JOIN, **at, **cell)


def _trace(layer: Dots | Lines | Boxes | Bars | Band | Cells | Whiskers) -> dict[str, Any]:
    if isinstance(layer, Dots):
        return _dots(layer)
    if isinstance(layer, Lines):
        shape = {"shape": "hv"} if layer.steps else {}
        line = {"color": layer.colour, "width": layer.width, "dash": "dash" if layer.dashed else "solid", **shape}
        mode = "lines+markers" if len(layer.x) <= 2 else "lines"
        hover = {"text": [_text(t) for t in layer.texts], "hoverinfo": "text+y"} if layer.texts else {"hoverinfo": "y"}
        opacity = 0.6 if layer.faint else 1.0
        points = {"x": _array(layer.x), "y": _array(layer.y)}
        return {"type": "scatter", "mode": mode, "line": line, "opacity": opacity, **points, **hover}
    if isinstance(layer, Boxes):
        x = [v for x0, x1, _, _ in layer.boxes for v in (x0, x0, x1, x1, x0, None)]
        y = [v for _, _, y0, y1 in layer.boxes for v in (y0, y1, y1, y0, y0, None)]
        shade = {"fill": "toself", "fillcolor": layer.colour, "line": {"width": 0}, "opacity": layer.shade}
        return {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip", **shade}
    if isinstance(layer, Band):
        outline = {"x": _array([*layer.x, *layer.x[::-1]]), "y": _array([*layer.low, *layer.high[::-1]])}
        shade = {"fill": "toself", "fillcolor": layer.colour, "line": {"width": 0}, "opacity": 0.25}
        return {"type": "scatter", "mode": "lines", "hoverinfo": "skip", **outline, **shade}
    if isinstance(layer, Cells):
        return _cells(layer)
    if isinstance(layer, Whiskers):
        x = [v for place in layer.x for v in (place, place, None)]
        y = [v for low, high in zip(layer.low, layer.high, strict=True) for v in (low, high, None)]
        look = {"line": {"color": layer.colour, "width": 1.6}, "opacity": 0.75}
        return {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip", **look}
    texts = {"text": list(layer.texts), "textposition": "outside", "hoverinfo": "y+x", "marker": {"color": layer.colour}}
    return {"type": "bar", "orientation": "h", "x": list(layer.lengths), "y": [_text(n) for n in layer.names], **texts}


def _cells(cells: Cells) -> dict[str, Any]:
    texts = [[_text(text) for text in row] for row in zip(*cells.texts, strict=True)]
    colours = {"z": np.array(cells.places, dtype=float).T, "text": texts, "hoverinfo": "text"}
    grey = {"colorscale": list(zip((0.0, 1.0), GREYS, strict=True)), "zmin": 0.0, "zmax": 1.0, "showscale": False}
    colours |= grey if cells.grey else {"coloraxis": "coloraxis"}
    colours |= {"texttemplate": "%{text}"} if cells.written else {}
    return {"type": "heatmap", "x": _array(cells.x), "y": _array(cells.y), **colours}


def _dots(dots: Dots) -> dict[str, Any]:
    kept = kept_dots(dots)
    marker = dict(_MARKS[dots.mark])
    if isinstance(dots.colour, str):
        marker["color"] = dots.colour
        if dots.mark == "cross":
            marker["line"] = {"width": 1.5, "color": dots.colour}
    else:
        marker |= {"color": _array([dots.colour[i] for i in kept]), "coloraxis": "coloraxis"}
    points = {"x": _array([dots.x[i] for i in kept]), "y": _array([dots.y[i] for i in kept])}
    texts = [_text(dots.texts[i]) for i in kept] if dots.texts else []
    return {"type": "scatter", "mode": "markers", "marker": marker, "text": texts, "hoverinfo": "text+x", **points}


def _array(values: Sequence[float]) -> Any:
    return np.asarray(values, dtype=float)


def _axis(axis: ChartAxis) -> dict[str, Any]:
    look: dict[str, Any] = {"title": {"text": _text(axis.label), "standoff": 8}, "automargin": True}
    scale = axis.scale
    if scale is None:
        return look
    if scale.options:
        look |= {"tickvals": list(range(len(scale.options))), "ticktext": [_text(option) for option in scale.options]}
    low, high = (float(np.log10(scale.low)), float(np.log10(scale.high))) if scale.log else (scale.low, scale.high)
    margin = 0.0 if scale.options else 0.02 * (high - low)
    if scale.log:  # powers of ten alone where the axis is long enough for them, else 1, 2 and 5 as well
        look |= {"tickformat": "~g", "dtick": 1 if high - low >= 2 else "D2"}
    return look | {"type": "log" if scale.log else "linear", "range": [low - margin, high + margin]}


def _layout(title: str, height: int) -> dict[str, Any]:
    legend = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "right", "x": 1.0}
    margin = {"l": 70, "r": 30, "t": 90, "b": 60}
    text = {"text": _text(title), "x": 0.02, "y": 0.98, "yanchor": "top", "yref": "container"}
    return {
        "title": text,
        "legend": legend,
        "margin": margin,
        "height": height,
        "template": "plotly_white",
        "hovermode": "closest",
    }


def _colour_axis(colours: ColourBar) -> dict[str, Any]:
    ticks = {"tickvals": [u for u, _ in colours.ticks], "ticktext": [_text(text) for _, text in colours.ticks]}
    bar = {"title": {"text": _text(colours.label), "side": "right"}, "thickness": 14, **ticks}
    return {"colorscale": _VIRIDIS, "cmin": 0.0, "cmax": 1.0, "colorbar": bar}


def _parallel(picture: Parallel) -> Figure:
    from plotly.graph_objects import Figure

    uprights = [
        {
            "label": _text(upright.label),
            "values": _array(upright.places),
            "range": [min(0.0, *upright.places), max(1.0, *upright.places)],
            "tickvals": [place for place, _ in upright.ticks],
            "ticktext": [_text(text) for _, text in upright.ticks],
        }
        for upright in picture.axes
    ]
    # Nothing is drawn over these lines, so that the best one has a colour of its own, at the end of the scale.
    end = -0.04
    places = [end if i == picture.best else place for i, place in enumerate(picture.places)]
    inner = [(place - end) / (1 - end) for place in (0.0, 0.25, 0.5, 0.75, 1.0)]
    colours = [(0.0, ORANGE), (inner[0], ORANGE), *zip(inner, FIFTHS, strict=True)]
    bar = _colour_axis(picture.colours)["colorbar"]
    line = {"color": _array(places), "colorscale": colours, "cmin": end, "cmax": 1.0, "showscale": True, "colorbar": bar}
    drawn = Figure({"type": "parcoords", "dimensions": uprights, "line": line})
    drawn.update_layout(**(_layout(picture.title, 560) | {"margin": {"l": 90, "r": 40, "t": 110, "b": 40}}))
    return drawn


def _text(text: str) -> str:
    """Return text that plotly shows as it is: it reads tags and entities in what it is given."""
    return html.escape(text, quote=False)
