"""Threshold of the learning rate: the largest rate at which the training cost falls in the first epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hpsearch.checks import integer, number
from hpsearch.errors import Diverged, SettingError, must_be
from hpsearch.nn.engines.base import Rows
from hpsearch.nn.optimizers.full_batch import is_full_batch
from hpsearch.nn.train import Rows as Data
from hpsearch.nn.train import prepare
from hpsearch.nn.training.training import Training

# A cost that rises by less than this share from one epoch to the next is as good as level, and so is one that falls by less.
_LEVEL = 0.02
# What is left of the first cost when a training has converged: it rises and falls by rounding.
_ROUNDING = 1e-9
# A rate that takes less than this share off the cost of what some lower rate takes is too high, even if the cost never rises:
# saturated and dead units keep it level.
_FAR_ENOUGH = 0.8
# Where the search for the decade ends, and how close to the threshold the bisection comes.
_LOWEST, _HIGHEST, _CLOSE = 1e-8, 1e4, 1.1

# Starts a training at a rate, from a seed.
Begin = Callable[[float, int], Training]


@dataclass(frozen=True)
class CostCurve:
    """The cost of the training rows at one learning rate: before the first epoch, and after each."""

    rate: float
    costs: tuple[float, ...]

    @property
    def rises(self) -> bool:
        """Whether the cost rises from one epoch to the next by more than 2 %, or leaves the finite numbers."""
        if not np.isfinite(self.costs).all():
            return True
        noise = _ROUNDING * self.costs[0]
        return any(after > (1 + _LEVEL) * before + noise for before, after in pairwise(self.costs))

    @property
    def falls(self) -> bool:
        """Whether the cost falls by more than 2 % in all, and never rises."""
        return not self.rises and self.costs[-1] < (1 - _LEVEL) * self.costs[0]

    @property
    def drop(self) -> float:
        """By how much the cost falls in all."""
        return self.costs[0] - self.costs[-1]


@dataclass(frozen=True)
class FoundRate:
    """A threshold of the learning rate, and the curves that it was found by, lowest rate first.

    Args:
        threshold: the largest rate at which the training cost fell in every one of the first epochs.
        curves: one for each rate and repeat.
    """

    threshold: float
    curves: tuple[CostCurve, ...]

    @property
    def order(self) -> float:
        """The threshold's order of magnitude: the power of ten at or below it."""
        return float(f"1e{math.floor(math.log10(self.threshold) + 1e-9)}")

    @property
    def rate(self) -> float:
        """Half of the threshold, for a training of many epochs."""
        return _rounded(self.threshold / 2)

    @property
    def range(self) -> tuple[float, float]:
        """The ends of a first range for any search: a decade to either side of `rate`, which is its middle.

        Write ``Float(*found.range, log=True)``. Strategies that begin at the centre of a space then begin with that rate.
        """
        return _rounded(self.rate / 10), _rounded(self.rate * 10)


def find_rate(
    data: Data, *, first: float = 0.01, epochs: int = 5, repeats: int = 3, seed: int = 0, **settings: Any
) -> FoundRate:
    """Find the threshold of the learning rate of a network: train it for a few epochs at one rate after the other.

    From ``first`` on, rates are tried by factors of ten: upwards while the training cost falls, or else downwards until it
    does. Bisection between the last two, on the logarithmic scale, leads to within a tenth of the threshold. A rate is too
    high if the cost rises from one epoch to the next by more than 2 %, or if it falls by less than four fifths of what it
    falls by at some lower rate (saturated units keep it level). Of several repeats one that rises is enough.

    The border is blurred: mini-batches are drawn at random, and the cost is looked at after whole epochs. A larger number of
    epochs or repeats gives a lower threshold.

    Args:
        data: rows to learn from, as `hpsearch.nn.train` takes them.
        first: the rate that is tried first.
        epochs: of each training.
        repeats: trainings at each rate, from different first weights.
        seed: of the first of them; the next has the next number.
        settings: everything else that `train` takes, such as ``hidden=(30,)`` or ``batch_size=20``. Leave penalties out.
    Raises:
        SettingError: for a setting as in `train`, a method without a learning rate, or where there is no threshold: the cost
            falls at every rate, or at none.

    Known value: gradient descent on a quadratic cost converges below 2 / L, where L is the largest curvature. Source: Nielsen,
    Neural Networks and Deep Learning, ch. 3, which finds 0.5 for [784, 30, 10] on MNIST, and takes half of it.

    >>> x, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 10, [0, 1, 1, 0] * 10
    >>> found = find_rate((x, y), hidden=4, activation="tanh", batch_size=40)
    >>> found.rate < found.threshold < found.range[1]
    True
    """
    for name in ("learning_rate", "validation", "report"):
        if name in settings:
            advice = "It tries rates by itself, and scores on the training rows."
            raise SettingError(must_be(f"{name} of find_rate", "left out", settings[name], advice))
    check_has_rate(settings.get("optimizer"))

    def begin(rate: float, number: int) -> Training:
        return prepare(data, learning_rate=rate, epochs=epochs, seed=number, **settings)

    integer("seed", seed, 0, "It decides the first weights and the order of the rows.")
    return find_threshold(begin, begin(1.0, seed).training_rows, first, repeats, seed)


