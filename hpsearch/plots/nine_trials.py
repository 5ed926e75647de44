"""The picture of nine trials on a grid and nine at random: points over the function, and what each parameter alone shows."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.plots.chart import BLUE, GREEN, ORANGE
from hpsearch.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

DPI = 120
_ACROSS = np.linspace(0.0, 1.0, 201)
Marginal = Callable[[float], float]


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
