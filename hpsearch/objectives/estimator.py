"""Objective that fits a scikit-learn classifier, regressor or pipeline and returns its validation error."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.content import read_content
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.nn.arrays import known
from hpsearch.objectives.estimator_steps import check_steps
from hpsearch.objectives.scoring import labelled, labels_of, read_scoring
from hpsearch.objectives.targets import refuse_probabilities, refuse_several_numbers
from hpsearch.objectives.trivial import ScoredTrivialAnswer, TrivialAnswer
from hpsearch.ports import Baseline, Context, ObjectiveBase, Predictions
from hpsearch.space import Choice, Space
from hpsearch.space.domains import is_estimator
from hpsearch.trial import Outcome, Params

logger = logging.getLogger(__name__)
# Each trial sets these itself, so they are no params: its own random numbers, and one core.
_SET = ("random_state", "n_jobs")
_SEEDS = 2**31
# Where an object is, in the repr of one without a repr of its own.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
# The message of scikit-learn for an invalid value.
_INVALID = re.compile(r"The '(\w+)' parameter of \w+ must be (.*)\. Got .* instead\.", re.DOTALL)


def _accuracy(y: NDArray[Any], predicted: NDArray[Any]) -> float:
    return float(np.mean(y == predicted))


def _balanced(y: NDArray[Any], predicted: NDArray[Any]) -> float:
    return float(np.mean([np.mean(predicted[y == c] == c) for c in np.unique(y)]))


def _mse(y: NDArray[Any], predicted: NDArray[Any]) -> float:
    return float(np.mean((y - predicted) ** 2))


def _mae(y: NDArray[Any], predicted: NDArray[Any]) -> float:
    return float(np.mean(np.abs(y - predicted)))


# The possible values, by kind of estimator.
_VALUES: dict[str, dict[str, Callable[[NDArray[Any], NDArray[Any]], float]]] = {
    "classifier": {"error": lambda y, p: 1 - _accuracy(y, p), "balanced_error": lambda y, p: 1 - _balanced(y, p)},
    "regressor": {"error": _mse, "absolute_error": _mae},
}


@dataclass(frozen=True, eq=False, repr=False)
class TuneEstimator(ObjectiveBase):
    """Fit a scikit-learn estimator on the training part; the value is its error on the validation part.

    Params are named as scikit-learn names them: ``C`` of a ``SVC()``, ``svc__C`` of one in a pipeline. A step of a pipeline may
    be searched too, as in ``svc=Choice(SVC(), RidgeClassifier())``, and what only one of its options has under that option:
    ``svc__alpha=Float(0.1, 10, when={"svc": "RidgeClassifier"})``. Every ``random_state``,
    nested ones too, is drawn from the trial's own random numbers, and every ``n_jobs`` that was set becomes 1: a trial has one
    core. There are no epochs; `Halving(resource="rows")` fits the first rungs on fewer rows.

    Args:
        estimator: a classifier, or a regressor for data of ``data.arrays(..., regression=True)``; it is cloned, never fitted.
        data: training and validation parts; the test part stays sealed.
        value: of a classifier ``"error"``, 1 - accuracy, or ``"balanced_error"``, 1 - the mean over classes of the share of
            each that is recognised; of a regressor ``"error"``, the mean squared error, or ``"absolute_error"``, its mean.
        scoring: what the value is instead: the name of any scikit-learn scorer, such as ``"f1_macro"``; a scorer, such as
            ``make_scorer(f1_score, pos_label="yes")`` or a function ``(estimator, X, y) -> float``; ``"seconds"``, those of the
            fit; or a dict of several by name. Larger scores are better, and the study takes that direction by itself. Scorers
            get your own labels, and the weights of the validation rows where there are some.
        decides: the name of the score that is the value where there are several; the first where left out.
    Raises:
        SettingError: for another kind of estimator, data of the other kind, a setting that scikit-learn rejects, or a scorer
            that is unknown or needs probabilities that the estimator does not have.

    Metrics of the outcome: validation_accuracy and training_accuracy; of a regressor validation_mse, validation_r2 (1 - mse /
    variance; left out where all targets are alike), and the same for training. With ``scoring`` also ``validation_NAME`` for
    each, and fit_seconds, which no trial repeats to the bit. Known value: ``SVC()`` returns .0056 (2 of 359
    wrong) on ``data.digits()``.
    """

    estimator: Any
    data: Dataset
    value: str = field(default="error", kw_only=True)
    scoring: Any = field(default=None, kw_only=True)
    decides: InitVar[str | None] = field(default=None, kw_only=True)
    # It is fitted in one call, so there are no epochs, and no curve while it runs.
    resources = ("rows",)
    curves = ()

    def __post_init__(self, decides: str | None) -> None:
        object.__setattr__(self, "scoring", read_scoring(self.scoring, decides))
        if not isinstance(self.data, Dataset):
            raise SettingError(must_be("data", "a data set", self.data, "Load one, as in data.digits() or data.arrays(X, y)."))
        if self._kind != ("regressor" if self.data.regression else "classifier"):
            found, advice = "numbers" if self.data.regression else "classes", "Take data.arrays(X, y, regression=True)."
            if self.data.regression:
                advice = "Take a regressor, or leave regression=True out."
            constraint = "classes for a classifier, numbers for a regressor"
            raise SettingError(must_be(f"What a {self._kind} predicts", constraint, found, advice))
        refuse_several_numbers("TuneEstimator", self.data)
        refuse_probabilities("TuneEstimator", self.data)
        known("value", self.value, tuple(_VALUES[self._kind]))
        if self.scoring is not None and self.value != "error":
            raise SettingError(must_be("value", "left out where scoring is given", self.value, "Leave one of them out."))
        self.check({})

    def __repr__(self) -> str:
        value = f"value={self.value!r}" if self.scoring is None else f"scoring={self.scoring!r}"
        return f"TuneEstimator({one_line(self.estimator)}, data={self.data!r}, {value})"

    def __eq__(self, other: object) -> bool:
        # Estimators compare by identity, so compare their records.
        return isinstance(other, TuneEstimator) and repr(self) == repr(other) and self.data == other.data

    def __hash__(self) -> int:
        return hash(repr(self))

    @property
    def parameters(self) -> frozenset[str]:
        """The names it accepts as params, nested ones too."""
        return frozenset(name for name in self.estimator.get_params() if _leaf(name) not in _SET)

    def parameters_in(self, space: Space) -> frozenset[str]:
        """Return the names it accepts as params of a space: its own, and those of the estimators among the options."""
        return self.parameters | frozenset(names_of_options(space))

    @property
    def required(self) -> frozenset[str]:
        """The names that must be searched: none, since every setting of an estimator has a value."""
        return frozenset()

    @property
    def measure(self) -> str:
        """What the value is."""
        if self.scoring is not None:
            return f"validation {self.scoring.decides}" if self.scoring.greater_is_better else "fit seconds"
        name = "mean squared error" if (self._kind, self.value) == ("regressor", "error") else self.value.replace("_", " ")
        return f"validation {name}"

    @property
    def greater_is_better(self) -> bool:
        """Whether larger values are better: of scores, but not of errors."""
        return self.scoring is not None and self.scoring.greater_is_better

    @property
    def timed(self) -> Collection[str]:
        """The metrics that the clock measures."""
        return () if self.scoring is None else self.scoring.timed

    @property
    def facts(self) -> Mapping[str, str]:
        """What the record says of values that no trial repeats."""
        return {} if self.scoring is None else self.scoring.facts

    @property
    def trivial(self) -> TrivialAnswer | ScoredTrivialAnswer:
        """The trivial answer for its kind of value."""
        if self.scoring is not None:
            return ScoredTrivialAnswer(self.scoring, labels_of(self.data), self.data.regression)
        strategy = "most_frequent" if self._kind == "classifier" else "median" if self.value == "absolute_error" else "mean"
        return TrivialAnswer(strategy, _VALUES[self._kind][self.value])

    @property
    def baseline(self) -> Baseline | None:
        """What the trivial answer scores on the validation part."""
        return self.trivial.baseline(self.data.train.y, self.data.validation.y, self.data.validation.weights)

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise for names the estimator does not have and values it does not accept; fits nothing.

        Raises:
            SettingError: naming the param, the constraint, the value and what to do.
        """
        check_params("TuneEstimator", self.estimator, params)
        estimator = self._with(params)
        check_values(estimator)
        check_steps(estimator, self.data.features)
        weight_arguments(estimator, self.data.train.weights)
        if self.scoring is not None:
            self.scoring.check_responses(estimator, one_line(estimator), self.data.regression)

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Fit on the training part and score on the validation part."""
        began = time.perf_counter()
        fitted = self._fitted(params, context.rng)
        seconds = time.perf_counter() - began
        value, metrics = self._judged("validation", fitted, self.data.validation, seconds)
        metrics |= self._scores("training", self.data.train, _predict(fitted, self.data.train))
        return Outcome(value, metrics)

    def test(self, params: Params, context: Context, part: Part) -> dict[str, float]:
        """Score the estimator of a trial, fitted again, on a part: the metrics of a trial, and test_error (the value there).

        With ``scoring`` there is ``test_NAME`` for each score instead of test_error.
        """
        value, metrics = self._judged("test", self._fitted(params, context.rng), part, 0.0)
        return (
            {n: m for n, m in metrics.items() if n not in self.timed}
            if self.scoring is not None
            else metrics | {"test_error": value}
        )

    def _judged(self, which: str, fitted: Any, part: Part, seconds: float) -> tuple[float, dict[str, float]]:
        """Return the value of a fitted estimator on a part, and its metrics there."""
        predicted = _predict(fitted, part)
        metrics = self._scores(which, part, predicted)
        if self.scoring is None:
            return _VALUES[self._kind][self.value](part.y, predicted), metrics
        from hpsearch.objectives.fitted import with_labels

        labels = labels_of(self.data)
        scores = self.scoring.scores(with_labels(fitted, labels), part, labelled(part.y, labels), seconds)
        return scores[self.scoring.decides], metrics | self.scoring.metrics(which, scores)

    def refit(self, params: Params, context: Context, rows: str = "all") -> Any:
        """Return the estimator of a trial, fitted on your own labels, so that it predicts them.

        Args:
            params: of the trial.
            context: of the trial.
            rows: ``"all"``, of training and validation part; or ``"training"``, then it predicts as in the trial to the bit.
        """
        parts = (self.data.train, self.data.validation) if rows == "all" else (self.data.train,)
        part = Part.join(parts)
        return self._fit(params, context.rng, part, by_label=True)

    def predictions(self, params: Params, context: Context) -> Predictions:
        """Return what the estimator of a trial, fitted again, predicts for the validation part."""
        from hpsearch.objectives.fitted import predict_part

        return predict_part(self._fitted(params, context.rng), self.data, self.data.validation)

    def shrunk(self) -> TuneEstimator:
        """Return the same objective on at most 500 training and 200 validation rows."""
        return replace(self, data=self.data.at_most(500, 200))

    @property
    def _kind(self) -> str:
        from sklearn.base import is_classifier, is_regressor

        if hasattr(self.estimator, "get_params") and not isinstance(self.estimator, type):
            # One that wraps another needs that one to know its kind.
            with contextlib.suppress(AttributeError):
                for kind, is_kind in (("classifier", is_classifier), ("regressor", is_regressor)):
                    if is_kind(self.estimator):
                        return kind
        constraint = "a scikit-learn classifier or regressor"
        raise SettingError(must_be("estimator", constraint, self.estimator, "Write it as in SVC() or make_pipeline(...)."))

    def _with(self, params: Mapping[str, Any]) -> Any:
        from sklearn.base import clone

        # A param may be an estimator, and the params after it are set inside it.
        return clone(self.estimator).set_params(**clone(dict(params), safe=False))

    def _fitted(self, params: Params, rng: np.random.Generator) -> Any:
        return self._fit(params, rng, self.data.train)

    def _fit(self, params: Params, rng: np.random.Generator, part: Part, by_label: bool = False) -> Any:
        """Return the estimator fitted on a part: on class indices as in a trial, or on the user's own labels."""
        estimator, labels = self._seeded(params, rng), labels_of(self.data)
        weights = weight_arguments(estimator, part.weights)
        if labels is None:
            return estimator.fit(part.x, part.y, **weights)
        if not by_label:
            return _weighing_classes(estimator, labels, by_label).fit(part.x, part.y, **weights)
        y = labelled(part.y, labels)
        try:
            return _weighing_classes(estimator, labels, by_label).fit(part.x, y, **weights)
        except Exception as error:
            # Some take class indices alone, XGBoost for one; on these the trial was fitted.
            logger.info("%s takes class indices, not labels: %s", one_line(estimator), error)
            return _encoding_labels(_weighing_classes(estimator, labels, by_label=False)).fit(part.x, y, **weights)

    def _seeded(self, params: Params, rng: np.random.Generator) -> Any:
        """Return the estimator of a trial, not fitted, with seeds from its random numbers and one core."""
        estimator = self._with(params)
        settings = estimator.get_params()
        # In the order of the names, which does not depend on how a pipeline was put together; an n_jobs of None is 1
        # already, and some estimators warn about any other.
        seeds = {name: int(rng.integers(_SEEDS)) for name in sorted(settings) if _leaf(name) == "random_state"}
        jobs = {name: 1 for name, value in settings.items() if _leaf(name) == "n_jobs" and value is not None}
        return estimator.set_params(**seeds, **jobs)

    def _scores(self, which: str, part: Part, predicted: NDArray[Any]) -> dict[str, float]:
        if self._kind == "classifier":
            return {f"{which}_accuracy": _accuracy(part.y, predicted)}
        mse, variance = _mse(part.y, predicted), float(np.var(part.y))
        return {f"{which}_mse": mse, **({f"{which}_r2": 1 - mse / variance} if variance > 0 else {})}


