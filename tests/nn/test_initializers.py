"""Initialisers against published variances, SciPy's distributions, and the spread of z of Nielsen's chapter 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hpsearch.errors import SettingError
from hpsearch.nn.initializers import INITIALIZERS, Glorot, Initializer, Normal, Uniform, check_init, draw
from hpsearch.nn.network import Network
from hpsearch.space import Float


# Published: 500 of 1000 inputs on, one bias: sqrt(501) = 22.4 and sqrt(3/2) = 1.22.
@pytest.mark.parametrize(("init", "published"), [("large", 22.4), ("scaled", 1.22)])
def test_spread_of_z(init: str, published: float) -> None:
    weights, biases = draw(init, (1000, 20_000), np.random.default_rng(0))
    z = weights[0][:, :500].sum(axis=1) + biases[0]
    # The standard error of a standard deviation from 20,000 numbers is 0.5 %; 2 % are four of them.
    assert z.std() == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize("init", ["large", "scaled"])
def test_biases_are_drawn_before_weights(init: str) -> None:
    weights, biases = draw(init, (3, 4, 2), np.random.default_rng(5))
    stream = np.random.default_rng(5)
    np.testing.assert_array_equal(biases[0], stream.standard_normal(4))
    np.testing.assert_array_equal(biases[1], stream.standard_normal(2))
    spread = {"large": 1.0, "scaled": 1 / np.sqrt(3)}[init]
    np.testing.assert_array_equal(weights[0], stream.standard_normal((4, 3)) * spread)
    assert weights[1].shape == (2, 4)


# Variances: N(0, 1) has 1, uniform on (-1, 1) has 1/3. Glorot and Bengio (2010), eq. 12 and 16, ask for 2 / (inputs + units);
# He et al. (2015), eq. 10, for 2 / inputs; LeCun et al. (1998), Efficient backprop, eq. 16, for 1 / inputs.
@pytest.mark.parametrize(
    ("rule", "variance"),
    [
        (Normal(0.5), 0.25 / 300),
        (Uniform(2.0), 4 / 3 / 300),
        (Glorot(), 2 / 400),
        (Glorot("normal"), 2 / 400),
        (Glorot("wide_normal"), 6 / 400),
        ("he", 2 / 300),
        ("xavier", 1 / 300),
        ("glorot", 2 / 400),
    ],
)
def test_rules_have_the_published_variance_and_no_biases(rule: str | Initializer, variance: float) -> None:
    weights, biases = draw(rule, (300, 100, 10), np.random.default_rng(0))
    assert [w.shape for w in weights] == [(100, 300), (10, 100)]
    # 30,000 numbers: the standard error of a variance is below 0.9 %.
    assert weights[0].var() == pytest.approx(variance, rel=0.04)
    assert not any(b.any() for b in biases)


@pytest.mark.parametrize(
    ("rule", "published"),
    [
        ("he", stats.norm(scale=np.sqrt(2 / 300))),
        ("xavier", stats.norm(scale=np.sqrt(1 / 300))),
        ("glorot", stats.uniform(-np.sqrt(6 / 400), 2 * np.sqrt(6 / 400))),
        (Glorot("normal"), stats.norm(scale=np.sqrt(2 / 400))),
        (Glorot("wide_normal"), stats.norm(scale=np.sqrt(6 / 400))),
    ],
)
def test_weights_follow_the_published_distribution(rule: str | Initializer, published: Any) -> None:
    """Kolmogorov and Smirnov: a fixed seed that a right rule passes in 99 of 100 cases, and the other shapes never do."""
    weights, _ = draw(rule, (300, 100), np.random.default_rng(1))
    assert stats.kstest(weights[0].ravel(), published.cdf).pvalue > 0.01


def test_only_the_normal_glorot_has_a_second_version() -> None:
    """It was drawn as the wide one before; what a version changes is not told by the repr."""
    rules = [Glorot(), Glorot("normal"), Glorot("wide_normal")]
    assert [rule.version for rule in rules] == [1, 2, 1]
    assert repr(rules[1]) == "Glorot(distribution='normal')"


@pytest.mark.parametrize("init", INITIALIZERS)
def test_every_name_makes_a_network(init: str) -> None:
    check_init(init)
    network = Network.create((3, 4, 2), np.random.default_rng(0), init=init)
    assert [w.shape for w in network.weights] == [(4, 3), (2, 4)]
    assert all(w.any() for w in network.weights)


def test_uniform_weights_stay_within_their_bound() -> None:
    weights = Uniform(2.0).weights(100, 1000, np.random.default_rng(0))
    assert 0.19 < np.abs(weights).max() <= 0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0.0), r"Normal scale must be a number in \(0, inf\), got 0\.0\."),
        (lambda: Uniform("1"), r"Uniform scale must be a number in \(0, inf\), got '1'\."),  # type: ignore[arg-type]
        (lambda: Glorot("unifrom"), r"Glorot distribution must be one of .*Did you mean 'uniform'\?"),
        (lambda: check_init("larg"), r"init must be one of 'large', 'scaled', 'he', 'xavier', 'glorot', got 'larg'\."),
        (lambda: check_init(Normal), r"init must be one of 'large', 'scaled', 'he', 'xavier', 'glorot', got <class"),
        (lambda: check_init(Normal(Float(0.2, 2.0))), r"init scale must be a plain value, got Float\(0\.2, 2\.0\)\."),  # type: ignore[arg-type]
    ],
)
def test_refuses_bad_rules(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()
