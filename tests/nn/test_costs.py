"""Costs against scipy.special, at ordinary and at extreme z."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special
from sklearn.metrics import hinge_loss

from hpsearch.nn.arrays import Array
from hpsearch.nn.costs import COSTS, one_hot

K, N = 4, 5
Z = arrays.arrays(np.float64, (K, N), elements=st.floats(-30, 30))
LABELS = arrays.arrays(np.int64, N, elements=st.integers(0, K - 1))


def encode_targets(labels: Array) -> Array:
    return one_hot(labels, np.arange(K)).astype(np.float64)


def from_scipy(name: str, z: Array, t: Array) -> float:
    """The costs as their textbook formulas, on functions of scipy.special."""
    if name == "quadratic":
        return float(((special.expit(z) - t) ** 2).sum() / 2 / N)
    if name in ("squared_error", "squared_errors"):
        return float(sum((a - b) ** 2 for a, b in zip(z.ravel(), t.ravel(), strict=True))) / 2 / N
    if name == "quadratic_tanh":
        return float(((np.tanh(z) - np.where(t == 1, 1, -1)) ** 2).sum() / 2 / N)
    if name == "hinge":  # term by term, as CS231n writes it
        right = t.argmax(axis=0)
        terms = [max(0.0, z[j, i] - z[s, i] + 1) for i, s in enumerate(right) for j in range(K) if j != s]
        return float(sum(terms)) / N
    if name == "cross_entropy":
        return float(-(t * special.log_expit(z) + (1 - t) * special.log_expit(-z)).sum() / N)
    return float(-(special.log_softmax(z, axis=0) * t).sum() / N)


@pytest.mark.parametrize("name", COSTS)
@given(z=Z, labels=LABELS)
def test_mean_is_the_one_of_scipy(name: str, z: Array, labels: Array) -> None:
    t = encode_targets(labels)
    assert COSTS[name].mean(z, t) == pytest.approx(from_scipy(name, z, t), rel=1e-10, abs=1e-12)


@given(z=Z)
def test_outputs_are_the_ones_of_scipy(z: Array) -> None:
    for name, wanted in {
        "quadratic": special.expit(z),
        "cross_entropy": special.expit(z),
        "squared_error": z,
        "squared_errors": z,
        "hinge": z,
        "quadratic_tanh": np.tanh(z),
        "log_likelihood": special.softmax(z, axis=0),
    }.items():
        np.testing.assert_allclose(COSTS[name].output(z), wanted, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", COSTS)
@given(z=arrays.arrays(np.float64, (K, N), elements=st.floats(-4, 4)), labels=LABELS)
def test_delta_is_the_two_sided_difference(name: str, z: Array, labels: Array) -> None:
    cost, t, step = COSTS[name], encode_targets(labels), 1e-5
    margins = z - (z * t).sum(axis=0) + 1
    assume(name != "hinge" or np.abs(margins).min() > 1e-4)  # at a kink a difference is between both slopes
    delta = cost.delta(cost.output(z), t)
    for index in np.ndindex(z.shape):
        above, below = z.copy(), z.copy()
        above[index] += step
        below[index] -= step
        difference = N * (cost.mean(above, t) - cost.mean(below, t)) / (2 * step)
        assert delta[index] == pytest.approx(difference, abs=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("quadratic", 0.0, 1.0),
        ("squared_error", 9999.0**2 / 2 + 1e8 / 2, 10001.0**2 / 2 + 1e8 / 2),
        ("cross_entropy", 0.0, 2e4),
        ("hinge", 0.0, 20001.0),
        ("quadratic_tanh", 0.0, 4.0),
        ("log_likelihood", 0.0, 2e4),
    ],
)
def test_stays_finite_at_ten_thousand(name: str, right: float, wrong: float, dtype: str) -> None:
    # Worked out by hand: z = +-1e4 is certainty, so the cost is 0 where it is right and |z| an output where it is wrong;
    # outputs that are linear are 9,999 and 10,000 away from their targets, or 10,001 and 10,000.
    cost, t = COSTS[name], np.array([[1.0], [0.0]], dtype)
    z = np.array([[1e4], [-1e4]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert cost.mean(z, t) == pytest.approx(right, rel=1e-6, abs=1e-12)
        assert cost.mean(-z, t) == pytest.approx(wrong)
        assert np.isfinite(cost.output(z)).all()
        assert np.isfinite(cost.delta(cost.output(-z), t)).all()


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("quadratic", 10 / 8),
        ("cross_entropy", 10 * math.log(2)),
        ("squared_error", 1 / 2),
        ("log_likelihood", math.log(10)),
        ("hinge", 9),
        ("quadratic_tanh", 5),
    ],
)
def test_cost_of_knowing_nothing(name: str, published: float) -> None:
    # log(1/C) for softmax is in CS231n's list of sanity checks; the other two follow from outputs of 1/2.
    t = one_hot(np.arange(10), np.arange(10)).astype(np.float64)
    assert COSTS[name].mean(np.zeros((10, 10)), t) == pytest.approx(published)


@pytest.mark.parametrize("name", COSTS)
def test_several_minibatches_side_by_side(name: str) -> None:
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((3, K, N)), rng.integers(0, K, (3, N))
    t = one_hot(labels, np.arange(K)).astype(np.float64)
    parts = [COSTS[name].mean(z[i], t[i]) for i in range(3)]
    assert COSTS[name].mean(z, t) == pytest.approx(np.mean(parts))


def test_hinge_of_two_classes_is_scikit_learns_and_of_more_it_is_not_below() -> None:
    # scikit-learn's multi-class hinge is Crammer and Singer's: the largest term in place of their sum.
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((2, 50)), rng.integers(0, 2, 50)
    t = one_hot(labels, np.arange(2)).astype(np.float64)
    assert COSTS["hinge"].mean(z, t) == pytest.approx(hinge_loss(labels, z[1] - z[0]), rel=1e-12)
    z, labels = rng.standard_normal((K, 50)), np.arange(50) % K
    t = one_hot(labels, np.arange(K)).astype(np.float64)
    assert COSTS["hinge"].mean(z, t) > hinge_loss(labels, z.T)
    one_wrong = np.where(t > 0, 5.0, np.roll(t, 1, axis=0) * 4.5)  # one term above 0: there both variants agree
    assert COSTS["hinge"].mean(one_wrong, t) == pytest.approx(hinge_loss(labels, one_wrong.T)) == pytest.approx(0.5)


@pytest.mark.parametrize("name", COSTS)
def test_each_has_the_mean_of_all(name: str) -> None:
    rng = np.random.default_rng(0)
    z, t = rng.standard_normal((K, N)), encode_targets(rng.integers(0, K, N))
    assert COSTS[name].each(z, t).mean() == pytest.approx(COSTS[name].mean(z, t))


@given(z=Z, labels=LABELS)
def test_the_tanh_cost_is_four_times_the_quadratic_one_at_twice_z(z: Array, labels: Array) -> None:
    # (1 + tanh z) / 2 = sigmoid(2z), which Nielsen gives in chapter 3.
    t = encode_targets(labels)
    assert COSTS["quadratic_tanh"].mean(z, t) == pytest.approx(4 * COSTS["quadratic"].mean(2 * z, t), abs=1e-12)
