"""Scorers of an objective: scikit-learn's by name, the user's own, or several of which one decides; and their direction."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import is_number
from hpsearch.content import stable_repr
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, did_you_mean, must_be

# What is measured by the clock instead of a scorer, and the metric that it is recorded as.
SECONDS, FIT_SECONDS = "seconds", "fit_seconds"
Scorer = Callable[..., Any]
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_WRITE = "Write scoring='f1_macro', a scorer such as make_scorer(f1_score), or a dict of several."


@dataclass(frozen=True, eq=False, repr=False)
class Scoring:
    """One scorer, or several by name, of which one decides what is better; a scorer's larger scores are better.

    Args:
        given: the name of a scikit-learn scorer, ``"seconds"``, a callable ``(estimator, X, y)``, or a dict of these.
        decides: the name of the one whose score is the value of a trial.

    >>> Scoring.read({"f1": "f1_macro", "auc": "roc_auc_ovr"}, "auc")
    {'f1': 'f1_macro', 'auc': 'roc_auc_ovr'}, decides='auc'
    >>> Scoring.read("f1_macro").greater_is_better, Scoring.read("seconds").greater_is_better
    (True, False)
    """

    given: Any
    decides: str

    @classmethod
    def read(cls, scoring: Any, decides: object = None) -> Scoring:
        """Return what a user wrote, checked.

        Raises:
            SettingError: for an unknown name, with the closest one, for a metric where a scorer is needed, and the like.
        """
        if isinstance(scoring, Scoring):
            scoring, decides = scoring.given, decides or scoring.decides
        named = _named(scoring)
        if not named:
            raise SettingError(must_be("scoring", "one scorer or more", scoring, _WRITE))
        for name, scorer in named.items():
            _check(name, scorer)
        first = next(iter(named))
        if decides is not None and decides not in named:
            advice = f"Take one of these.{did_you_mean(str(decides), named)}"
            raise SettingError(must_be("decides", f"one of {', '.join(map(repr, named))}", decides, advice))
        return cls(dict(scoring) if isinstance(scoring, Mapping) else scoring, str(decides or first))

    @property
    def scorers(self) -> dict[str, Scorer | None]:
        """The scorers by name; None stands for the seconds of the fit."""
        from sklearn.metrics import get_scorer

        named = _named(self.given)
        return {n: None if s == SECONDS else get_scorer(s) if isinstance(s, str) else s for n, s in named.items()}

    @property
    def greater_is_better(self) -> bool:
        """Whether larger values are better: of every scorer, but not of seconds."""
        return bool(_named(self.given)[self.decides] != SECONDS)

    @property
    def timed(self) -> tuple[str, ...]:
        """The metrics that the clock measures, so that no trial repeats them; ``"value"`` is the value itself."""
        found = [FIT_SECONDS] if SECONDS in _named(self.given).values() else []
        return (*found, *([] if self.greater_is_better else ["value"]))

    @property
    def facts(self) -> dict[str, str]:
        """What the record says of values that no trial repeats."""
        return {"not_repeatable": f"{', '.join(self.timed)}: seconds by the clock"} if self.timed else {}

    def __repr__(self) -> str:
        first = next(iter(_named(self.given)))
        return stable_repr(self.given) + (f", decides={self.decides!r}" if self.decides != first else "")

    def __eq__(self, other: object) -> bool:
        # Scorers compare by identity, so compare their records.
        return isinstance(other, Scoring) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def check_responses(self, estimator: Any, shown: str, regression: bool) -> None:
        """Raise for an estimator without what a scorer asks of it, such as probabilities.

        Args:
            estimator: not fitted.
            shown: the estimator in the sentence.
            regression: whether it predicts numbers.
        """
        for name, scorer in self.scorers.items():
            # Whatever else a scorer of the user's own asks, it scores predictions.
            methods = response_methods(scorer) or ("predict",)
            if not any(hasattr(estimator, method) for method in methods):
                what, constraint = f"The estimator of scoring {name!r}", f"one with {' or '.join(methods)}"
                advice = "Wrap it as in CalibratedClassifierCV(SVC()), or take a scorer of predictions, such as 'accuracy'."
                advice = "Take a scorer of numbers, such as 'neg_mean_absolute_error'." if regression else advice
                raise SettingError(must_be(what, constraint, shown, advice))

    def scores(self, fitted: Any, part: Part, y: NDArray[Any], seconds: float) -> dict[str, float]:
        """Return every score of a fitted estimator on a part.

        Args:
            fitted: predicts the user's own labels.
            part: whose rows and weights the scorers get.
            y: its targets, classes as the user's own labels.
            seconds: that the fit took.
        Raises:
            SettingError: a scorer raised, returned no number, or the one that decides returned one that is not finite.
        """
        found = {n: seconds if s is None else _score(n, s, (fitted, part.x, y), part.weights) for n, s in self.scorers.items()}
        if not math.isfinite(found[self.decides]):
            what = f"The score of scoring {self.decides!r}"
            raise SettingError(must_be(what, "a finite number", found[self.decides], "Take a scorer that is defined here."))
        return found

    def value(self, arguments: tuple[Any, Any, Any], weights: NDArray[np.float64] | None) -> float:
        """Return the score that decides, of an estimator, rows and targets."""
        scorer = self.scorers[self.decides]
        return math.nan if scorer is None else _score(self.decides, scorer, arguments, weights)

    @property
    def is_known(self) -> bool:
        """Whether the one that decides is a scorer of scikit-learn, with a score of its own."""
        score = getattr(self.scorers[self.decides], "_score_func", None)
        return str(getattr(score, "__module__", "")).startswith("sklearn.")

    def metrics(self, prefix: str, scores: Mapping[str, float]) -> dict[str, float]:
        """Return scores by the names they are recorded under."""
        return {FIT_SECONDS if self.scorers[n] is None else f"{prefix}_{n}": score for n, score in scores.items()}


def read_scoring(scoring: object, decides: object) -> Scoring | None:
    """Return what a user wrote as ``scoring=`` and ``decides=``, checked; None where there is no scoring."""
    if scoring is not None:
        return Scoring.read(scoring, decides)
    if decides is not None:
        raise SettingError(must_be("decides", "left out without scoring", decides, "Give scoring={...} too."))
    return None


def labels_of(data: Dataset) -> NDArray[Any] | None:
    """Return the user's own label of each class, as an array; None where these are 0, 1, ... or there are no classes."""
    if data.regression:
        return None
    labels = list(data.labels or data.class_names or range(data.classes))
    same = all(type(label) is int and label == index for index, label in enumerate(labels))
    return None if same else np.asarray(labels)


