"""Panels of an experiment's plot: a curve by epoch, or one number for each setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hpsearch.plots.chart import Panel
from hpsearch.plots.seeds import curves_panel, values_panel
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

    def panel(self, found: Found) -> Panel:
        """Return the panel."""
        seeds = {name: [metric_value(trial, self.metric) for trial in trials] for name, trials in found.items()}
        return values_panel(self.label, seeds, self.published)
