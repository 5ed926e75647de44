"""Data sets of features: mapped by what was fitted on training rows, the test part sealed as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from hpsearch import data
from hpsearch.data.vault import open_test
from hpsearch.errors import DataError, InputError
from hpsearch.features import ColourHistogram
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context


def infinite(x: NDArray[Any]) -> NDArray[Any]:
    return np.full_like(x, np.inf)


def test_it_is_fitted_on_training_rows_alone() -> None:
    digits, scaler = data.digits(), StandardScaler()
    found = data.mapped(digits, scaler)
    expected = StandardScaler().fit(digits.train.x)
    np.testing.assert_array_equal(found.train.x, expected.transform(digits.train.x))
    np.testing.assert_array_equal(found.validation.x, expected.transform(digits.validation.x))
    assert not hasattr(scaler, "mean_"), "what is handed in stays as it is"
    np.testing.assert_array_equal(found.validation.y, digits.validation.y)
    assert repr(found) == repr(digits).replace("digits", "digits-features")


def test_the_test_part_stays_sealed_and_is_mapped_when_opened() -> None:
    x, y = np.random.default_rng(0).random((200, 9)), np.arange(200) % 2
    plain = data.arrays(x, y, test=0.25, name="toy")
    found = data.mapped(plain, SelectKBest(k=4), name="toy-best")
    assert plain.test is not None
    assert found.test is not None
    assert found.test.rows == plain.test.rows
    opened: list[int] = []
    expected = SelectKBest(k=4).fit(plain.train.x, plain.train.y).transform(open_test(plain.test).x)
    np.testing.assert_array_equal(open_test(found.test, lambda: opened.append(1)).x, expected)
    assert opened == [1]


def test_random_transformers_give_the_same_features_again() -> None:
    one, two, other = (data.mapped(data.digits(), PCA(8, svd_solver="randomized"), seed=s) for s in (1, 1, 2))
    assert one.checksum == two.checksum != other.checksum


def test_a_network_trains_on_features() -> None:
    features = data.mapped(data.digits(), PCA(16))
    outcome = TrainNetwork(features, hidden=(20,), learning_rate=1.0, epochs=10)({}, Context(np.random.default_rng(0)))
    assert outcome.metrics["best_validation_accuracy"] > 0.9


def first_five(x: Any) -> Any:
    return x[:5]


def test_only_data_sets_are_mapped() -> None:
    with pytest.raises(DataError, match=r"What is mapped must be a data set, got 5\."):
        data.mapped(5, PCA(2))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [PCA, np.tanh, "pca"])
def test_what_transforms_nothing_is_refused(wrong: object) -> None:
    with pytest.raises(
        DataError, match=r"What maps a data set must be a transformer of scikit-learn, got .*Write it as in PCA\(16\)"
    ):
        data.mapped(data.digits(), wrong)


def test_sparse_features_become_dense() -> None:
    digits = data.digits()
    found = data.mapped(digits, OneHotEncoder(handle_unknown="ignore"))
    expected = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(digits.train.x).transform(digits.validation.x)
    np.testing.assert_array_equal(found.validation.x, expected)


@pytest.mark.parametrize(
    ("transformer", "sentence"),
    [
        (
            PCA(65),
            r"The transformer must be one that maps 'digits', got .n_components=65 must be between .*Change its settings",
        ),
        (FunctionTransformer(infinite), r"x\[0, 0\] must be finite"),
        (FunctionTransformer(first_five), "The transformer must be one that maps 'digits', got '5 rows of 1079'"),
        (ColourHistogram(shape=(3, 3)), r"^shape must be the shape of rows of 64 columns, got \(3, 3\)"),
    ],
)
def test_what_does_not_map_the_rows_is_refused_in_one_sentence(transformer: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        data.mapped(data.digits(), transformer)
