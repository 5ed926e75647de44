"""Probabilities as targets: costs by scipy's formulas, gradients, trainings, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from hpsearch.errors import DataError, SettingError
from hpsearch.nn import Network, Recipe, Stack, Training, train
from hpsearch.nn.activations import Relu
from hpsearch.nn.arrays import Array
from hpsearch.nn.costs import COSTS, CrossEntropy, LogLikelihood
from hpsearch.nn.gradcheck import check_gradient
from hpsearch.nn.layers import Affine, SigmoidWithCrossEntropy
from hpsearch.nn.soft_targets import SOFT_COSTS, smooth
from tests.nn.blobs import CLASSES, INPUTS, blobs

X, LABELS = blobs(60)
ONE_HOT = np.eye(CLASSES)[LABELS]
SOFT = special.softmax(np.random.default_rng(1).standard_normal((60, CLASSES)), axis=1)


def network(cost: str, dtype: str = "float64", **settings: Any) -> Network:
    return Network.create((INPUTS, 5, CLASSES), np.random.default_rng(1), cost=cost, dtype=dtype, **settings)


def from_scipy(cost: str, z: Array, t: Array) -> Array:
    """Each row's cost by the textbook, z and t of shape (n, k)."""
    if cost == "log_likelihood":
        return -np.asarray((t * special.log_softmax(z, axis=1)).sum(axis=1))
    return -np.asarray((t * special.log_expit(z) + (1 - t) * special.log_expit(-z)).sum(axis=1))


@pytest.mark.parametrize("y", [0.3, 0.01, 0.5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_cross_entropy_is_smallest_at_the_target_where_it_is_the_binary_entropy(y: float, dtype: str) -> None:
    cost, t, z = CrossEntropy(), np.array([[y]], dtype), np.array([[special.logit(y)]], dtype)
    entropy = -(y * np.log(y) + (1 - y) * np.log(1 - y))
    assert cost.mean(z, t) == pytest.approx(entropy, rel=1e-6)
    assert cost.each(z, t)[0] == pytest.approx(entropy, rel=1e-6)
    assert min(cost.mean(z + 0.1, t), cost.mean(z - 0.1, t)) > cost.mean(z, t)
    assert abs(float(cost.delta(cost.output(z), t)[0, 0])) < 1e-6
    if y == 0.3:
        assert cost.mean(z, t) == pytest.approx(0.6109, abs=5e-5)  # published with eq. 64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1.0, 1e4])
@pytest.mark.parametrize("name", SOFT_COSTS)
def test_costs_of_soft_targets_are_scipys(name: str, size: float, dtype: str) -> None:
    z = (size * np.random.default_rng(0).standard_normal((60, CLASSES))).astype(dtype)
    wanted, cost, t = from_scipy(name, z.astype(np.float64), SOFT), COSTS[name], SOFT.T.astype(dtype)
    assert cost.mean(z.T.copy(), t) == pytest.approx(wanted.mean(), rel=1e-5 if dtype == "float32" else 1e-12)
    np.testing.assert_allclose(cost.each(z.T.copy(), t), wanted, rtol=1e-3 if dtype == "float32" else 1e-10)


@pytest.mark.parametrize("name", SOFT_COSTS)
def test_gradients_are_right(name: str) -> None:
    assert check_gradient(network(name), X[:7], SOFT[:7]) <= 1e-7
    assert check_gradient(network(name, activation="maxout"), X[:7], SOFT[:7]) <= 1e-7


def test_gradient_of_a_stack_is_right() -> None:
    layers = [Affine.create(i, o, np.random.default_rng(0), dtype="float64") for i, o in ((INPUTS, 5), (5, CLASSES))]
    assert check_gradient(Stack(layers[0], Relu(), layers[1], SigmoidWithCrossEntropy()), X[:7], SOFT[:7]) <= 1e-7


def test_a_derivative_for_hard_targets_only_fails() -> None:
    class Hardened(LogLikelihood):
        def delta(self, a: Array, targets: Array, out: Array | None = None) -> Array:
            return super().delta(a, (targets == targets.max(axis=0)).astype(a.dtype), out)

    wrong = network("log_likelihood")
    wrong.cost = Hardened()
    assert check_gradient(wrong, X[:7], SOFT[:7]) > 1e-3


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "l-bfgs"])
@pytest.mark.parametrize("name", SOFT_COSTS)
def test_one_hot_targets_are_the_labels(name: str, optimizer: str) -> None:
    recipe = Recipe(1.0 if optimizer == "l-bfgs" else 0.1, epochs=3, optimizer=optimizer)
    trained = [Training(network(name), (X, y), recipe, np.random.default_rng(0)) for y in (LABELS, ONE_HOT)]
    histories = [list(training.run()) for training in trained]
    assert histories[0] == histories[1]
    for one, other in zip(*(training.network.weights for training in trained), strict=True):
        assert one.tobytes() == other.tobytes()
    assert trained[0].network.score(X, LABELS) == trained[1].network.score(X, ONE_HOT)