def check_has_rate(optimizer: Any) -> None:
    """Raise for a method that has no learning rate."""
    if is_full_batch(optimizer):
        advice = "Its line search finds every step."
        raise SettingError(must_be("optimizer", "one with a learning rate, such as 'sgd'", optimizer, advice))


def follow_cost(training: Training, rows: Rows) -> Iterator[float]:
    """Run a training, and yield the cost of some rows before it and after each epoch.

    Raises:
        Diverged: an output or a weight left the finite numbers.
    """
    yield training.network.score(*rows).cost
    for _ in training.run():
        yield training.network.score(*rows).cost


def find_threshold(begin: Begin, rows: Rows, first: float = 0.01, repeats: int = 3, seed: int = 0) -> FoundRate:
    """Find the threshold of trainings that ``begin`` starts; see `find_rate`.

    Args:
        begin: starts a training at a rate, from a seed.
        rows: those whose cost is watched.
        first: the rate that is tried first.
        repeats: trainings at each rate.
        seed: of the first of them.
    Raises:
        SettingError: the cost falls at every rate, or at none.
    """
    integer("repeats", repeats, 1, "Try 3.")
    number("first", first, _LOWEST, _HIGHEST, "Try 0.01.", error=SettingError)
    search = _Search(lambda rate: [_curve(begin(rate, seed + i), rate, rows) for i in range(repeats)])
    low, high = search.decade(first)
    while high > _CLOSE * low:
        middle = _rounded(math.sqrt(low * high), 3)
        low, high = (middle, high) if search.works(middle) else (low, middle)
    return FoundRate(low, tuple(curve for rate in sorted(search.curves) for curve in search.curves[rate]))


class _Search:
    """The curves by rate, and what they say.

    Args:
        train: returns the curves of all repeats at a rate.
    """

    def __init__(self, train: Callable[[float], list[CostCurve]]) -> None:
        self.train, self.curves = train, dict[float, list[CostCurve]]()

    def works(self, rate: float) -> bool:
        """Return whether the cost does not rise at a rate, and falls about as far as at the lower ones that were tried."""
        curves = self.curves[rate] = self.train(rate)
        if any(curve.rises for curve in curves):
            return False
        lower = [self._drop(other) for other, known in self.curves.items() if other < rate and not any(c.rises for c in known)]
        return self._drop(rate) >= _FAR_ENOUGH * max(lower, default=0.0)

    def _drop(self, rate: float) -> float:
        return float(np.mean([curve.drop for curve in self.curves[rate]]))

    def decade(self, first: float) -> tuple[float, float]:
        """Return a rate that works, and one ten times as high that does not."""
        step = 1 if self.works(first) else -1
        rate, other = first, _times_ten(first, step)
        while self.works(other) == (step > 0):
            rate, other = other, _times_ten(other, step)
            if not _LOWEST <= other <= _HIGHEST:
                raise SettingError(self._reason(step))
        low, high = sorted((rate, other))
        if not any(curve.falls for rate in self.curves if rate <= low for curve in self.curves[rate]):
            raise SettingError(self._reason(-1))
        return low, high

    def _reason(self, step: int) -> str:
        """Return why there is no threshold."""
        low, high = min(self.curves), max(self.curves)
        if not any(curve.falls for curves in self.curves.values() for curve in curves):
            advice = "Look at the scale of the inputs, at the first weights and at the gradient."
            return f"The training cost falls at none of the learning rates {low:g} to {high:g}. {advice}"
        if step > 0:
            advice = "Take a rate by what it scores on validation rows."
            return (
                f"The training cost rises at none of the learning rates {low:g} to {high:g}, so there is no threshold. {advice}"
            )
        advice = "Train for more epochs, or look at the scale of the inputs."
        return f"The training cost rises at the learning rates {low:g} to {high:g}, or hardly falls. {advice}"


def _curve(training: Training, rate: float, rows: Rows) -> CostCurve:
    """Return the curve of a training; one that diverges ends with infinity."""
    costs: list[float] = []
    try:
        costs.extend(follow_cost(training, rows))
    except Diverged:
        costs.append(math.inf)
    return CostCurve(rate, tuple(costs))


def _times_ten(rate: float, power: int) -> float:
    return _rounded(rate * 10.0**power, 12)


def _rounded(value: float, digits: int = 2) -> float:
    """Return a value as it is written with a few digits: the last bits of a threshold are no information."""
    return float(f"{value:.{digits}g}")
