"""Progress of a search and its regret, against the trials, epochs or seconds spent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.analysis.sample import Array
from hpsearch.checks import choice
from hpsearch.errors import SettingError, must_be
from hpsearch.trial import Trial

Unit = Literal["trials", "epochs", "seconds"]


@dataclass(frozen=True)
class Progress:
    """One search: the best value (``best``) as soon as so much was spent (``spent``); float64, shape (n,) after n trials.

    ``best`` never rises, and is infinite as long as no trial has finished.
    """

    spent: Array
    best: Array

    def at(self, budgets: ArrayLike) -> Array:
        """Return the best value after each budget, in the shape of ``budgets``; infinite before the first trial's end."""
        done = np.searchsorted(self.spent, np.asarray(budgets, float), side="right")
        return np.asarray(np.concatenate([[math.inf], self.best])[done], float)


def progress(trials: Sequence[Trial], unit: Unit = "trials") -> Progress:
    """Return a search's best value so far against what its trials have cost one after the other.

    Every trial costs, the failed ones and the checks too; only finished ones that are no checks count as found. Seconds are
    those the trials took, whatever the number of workers; epochs those that were trained (for a trial that continues an
    earlier one, its own share).

    Args:
        trials: all trials of one study in number order.
        unit: what is counted.
    Raises:
        SettingError: for an unknown unit, or epochs where a trial has neither a budget nor a curve.
    """
    choice("unit", unit, get_args(Unit))
    known = {trial.number: trial for trial in trials}
    found = [trial.value if trial.ok and not trial.is_preflight else math.inf for trial in trials]
    costs = [_cost(trial, known, unit) for trial in trials]
    return Progress(np.cumsum(costs, dtype=float), np.minimum.accumulate(np.array(found, float)))


def area_under_regret(search: Progress, optimum: float, start: float, end: float) -> float:
    """Return the mean distance to the optimum while the budget goes from ``start`` to ``end``, in units of the value.

    1 / (end - start) times the integral of best(b) - optimum, exact for the step function it is; lower is better, infinite
    where nothing was found by ``start``. For trials, take ``start=1``.

    Raises:
        SettingError: unless start < end.

    >>> area_under_regret(Progress(np.array([1.0, 2.0]), np.array([3.0, 1.0])), 0.0, start=1, end=3)
    2.0
    """
    if not start < end:
        raise SettingError(must_be("start and end", "budgets with start < end", (start, end), "Try (1, 64) for trials."))
    inside = search.spent[(search.spent > start) & (search.spent < end)]
    corners = np.concatenate([[start], inside, [end]])
    return float((search.at(corners[:-1]) - optimum) @ np.diff(corners) / (end - start))


def _cost(trial: Trial, known: Mapping[int, Trial], unit: Unit) -> float:
    if unit == "trials":
        return 1.0
    if unit == "seconds":
        return trial.seconds
    # The record of an earlier trial may be damaged: then this one counts whole.
    earlier = None if trial.continues is None else known.get(trial.continues)
    before = 0.0 if earlier is None else _epochs(earlier)
    return max(_epochs(trial) - before, 0.0)


def _epochs(trial: Trial) -> float:
    """Return the last epoch of a trial's curves, which early stopping may have put before its budget."""
    curves = trial.outcome.history.values() if trial.outcome else ()
    steps = [curve[-1][0] for curve in curves if curve]
    if not steps and trial.budget is None:
        advice = "Compare by trials or seconds."
        raise SettingError(
            must_be(f"Trial {trial.number}", "run with a budget or a curve to count epochs", trial.status, advice)
        )
    return float(max(steps) if steps else trial.budget or 0)
