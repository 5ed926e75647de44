"""scikit-learn's checks of estimators: `SearchCV` passes every one that `RandomizedSearchCV` passes."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

from hpsearch.sklearn import SearchCV
from hpsearch.strategies import Random

# The first one takes 5 s, all of them half a minute.
CASES = [
    (Ridge(), {"alpha": [0.1, 1.0]}),
    *(
        pytest.param(*case, marks=pytest.mark.campaign)
        for case in [
            (LogisticRegression(), {"C": [0.1, 1.0]}),
            (make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 1.0]}),
            (GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}),
            (SVC(), {"C": [0.1, 1.0]}),
            (KernelDensity(), {"bandwidth": [0.5, 1.0]}),
        ]
    ),
]


def passed(estimator: Any) -> set[str]:
    """Return the names of the checks that an estimator passes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(estimator, on_fail=None, on_skip=None)
    return {check["check_name"] for check in found if check["status"] == "passed"}


@pytest.mark.parametrize(("estimator", "space"), CASES, ids=lambda case: type(case).__name__)
def test_passes_every_check_that_a_randomized_search_passes(estimator: Any, space: Any) -> None:
    theirs = passed(RandomizedSearchCV(estimator, space, n_iter=2, cv=2, error_score="raise"))
    ours = passed(SearchCV(estimator, space, Random(trials=2), cv=2, error_score="raise"))
    assert len(theirs) > 30
    assert theirs - ours == set()
