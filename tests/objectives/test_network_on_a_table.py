"""A network on a table of texts, gaps and unequal classes, with nothing said about scaling, beside scikit-learn's."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from hpsearch import data
from hpsearch.objectives import TrainNetwork, TuneEstimator
from hpsearch.ports import Context
from tests.benchmarks.side_by_side.customers import customers


def context() -> Context:
    return Context(np.random.default_rng(0))


def test_is_better_than_the_majority_and_near_a_scaled_network_of_scikit_learn(caplog: pytest.LogCaptureFixture) -> None:
    table = data.table(customers(), target="outcome", name="customers")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), OneHotEncoder(handle_unknown="ignore"))
    encode = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (texts, make_column_selector(dtype_exclude="number"))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is given as many epochs as are worth it
        model = make_pipeline(encode, MLPClassifier(hidden_layer_sizes=(30,), max_iter=100))
        scaled = TuneEstimator(model, table)({}, context())
    with caplog.at_level(logging.WARNING):
        objective = TrainNetwork(table, cost="log_likelihood", learning_rate=0.1, epochs=20)
        network = objective({}, context())
        TrainNetwork(table, learning_rate=0.1)
    said = [record.message for record in caplog.records if "standardizes" in record.message]
    assert said == [
        "TrainNetwork standardizes the columns of 'customers', since column 'age' has missing values. "
        "standardize=True takes that for granted, False leaves them as they are."
    ]
    majority = objective.baseline
    assert majority is not None
    assert network.value < majority.value - 0.1
    assert network.value < scaled.value + 0.05
