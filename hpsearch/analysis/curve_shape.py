"""Measures of a training's curves for the diagnosis: falls, rises, roughness, gaps; all relative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hpsearch.analysis.layer_shape import LayerShape, layer_shape

Values = NDArray[np.float64]
Points = Sequence[tuple[int, float]]

TRAINING = ("training_cost", "full_training_cost")
VALIDATION = ("validation_cost", "validation_error")
TRAINING_ACCURACY = ("training_accuracy", "full_training_accuracy")
# Of the untrained network: see `hpsearch.nn.network.Network.contrast`.
CONTRAST = "first_contrast"
# Rates that differ by less are the same rate; a slower decay is no cut.
_SAME_RATE = 0.7
# Changes of this share are no changes: records are rounded.
_NOTHING = 1e-6
# Shares of a cost that are less are as good as 0, which has no logarithm.
_LEAST = 1e-9
# Guessing: validation accuracy moves by no more in the whole training, and stays below what guessing reaches on most data.
_MOVES, _GUESSED = 0.1, 0.75
# A cost that fell at once began so many times higher than it ends, and has moved by less since: by this share of it.
_AT_ONCE, _STANDS = 1.28, 0.025
# A gap between validation and training cost that changes by a smaller share in the last third is steady.
_STEADY = 0.05


@dataclass(frozen=True)
class Shape:
    """The curves of one training as arrays, one value an epoch; a curve that is not there is empty.

    ``contrast`` is how far apart rows are in the output layer before training, NaN where it was not recorded. ``layers``
    holds what was recorded of each layer.
    """

    training: Values
    validation: Values
    accuracy: Values
    rates: Values
    contrast: float = float("nan")
    training_accuracy: Values = field(default_factory=lambda: np.empty(0))
    layers: LayerShape = field(default=LayerShape())

    @property
    def costs(self) -> Values:
        """The training cost, or where it is not there the validation cost."""
        return self.training if len(self.training) else self.validation

    @property
    def epochs(self) -> int:
        return len(self.costs)

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
    def end_accuracy(self) -> float:
        """Validation accuracy in the end; NaN without any."""
        return end(self.accuracy) if len(self.accuracy) else float("nan")

    @property
    def end_training_accuracy(self) -> float:
        """Accuracy on training rows in the end, where it was recorded with every accuracy on validation rows; else NaN."""
        both = len(self.accuracy) and len(self.training_accuracy) == len(self.accuracy)
        return end(self.training_accuracy) if both else float("nan")

    @property
    def accuracy_gap(self) -> float:
        """By how much accuracy is higher on training rows than on validation rows in the end; NaN unless both are there."""
        return self.end_training_accuracy - self.end_accuracy

    @cached_property
    def guesses(self) -> bool:
        """Whether accuracy stays at chance from the first to the last epoch; False without any."""
        return bool(len(self.accuracy) and np.ptp(self.accuracy) <= _MOVES and self.accuracy.max() <= _GUESSED)

    @cached_property
    def fell_at_once(self) -> bool:
        """Whether cost is 28 % higher in the first epoch than in the end, and stands from the third one on."""
        last = end(self.costs)
        return bool(self.costs[0] >= _AT_ONCE * last and np.ptp(self.costs[2:]) <= _STANDS * last)

    @cached_property
    def answers(self) -> int:
        """How many different accuracies there were: few, where all rows of an epoch are given the same class."""
        return len(np.unique(self.accuracy))

    @cached_property
    def excess(self) -> float:
        """The first validation cost over that of guessing, which is taken to be the last cost over the last error; or NaN.

        Guessing gives an error near 1, and cost is roughly proportional to the error: a rough measure, for factors of two.
        """
        return _ratio(self.validation[0] * (1 - self.end_accuracy), end(self.validation)) if len(self.validation) else np.nan

    @cached_property
    def roughness(self) -> float:
        """Mean size of the second differences in the second half, as a share of the mean cost: noise, 0 for a straight line."""
        return _roughness(self.costs)

    @cached_property
    def validation_roughness(self) -> float:
        """The same of the validation cost; NaN without one."""
        return _roughness(self.validation) if len(self.validation) else float("nan")

    @cached_property
    def noise(self) -> float:
        """Mean size of the second differences after the first third, as a share of the range of the cost."""
        return _noise(self.costs)

    @cached_property
    def validation_noise(self) -> float:
        """The same of the validation cost; NaN without one."""
        return _noise(self.validation) if len(self.validation) else float("nan")

    @cached_property
    def jump(self) -> float:
        """The largest rise of the cost from one epoch to the next, the first left out: the logarithm of the ratio, or 0."""
        return _jump(self.costs)

    @cached_property
    def validation_jump(self) -> float:
        """The same of the validation cost; NaN without one."""
        return _jump(self.validation)

    @cached_property
    def validation_rises(self) -> float:
        """Mean rise of the validation cost after the first third, falls counted as 0, as a share of the mean cost; or NaN."""
        third = len(self.validation) // 3
        ups = np.maximum(np.diff(self.validation), 0.0)[third:]
        return _share(ups, self.validation[third:]) if len(self.validation) else float("nan")

    @cached_property
    def early(self) -> float:
        """The share of the whole fall of the cost that is done in the first tenth of the epochs."""
        done, whole = self.costs[0] - self.costs[max(1, self.epochs // 10)], self.costs[0] - self.costs.min()
        return float(np.divide(done, whole)) if whole > 0 else 0.0

    @cached_property
    def validation_middle(self) -> float:
        """The pace of the validation cost before its last third, as the logarithm of what it would do in all epochs; or NaN."""
        last = max(4, len(self.validation) // 3)
        middle = self.validation[-2 * last : -last] if len(self.validation) >= 2 * last else self.validation[:last]
        return _pace(np.log(np.maximum(middle / middle[0], _LEAST))) * len(self.validation) if len(middle) else float("nan")

    @cached_property
    def accuracy_pace(self) -> float:
        """How much accuracy would rise in as many epochs more, at the pace of the last third; NaN without any."""
        last = self.accuracy[-max(4, len(self.accuracy) // 3) :]
        return _pace(last) * len(self.accuracy) if len(last) else float("nan")

    @cached_property
    def accuracy_noise(self) -> float:
        """Standard deviation of the steps of accuracy from epoch to epoch in the second half; NaN without any."""
        half = self.accuracy[len(self.accuracy) // 2 :]
        return float(np.diff(half).std()) if len(half) > 1 else float("nan")

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
    def steady_gap(self) -> bool:
        """Whether validation cost is as far from training cost in the last third as in the third before; False without both."""
        last = max(2, self.epochs // 3)
        if len(self.training) < 2 * last or len(self.validation) != len(self.training):
            return False
        gaps = self.validation / self.training
        return bool(abs(np.log(gaps[-last:].mean() / gaps[-2 * last : -last].mean())) < _STEADY)

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


def shape(history: Mapping[str, Points], schedule: Iterable[float] | None = None) -> Shape:
    """Return the shape of a history; ``schedule`` holds the rate of each epoch where the history does not."""
    rates = _values(history.get("learning_rate", ()))
    given = rates if schedule is None else np.array([float(rate) for rate in schedule], np.float64)
    training, validation, fitted = (_first(history, names) for names in (TRAINING, VALIDATION, TRAINING_ACCURACY))
    contrast = next(iter(_values(history.get(CONTRAST, ()))), np.nan)
    accuracy = _values(history.get("validation_accuracy", ()))
    return Shape(training, validation, accuracy, given, float(contrast), fitted, layer_shape(history))


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


def _pace(curve: Values) -> float:
    """Return the slope of the straight line through a curve, by the epoch."""
    epochs = np.arange(len(curve)) - (len(curve) - 1) / 2
    return float(np.divide(epochs @ curve, epochs @ epochs))


def _noise(curve: Values) -> float:
    bends = np.abs(np.diff(curve, 2))[len(curve) // 3 :]
    return float(np.divide(bends.mean(), np.ptp(curve))) if len(bends) and bends.any() else 0.0


def _jump(curve: Values) -> float:
    ratios = curve[2:] / curve[1:-1]
    return float(np.log(max(1.0, ratios.max()))) if len(ratios) else float("nan")


def _roughness(curve: Values) -> float:
    bends = np.abs(np.diff(curve, 2))
    return _share(bends[len(bends) // 2 :], curve[len(curve) // 2 :])


def _share(parts: Values, of: Values) -> float:
    if not len(parts) or not parts.any():
        return 0.0
    return float(np.divide(parts.mean(), np.abs(of).mean()))
