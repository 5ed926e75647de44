"""Derivatives through a training: against two-sided differences, a training of the other code, and a step by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import data
from hpsearch.errors import Diverged
from hpsearch.nn.network import Network
from hpsearch.nn.unrolled import ACTIVATIONS, UnrolledTraining

DIGITS = data.digits().head(60, 40)
SETTINGS = {"learning_rate": 0.8, "l2": 0.4, "momentum": 0.3}


def training(hidden: tuple[int, ...] = (5,), activation: str = "sigmoid", batch: int = 20, epochs: int = 3) -> UnrolledTraining:
    rng = np.random.default_rng(3)
    first = Network.create((64, *hidden, 10), rng, activation=activation, dtype="float64")
    parts = [(part.x.astype(np.float64), np.eye(10)[part.y]) for part in (DIGITS.train, DIGITS.validation)]
    orders = [rng.permutation(60) for _ in range(epochs)]
    return UnrolledTraining(parts[0], parts[1], first.weights, first.biases, activation, orders, batch)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (5,), (6, 4)])
@pytest.mark.parametrize("batch", [7, 60])
def test_slopes_are_those_of_two_sided_differences(activation: str, hidden: tuple[int, ...], batch: int) -> None:
    one = training(hidden, activation, batch)
    for part in ("training", "validation"):
        for name, slope in one.slopes(SETTINGS, list(SETTINGS), part).items():
            h = 1e-6 * SETTINGS[name]
            above, below = (getattr(one.costs({**SETTINGS, name: SETTINGS[name] + step}), part) for step in (h, -h))
            assert slope == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-8)


def test_slopes_are_those_of_complex_numbers() -> None:
    """A training of one layer in complex numbers: the imaginary part over h is the derivative (Squire and Trapp, 1998)."""
    one, (x, y), (vx, vy) = training((), batch=25), *(getattr(training(()), part) for part in ("rows", "validation"))
    for name in SETTINGS:
        moved = {key: value + (1e-30j if key == name else 0) for key, value in SETTINGS.items()}
        w, b = one.weights[0].astype(complex), one.biases[0].astype(complex)
        v, u = np.zeros_like(w), np.zeros_like(b)
        for order in one.orders:
            for start in range(0, 60, 25):
                taken = order[start : start + 25]
                delta = (1 / (1 + np.exp(-(x[taken] @ w.T + b))) - y[taken]) / len(taken)
                v = moved["momentum"] * v - moved["learning_rate"] * (delta.T @ x[taken] + moved["l2"] / 60 * w)
                u = moved["momentum"] * u - moved["learning_rate"] * delta.sum(0)
                w, b = w + v, b + u
        z = vx @ w.T + b
        cost = (np.log(1 + np.exp(z)) - vy * z).sum(1).mean()
        assert one.costs(SETTINGS).validation == pytest.approx(cost.real, rel=1e-12)
        assert one.slopes(SETTINGS, [name])[name] == pytest.approx(cost.imag / 1e-30, rel=1e-10)


def test_pieces_of_any_length_are_the_same_training() -> None:
    """A prime number of steps is cut into pieces of unequal length; a single one is a piece of its own."""
    for batch, epochs in ((60, 1), (60, 7), (9, 3)):
        one = training((4,), batch=batch, epochs=epochs)
        assert sum(len(piece) for piece in one._pieces) == epochs * -(-60 // batch)
        h = 1e-6
        above, below = (one.costs({**SETTINGS, "learning_rate": 0.8 + step}).validation for step in (h, -h))
        slope = one.slopes(SETTINGS, ["learning_rate"])["learning_rate"]
        assert slope == pytest.approx((above - below) / (2 * h), rel=1e-6)


@given(rate=st.floats(1e-3, 2.0), decay=st.floats(0.0, 3.0), momentum=st.floats(0.0, 0.9))
@settings(max_examples=20, deadline=None)
def test_any_settings_have_their_differences_as_slopes(rate: float, decay: float, momentum: float) -> None:
    one, given_ = training((), epochs=2), {"learning_rate": rate, "l2": decay, "momentum": momentum}
    slope = one.slopes(given_, ["learning_rate"])["learning_rate"]
    h = 1e-5 * rate
    above, below = (one.costs({**given_, "learning_rate": rate + step}).validation for step in (h, -h))
    assert slope == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-8)


def test_its_training_is_the_one_of_the_network() -> None:
    """With all rows in a batch the order is of no account; gradients and costs are those of `hpsearch.nn.network`."""
    one = training((5,), batch=60, epochs=4)
    network = Network([w.copy() for w in one.weights], [b.copy() for b in one.biases], "sigmoid", "cross_entropy")
    speeds = [np.zeros_like(w) for w in network.weights], [np.zeros_like(b) for b in network.biases]
    for _ in range(4):
        by_weights, by_biases = network.gradient(DIGITS.train.x.astype(np.float64), DIGITS.train.y)
        for i, w in enumerate(network.weights):
            speeds[0][i] = SETTINGS["momentum"] * speeds[0][i] - SETTINGS["learning_rate"] * (by_weights[i] + 0.4 / 60 * w)
            speeds[1][i] = SETTINGS["momentum"] * speeds[1][i] - SETTINGS["learning_rate"] * by_biases[i]
        for i in range(len(network.weights)):
            network.weights[i] += speeds[0][i]
            network.biases[i] += speeds[1][i]
    expected = network.mean_cost(DIGITS.validation.x.astype(np.float64), DIGITS.validation.y)
    assert one.costs(SETTINGS).validation == pytest.approx(expected, rel=1e-12)


def test_one_step_of_one_weight_by_hand() -> None:
    """From w = 0 with x = 1, y = 0: the gradient is 1/2, and the bias moves alike: z = -eta."""
    row = (np.array([[1.0]]), np.array([[0.0]]))
    zero = [np.zeros((1, 1))], [np.zeros(1)]
    one = UnrolledTraining(row, row, *zero, "sigmoid", [np.array([0])], 1)
    settings_ = {"learning_rate": 0.6, "l2": 0.0, "momentum": 0.0}
    assert one.costs(settings_).training == pytest.approx(math.log1p(math.exp(-0.6)))
    assert one.slopes(settings_, ["learning_rate"], "training")["learning_rate"] == pytest.approx(-1 / (1 + math.exp(0.6)))


def test_a_training_that_diverges_raises() -> None:
    with pytest.raises(Diverged, match=r"its cost is not finite\. Lower the learning rate from 1e\+200"):
        training(epochs=9).costs({"learning_rate": 1e200, "l2": 5.0, "momentum": 0.9})
