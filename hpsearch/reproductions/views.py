"""Panels of an experiment's plot: a curve by epoch, or one number for each setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import Axis, Panel
from hpsearch.plots.distributions import boxes_panel, histogram_panel
from hpsearch.plots.seeds import COLOURS, Points, curves_panel, intervals_panel, values_panel
from hpsearch.reproductions.curve_metrics import metric_value, penalised
from hpsearch.reproductions.figures import Found
from hpsearch.trial import Curve, Trial

# The training cost with its penalty, as `ByEpoch.curve`.
PENALISED = "penalised_training_cost"


class View(Protocol):
    """A panel of the plot."""

    def panel(self, found: Found) -> Panel: ...


@dataclass(frozen=True)
class ByEpoch:
    """A curve of every setting by epoch; ``published`` points are drawn by the name of the setting.

    Args:
        curve: its name in a trial's history, or `PENALISED`.
        label: of the upright axis, with the unit.
        published: (epoch, value) as drawn.
        factor: what the curve is multiplied by: 100 makes per cent of a share.
        ends: of the upright axis; None fits it.
        settings: the settings that are drawn; None draws all.
    """

    curve: str
    label: str
    published: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    factor: float = 1.0
    ends: tuple[float, float] | None = None
    settings: tuple[str, ...] | None = None

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        wanted = found if self.settings is None else self.settings
        seeds = {name: [self._curve(t) for t in trials] if name in wanted else [] for name, trials in found.items()}
        return curves_panel(self.label, seeds, self.published, self.ends)

    def _curve(self, trial: Trial) -> Curve:
        assert trial.outcome is not None
        history = trial.outcome.history
        curve = penalised(history) if self.curve == PENALISED else history[self.curve]
        return tuple((epoch, self.factor * value) for epoch, value in curve)


@dataclass(frozen=True)
class BySetting:
    """One number of every seed, setting beside setting; ``published`` holds one number a setting."""

    metric: str
    label: str
    published: Mapping[str, float] = field(default_factory=dict)
    log: bool = False

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        seeds = {name: [metric_value(trial, self.metric) for trial in trials] for name, trials in found.items()}
        return values_panel(self.label, seeds, self.published, self.log)


@dataclass(frozen=True)
class Metrics:
    """Several numbers of every seed of one setting, side by side; ``metrics`` holds their names by what the picture says."""

    metrics: Mapping[str, str]
    setting: str
    label: str

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        trials = found[self.setting]
        return values_panel(
            self.label, {shown: [metric_value(t, name) for t in trials] for shown, name in self.metrics.items()}, {}
        )


@dataclass(frozen=True)
class Along:
    """Several curves of one setting, by what its steps are.

    Args:
        curves: their names in a trial's history, with the name that each has in the picture.
        setting: whose curves are drawn.
        across: what a step is, for the axis.
        label: of the upright axis, with the unit.
        published: value by step, by the name of the curve.
        factor: what a step is multiplied by; ``inverse`` draws 1 / step on a logarithmic axis instead.
        whole: whether each step from 1 on has a place of its own on the axis.
        ends: of the upright axis; None fits it. ``log`` needs them.
        log: whether the upright axis is logarithmic.
        dashed: names of curves, as in the picture, that are dashed.
    """

    curves: Mapping[str, str]
    setting: str
    across: str
    label: str
    published: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    factor: float = 1.0
    inverse: bool = False
    whole: bool = False
    ends: tuple[float, float] | None = None
    log: bool = False
    dashed: tuple[str, ...] = ()

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        histories = [trial.outcome.history for trial in found[self.setting] if trial.outcome is not None]
        seeds = {shown: [self._placed(history[name]) for history in histories] for name, shown in self.curves.items()}
        crosses = {self.curves[name]: self._placed(points.items()) for name, points in self.published.items()}
        panel = curves_panel(self.label, seeds, crosses, self.ends, self.across, self.inverse, self.dashed)
        if self.log and self.ends is not None:
            panel = replace(panel, y=Axis(self.label, Scale(*self.ends, log=True)))
        if not self.whole:
            return panel
        last = max(step for curves in seeds.values() for curve in curves for step, _ in curve)
        names = tuple(str(step) for step in range(1, int(last) + 2))
        return replace(panel, x=Axis(self.across, Scale(-0.3, last + 0.3, options=names)))

    def _placed(self, points: Iterable[tuple[int, float]]) -> Points:
        if self.whole:
            return tuple((step - 1.0, value) for step, value in points)
        return tuple((1 / step if self.inverse else self.factor * step, value) for step, value in points)


@dataclass(frozen=True)
class WithIntervals:
    """A curve of several settings by what its steps are, on a logarithmic axis: means, with the 95 % intervals over the seeds.

    Args:
        curve: its name in a trial's history.
        settings: that are drawn, at most as many as ``colours``, with the name that each has in the picture.
        across: what a step is, for the axis.
        label: of the upright axis, with the unit.
        factor: what the curve is multiplied by: 100 makes per cent of a share.
        ends: of the upright axis; None fits it.
        level: a height that is drawn dashed, and what it is.
        colours: of the settings, in their order.
    """

    curve: str
    settings: Mapping[str, str]
    across: str
    label: str
    factor: float = 100.0
    ends: tuple[float, float] | None = None
    level: tuple[float, str] | None = None
    colours: tuple[str, ...] = COLOURS

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        seeds = {shown: [self._curve(trial) for trial in found[name]] for name, shown in self.settings.items()}
        return intervals_panel(self.label, seeds, self.across, self.ends, level=self.level, colours=self.colours)

    def _curve(self, trial: Trial) -> Points:
        assert trial.outcome is not None
        return tuple((float(step), self.factor * value) for step, value in trial.outcome.history[self.curve])


@dataclass(frozen=True)
class Histogram:
    """The counts by bin of the first seed of one setting, as a trial reports them under ``curve``, and the true value."""

    curve: str
    setting: str
    across: str
    label: str
    low: float
    width: float
    truth: float

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        outcome = found[self.setting][0].outcome
        assert outcome is not None
        counts = [count for _, count in outcome.history[self.curve]]
        return histogram_panel(self.across, self.label, counts, self.low, self.width, self.truth)


@dataclass(frozen=True)
class BoxPlots:
    """Box plots of the first seed of every setting: five metrics from the lowest to the highest value, and the true value."""

    metrics: Sequence[str]
    label: str
    truth: float

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        numbers = {name: [metric_value(trials[0], metric) for metric in self.metrics] for name, trials in found.items()}
        return boxes_panel(self.label, numbers, self.truth)
