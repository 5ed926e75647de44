"""The law of weight decay alone: on weights whose inputs are always 0, and read off made-up curves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch import data
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from hpsearch.reproductions.documents.decay_of_large_weights import LAMBDA, WeightSizes, size
from hpsearch.reproductions.documents.stuck import stuck


def test_weights_of_unlit_pixels_shrink_by_the_product_of_all_steps() -> None:
    """Each of n / m updates multiplies them by 1 - eta lambda / n; the law exp(-eta lambda / m) is its limit."""
    few = data.digits().head(200, 50)
    objective = WeightSizes(TrainNetwork(few, (10,), l2=LAMBDA, batch_size=10, epochs=3, init="large"))
    context = Context(np.random.default_rng(0))
    objective({"learning_rate": 0.5}, context)
    unlit = dict(context.history["unlit"])
    step = 1 - 0.5 * LAMBDA / 200
    assert unlit[3] / unlit[0] == pytest.approx(step**60, rel=1e-5)
    law = dict(context.history["law"])
    assert law[3] / law[0] == pytest.approx(math.exp(-0.5 * LAMBDA / 10 * 3))


def test_the_size_is_the_root_mean_square_of_all_entries() -> None:
    assert size([np.array([[3.0]]), np.array([[4.0, 0.0]])]) == pytest.approx(5 / math.sqrt(3))


def test_a_training_five_points_below_the_best_is_stuck() -> None:
    assert stuck([95.0, 90.0, 90.1, 70.0]) == 2
