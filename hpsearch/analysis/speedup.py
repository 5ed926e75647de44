"""Speed-up of one search over another on paired seeds, and the chance of being ahead at a budget.

Both are arrays of best values so far, float, shape (n, m): n repetitions (place i of both had the same seed) at m rising
budgets; `Progress.at` makes a row of them. Infinite where nothing was found yet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.intervals import Interval, mean_interval, share_interval
from hpsearch.analysis.sample import FEWEST, Array, check_level
from hpsearch.errors import SettingError, must_be


@dataclass(frozen=True)
class SpeedUp:
    """How many times less budget the first search needs to be as good as the second after ``budget``.

    ``needed`` is that smaller budget, None where the first search never got there; ``low`` and ``high`` are limits of the
    factor, 0 and infinity where the curves at hand set none.
    """

    budget: float
    needed: float | None
    low: float
    high: float
    level: float

    @property
    def factor(self) -> float | None:
        """Budget of the second over budget of the first; None where the first never got there."""
        return None if self.needed is None else self.budget / self.needed


def chance_of_beating(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> list[Interval]:
    """Return per budget the chance that a repetition of the first search is ahead of the second's; ties count half.

    The mean of [a < b] + [a = b] / 2 over the pairs, with Wilson's interval (each budget for itself).

    >>> [one.centre for one in chance_of_beating([[3, 1], [2, 1], [1, 1]], [[3, 2], [3, 2], [3, 1]])]
    [0.8333333333333334, 0.8333333333333334]
    """
    first, second = _pair(a, b)
    ahead = (first < second) + 0.5 * (first == second)
    return [share_interval(float(share), len(first), level) for share in ahead.mean(axis=0)]


def speed_up(a: ArrayLike, b: ArrayLike, budgets: ArrayLike, at: int = -1, level: float = 0.95) -> SpeedUp:
    """Return how much sooner the first search reaches what the second has after ``budgets[at]``.

    ``needed`` is the first budget at which the mean of ``a`` is at most the mean of ``b`` at its own. Its limits invert
    Student's paired test: above all first budgets at which ``a`` is still clearly worse, up to the first from which on it
    stays clearly better. Each limit errs in at most (1 - level) / 2 of all cases, since mean curves never rise; and where a
    search never gets there, its limit says so (0) instead of being made up, which a bootstrap of the ratio would do.

    Args:
        a, b: best values so far, shape (n, m), n >= 3; ``b`` finite at its budget.
        budgets: rising, shape (m,), in trials, epochs or seconds.
        at: place of the second search's budget.
    Raises:
        SettingError: if shapes do not fit, budgets do not rise, or ``b`` has found nothing at its budget.

    >>> a = [[4.0, 2.0, 1.0], [4.5, 2.0, 1.0], [5.0, 2.2, 1.1]]
    >>> b = [[8.0, 4.0, 2.1], [8.0, 4.4, 2.1], [8.0, 4.0, 2.2]]
    >>> found = speed_up(a, b, [1, 2, 4])
    >>> found.factor, found.low, found.high   # clearly worse after 1, as good after 2, clearly better after 4
    (2.0, 1.0, 4.0)
    """
    first, second = _pair(a, b)
    steps, target = _rising(budgets, first.shape[1]), second[:, at]
    check_level(level)
    if not np.isfinite(target).all():
        advice = "Take a larger budget."
        raise SettingError(must_be("The second search", "one that has found something at its budget", steps[at], advice))
    verdicts = [_verdict(column, target, level) for column in first.T]
    means = np.flatnonzero(first.mean(axis=0) <= target.mean())
    worse = next((i for i, sign in enumerate(verdicts) if sign <= 0), len(steps))
    better = len(steps) - next((i for i, sign in enumerate(reversed(verdicts)) if sign >= 0), len(steps))
    budget = float(steps[at])
    return SpeedUp(
        budget,
        needed=float(steps[means[0]]) if len(means) else None,
        low=budget / float(steps[better]) if better < len(steps) else 0.0,
        high=budget / float(steps[worse - 1]) if worse else math.inf,
        level=level,
    )


def _verdict(values: Array, target: Array, level: float) -> int:
    """Return 1 where values are clearly above the target, -1 clearly below, 0 in doubt; nothing found yet is above."""
    if not np.isfinite(values).all():
        return 1
    interval = mean_interval(values - target, level)
    return int(interval.low > 0) - int(interval.high < 0)


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    first, second = np.asarray(a, float), np.asarray(b, float)
    if first.ndim != 2 or first.shape != second.shape:
        shapes = (first.shape, second.shape)
        raise SettingError(must_be("Two searches", "of one shape (repetitions, budgets)", shapes, "Repeat both equally."))
    if len(first) < FEWEST:
        advice = "Repeat with further seeds."
        raise SettingError(must_be("Two searches", f"repeated at least {FEWEST} times", len(first), advice))
    return first, second


def _rising(budgets: ArrayLike, count: int) -> Array:
    steps = np.asarray(budgets, float)
    if steps.shape != (count,) or steps.min(initial=math.inf) <= 0 or (np.diff(steps) <= 0).any():
        constraint = f"{count} rising numbers > 0"
        raise SettingError(must_be("budgets", constraint, steps.tolist(), "Pass the budget of every column."))
    return steps
