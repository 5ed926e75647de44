"""Search with cross-validation as a scikit-learn estimator, with this package's strategies, workers and record."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, check_cv
from sklearn.utils import Bunch, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from hpsearch.checks import integer, number, to_python
from hpsearch.errors import SettingError, must_be
from hpsearch.execution.task import trial_context
from hpsearch.ports import Strategy
from hpsearch.search.auto import Auto
from hpsearch.search.result import Result
from hpsearch.search.stopping import Stop
from hpsearch.sklearn.candidate import ScoreEstimator
from hpsearch.sklearn.delegation import DelegatesToBest
from hpsearch.sklearn.results import best_index, cv_results, score_names
from hpsearch.sklearn.rows import SearchRows
from hpsearch.sklearn.running import run_study, warn_of
from hpsearch.sklearn.scoring import ONE, Refit, Scoring
from hpsearch.sklearn.spaces import EstimatorSpace, read_space
from hpsearch.study import Study
from hpsearch.tracking.memory import MemoryTracker

# A batch of four keeps four workers busy. It is the same at any number of them, so that the candidates are.
_TRIALS, _BATCH = 32, 4


class SearchCV(DelegatesToBest, MetaEstimatorMixin, BaseEstimator):
    """Search the settings of an estimator by cross-validation, and fit the best one on all rows.

    It is used as scikit-learn's `RandomizedSearchCV` is, and has its attributes. The candidates come from a strategy of this
    package; they are the same for the same seed, whatever the number of jobs.

    Args:
        estimator: a classifier, regressor, transformer or pipeline; it is cloned, never fitted.
        space: a `Space`; or a dict of the estimator's parameters, each with a list of values, a distribution of `scipy.stats`
            or a `Float`, `Int` or `Choice`; or a list of such dicts. Of a distribution without an end, the last thousandth is
            left out there.
        strategy: what proposes the candidates, such as ``Random(trials=60)``. None takes ``Auto(trials=32, batch_size=4)``:
            all points of a space that has no more, else a model that learns from earlier candidates.
        scoring: the name of a scorer, a function ``f(estimator, X, y)``, or several as a list of names, a dict, or a function
            that returns a dict. None takes the estimator's own ``score``. With several, the strategy looks at the one that
            ``refit`` names, else at the first.
        refit: whether the best estimator is fitted on all rows; with several scores the name of the one that decides; or a
            function that takes ``cv_results_`` and returns the index of the best candidate.
        cv: the number of folds, a splitter, or pairs of rows to fit on and to score. None takes 5.
        jobs: how many candidates run side by side, each in a process of its own; None or -1 takes all cores.
        study: the name under which the search is recorded in MLflow, resumed and shown. None records nothing. A study is of
            one set of rows: leave the name out inside ``cross_val_score``.
        seed: decides the candidates, and every ``random_state`` of the estimator that is None.
        error_score: the score of a fold on which fitting fails, or ``"raise"``.
        return_train_score: whether the rows that are fitted are scored too.

    Beside the attributes of `RandomizedSearchCV` it has ``trials_``, the trials as `Study.run` returns them (their values are
    minimised, so they are the negated scores). Candidates that are read from the record of an earlier run have no times.

    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from hpsearch.strategies import Random
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SearchCV(SVC(), {"C": loguniform(0.1, 100), "kernel": ["linear", "rbf"]}, Random(trials=5)).fit(X, y)
    >>> print(search.best_params_["kernel"], search.best_score_.round(2))
    rbf 0.98
    >>> search.predict(X[:2])
    array([0, 0])
    """

    def __init__(
        self,
        estimator: Any,
        space: Any,
        strategy: Strategy | None = None,
        *,
        scoring: Any = None,
        refit: Refit = True,
        cv: Any = None,
        jobs: int | None = 1,
        study: str | None = None,
        seed: int = 0,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.strategy = strategy
        self.scoring = scoring
        self.refit = refit
        self.cv = cv
        self.jobs = jobs
        self.study = study
        self.seed = seed
        self.error_score = error_score
        self.return_train_score = return_train_score

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Run the search, and fit the best estimator.

        Args:
            X: rows, as the estimator takes them.
            y: their targets, where there are any.
            params: ``groups`` for the splitter, ``sample_weight`` and whatever else the estimator's ``fit`` takes; with
                scikit-learn's metadata routing what estimator, scorer and splitter request.
        Raises:
            SettingError, SpaceError, StudyError: a setting is wrong. They are ValueErrors, as scikit-learn's are.
            ValueError: no candidate could be fitted.
        """
        self._check_settings()
        found = read_space(self.space)
        found.check_names(self.estimator)
        X, y = indexable(X, y)
        routed = self._route(params)
        if routed.unweighted:
            names = ", ".join(routed.unweighted)
            warnings.warn(f"Rows count alike in these scores, which take no sample_weight: {names}.", stacklevel=2)
        objective = self._objective(found, X, y, routed)
        jobs = None if self.jobs == -1 else to_python(self.jobs)
        result = run_study(self._study(objective), objective, jobs, MemoryTracker() if self.study is None else None)
        self.n_splits_ = len(objective.data.splits)
        self._keep_results(result, found)
        warn_of(result, self.trials_)
        if self.refit:
            self._fit_best(result, objective, X, y, routed.estimator.fit)
        return self

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Return the score of the best estimator on some rows, by the scorer that decided."""
        self.check_refit("score")
        check_is_fitted(self)
        routing = bool(get_config()["enable_metadata_routing"])
        if params and not routing:
            advice = "Call sklearn.set_config(enable_metadata_routing=True) first."
            raise SettingError(must_be("Arguments of score() without metadata routing", "X and y", sorted(params), advice))
        routed = process_routing(self, "score", **params).scorer.score if routing else {}
        scoring = self._scoring
        # With routing, the function for all scores hands each of them what it requests.
        one = scoring.several and not routing
        scorer = scoring.scorers[scoring.deciding(scoring.scorers)] if one else scoring.function
        found = scorer(self.best_estimator_, X, y, **routed)
        return found[scoring.deciding(found)] if isinstance(found, dict) else found  # type: ignore[no-any-return]

    def get_metadata_routing(self) -> MetadataRouter:
        """Return what estimator, scorer and splitter request."""
        both = MethodMapping().add(caller="fit", callee="score").add(caller="score", callee="score")
        router = self._fit_router().add(scorer=self._scoring.function, method_mapping=both)
        return router.add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))

    def __sklearn_tags__(self) -> Any:
        tags, own = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = own.estimator_type
        tags.classifier_tags, tags.regressor_tags = deepcopy(own.classifier_tags), deepcopy(own.regressor_tags)
        tags.input_tags.pairwise, tags.input_tags.sparse = own.input_tags.pairwise, own.input_tags.sparse
        return tags

    @property
    def _scoring(self) -> Scoring:
        return Scoring(self.estimator, self.scoring, self.refit)

    def _check_settings(self) -> None:
        if not hasattr(self.estimator, "fit") or isinstance(self.estimator, type):
            raise SettingError(must_be("estimator", "a scikit-learn estimator", self.estimator, "Write it as in SVC()."))
        if self.jobs is not None and self.jobs != -1:
            integer("jobs", to_python(self.jobs), 1, "Take -1 for all cores.", other="-1 or None")
        integer("seed", to_python(self.seed), 0, "Try 0.")
        if self.error_score != "raise" and not (isinstance(self.error_score, float) and math.isnan(self.error_score)):
            number("error_score", self.error_score, advice="Leave it out for nan, or write 'raise'.")
        if (scoring := self._scoring).several:
            scoring.check_refit(scoring.scorers)

    def _fit_router(self) -> MetadataRouter:
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def _route(self, params: Mapping[str, Any]) -> Bunch:
        """Return the arguments for estimator and splitter, those that each trial routes itself, and weights for scorers.

        Without metadata routing groups are for the splitter, all others for the estimator, and weights for the scorers too.
        """
        scoring = self._scoring
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **params)
            mapping = MethodMapping().add(caller="fit", callee="score")
            consumed = self._fit_router().add(scorer=scoring.function, method_mapping=mapping).consumes("fit", params.keys())
            return Bunch(**routed, trial={name: params[name] for name in consumed}, weights=None, unweighted=())
        own = {name: value for name, value in params.items() if name != "groups"}
        weights = own.get("sample_weight")
        return Bunch(
            estimator=Bunch(fit=own),
            splitter=Bunch(split={"groups": params.get("groups")}),
            trial=own,
            weights=weights if weights is not None and scoring.takes_weights else None,
            unweighted=scoring.without_weights if weights is not None else (),
        )

    def _split(self, X: Any, y: Any, arguments: Mapping[str, Any]) -> list[Any]:
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        groups = arguments.get("groups")
        if groups is not None and isinstance(splitter, (GroupKFold, StratifiedGroupKFold)):
            count = len(set(np.asarray(groups).tolist()))
            if count < (folds := splitter.get_n_splits()):
                advice = "Take fewer folds, or finer groups."
                raise SettingError(must_be("The folds of cv", f"at most {count}, the number of groups", folds, advice))
        splits = list(splitter.split(X, y, **arguments))
        if not splits:
            raise SettingError(must_be("cv", "one fold or more", self.cv, "Leave it out for 5 folds."))
        return splits

    def _objective(self, found: EstimatorSpace, X: Any, y: Any, routed: Bunch) -> ScoreEstimator:
        classes = len(set(np.asarray(y).ravel().tolist())) if is_classifier(self.estimator) and y is not None else 0
        scoring = self._scoring
        rows = SearchRows(X, y, self._split(X, y, routed.splitter.split), routed.trial, classes)
        return ScoreEstimator(
            clone(self.estimator), rows, found, scoring.scorers, scoring.decides, f"cross-validation {scoring.name}",
            routed.weights, self.error_score, bool(self.return_train_score),
        )  # fmt: skip

    def _study(self, objective: ScoreEstimator) -> Study:
        return Study(
            "search" if self.study is None else self.study,
            objective.space.space,
            objective,
            Auto(trials=_TRIALS, batch_size=_BATCH) if self.strategy is None else self.strategy,
            seed=to_python(self.seed),
            maximize=True,
            question=f"Which settings of {type(self.estimator).__name__} score best in cross-validation?",
            # The first candidates may all fail in one way where later ones do not: a solver without a penalty, say.
            stop=Stop(identical_failures=None),
        )

    def _keep_results(self, result: Result, found: EstimatorSpace) -> None:
        scoring, trials = self._scoring, [trial for trial in result.trials if not trial.is_preflight]
        names, params = score_names(trials), [found.values(found.space.resolve(trial.params)) for trial in trials]
        self.multimetric_ = scoring.several or names != [ONE]
        if self.multimetric_:
            scoring.check_refit(names)
        error = math.nan if self.error_score == "raise" else float(self.error_score)
        self.trials_ = trials
        self.cv_results_ = cv_results(trials, params, names, self.n_splits_, error, bool(self.return_train_score))
        self.scorer_ = scoring.scorers if scoring.several else scoring.function
        if self.refit or not self.multimetric_:
            decides = str(self.refit) if self.multimetric_ else ONE
            self.best_index_ = best_index(self.refit, decides, self.cv_results_)
            self.best_params_ = params[self.best_index_]
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{decides}"][self.best_index_]

    def _fit_best(self, result: Result, objective: ScoreEstimator, X: Any, y: Any, arguments: Mapping[str, Any]) -> None:
        """Fit the best candidate on all rows, with the seeds that its trial drew."""
        task = result.study.task(self.trials_[self.best_index_])
        best = objective.candidate(objective.space.space.resolve(task.trial.params), trial_context(task).rng)
        started = time.perf_counter()
        self.best_estimator_ = best.fit(X, **arguments) if y is None else best.fit(X, y, **arguments)
        self.refit_time_ = time.perf_counter() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
