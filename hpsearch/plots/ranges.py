"""The picture of a coarse-to-fine search: the range of each parameter from batch to batch, with the trials as dots."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from hpsearch.analysis.stages import Window
from hpsearch.space import Choice, Domain, Float, Int, Space
from hpsearch.trial import Trial, best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BAND: dict[str, Any] = {"color": "#56B4E9", "alpha": 0.3, "linewidth": 0}
_FIRST: dict[str, Any] = {"color": "0.35", "linestyle": "--", "linewidth": 0.9}
_FAILED: dict[str, Any] = {"marker": "x", "s": 22, "color": "#D55E00", "linewidth": 1.2, "zorder": 3}
_BEST: dict[str, Any] = {"marker": "*", "s": 190, "color": "#E69F00", "edgecolor": "black", "linewidth": 0.7, "zorder": 5}
# The best tenth of the trials is darkest; ranks, not values, so that one very bad trial does not wash out the rest.
_DOTS: dict[str, Any] = {"cmap": "viridis", "vmin": 0, "vmax": 1, "s": 18, "linewidth": 0.3, "edgecolor": "white", "zorder": 4}


def stage_ranges(windows: Sequence[Window], space: Space) -> Figure:
    """Draw one panel per parameter of ``space``, the study's own, from ``hpsearch.analysis.stages.windows``; no checks."""
    from matplotlib.figure import Figure

    windows = [window for window in windows if window.trials and not window.trials[0].check]
    names = list(space)
    columns = min(len(names), 2)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(1.2 + 5.2 * columns, 1.4 + 2.2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, name, space[name], windows)
    for axes in panels[len(names) :]:
        axes.remove()
    for axes in panels[max(len(names) - columns, 0) : len(names)]:
        axes.set_xlabel("trial")
        axes.tick_params(labelbottom=True)
    for axes in panels[: min(columns, len(names))]:
        _name_stages(axes, windows)
    _annotate(figure, panels[: len(names)])
    return figure


def _panel(axes: Axes, name: str, domain: Domain, windows: Sequence[Window]) -> None:
    for window in windows:
        _band(axes, window.space[name], window.trials)
    _scale(axes, domain)
    trials = [trial for window in windows for trial in window.trials]
    _dots(axes, name, domain, trials)
    for stage in _starts(windows)[1:]:
        axes.axvline(stage - 0.5, color="0.6", linewidth=0.8)
    axes.set_ylabel(name)
    axes.set_xlim(trials[0].number - 1, trials[-1].number + 1)
    axes.grid(axis="y", alpha=0.2)


def _band(axes: Axes, domain: Domain, trials: Sequence[Trial]) -> None:
    """Shade what the batch could have drawn: an interval, or one cell for each option that is left."""
    ends = [trials[0].number - 0.5, trials[-1].number + 0.5]
    if isinstance(domain, Choice):
        for place in (domain.index(value) for value in domain.kept):
            axes.fill_between(ends, place - 0.4, place + 0.4, **_BAND)
    else:
        axes.fill_between(ends, domain.low, domain.high, **_BAND)


def _scale(axes: Axes, domain: Domain) -> None:
    if isinstance(domain, Choice):
        axes.set_yticks(range(len(domain.labels)), domain.labels)
        axes.set_ylim(len(domain.labels) - 0.4, -0.6)
        return
    if domain.log:
        axes.set_yscale("log")
    for end in (domain.low, domain.high):
        axes.axhline(end, label="first range", **_FIRST)


def _dots(axes: Axes, name: str, domain: Domain, trials: Sequence[Trial]) -> None:
    """Draw the trials that have the parameter: coloured by rank, crosses where failed, a star for the best."""
    ranked = best(trials, len(trials))
    rank = {trial.number: place / max(len(ranked) - 1, 1) for place, trial in enumerate(ranked)}
    having = [trial for trial in trials if name in trial.params]
    spots = [(t, t.number, _height(domain, t.params[name], t.number)) for t in having]
    good = [(x, y, rank[t.number]) for t, x, y in spots if t.ok]
    bad = [(x, y) for t, x, y in spots if not t.ok]
    if good:
        across, up, colours = zip(*good, strict=True)
        axes.scatter(across, up, c=colours, **_DOTS)
    if bad:
        axes.scatter(*zip(*bad, strict=True), label="failed", **_FAILED)
    for trial, x, y in spots:
        if ranked and trial is ranked[0]:
            axes.scatter([x], [y], label="best trial", **_BEST)


def _height(domain: Domain, value: Any, number: int) -> float:
    """Return where a value is drawn; options are spread a little, so that their dots do not hide each other."""
    if isinstance(domain, (Float, Int)):
        return float(value)
    return domain.index(value) + 0.5 * ((number * 0.618) % 1 - 0.5)


def _starts(windows: Sequence[Window]) -> list[int]:
    """Return the number of the first trial of each stage."""
    stages = (list(group) for _, group in groupby(windows, key=lambda window: window.stage))
    return [next(t.number for w in stage for t in w.trials) for stage in stages if any(w.trials for w in stage)]


def _name_stages(axes: Axes, windows: Sequence[Window]) -> None:
    names = list(dict.fromkeys(window.stage for window in windows))
    for start, name in zip(_starts(windows), names, strict=True):
        axes.annotate(name, (start, 1.0), (1, 3), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=9)


def _annotate(figure: Figure, panels: Any) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.patches import Patch

    figure.suptitle("Where the search looked, stage by stage")
    entries = {"range of the batch": Patch(**_BAND)}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    bar = figure.colorbar(ScalarMappable(cmap=_DOTS["cmap"]), ax=list(panels), shrink=0.6, aspect=30)
    bar.set_ticks([0, 1], labels=["best", "worst"])
    bar.set_label("rank of the trial's value", labelpad=-12)
    bar.ax.invert_yaxis()
