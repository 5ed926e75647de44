"""Methods of a search that its best estimator answers for: predictions, transformations, and what it has seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _delegates(method: str) -> Callable[[Any], bool]:
    """Return a check of whether the best estimator, or before fitting the given one, has a method."""

    def check(search: DelegatesToBest) -> bool:
        search.check_refit(method)
        getattr(getattr(search, "best_estimator_", search.estimator), method)  # raises AttributeError
        return True

    return check


class DelegatesToBest:
    """Hands on what is asked of a search to its ``best_estimator_``; a method is there where that one has it."""

    estimator: Any
    refit: Any
    best_estimator_: Any

    def check_refit(self, name: str) -> None:
        """Raise an AttributeError where no best estimator is fitted."""
        if not self.refit:
            raise AttributeError(f"{type(self).__name__} has no {name} with refit=False. Take refit=True, or fit best_params_.")

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

    def _fitted(self) -> Any:
        check_is_fitted(self)
        self.check_refit("best_estimator_")
        return self.best_estimator_