def _weighing_classes(estimator: Any, labels: NDArray[Any], by_label: bool) -> Any:
    """Return a copy of an estimator whose settings that weigh classes have the keys that a fit takes."""
    from sklearn.base import clone

    return clone(estimator).set_params(**class_weights(estimator.get_params(), labels.tolist(), by_label))


def _encoding_labels(estimator: Any) -> Any:
    """Return a classifier of class indices as one of labels: they are encoded by scikit-learn's vote, of this one alone."""
    from sklearn.ensemble import VotingClassifier
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return estimator.set_params(**{name: _encoding_labels(last)})
    voting = "soft" if hasattr(estimator, "predict_proba") else "hard"
    return VotingClassifier([(type(estimator).__name__.lower(), estimator)], voting=voting)


def weight_arguments(estimator: Any, weights: NDArray[np.float64] | None) -> dict[str, NDArray[np.float64]]:
    """Return the keyword of ``fit`` that takes the weights of rows: that of a pipeline names its last step.

    Raises:
        SettingError: where the estimator takes none.
    """
    if weights is None:
        return {}
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    prefix, last = "", estimator
    while isinstance(last, Pipeline):
        name, last = last.steps[-1]
        prefix += f"{name}__"
    if not has_fit_parameter(last, "sample_weight"):
        advice = "Leave sample_weight out of the data, or take another estimator."
        raise SettingError(must_be("An estimator for weighted rows", "one whose fit takes sample_weight", last, advice))
    return {f"{prefix}sample_weight": weights}


