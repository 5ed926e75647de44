"""Objective of a search with cross-validation: the mean score of an estimator over folds, and the score on each."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import cross_validate

from hpsearch.objectives.estimator import check_params, check_values, one_line
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.sklearn.rows import SearchRows, Split
from hpsearch.sklearn.scoring import check_responses
from hpsearch.sklearn.spaces import EstimatorSpace
from hpsearch.trial import Outcome, Params

# Metrics of a trial that are no scores.
FAILED_FITS = "failed_fits"
TIMES = ("fit_time", "score_time")
_SEEDS = 2**31
Scores = dict[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class ScoreEstimator(ObjectiveBase):
    """Fit an estimator on each fold and score it on the rows left out; the value is the mean of one score, larger is better.

    An integer ``random_state`` stays as it is; where one is None, each trial draws it from its own random numbers.

    Args:
        estimator: it is cloned, never fitted.
        data: rows, targets and folds.
        space: the names of the params.
        scoring: as `sklearn.model_selection.cross_validate` takes it.
        decides: the name of the score that decides; the first one where there is none of that name.
        measure: what that score is called.
        weights: ``sample_weight`` for the scorers too, where metadata are not routed.
        error_score: of a fold on which fitting or scoring failed; or ``"raise"``.
        train_scores: whether the rows that are fitted are scored too.
        config: of scikit-learn.
    """

    estimator: Any
    data: SearchRows
    space: EstimatorSpace
    scoring: Any
    decides: str
    measure: str
    weights: Any = field(default=None, compare=False)
    error_score: Any = math.nan
    train_scores: bool = False
    # A worker starts with scikit-learn's default configuration.
    config: Mapping[str, Any] = field(default_factory=get_config, compare=False)
    parameters, resources, curves = None, (), ()

    def __repr__(self) -> str:
        scorers = f"{{{', '.join(self.scoring)}}}" if isinstance(self.scoring, dict) else self._score_name
        further = ", train_scores=True" if self.train_scores else ""
        further += f", error_score={self.error_score}" if not self._fails_as_nan else ""
        return f"ScoreEstimator({one_line(self.estimator)}, {self.data!r}, scoring={scorers}, decides={self.decides}{further})"

    @property
    def _score_name(self) -> str:
        return self.measure.rpartition(" ")[2]

    @property
    def _fails_as_nan(self) -> bool:
        return self.error_score == "raise" or bool(np.isnan(self.error_score))

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise for names that the chosen steps do not have, values they reject, and scores they cannot give; fit nothing."""
        values = self.space.values(params)
        check_params(type(self.estimator).__name__, self.estimator, values, reserved=())
        candidate = self._with(values)
        check_values(candidate)
        scorers = self.scoring if isinstance(self.scoring, dict) else {self._score_name: self.scoring}
        for name, scorer in scorers.items():
            check_responses(name, scorer, candidate)

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Fit and score on every fold."""
        with config_context(**self.config):
            found, failed = self._cross_validate(self.candidate(params, context.rng))
        names = [key.removeprefix("test_") for key in found if key.startswith("test_")]
        values = found[f"test_{self.decides if self.decides in names else names[0]}"]
        parts = [f"{part}_{name}" for part in ("test", "train") for name in names if f"{part}_{name}" in found]
        metrics = {f"mean_{key}": float(np.mean(found[key])) for key in parts if len(parts) > 1}
        metrics |= {f"split{i}_{key}": float(score) for key in parts for i, score in enumerate(found[key])}
        if len(values) > 1:
            metrics["standard_error"] = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        times = {f"{how.__name__}_{key}": float(how(found[key])) for key in TIMES for how in (np.mean, np.std)}
        return Outcome(float(np.mean(values)), metrics | ({FAILED_FITS: failed} if failed else {}), timings=times)

    def candidate(self, params: Mapping[str, Any], rng: np.random.Generator) -> Any:
        """Return the estimator of a trial, not fitted, with the seeds that the trial draws for it."""
        candidate = self._with(self.space.values(params))
        settings = candidate.get_params()
        unseeded = [name for name in sorted(settings) if name.rpartition("__")[2] == "random_state" and settings[name] is None]
        return candidate.set_params(**{name: int(rng.integers(_SEEDS)) for name in unseeded})

    def _with(self, values: Mapping[str, Any]) -> Any:
        return clone(self.estimator).set_params(**clone(dict(values), safe=False))

    def _cross_validate(self, candidate: Any) -> tuple[Scores, int]:
        """Return the scores and times of every fold, and on how many fitting failed."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.filterwarnings("always", category=FitFailedWarning)
            if self.weights is None:
                found = self._scores(candidate, self.scoring, self.data.splits)
            else:
                parts = [self._scores(candidate, self._weighted(split), [split]) for split in self.data.splits]
                found = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        registry: dict[Any, int] = {}  # what every fold warns of is shown once
        failures = [str(each.message) for each in caught if issubclass(each.category, FitFailedWarning)]
        for each in caught:
            if not issubclass(each.category, FitFailedWarning):
                message: Any = each.message  # a warning, with its class
                warnings.warn_explicit(message, each.category, each.filename, each.lineno, registry=registry)
        failed = sum(int(number[0]) if (number := re.search(r"\d+", text)) else 1 for text in failures)
        return found, failed

    def _scores(self, candidate: Any, scoring: Any, splits: Any) -> Scores:
        found: Scores = cross_validate(
            candidate, self.data.x, self.data.y, scoring=scoring, cv=splits, params=dict(self.data.params),
            return_train_score=self.train_scores, error_score=self.error_score,
        )  # fmt: skip
        return found

    def _weighted(self, split: Split) -> Callable[..., Any]:
        """Return a scorer for one fold that hands on the weights: of the rows left out, and then of those fitted."""
        scorer = check_scoring(self.estimator, scoring=self.scoring)
        train, test = split
        weights = iter([np.asarray(self.weights)[test], np.asarray(self.weights)[train]])

        def score(estimator: Any, x: Any, y: Any) -> Any:
            return scorer(estimator, x, y, sample_weight=next(weights))

        return score
