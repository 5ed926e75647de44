"""Search with cross-validation as a scikit-learn estimator, with this package's strategies, workers and record."""

from __future__ import annotations

import inspect
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.metrics import check_scoring, get_scorer, get_scorer_names
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, check_cv
from sklearn.utils import Bunch, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from hpsearch.checks import integer, number
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.execution.task import trial_context
from hpsearch.ports import Strategy
from hpsearch.search.auto import Auto
from hpsearch.search.progress import Progress
from hpsearch.search.result import Result
from hpsearch.search.stopping import Stop
from hpsearch.sklearn.candidate import FAILED_FITS, ScoreEstimator
from hpsearch.sklearn.results import Refit, best_index, cv_results, score_names
from hpsearch.sklearn.rows import SearchRows
from hpsearch.sklearn.spaces import EstimatorSpace, read_space
from hpsearch.study import Study
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Trial

# A batch of four keeps four workers busy. It is the same at any number of them, so that the candidates are.
_TRIALS, _BATCH = 32, 4


class _Failed(Exception):
    """A candidate that failed where ``error_score="raise"``."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial.error)
        self.trial = trial


def _delegates(method: str) -> Callable[[Any], bool]:
    """Return a check of whether the best estimator, or before fitting the given one, has a method."""

    def check(search: SearchCV) -> bool:
        search._check_refit(method)
        getattr(getattr(search, "best_estimator_", search.estimator), method)  # raises AttributeError
        return True

    return check


class SearchCV(MetaEstimatorMixin, BaseEstimator):
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
        study: the name under which the search is recorded in MLflow, resumed and shown. None records nothing.
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
        splits = self._split(X, y, routed.splitter.split)
        objective = self._objective(found, X, y, splits, routed)
        result = self._run(objective)
        self.n_splits_ = len(splits)
        self._keep_results(result, found)
        if self.refit is not False:
            self._fit_best(result, objective, X, y, routed.estimator.fit)
        return self

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Return the score of the best estimator on some rows, by the scorer that decided."""
        self._check_refit("score")
        check_is_fitted(self)
        routing = bool(get_config()["enable_metadata_routing"])
        if params and not routing:
            advice = "Call sklearn.set_config(enable_metadata_routing=True) first."
            raise SettingError(must_be("Arguments of score() without metadata routing", "X and y", sorted(params), advice))
        routed = process_routing(self, "score", **params).scorer.score if routing else {}
        # With routing, the function for all scores hands each of them what it requests.
        several = isinstance(self.scorer_, dict) and not routing
        scorer = self.scorer_[self.refit] if several else self._scorer()
        found = scorer(self.best_estimator_, X, y, **routed)
        return found[self.refit] if isinstance(found, dict) else found  # type: ignore[no-any-return]

    @available_if(_delegates("predict"))
    def predict(self, X: Any) -> Any:
        """Return what the best estimator predicts."""
        return self._fitted().predict(X)

    @available_if(_delegates("predict_proba"))
    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes by the best estimator."""
        return self._fitted().predict_proba(X)

    @available_if(_delegates("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of the probabilities of the classes by the best estimator."""
        return self._fitted().predict_log_proba(X)

    @available_if(_delegates("decision_function"))
    def decision_function(self, X: Any) -> Any:
        """Return the decision function of the best estimator."""
        return self._fitted().decision_function(X)

    @available_if(_delegates("score_samples"))
    def score_samples(self, X: Any) -> Any:
        """Return the score of each row by the best estimator."""
        return self._fitted().score_samples(X)

    @available_if(_delegates("transform"))
    def transform(self, X: Any) -> Any:
        """Return the rows as the best estimator transforms them."""
        return self._fitted().transform(X)

    @available_if(_delegates("inverse_transform"))
    def inverse_transform(self, X: Any) -> Any:
        """Return transformed rows as they were before."""
        return self._fitted().inverse_transform(X)

    @property
    def classes_(self) -> Any:
        """The classes of the best estimator."""
        _delegates("classes_")(self)
        return self.best_estimator_.classes_

    @property
    def n_features_in_(self) -> Any:
        """The number of features seen by the best estimator."""
        try:
            return self._fitted().n_features_in_
        except NotFittedError as error:
            raise AttributeError(f"{type(self).__name__} has no attribute n_features_in_ before it is fitted.") from error

    def get_metadata_routing(self) -> MetadataRouter:
        """Return what estimator, scorer and splitter request."""
        both = MethodMapping().add(caller="fit", callee="score").add(caller="score", callee="score")
        router = self._fit_router().add(scorer=self._scorer(), method_mapping=both)
        return router.add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))

    def __sklearn_tags__(self) -> Any:
        tags, own = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = own.estimator_type
        tags.classifier_tags, tags.regressor_tags = deepcopy(own.classifier_tags), deepcopy(own.regressor_tags)
        tags.input_tags.pairwise, tags.input_tags.sparse = own.input_tags.pairwise, own.input_tags.sparse
        return tags

    def _check_settings(self) -> None:
        if not hasattr(self.estimator, "fit") or isinstance(self.estimator, type):
            raise SettingError(must_be("estimator", "a scikit-learn estimator", self.estimator, "Write it as in SVC()."))
        if self.jobs is not None and self.jobs != -1:
            integer("jobs", self.jobs, 1, "Take -1 for all cores.", other="-1 or None")
        integer("seed", self.seed, 0, "Try 0.")
        if self.error_score != "raise" and not (isinstance(self.error_score, float) and math.isnan(self.error_score)):
            number("error_score", self.error_score, advice="Leave it out for nan, or write 'raise'.")
        several = isinstance(self._scoring(), dict)
        named = isinstance(self.refit, str) and several and self.refit in self._scoring()
        if several and self.refit is not False and not named and not callable(self.refit):
            names = ", ".join(map(repr, self._scoring()))
            advice = f"Write refit={next(iter(self._scoring()))!r}."
            raise SettingError(must_be("refit for several scores", f"one of {names}, a function or False", self.refit, advice))

    def _scoring(self) -> Any:
        """Return the scoring as a dict of scorers where there are several, else None, a function or a scorer."""
        if isinstance(self.scoring, str):
            return _named_scorer(self.scoring)
        if isinstance(self.scoring, Mapping):
            scorers = {name: _named_scorer(s) if isinstance(s, str) else get_scorer(s) for name, s in self.scoring.items()}
        elif isinstance(self.scoring, (list, tuple, set)):
            scorers = {name: _named_scorer(name) for name in self.scoring}
        else:
            return self.scoring
        if not scorers:
            raise SettingError(must_be("scoring", "one scorer or more", self.scoring, "Leave it out for the estimator's own."))
        return scorers

    def _score_name(self, decides: str) -> str:
        """Return what the score that decides is called."""
        return self.scoring if isinstance(self.scoring, str) else str(getattr(self.scoring, "__name__", decides))

    def _scorer(self) -> Any:
        """Return one function for all scores."""
        return self.scoring if callable(self.scoring) else check_scoring(self.estimator, scoring=self._scoring())

    def _fit_router(self) -> MetadataRouter:
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def _route(self, params: Mapping[str, Any]) -> Bunch:
        """Return the arguments for estimator, splitter and scorers, and those that each trial routes itself."""
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **params)
            router = self._fit_router().add(
                scorer=self._scorer(), method_mapping=MethodMapping().add(caller="fit", callee="score")
            )
            consumed = router.consumes("fit", params.keys())
            return Bunch(**routed, trial={name: params[name] for name in consumed}, weights=None)
        own = {name: value for name, value in params.items() if name != "groups"}
        weights = own.get("sample_weight")
        return Bunch(
            estimator=Bunch(fit=own),
            splitter=Bunch(split={"groups": params.get("groups")}),
            trial=own,
            weights=weights if weights is not None and self._takes_weights() else None,
        )

    def _takes_weights(self) -> bool:
        """Return whether a scorer takes weights, and warn of those that do not."""
        scoring = self._scoring()
        scorers = scoring if isinstance(scoring, dict) else {self._score_name("score"): self._scorer()}
        idle = [name for name, scorer in scorers.items() if not _accepts_weights(scorer)]
        if idle:
            warnings.warn(f"Rows count alike in these scores, which take no sample_weight: {', '.join(idle)}.", stacklevel=4)
        return len(idle) < len(scorers)

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

    def _objective(self, found: EstimatorSpace, X: Any, y: Any, splits: Sequence[Any], routed: Bunch) -> ScoreEstimator:
        classes = len(set(np.asarray(y).ravel().tolist())) if is_classifier(self.estimator) and y is not None else 0
        scoring = self._scoring()
        decides = "score"
        if isinstance(scoring, dict) or (callable(self.scoring) and isinstance(self.refit, str)):
            decides = self.refit if isinstance(self.refit, str) else next(iter(scoring))
        rows = SearchRows(X, y, splits, routed.trial, classes)
        return ScoreEstimator(
            clone(self.estimator), rows, found, scoring, decides, f"cross-validation {self._score_name(decides)}",
            routed.weights, self.error_score, bool(self.return_train_score),
        )  # fmt: skip

    def _run(self, objective: ScoreEstimator) -> Result:
        """Run the study, and raise what fitting raised where no candidate could be fitted, or one may not fail."""
        strategy = Auto(trials=_TRIALS, batch_size=_BATCH) if self.strategy is None else self.strategy
        question = f"Which settings of {type(self.estimator).__name__} score best in cross-validation?"
        name = "search" if self.study is None else self.study
        # The first candidates may all fail in one way where later ones do not: a solver without a penalty, say.
        stop = Stop(identical_failures=None)
        study = Study(
            name, objective.space.space, objective, strategy, seed=self.seed, maximize=True, question=question, stop=stop
        )
        tracker = MemoryTracker() if self.study is None else None
        jobs = None if self.jobs == -1 else self.jobs
        watch = _raise_failed if self.error_score == "raise" else None
        try:
            result = study.run(jobs, backend="sequential" if jobs == 1 else "loky", tracker=tracker, progress=watch)
        except _Failed as failed:
            self._repeat(study, objective, failed.trial)
            raise
        failed_before = next((trial for trial in result.trials if not _has_scores(trial)), None)
        if watch is not None and failed_before is not None:
            self._repeat(study, objective, failed_before)
        if not any(_has_scores(trial) for trial in result.trials):
            first = next((trial for trial in result.trials if trial.error), None)
            detail = "" if first is None else f" The first error was:\n{first.traceback or first.error}"
            raise ValueError(f"None of {len(result.trials)} candidates could be fitted and scored.{detail}")
        return result

    def _repeat(self, study: Study, objective: ScoreEstimator, trial: Trial) -> None:
        """Run a failed candidate again in this process, so that its error is raised as it was."""
        task = study.task(trial)
        objective(task.params, trial_context(task))

    def _keep_results(self, result: Result, found: EstimatorSpace) -> None:
        trials = [trial for trial in result.trials if not trial.is_preflight]
        names, params = score_names(trials), [found.values(found.space.resolve(trial.params)) for trial in trials]
        error = math.nan if self.error_score == "raise" else float(self.error_score)
        self.multimetric_ = isinstance(self._scoring(), dict) or names != ["score"]
        self._check_refit_name(names)
        self.trials_ = trials
        self.cv_results_ = cv_results(trials, params, names, self.n_splits_, error, bool(self.return_train_score))
        self.scorer_ = self._scoring() if isinstance(self._scoring(), dict) else self._scorer()
        _warn_of_failures(trials, names)
        if self.refit is not False or not self.multimetric_:
            decides = str(self.refit) if self.multimetric_ else "score"
            self.best_index_ = best_index(self.refit, decides, self.cv_results_)
            self.best_params_ = params[self.best_index_]
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{decides}"][self.best_index_]

    def _check_refit_name(self, names: Sequence[str]) -> None:
        """Raise where a function returned several scores, and none of them is to decide."""
        if self.multimetric_ and not (self.refit is False or callable(self.refit) or self.refit in names):
            shown, advice = ", ".join(map(repr, names)), f"Write refit={names[0]!r}."
            raise SettingError(must_be("refit for several scores", f"one of {shown}, a function or False", self.refit, advice))

    def _fit_best(self, result: Result, objective: ScoreEstimator, X: Any, y: Any, arguments: Mapping[str, Any]) -> None:
        """Fit the best candidate on all rows, with the seeds that its trial drew."""
        task = result.study.task(self.trials_[self.best_index_])
        best = objective.candidate(objective.space.space.resolve(task.trial.params), trial_context(task).rng)
        started = time.perf_counter()
        self.best_estimator_ = best.fit(X, **arguments) if y is None else best.fit(X, y, **arguments)
        self.refit_time_ = time.perf_counter() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def _fitted(self) -> Any:
        check_is_fitted(self)
        self._check_refit("best_estimator_")
        return self.best_estimator_

    def _check_refit(self, name: str) -> None:
        if self.refit is False:
            raise AttributeError(f"{type(self).__name__} has no {name} with refit=False. Take refit=True, or fit best_params_.")


