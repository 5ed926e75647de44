"""The threshold of the learning rate: that of gradient descent on a quadratic cost, and one sentence where there is none."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from hpsearch import Float, data
from hpsearch.errors import DataError, SettingError
from hpsearch.nn import FoundRate, Network, Recipe, Score, Training, find_rate, train
from hpsearch.nn.rate import CostCurve, find_threshold
from tests.nn.blobs import blobs

DIGITS = data.digits().train.head(300)


@pytest.mark.parametrize("spread", [0.2, 2.0, 5.0, 40.0])
def test_gradient_descent_on_a_quadratic_cost_has_its_threshold_at_two_by_the_curvature(spread: float) -> None:
    """Inputs of +-s around their mean, and no bias to learn: the largest curvature is max(s^2, 1), that of the bias."""
    x = np.tile([[spread], [-spread]], (10, 1))
    rows: Any = (x, 100.0 + 100.0 * x[:, 0])

    def begin(rate: float, seed: int) -> Training:
        rng = np.random.default_rng(seed)
        network = Network.create((1, 1), rng, cost="squared_error", dtype="float64")
        return Training(network, rows, Recipe(rate, batch_size=20, epochs=50), rng)

    exact = 2 / max(spread**2, 1.0)
    found = find_threshold(begin, rows, repeats=1)
    assert exact / 1.13 <= found.threshold <= 1.01 * exact
    assert found.order == 10.0 ** math.floor(math.log10(found.threshold))


@pytest.mark.skipif("HPSEARCH_DATA_HOME" not in os.environ, reason="MNIST is not here: HPSEARCH_DATA_HOME is not set")
@pytest.mark.parametrize("l2", [0.0, 20.0])
def test_the_first_steps_of_the_book_oscillate_beyond_the_threshold(l2: float) -> None:
    """Nielsen, ch. 3: [784, 10] on 1,000 images, lambda 20, goes 62, 42, 43, 61 % at the rate 1, and is at chance at 100."""
    images = data.mnist().train.head(1000)
    found = find_rate(images, hidden=(), init="large", l2=l2)
    assert 0.05 < found.threshold < 1.0
    assert any(curve.rises for curve in found.curves if curve.rate == 1.0)


def planted(costs: Callable[[float], Sequence[float]]) -> Callable[[float, int], Training]:
    """Return what begins trainings that have these costs at a rate."""

    def begin(rate: float, seed: int) -> Any:
        left = iter(costs(rate))

        def run() -> Iterator[object]:
            yield from range(len(costs(rate)) - 1)

        return SimpleNamespace(network=SimpleNamespace(score=lambda *_: Score(next(left), 0.0)), run=run)

    return begin


RISES = [[1.0, 1.5, 0.1], [1.0, math.inf], [1.0, math.nan, math.nan]]
# Only lower rates show that a level cost stays too high, so it is tried where the search comes from below.
LEVEL = [(threshold, [1.0, 0.9, 0.9]) for threshold in (0.011, 0.5, 700.0)]


@pytest.mark.parametrize(
    ("threshold", "too_high"),
    [(t, costs) for t in (1e-7, 3e-5, 0.0099, 0.011, 0.5, 700.0) for costs in RISES] + LEVEL,
)
def test_a_planted_threshold_is_found_from_both_sides(threshold: float, too_high: list[float]) -> None:
    found = find_threshold(planted(lambda rate: too_high if rate > threshold else [1.0, 0.5, 0.2]), ((), ()))  # type: ignore[arg-type]
    assert threshold / 1.1 <= found.threshold <= threshold
    assert found.rate == pytest.approx(threshold / 2, rel=0.15)
    assert [curve.rate for curve in found.curves] == sorted(curve.rate for curve in found.curves)


@pytest.mark.parametrize(
    ("costs", "sentence"),
    [
        (
            [1.0, 0.5],
            r"The training cost rises at none of the learning rates 0\.01 to 10000, so there is no threshold\. Take a",
        ),
        ([1.0, 1.5], r"The training cost falls at none of the learning rates 1e-08 to 0\.01\. Look at the scale"),
        ([1.0, 1.0], r"The training cost falls at none of the learning rates 0\.01 to 10000\. Look at the scale"),
    ],
)
def test_where_there_is_no_threshold_one_sentence_says_so(costs: list[float], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        find_threshold(planted(lambda rate: costs), ((), ()))  # type: ignore[arg-type]


def test_a_rate_without_effect_below_one_that_rises_is_no_threshold() -> None:
    with pytest.raises(SettingError, match=r"falls at none of the learning rates 0\.01 to 0\.1"):
        find_threshold(planted(lambda rate: [1.0, 0.999] if rate < 0.1 else [1.0, 2.0]), ((), ()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("costs", "rises", "falls"),
    [
        ((1.0, 0.5, 0.509), False, True),  # less than 2 % up
        ((1.0, 0.5, 0.511), True, False),
        ((1.0, 0.99), False, False),
        ((1.0, 1e-12, 5e-12), False, True),  # converged: rounding
        ((1.0, math.inf), True, False),
        ((1.0,), False, False),
    ],
)
def test_a_curve_says_whether_it_rises_or_falls(costs: tuple[float, ...], rises: bool, falls: bool) -> None:
    curve = CostCurve(0.1, costs)
    assert (curve.rises, curve.falls) == (rises, falls)


def test_the_curves_are_those_of_training_in_one_call() -> None:
    found = find_rate(DIGITS, hidden=8, epochs=2, repeats=2, seed=4)
    for curve in (found.curves[0], found.curves[1]):
        seed = 4 + found.curves.index(curve)
        network = train(DIGITS, hidden=8, epochs=2, learning_rate=curve.rate, seed=seed)
        assert curve.costs[-1] == cast(Network, network).score(DIGITS.x, DIGITS.y).cost
    assert find_rate(DIGITS, hidden=8, epochs=2, repeats=2, seed=4) == found


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic", "log_likelihood"])
def test_half_of_the_threshold_trains_and_ten_times_it_does_not(cost: str) -> None:
    found = find_rate(DIGITS, hidden=10, cost=cost, repeats=2)
    low, high = found.range
    assert math.sqrt(low * high) == pytest.approx(found.rate, rel=0.1)
    assert Float(*found.range, log=True).contains(found.rate)
    good = train(DIGITS, hidden=10, cost=cost, learning_rate=found.rate, epochs=10)
    bad = train(DIGITS, hidden=10, cost=cost, learning_rate=20 * found.threshold, epochs=10)
    scores = [cast(Network, network).score(DIGITS.x, DIGITS.y).accuracy for network in (good, bad)]
    assert scores[0] > 0.9
    assert scores[1] < scores[0] - 0.2


def test_the_rate_is_half_of_the_threshold_in_two_digits() -> None:
    found = FoundRate(0.512, (CostCurve(0.512, (1.0, 0.5)),))
    assert (found.rate, found.range, found.order) == (0.26, (0.026, 2.6), 0.1)
    assert FoundRate(1000.0, ()).order == 1000.0


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"learning_rate": 0.1}, r"learning_rate of find_rate must be left out, got 0\.1\. It tries rates by itself"),
        ({"validation": None}, "validation of find_rate must be left out, got None"),
        ({"optimizer": "l-bfgs"}, "optimizer must be one with a learning rate, such as 'sgd', got 'l-bfgs'. Its line search"),
        ({"first": 0.0}, "first must be a number in .*, got 0.0. Try 0.01."),
        ({"repeats": 0}, "repeats must be a whole number >= 1, got 0. Try 3."),
        ({"epochs": 0}, "epochs must be"),
        ({"seed": -1}, "seed must be"),
        ({"hiden": 3}, "Did you mean 'hidden'"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        find_rate(blobs(), **settings)


def test_rows_that_cannot_be_learnt_from_are_refused() -> None:
    with pytest.raises(DataError, match="a part of a data set or a pair"):
        find_rate(cast(Any, [1, 2]))
