"""The values of trials as a model is told them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpsearch.surrogate.encoding import Array
from hpsearch.trial import Status, Trial

# At most so many trials enter a model: its time grows with their number cubed.
MOST = 300


def impute_values(trials: Sequence[Trial]) -> Array | None:
    """Return one finite number per trial, the smaller the better, divided by the largest magnitude; None where there is none.

    A trial without a value (failed, diverged, died) gets the worst finite one: it must not rank before a finished trial, and
    must not stretch the scale either. A trial that was stopped by its curve has the value that its study expects of it, at
    most the worst one.
    """
    values = np.array([trial.value if trial.ok else math.nan for trial in trials], float)
    if np.isnan(values).all():
        return None
    worst = float(np.nanmax(values))
    expected = [trial.value if trial.status is Status.STOPPED and math.isfinite(trial.value) else worst for trial in trials]
    values = np.where(np.isnan(values), np.minimum(expected, worst), values)
    # Differences of huge values would overflow, those of tiny ones vanish.
    largest: float = float(np.abs(values).max())
    return values / largest if largest else values


def keep_best_and_newest(values: Array, most: int = MOST) -> NDArray[np.intp]:
    """Return the indices of the trials that enter a model, in rising order: half of ``most`` are the best, half the newest."""
    count = len(values)
    newest = np.arange(max(count - most // 2, 0), count)
    older = np.argsort(values[: count - len(newest)], kind="stable")[: most - len(newest)]
    return np.sort(np.append(older, newest))
