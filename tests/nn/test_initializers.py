"""First weights: their spread, and the spread of z that Nielsen's chapter 3 works out."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch.nn.initializers import INITIALIZERS, draw


# Published: 500 of 1000 inputs on, one bias: sqrt(501) = 22.4 and sqrt(3/2) = 1.22.
@pytest.mark.parametrize(("init", "published"), [("large", 22.4), ("scaled", 1.22)])
def test_spread_of_z(init: str, published: float) -> None:
    weights, biases = draw(init, (1000, 20_000), np.random.default_rng(0))
    z = weights[0][:, :500].sum(axis=1) + biases[0]
    # The standard error of a standard deviation from 20,000 numbers is 0.5 %; 2 % are four of them.
    assert z.std() == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize("init", INITIALIZERS)
def test_biases_are_drawn_before_weights(init: str) -> None:
    weights, biases = draw(init, (3, 4, 2), np.random.default_rng(5))
    stream = np.random.default_rng(5)
    np.testing.assert_array_equal(biases[0], stream.standard_normal(4))
    np.testing.assert_array_equal(biases[1], stream.standard_normal(2))
    spread = {"large": 1.0, "scaled": 1 / np.sqrt(3)}[init]
    np.testing.assert_array_equal(weights[0], stream.standard_normal((4, 3)) * spread)
    assert weights[1].shape == (2, 4)
