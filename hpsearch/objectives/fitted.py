"""Fitted classifiers and regressors as scorers see them: they predict the user's own labels.

It imports scikit-learn, so import it within functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from hpsearch.data import Dataset, Part
from hpsearch.nn.costs import WITHOUT_PROBABILITIES
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network
from hpsearch.objectives.scoring import labelled
from hpsearch.ports import Predictions


class _Fitted(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What every fitted thing says of itself."""

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any) -> Any:
        """Raise: it is fitted already, and only scored."""
        raise TypeError(f"{type(self).__name__} is fitted already.")


def _has(method: str) -> Callable[[Any], bool]:
    return lambda fitted: hasattr(fitted.estimator, method)


def _claims_probabilities(fitted: Any) -> bool:
    return getattr(fitted.network, "cost_name", "") not in WITHOUT_PROBABILITIES


class LabelledClassifier(ClassifierMixin, _Fitted):  # type: ignore[misc]
    """A classifier that was fitted on class indices, and predicts the labels of these classes; classes are in sorted order.

    Args:
        estimator: fitted.
        labels: the label of each class.
    """

    def __init__(self, estimator: Any, labels: NDArray[Any]) -> None:
        self.estimator = estimator
        self.labels = labels

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels that it knows, sorted."""
        found: NDArray[Any] = self._named[self._order]
        return found

    @property
    def _named(self) -> NDArray[Any]:
        return labelled(np.asarray(self.estimator.classes_), self.labels)

    @property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self._named, kind="stable")

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of each row."""
        return labelled(np.asarray(self.estimator.predict(X)).reshape(-1), self.labels)

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class."""
        return self._ordered(np.asarray(self.estimator.predict_proba(X)))

    @available_if(_has("predict_log_proba"))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of the probability of each class."""
        return self._ordered(np.asarray(self.estimator.predict_log_proba(X)))

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the estimator's own score of each class; of two classes that of the second."""
        return self._ordered(np.asarray(self.estimator.decision_function(X)))

    def _ordered(self, responses: NDArray[Any]) -> NDArray[Any]:
        """Return responses with their columns in the order of ``classes_``; a single column is for the second class."""
        if (np.diff(self._order) == 1).all():  # also where a column is not of a class: one for each pair of them
            return responses
        if responses.ndim == 1:
            return -responses
        found: NDArray[Any] = responses[:, self._order]
        return found


class NetworkClassifier(ClassifierMixin, _Fitted):  # type: ignore[misc]
    """A trained network as a classifier of class indices.

    Args:
        network: with an output per class.
    """

    def __init__(self, network: Network | Ensemble) -> None:
        self.network = network

    @property
    def classes_(self) -> NDArray[Any]:
        """The class of each output."""
        return np.arange(self.network.sizes[-1])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of the largest output of each row."""
        return self.network.predict(X)

    @available_if(_claims_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the outputs as shares of their sum: of softmax outputs the outputs themselves."""
        outputs = np.asarray(self.network.forward(X), np.float64)
        # Sigmoid outputs that are all rounded to 0 say nothing about the class.
        outputs = np.where(outputs.sum(axis=1, keepdims=True) > 0, outputs, 1.0)
        shares: NDArray[np.float64] = outputs / outputs.sum(axis=1, keepdims=True)
        return shares

    @available_if(lambda fitted: not _claims_probabilities(fitted))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the output of each class; of two classes by how much that of the second is larger."""
        outputs = np.asarray(self.network.forward(X), np.float64)
        found: NDArray[np.float64] = outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs
        return found


class NetworkRegressor(RegressorMixin, _Fitted):  # type: ignore[misc]
    """A trained network as a regressor.

    Args:
        network: with one output, in the user's units.
    """

    def __init__(self, network: Network | Ensemble) -> None:
        self.network = network

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the number of each row."""
        return self.network.predict(X)


def as_estimator(network: Network | Ensemble, regression: bool) -> Any:
    """Return a trained network as what scorers take."""
    return NetworkRegressor(network) if regression else NetworkClassifier(network)


def with_labels(fitted: Any, labels: NDArray[Any] | None) -> Any:
    """Return a fitted estimator that predicts the user's own labels; itself where it does so already."""
    return fitted if labels is None else LabelledClassifier(fitted, labels)


def predict_part(fitted: Any, data: Dataset, part: Part) -> Predictions:
    """Return what something fitted on class indices, or on numbers, predicts for a part."""
    predicted = np.asarray(fitted.predict(part.x)).reshape(part.y.shape)
    if data.regression:
        return Predictions(part.y, predicted.astype(np.float64))
    names = tuple(data.class_names) or tuple(map(str, range(data.classes)))
    return Predictions(part.y, predicted, _probabilities(fitted, part, data.classes), names)


def _probabilities(fitted: Any, part: Part, classes: int) -> NDArray[np.float64] | None:
    """Return the probability of each class; 0 of one that was not among the rows it was fitted on."""
    if not hasattr(fitted, "predict_proba"):
        return None
    known = np.asarray(fitted.predict_proba(part.x), np.float64)
    shares = np.zeros((len(part), classes))
    shares[:, np.asarray(fitted.classes_)] = known
    return shares
