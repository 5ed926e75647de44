"""Score of the trivial answer, which looks at no row: the most frequent class, the mean or the median of the training part."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import SettingError, must_be
from hpsearch.objectives.scoring import Scoring, labelled
from hpsearch.ports import Baseline

Score = Callable[[NDArray[Any], NDArray[Any]], float]
_ANSWERS = {"most_frequent": "most frequent class", "mean": "mean", "median": "median"}


@dataclass(frozen=True)
class TrivialAnswer:
    """One answer for every row, learned from the targets of the training part.

    Args:
        strategy: of scikit-learn's ``DummyClassifier`` (``"most_frequent"``) or ``DummyRegressor`` (``"mean"``, ``"median"``).
        score: what a search minimises, of targets and predictions.
    """

    strategy: str
    score: Score

    def baseline(self, train: NDArray[Any], validation: NDArray[Any], weights: NDArray[Any] | None = None) -> Baseline:
        """Return what it scores on the targets of a validation part; it takes no weights into account."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        kind = DummyClassifier if self.strategy == "most_frequent" else DummyRegressor
        fitted = kind(strategy=self.strategy).fit(np.zeros((len(train), 1)), train)
        value = self.score(validation, fitted.predict(np.zeros((len(validation), 1))))
        return Baseline(float(value), f"always predicting the {_ANSWERS[self.strategy]}")


@dataclass(frozen=True)
class ScoredTrivialAnswer:
    """The trivial answer by a scorer: the better one of scikit-learn's dummies that look at no row.

    Args:
        scoring: of which the scorer that decides is used.
        labels: the user's own label of each class, None where these are the class indices.
        regression: whether numbers are predicted.
    """

    scoring: Scoring
    labels: NDArray[Any] | None
    regression: bool

    def baseline(self, train: NDArray[Any], validation: NDArray[Any], weights: NDArray[Any] | None = None) -> Baseline | None:
        """Return what it scores on the targets of a validation part; None where the scorer cannot score it.

        Raises:
            SettingError: a scorer of scikit-learn cannot score such targets, whatever is predicted.
        """
        if not self.scoring.greater_is_better:
            return None
        y, rows = labelled(train, self.labels), np.zeros((len(validation), 1))
        found = []
        for rule, dummy in self._dummies():
            arguments = (dummy.fit(np.zeros((len(y), 1)), y), rows, labelled(validation, self.labels))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # such as that of the precision of classes that are never predicted
                    found.append((self.scoring.value(arguments, weights), rule))
            except SettingError as error:
                if self.scoring.is_known and isinstance(error.__cause__, ValueError):
                    raise SettingError(self._unfit(str(error.__cause__))) from error
        best = max(found, key=lambda pair: pair[0], default=None)
        return None if best is None or not np.isfinite(best[0]) else Baseline(best[0], f"always predicting {best[1]}")

    def _unfit(self, reason: str) -> str:
        """Return the sentence for a scorer that cannot score these targets."""
        advice = "Take another scorer, such as 'f1_macro' or 'roc_auc_ovr'."
        if "pos_label" in reason and self.labels is not None:
            advice = f"Write make_scorer(f1_score, pos_label={self.labels.tolist()[-1]!r}), or take 'f1_macro'."
        return must_be(f"scoring {self.scoring.decides!r}", "one for such targets", reason, advice)

    def _dummies(self) -> list[tuple[str, Any]]:
        from sklearn.dummy import DummyClassifier, DummyRegressor

        if self.regression:
            return [(f"the {name}", DummyRegressor(strategy=name)) for name in ("mean", "median")]
        # It predicts the most frequent class, and the frequencies where a scorer takes probabilities.
        return [("the most frequent class", DummyClassifier(strategy="prior"))]