def test_a_training_learns_the_probabilities_of_each_row() -> None:
    # Two kinds of rows whose classes are drawn at 0.3 and 0.8; nothing else can be learnt.
    x = np.tile([[0.0], [1.0]], (40, 1))
    p = np.where(x[:, 0] == 0, 0.3, 0.8)
    found = train((x, np.column_stack([1 - p, p])), hidden=4, cost="log_likelihood", epochs=200, learning_rate=0.3)
    assert found.forward(np.array([[0.0], [1.0]]))[:, 1] == pytest.approx([0.3, 0.8], abs=0.01)
    assert found.predict(np.array([[0.0], [1.0]])).tolist() == [0, 1]


def test_accuracy_is_of_the_most_probable_class() -> None:
    score = network("log_likelihood").score(X, SOFT)
    assert score.accuracy == np.mean(network("log_likelihood").predict(X) == SOFT.argmax(axis=1))
    weights = np.arange(60.0)
    weighted = network("log_likelihood").score(X, SOFT, weights)
    z = np.log(network("log_likelihood").forward(X))
    assert weighted.cost == pytest.approx(np.average(from_scipy("log_likelihood", z, SOFT), weights=weights))


def test_sample_weights_count_soft_rows() -> None:
    counts = np.repeat([2.0, 0.0], 10)
    trained = []
    for rows, size in (((X[:20], SOFT[:20], counts), 20), ((X[:10], SOFT[:10]), 10)):
        training = Training(network("cross_entropy"), rows, Recipe(0.1, batch_size=size, epochs=1), np.random.default_rng(0))
        list(training.run())
        trained.append(training.network)
    for one, other in zip(trained[0].weights, trained[1].weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize("name", SOFT_COSTS)
def test_smoothing_is_training_on_smoothed_targets(name: str, engine: str) -> None:
    plain = Recipe(0.2, epochs=3, engine=engine)
    by_hand = Training(network(name), (X, 0.9 * ONE_HOT + 0.1 / CLASSES), plain, np.random.default_rng(0), (X, LABELS))
    smoothed = Training(
        network(name), (X, LABELS), Recipe(0.2, epochs=3, engine=engine, smoothing=0.1), np.random.default_rng(0), (X, LABELS)
    )
    ours, theirs = (list(training.run()) for training in (smoothed, by_hand))
    assert ours[-1].training_cost == pytest.approx(theirs[-1].training_cost, rel=1e-12)
    assert ours[-1].validation_cost == pytest.approx(theirs[-1].validation_cost, rel=1e-12)


def test_smoothed_targets_sum_to_one_and_without_a_share_they_are_the_labels() -> None:
    np.testing.assert_allclose(smooth(LABELS, CLASSES, 0.3, np.dtype("float64")).sum(axis=1), 1)
    np.testing.assert_array_equal(smooth(LABELS, CLASSES, 0.0, np.dtype("float64")), ONE_HOT)
    before = SOFT.copy()
    np.testing.assert_allclose(smooth(SOFT, CLASSES, 0.3, np.dtype("float64")), 0.7 * SOFT + 0.1)
    np.testing.assert_array_equal(SOFT, before)


def changed(row: int, values: list[float]) -> Array:
    y = SOFT.copy()
    y[row] = values
    return y


REFUSED = [
    (changed(4, [1.2, -0.2, 0.0]), {}, r"y\[4, 0\] must be in \[0, 1\], got 1\.2\. Targets are probabilities\."),
    (changed(7, [0.5, np.nan, 0.5]), {}, r"y\[7, 1\] must be in \[0, 1\], got nan\."),
    (changed(9, [0.5, 0.1, 0.1]), {"cost": "log_likelihood"}, r"The sum of y\[9\] with cost 'log_likelihood' must be 1, got"),
    (SOFT, {"cost": "hinge"}, r"y with cost 'hinge' must be class indices of shape \(n,\), got 'float64 of shape"),
    (SOFT, {"cost": "quadratic"}, r"y with cost 'quadratic' must be class indices"),
    (SOFT[:5], {}, r"y must be of shape \(60, 3\), got \(5, 3\)\."),
    (SOFT, {"classes": 4}, r"y must be of 4 columns, one a class, got 3\. Leave classes out\."),
    (ONE_HOT.astype(int), {}, r"y must be of shape \(n,\), got \(60, 3\)\. Use y\.ravel"),
]  # fmt: skip


@pytest.mark.parametrize(("y", "settings", "sentence"), REFUSED)
def test_what_is_no_soft_target_is_refused(y: Array, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        train((X, y), epochs=1, **settings)


@pytest.mark.parametrize(
    ("cost", "smoothing", "sentence"),
    [
        ("hinge", 0.1, r"smoothing must be 0 with cost 'hinge', got 0\.1\. It is for classes"),
        ("cross_entropy", 1.0, r"smoothing must be a number in \[0, 1\), got 1\.0\."),
        ("cross_entropy", "much", r"smoothing must be a number in \[0, 1\), got 'much'\."),
    ],
)
def test_smoothing_where_it_has_no_use_is_refused(cost: str, smoothing: Any, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        train((X, LABELS), cost=cost, smoothing=smoothing)
