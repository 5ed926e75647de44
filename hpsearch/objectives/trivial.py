"""Score of the trivial answer, which looks at no row: the most frequent class, the mean or the median of the training part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

    def baseline(self, train: NDArray[Any], validation: NDArray[Any]) -> Baseline:
        """Return what it scores on the targets of a validation part."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        kind = DummyClassifier if self.strategy == "most_frequent" else DummyRegressor
        fitted = kind(strategy=self.strategy).fit(np.zeros((len(train), 1)), train)
        value = self.score(validation, fitted.predict(np.zeros((len(validation), 1))))
        return Baseline(float(value), f"always predicting the {_ANSWERS[self.strategy]}")