def class_weights(settings: Mapping[str, Any], labels: Sequence[Any], by_label: bool) -> dict[str, dict[Any, float]]:
    """Return the settings that weigh classes, by the keys that a fit takes: class indices, or labels.

    Args:
        settings: of an estimator; where labels are texts, weights may be given by label, else they are given by index.
        labels: the user's own label of each class.
        by_label: whether the fit takes labels.

    >>> class_weights({"svc__class_weight": {"yes": 3}}, ["no", "yes"], by_label=False)
    {'svc__class_weight': {1: 3}}
    """
    index: dict[Any, Any] = {label: i for i, label in enumerate(labels) if isinstance(label, str)}
    found = {}
    for name, value in settings.items():
        if _leaf(name) == "class_weight" and isinstance(value, dict):
            by_index = {index.get(key, key): weight for key, weight in value.items()}
            known: dict[Any, Any] = {i: i for i in range(len(labels))} if not by_label else dict(enumerate(labels))
            found[name] = {known.get(key, key): weight for key, weight in by_index.items()}
    return found


def check_names(owner: str, params: Iterable[str], accepted: Collection[str]) -> None:
    """Raise for a param that an objective does not have, and name the closest one that it has."""
    for name in params:
        if name not in accepted:
            advice = f"Take one of these.{did_you_mean(name, accepted)}"
            if _leaf(name) in _SET:
                advice = "Leave it out: each trial sets it, from its own random numbers and the one core it has."
            shown = ", ".join(map(repr, sorted(accepted)))
            raise SettingError(must_be(f"A param of {owner}", f"one of {shown}", name, advice))


