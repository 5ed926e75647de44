"""Plots of random search against a grid: success in the simulation by number of trials, and nine trials over a function."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.analysis.simulation import GRID_REFERENCE, TARGETS, TRIALS, law
from hpsearch.plots.chart import BLUE, GREEN, ORANGE
from hpsearch.trial import Curve, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Blue, orange and green of a palette that colour-blind readers tell apart; the marks differ as well.
# A grid exists only at whole powers, so its marks are joined by dots.
_LOOKS: dict[str, dict[str, Any]] = {
    "random": {"color": "#0072B2", "marker": "o", "label": "random"},
    "sobol": {"color": "#009E73", "marker": "s", "label": "scrambled Sobol"},
    "grid": {"color": "#D55E00", "marker": "^", "linestyle": ":", "label": "grid of cell centres"},
}
_LAW: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1, "zorder": 3}
_RINGS: dict[str, Any] = {"color": "black", "marker": "o", "markerfacecolor": "none", "markersize": 10, "linestyle": "none"}
DPI = 120
_ACROSS = np.linspace(0.0, 1.0, 201)
Marginal = Callable[[float], float]


def success_curves(trials: Iterable[Trial], targets: int = TARGETS) -> Figure:
    """Draw one panel per shape and dimension from trials with params ``shape, dimension, method`` and the curve ``success``."""
    from matplotlib.figure import Figure

    cells = {_cell(trial): trial.outcome.history["success"] for trial in trials if trial.ok and trial.outcome}
    shapes, dimensions = (sorted({cell[i] for cell in cells}, key=str) for i in (0, 1))
    figure = Figure(figsize=(1.0 + 4 * len(dimensions), 1.4 + 2.9 * len(shapes)), layout="constrained")
    panels = figure.subplots(len(shapes), len(dimensions), sharex=True, sharey=True, squeeze=False)
    for axes_of_shape, shape in zip(panels, shapes, strict=True):
        for axes, dimension in zip(axes_of_shape, dimensions, strict=True):
            curves = {method: curve for (s, d, method), curve in cells.items() if (s, d) == (shape, dimension)}
            _panel(axes, str(shape), int(dimension), curves)
    _annotate(figure, panels, targets)
    return figure


def _cell(trial: Trial) -> tuple[str, int, str]:
    return trial.params["shape"], trial.params["dimension"], trial.params["method"]


def _panel(axes: Axes, shape: str, dimension: int, curves: dict[str, Curve]) -> None:
    for method, curve in curves.items():
        axes.plot(*zip(*curve, strict=True), markersize=4.5, linewidth=1.3, **_LOOKS[method])
    smooth = [2 ** (i / 8) for i in range(8 * (len(TRIALS) - 1) + 1)]
    axes.plot(smooth, [law(t) for t in smooth], label=r"published law of random search: $1 - 0.99^T$", **_LAW)
    reference = GRID_REFERENCE.get((shape, dimension), ())
    axes.plot([t for t, _ in reference], [share for _, share in reference], label="reference value of a grid", **_RINGS)
    axes.set_title(f"{shape}, {dimension} dimensions", fontsize=11)
    axes.set_xscale("log", base=2)
    axes.set_xticks(TRIALS, [str(t) for t in TRIALS])
    axes.set_ylim(-0.03, 1.06)
    axes.grid(alpha=0.25)


def _annotate(figure: Figure, panels: Any, targets: int) -> None:
    figure.suptitle("How often a search hits a target of 1 % of the space")
    for axes in panels[-1]:
        axes.set_xlabel("trials T")
    for axes in panels[:, 0]:
        axes.set_ylabel(f"share of {targets:,} targets hit")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9.5)


def nine_trials_figure(trials: Mapping[str, Sequence[Trial]], important: Marginal, unimportant: Marginal) -> bytes:
    """Draw one square per search, by name, from trials with params ``x`` and ``y`` in [0, 1]; return a PNG.

    Args:
        trials: of each search.
        important: the part of the function that depends on x, drawn above the square.
        unimportant: the part that depends on y, drawn beside it at the same scale.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 5.6), layout="constrained")
    figure.suptitle("Nine trials, one parameter that matters and one that hardly does", fontsize=14)
    parts = figure.subfigures(1, len(trials), squeeze=False)[0]
    for part, (name, found), colour in zip(parts, trials.items(), (ORANGE, BLUE, GREEN), strict=False):
        _square(part, name, found, (important, unimportant), colour)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    return content.getvalue()


def _square(part: SubFigure, name: str, trials: Sequence[Trial], parts: tuple[Marginal, Marginal], colour: str) -> None:
    ratios: dict[str, Any] = {"width_ratios": (4, 1), "height_ratios": (1, 4)}
    axes = part.subplots(2, 2, sharex="col", sharey="row", gridspec_kw=ratios)
    axes[0, 1].remove()
    x, y = ([trial.params[key] for trial in trials] for key in ("x", "y"))
    heights = [[parts[0](u) + parts[1](v) for u in _ACROSS] for v in _ACROSS]
    axes[1, 0].contourf(_ACROSS, _ACROSS, heights, levels=12, cmap="Greys", alpha=0.5)
    axes[1, 0].scatter(x, y, s=60, color=colour, edgecolor="white", zorder=3, clip_on=False)
    axes[1, 0].set(xlabel="important parameter x", ylabel="unimportant parameter y", xlim=(0, 1), ylim=(0, 1))
    _along(axes[0, 0], parts[0], x, colour, upright=False)
    _along(axes[1, 1], parts[1], y, colour, upright=True)
    axes[0, 0].set_ylabel("g(x)")
    axes[1, 1].set_xlabel("h(y)")
    axes[0, 0].set_title(f"{name}: {len(set(x))} values of x, best f = {max(map(_height(parts), x, y)):.2f}", fontsize=11)


def _height(parts: tuple[Marginal, Marginal]) -> Callable[[float, float], float]:
    return lambda x, y: parts[0](x) + parts[1](y)


def _along(axes: Axes, part: Marginal, places: Sequence[float], colour: str, upright: bool) -> None:
    """Draw one part of the function along its axis, and where the trials meet it."""
    curve = (_ACROSS, [part(u) for u in _ACROSS])
    marks = (list(places), [part(u) for u in places])
    look: dict[str, Any] = {"s": 28, "color": colour, "edgecolor": "white", "linewidth": 0.5, "zorder": 3, "clip_on": False}
    axes.plot(*(curve[::-1] if upright else curve), color="0.35", linewidth=1.4)
    axes.scatter(*(marks[::-1] if upright else marks), **look)
    (axes.set_xlim if upright else axes.set_ylim)(0.0, 1.15)
    axes.grid(alpha=0.25)