def labelled(y: NDArray[Any], labels: NDArray[Any] | None) -> NDArray[Any]:
    """Return class indices as the user's own labels."""
    found: NDArray[Any] = y if labels is None else labels[y]
    return found


def _named(scoring: Any) -> dict[str, Any]:
    """Return scorers by name: of a single one its own."""
    if isinstance(scoring, Mapping):
        return dict(scoring)
    return {scoring if isinstance(scoring, str) else _own_name(scoring): scoring}


def _own_name(scorer: Any) -> str:
    name = str(getattr(getattr(scorer, "_score_func", scorer), "__name__", ""))
    return name if _NAME.fullmatch(name) else "score"


def _check(name: object, scorer: object) -> None:
    """Raise for a scorer that could score nothing."""
    from sklearn.metrics import get_scorer_names

    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingError(must_be("A name in scoring", "letters, digits and _", name, "Write it as in {'f1': 'f1_macro'}."))
    if isinstance(scorer, str):
        known = [*get_scorer_names(), SECONDS]
        if scorer not in known:
            advice = f"See sklearn.metrics.get_scorer_names().{did_you_mean(scorer, known)}"
            raise SettingError(must_be("scoring", "the name of a scikit-learn scorer, or 'seconds'", scorer, advice))
        return
    if not callable(scorer) or isinstance(scorer, type):
        raise SettingError(must_be("scoring", "a name, a scorer or a dict of these", scorer, _WRITE))
    try:
        first = next(iter(inspect.signature(scorer).parameters), "")
    except (TypeError, ValueError):
        return
    if first in ("y_true", "labels_true"):
        shown = _own_name(scorer)
        raise SettingError(must_be("scoring", "a scorer (estimator, X, y)", shown, f"Write make_scorer({shown})."))


def response_methods(scorer: Any) -> tuple[str, ...]:
    """Return the methods of an estimator of which a scorer needs one; empty where it does not say.

    >>> from sklearn.metrics import get_scorer
    >>> response_methods(get_scorer("roc_auc")), response_methods(len)
    (('decision_function', 'predict_proba'), ())
    """
    asked = getattr(scorer, "_response_method", ())
    return (asked,) if isinstance(asked, str) else tuple(asked)


def _score(name: str, scorer: Scorer, arguments: tuple[Any, Any, Any], weights: NDArray[np.float64] | None) -> float:
    """Return a score; weights are left out where the scorer takes none."""
    try:
        score = scorer(*arguments, **({} if weights is None or not _takes_weights(scorer) else {"sample_weight": weights}))
    except MemoryError:
        raise
    except Exception as error:
        raise SettingError(f"scoring {name!r} raised {type(error).__name__}: {error}") from error
    number = score.item() if isinstance(score, np.generic) or (isinstance(score, np.ndarray) and score.ndim == 0) else score
    if not is_number(number):
        advice = "Return one float for all rows."
        raise SettingError(must_be(f"What scoring {name!r} returns", "a number", score, advice))
    return float(number)


def _takes_weights(scorer: Scorer) -> bool:
    try:
        parameters = inspect.signature(getattr(scorer, "_score_func", scorer)).parameters
    except (TypeError, ValueError):
        return False
    return "sample_weight" in parameters