def names_of_options(space: Space) -> Iterator[str]:
    """Yield the names that params of the estimators among a space's options have, such as ``clf__max_depth``."""
    for name, domain in space.domains.items():
        for option in domain.options if isinstance(domain, Choice) else ():
            if is_estimator(option):
                yield from (f"{name}__{inner}" for inner in option.get_params() if _leaf(inner) not in _SET)


def check_params(owner: str, estimator: Any, params: Mapping[str, Any], reserved: Collection[str] = _SET) -> None:
    """Raise for a param that an estimator does not have once the estimators among the params are set.

    Args:
        owner: what has the params, for the sentence.
        estimator: it is cloned.
        params: estimators among them are cloned too.
        reserved: what each trial sets itself.
    Raises:
        SettingError: for the first of them, the outer ones first.
    """
    from sklearn.base import clone

    changed, settings = clone(estimator), estimator.get_params()
    for name in sorted(params, key=lambda name: name.count("__")):
        if _leaf(name) in reserved or name not in settings:
            _raise_unknown(owner, name, params, [known for known in settings if _leaf(known) not in reserved])
        if is_estimator(params[name]) or is_estimator(settings[name]):
            settings = changed.set_params(**{name: clone(params[name], safe=False)}).get_params()


def _raise_unknown(owner: str, name: str, params: Mapping[str, Any], settings: Collection[str]) -> None:
    """Raise for a param that an estimator does not have; say so where the chosen option of a step is the reason."""
    parts = name.split("__")
    steps = ["__".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
    step = next((step for step in steps if step in params), None)
    if step is not None and name not in settings and _leaf(name) not in _SET:
        chosen = one_line(params[step]) if is_estimator(params[step]) else repr(params[step])
        advice = f"Give its range when={{{step!r}: ...}}, with the options that have it."
        raise SettingError(must_be(name, f"left out where {step} is {chosen}, which has no such setting", params[name], advice))
    check_names(owner, [name], settings)


def one_line(estimator: Any) -> str:
    """Return an estimator's record: the settings that differ from their defaults, in one line without addresses.

    >>> from sklearn.svm import SVC
    >>> one_line(SVC(C=2.0, random_state=3))
    'SVC(C=2.0, random_state=3)'
    """
    from sklearn import config_context
    from sklearn.base import BaseEstimator

    with config_context(print_changed_only=True):
        # By default it cuts the middle out of anything longer than 700 characters.
        text = estimator.__repr__(N_CHAR_MAX=100_000) if isinstance(estimator, BaseEstimator) else repr(estimator)
        # Lists and arrays are still cut short; the digest keeps different ones apart.
        return _flat(text) + (f" #{_digest(estimator)}" if "..." in text else "") + _mark(estimator, text)


def _mark(estimator: Any, text: str) -> str:
    """Return a mark of the objects that a record names by their class alone, such as ``make_column_selector(...)``.

    Those with functions of the user's own need none: the study reads their content itself.
    """
    if not _ADDRESS.search(text) or not hasattr(estimator, "get_params"):
        return ""
    leaves = [value for _, value in sorted(estimator.get_params().items()) if not hasattr(value, "get_params")]
    content = read_content([value for value in leaves if _ADDRESS.search(repr(value))])
    return "" if content.own else f" #{content.digest[:12]}"


def _digest(estimator: Any) -> str:
    settings = estimator.get_params()
    leaves = [(name, value) for name, value in sorted(settings.items()) if not hasattr(value, "get_params")]
    texts = [f"{name}={_flat(repr(value.tolist() if isinstance(value, np.ndarray) else value))}" for name, value in leaves]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _flat(text: str) -> str:
    return _ADDRESS.sub("", " ".join(text.split()))


def _leaf(name: str) -> str:
    return name.rpartition("__")[2]


def _nested(estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield an estimator and those inside it, each with the prefix of its params."""
    yield "", estimator
    for name, value in estimator.get_params().items():
        if hasattr(value, "get_params") and not isinstance(value, type):
            yield f"{name}__", value


def check_values(estimator: Any) -> None:
    """Raise where scikit-learn rejects a setting of an estimator or of one inside it.

    Raises:
        SettingError: naming the param, the constraint, the value and what to do.
    """
    for prefix, part in _nested(estimator):
        _check_values(prefix, part)


def _check_values(prefix: str, estimator: Any) -> None:
    """Raise where scikit-learn rejects a setting of one estimator; those that declare no constraints pass."""
    if not (hasattr(estimator, "_validate_params") and hasattr(estimator, "_parameter_constraints")):
        return
    try:
        estimator._validate_params()
    except (TypeError, ValueError) as error:
        advice = "Change its range, or the estimator's own setting."
        found = _INVALID.fullmatch(str(error))
        if found is None:
            raise SettingError(f"{type(estimator).__name__} does not accept its settings: {error} {advice}") from error
        name, constraint = found.groups()
        raise SettingError(must_be(prefix + name, constraint, getattr(estimator, name), advice)) from error


def _predict(fitted: Any, part: Part) -> NDArray[Any]:
    # Some regressors return a column.
    return np.asarray(fitted.predict(part.x)).reshape(len(part))
