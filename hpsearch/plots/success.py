"""The picture of the simulation: success against trials, for every shape and dimension, beside what is published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hpsearch.analysis.simulation import GRID_REFERENCE, TARGETS, TRIALS, law
from hpsearch.trial import Curve, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue, orange and green of a palette that colour-blind readers tell apart; the marks differ as well.
# A grid exists only at whole powers, so its marks are joined by dots.
_LOOKS: dict[str, dict[str, Any]] = {
    "random": {"color": "#0072B2", "marker": "o", "label": "random"},
    "sobol": {"color": "#009E73", "marker": "s", "label": "scrambled Sobol"},
    "grid": {"color": "#D55E00", "marker": "^", "linestyle": ":", "label": "grid of cell centres"},
}
_LAW: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1, "zorder": 3}
_RINGS: dict[str, Any] = {"color": "black", "marker": "o", "markerfacecolor": "none", "markersize": 10, "linestyle": "none"}


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
