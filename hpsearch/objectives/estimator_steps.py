"""Checks of hpsearch's own transformers within an estimator, before the first trial."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

# Of the transformers that have `check_columns`.
_MODULES = {"hpsearch.features", "hpsearch.sklearn.network_features"}


def check_steps(estimator: Any, columns: int) -> None:
    """Raise where features of images have wrong settings, or they or features of a network do not fit the rows that they get.

    The rows are known of what comes first in a pipeline, a union or a vote, and after steps that keep the columns.

    Args:
        estimator: not fitted.
        columns: of the rows.
    Raises:
        SettingError: naming the param, the constraint, the value and what to do.
    """
    if _MODULES.isdisjoint(sys.modules):  # then there are none, and nothing is to be imported
        return
    from hpsearch.features import ImageFeatures

    for name, value in estimator.get_params().items():
        if isinstance(value, ImageFeatures):
            value.check_settings(f"{name}__")
    for name, first in _first("", estimator):
        if hasattr(first, "check_columns"):
            first.check_columns(columns, name)


def _first(prefix: str, estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield what gets the rows as they are, each with the prefix of its params."""
    from sklearn.base import OneToOneFeatureMixin
    from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(estimator, Pipeline):
        for name, step in estimator.steps:
            if step is not None and step != "passthrough":
                yield from _first(f"{prefix}{name}__", step)
                if not isinstance(step, OneToOneFeatureMixin):
                    return
    elif isinstance(estimator, (FeatureUnion, VotingClassifier, VotingRegressor, StackingClassifier, StackingRegressor)):
        inner = estimator.transformer_list if isinstance(estimator, FeatureUnion) else estimator.estimators
        for name, one in inner:
            yield from _first(f"{prefix}{name}__", one)
    else:
        yield prefix, estimator
