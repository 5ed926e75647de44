"""What is measured of a training's curves before anything is said about them: falls, rises, roughness, gaps; all relative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Points = Sequence[tuple[int, float]]

TRAINING = ("training_cost", "full_training_cost")
VALIDATION = ("validation_cost", "validation_error")
# Rates that differ by less are the same rate; a slower decay is no cut.
_SAME_RATE = 0.7
# Changes of this share are no changes: records are rounded.
_NOTHING = 1e-6


@dataclass(frozen=True)
class Shape:
    """The curves of one training as arrays, one value an epoch; a curve that is not there is empty."""

    training: Values
    validation: Values
    accuracy: Values
    rates: Values
    guessing: float | None = None

    @property
    def costs(self) -> Values:
        """The training cost, or where it is not there the validation cost."""
        return self.training if len(self.training) else self.validation

    @property
    def epochs(self) -> int:
        return len(self.costs)

    @property
    def finite(self) -> bool:
        """Whether no cost is NaN or infinite."""
        return bool(np.isfinite(self.training).all() and np.isfinite(self.validation).all())

    @cached_property
    def fall(self) -> float:
        """The share of the first epoch's cost that is gone in the end; negative where it rose."""
        return 1 - _ratio(end(self.costs), self.costs[0])

    @cached_property
    def still(self) -> bool:
        """Whether the cost stays the same throughout the second half, and is not 0."""
        half = self.costs[self.epochs // 2 :]
        return bool(half[-1] != 0 and np.ptp(half) <= _NOTHING * np.abs(half).max())

    @property
    def chance(self) -> float:
        """The accuracy of guessing, or where it is not known of the first epoch; NaN without any."""
        known = self.guessing if self.guessing is not None else (self.accuracy[0] if len(self.accuracy) else np.nan)
        return float(known)

    @property
    def best_accuracy(self) -> float:
        """The highest validation accuracy; NaN without any."""
        return float(self.accuracy.max()) if len(self.accuracy) else float("nan")

    @property
    def end_accuracy(self) -> float:
        """Validation accuracy in the end; NaN without any."""
        return end(self.accuracy) if len(self.accuracy) else float("nan")

    @cached_property
    def excess(self) -> float:
        """The first validation cost over that of guessing, which is taken to be the last cost over the last error; or NaN.

        Guessing gives an error near 1, and cost is roughly proportional to the error: a rough measure, for factors of two.
        """
        return _ratio(self.validation[0] * (1 - self.end_accuracy), end(self.validation)) if len(self.validation) else np.nan

    @cached_property
    def late(self) -> float:
        """By what share the cost would fall in half as many epochs more, at the pace of the last third (at least 5)."""
        return _late_fall(self.costs)

    @cached_property
    def late_validation(self) -> float:
        """The same of the validation cost; NaN without one."""
        return _late_fall(self.validation) if len(self.validation) else float("nan")

    @cached_property
    def rises(self) -> float:
        """Mean rise from one epoch to the next after the first third, falls counted as 0, as a share of the mean cost."""
        return _rises(self.costs)

    @cached_property
    def roughness(self) -> float:
        """Mean size of the second differences in the second half, as a share of the mean cost: noise, 0 for a straight line."""
        return _roughness(self.costs)

    @cached_property
    def validation_roughness(self) -> float:
        """The same of the validation cost; NaN without one."""
        return _roughness(self.validation) if len(self.validation) else float("nan")

    @cached_property
    def slope(self) -> float:
        """The share of the cost that goes in each of the last epochs (a fifth of them)."""
        back = max(1, self.epochs // 5)
        left = _ratio(self.costs[-1], self.costs[-1 - back])
        return float(1 - max(left, 0.0) ** (1 / back))

    @cached_property
    def overshoot(self) -> float:
        """Validation cost in the end over its lowest; 1 where it is lowest in the end, NaN without one."""
        return _ratio(end(self.validation), self.validation.min()) if len(self.validation) else float("nan")

    @cached_property
    def gap(self) -> float:
        """Validation cost over training cost in the end; NaN unless both are there."""
        both = len(self.training) and len(self.validation)
        return _ratio(end(self.validation), end(self.training)) if both else float("nan")

    @cached_property
    def halfway(self) -> int:
        """The epoch in which accuracy (without it: cost) has made half of the way to its best, counted from 1."""
        curve = self.accuracy if len(self.accuracy) > 1 else -self.costs
        return int(np.argmax(curve >= (curve[0] + curve.max()) / 2)) + 1

    @cached_property
    def lowest(self) -> int:
        """The epoch of lowest validation cost, counted from 1; 0 without one."""
        return int(np.argmin(self.validation)) + 1 if len(self.validation) else 0

    @cached_property
    def first_cut(self) -> int:
        """The epochs done before the rate was first cut by three tenths or more; 0 where it never was."""
        before, after = self.rates[:-1], self.rates[1:]
        cuts = np.flatnonzero(after < _SAME_RATE * before)
        return int(cuts[0]) + 1 if len(cuts) else 0


def shape(history: Mapping[str, Points], schedule: Iterable[float] | None = None, chance: float | None = None) -> Shape:
    """Return the shape of a history; ``schedule`` holds the rate of each epoch where the history does not."""
    rates = _values(history.get("learning_rate", ()))
    given = rates if schedule is None else np.array([float(rate) for rate in schedule], np.float64)
    training, validation = (_first(history, names) for names in (TRAINING, VALIDATION))
    return Shape(training, validation, _values(history.get("validation_accuracy", ())), given, chance)


def _first(history: Mapping[str, Points], names: Sequence[str]) -> Values:
    return next((_values(history[name]) for name in names if len(history.get(name, ()))), np.empty(0))


def _values(points: Points) -> Values:
    return np.array([value for _, value in sorted(points, key=lambda point: point[0])], np.float64)


def end(curve: Values) -> float:
    """Return where a curve ends: the mean of its last eighth, of two epochs at least."""
    return float(curve[-max(2, len(curve) // 8) :].mean())


def _ratio(value: float, to: float) -> float:
    """Return value / to; 0 to 0 is 1, as nothing has changed."""
    if value == to:
        return 1.0
    return float(np.divide(value, to))


def _late_fall(curve: Values) -> float:
    last = curve[-max(5, round(len(curve) / 3)) :]
    epochs = np.arange(len(last)) - (len(last) - 1) / 2
    return -_ratio(float(epochs @ last / (epochs @ epochs)) * len(curve) / 2, float(np.abs(last).mean()))


def _rises(curve: Values) -> float:
    third = len(curve) // 3
    ups = np.maximum(np.diff(curve), 0.0)[third:]
    return _share(ups, curve[third:])


def _roughness(curve: Values) -> float:
    bends = np.abs(np.diff(curve, 2))
    return _share(bends[len(bends) // 2 :], curve[len(curve) // 2 :])


def _share(parts: Values, of: Values) -> float:
    if not len(parts) or not parts.any():
        return 0.0
    return float(np.divide(parts.mean(), np.abs(of).mean()))
