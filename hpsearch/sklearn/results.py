"""Results of a search as scikit-learn's searches return them: `cv_results_`, and the index of the best candidate."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.ma import MaskedArray

from hpsearch.checks import is_integer, to_python
from hpsearch.sklearn.candidate import TIMES
from hpsearch.trial import Trial

Results = dict[str, Any]
_SCORE = re.compile(r"split0_test_(.*)")


def score_names(trials: Sequence[Trial]) -> list[str]:
    """Return the names of the scores, as the first trial that has some lists them; empty where none has."""
    for trial in trials:
        found = [match[1] for key in _metrics(trial) if (match := _SCORE.fullmatch(key))]
        if found:
            return found
    return []


def cv_results(
    trials: Sequence[Trial], params: Sequence[Mapping[str, Any]], names: Sequence[str], folds: int, error: float, train: bool
) -> Results:
    """Return the table of all candidates, with the keys of `sklearn.model_selection.RandomizedSearchCV`.

    Args:
        trials: in number order.
        params: of each, as the estimator takes them.
        names: of the scores.
        folds: their number.
        error: the score of a trial that has none.
        train: whether the rows that were fitted were scored too.
    """
    found: Results = {}
    for time in TIMES:
        for how in ("mean", "std"):
            found[f"{how}_{time}"] = np.array([_timings(trial).get(f"{how}_{time}", math.nan) for trial in trials])
    found |= _param_columns(params)
    found["params"] = list(params)
    for name in names:
        found |= _scores(f"test_{name}", trials, folds, error)
        found[f"rank_test_{name}"] = _ranks(found[f"mean_test_{name}"])
        found |= _scores(f"train_{name}", trials, folds, error) if train else {}
    return found


def best_index(refit: Any, decides: str, results: Results) -> int:
    """Return the position of the best candidate: by rank, or as a function of the user's says.

    Raises:
        TypeError: the function did not return a whole number.
        IndexError: there is no such candidate.
    """
    if not callable(refit):
        return int(results[f"rank_test_{decides}"].argmin())
    index, count = refit(results), len(results["params"])
    if not is_integer(to_python(index)):
        raise TypeError(f"What refit returns must be the index of a candidate, got {index!r}. Return a whole number.")
    if not 0 <= index < count:
        raise IndexError(f"What refit returns must be an index in [0, {count - 1}], got {index!r}. Return one of a candidate.")
    return int(index)


def _metrics(trial: Trial) -> Mapping[str, float]:
    return {} if trial.outcome is None else trial.outcome.metrics


def _timings(trial: Trial) -> Mapping[str, float]:
    return {} if trial.outcome is None else trial.outcome.timings


def _scores(key: str, trials: Sequence[Trial], folds: int, error: float) -> Results:
    table = np.array([[_metrics(t).get(f"split{fold}_{key}", error) for fold in range(folds)] for t in trials])
    means = table.mean(axis=1)
    split = {f"split{fold}_{key}": table[:, fold] for fold in range(folds)}
    return {**split, f"mean_{key}": means, f"std_{key}": np.sqrt(((table - means[:, np.newaxis]) ** 2).mean(axis=1))}


def _ranks(means: Any) -> Any:
    """Return ranks from 1, equal for equal means; a candidate without a mean is among the last."""
    from scipy.stats import rankdata

    if np.isnan(means).all():
        return np.ones(len(means), np.int32)
    filled = np.where(np.isnan(means), np.nanmin(means) - 1, means)
    return rankdata(-filled, method="min").astype(np.int32)


def _param_columns(params: Sequence[Mapping[str, Any]]) -> Results:
    """Return a masked array for each param; it is masked where a candidate does not have the param."""
    names = dict.fromkeys(name for one in params for name in one)
    return {f"param_{name}": _column([one.get(name, _ABSENT) for one in params]) for name in names}


_ABSENT = object()


def _column(values: Sequence[Any]) -> Any:
    present = [value for value in values if value is not _ABSENT]
    column = MaskedArray(np.empty(len(values), dtype=_kind_of(present)), mask=True)
    for position, value in enumerate(values):
        if value is not _ABSENT:
            column[position] = value
    return column


def _kind_of(values: Sequence[Any]) -> Any:
    """Return the type of a column: numbers and truth values as such, everything else as objects."""
    try:
        found = np.array(list(values))
    except ValueError:  # sequences of several lengths
        return object
    if found.ndim == 1 and found.dtype.kind in "biufc":
        return found.dtype
    return object