def _named_scorer(name: Any) -> Any:
    if isinstance(name, str) and name in (known := get_scorer_names()):
        return get_scorer(name)
    advice = "sklearn.metrics.get_scorer_names() lists them."
    close = did_you_mean(name, known) if isinstance(name, str) else ""
    raise SettingError(must_be("scoring", "the name of a scorer of scikit-learn, or a function", name, f"{advice}{close}"))


def _accepts_weights(scorer: Any) -> bool:
    own = getattr(scorer, "_accept_sample_weight", None)
    return bool(own()) if callable(own) else "sample_weight" in inspect.signature(scorer).parameters


def _has_scores(trial: Trial) -> bool:
    return trial.outcome is not None and bool(score_names([trial]))


def _raise_failed(progress: Progress) -> None:
    if progress.last is not None and not _has_scores(progress.last):
        raise _Failed(progress.last)


def _warn_of_failures(trials: Sequence[Trial], names: Sequence[str]) -> None:
    """Warn once of candidates that failed, and of scores that are no finite numbers."""
    whole = [trial for trial in trials if not _has_scores(trial)]
    partly = [trial for trial in trials if _has_scores(trial) and trial.outcome and trial.outcome.metrics.get(FAILED_FITS)]
    if whole or partly:
        first = f" The first error was: {whole[0].error}" if whole else " error_score='raise' shows the error."
        counts = f"{len(whole)} of {len(trials)} candidates failed, and {len(partly)} on some folds."
        warnings.warn(f"{counts}{first}", FitFailedWarning, stacklevel=4)
    elif any(trial.outcome and not math.isfinite(trial.outcome.value) for trial in trials):
        odd = sum(1 for trial in trials if trial.outcome and not math.isfinite(trial.outcome.value))
        warnings.warn(f"The score of {odd} of {len(trials)} candidates is not finite on some fold.", stacklevel=4)
