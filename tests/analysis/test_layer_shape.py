"""Measures of layers, by hand."""

from __future__ import annotations

import math

import pytest

from hpsearch.analysis.layer_shape import LayerShape, layer_shape

HISTORY = {
    "gradient_norm_1": ((0, 1.0), (1, 1.0), (2, 2.0), (3, 1.0), (4, 0.5)),
    "gradient_norm_10": ((0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 4.0)),
    "gradient_norm_2": ((0, 9.0), (4, 9.0)),
    "weight_norm_1": ((0, 2.0), (1, 4.0), (2, 4.0), (3, 4.0), (4, 8.0)),
    "weight_norm_2": ((4, 3.0), (0, 1.0)),
    "dead_1": ((0, 0.5), (4, 0.75)),
    "dead_2": ((0, 0.1), (4, 0.9)),
    "saturated_1": ((0, 0.3), (4, 0.2)),
    "validation_cost": ((1, 1.0),),
}


def test_measures_are_those_of_the_curves() -> None:
    layers = layer_shape(HISTORY)
    assert layers.measured
    assert len(layers.gradients) == 3  # 1, 2 and 10, in this order
    assert layers.first_weights_growth == pytest.approx(math.log(4))
    assert layers.last_weights_growth == pytest.approx(math.log(3))
    assert layers.late_weights_growth == pytest.approx(math.log(2))
    assert layers.gradient_growth == pytest.approx(math.log(0.5))
    assert layers.gradient_ratio == pytest.approx(math.log(0.5 / 4))
    assert layers.gradient_noise == pytest.approx(0.0)  # it halves twice
    assert (layers.dead_first, layers.dead_end) == (0.1, 0.9)
    assert (layers.saturated_first, layers.saturated_end) == (0.3, 0.2)


def test_what_was_not_recorded_is_not_a_number() -> None:
    layers = layer_shape({"validation_cost": ((1, 1.0),), "dead_1": ()})
    assert layers == LayerShape()
    assert not layers.measured
    names = [name for name in dir(LayerShape) if not name.startswith("_")]
    found = {name: getattr(layers, name) for name in names}
    assert all(value in ((), False) or math.isnan(value) for value in found.values())


def test_norms_of_nothing_have_a_logarithm() -> None:
    layers = layer_shape({"gradient_norm_1": ((0, 0.0), (1, 0.0)), "weight_norm_1": ((0, 0.0), (1, 1.0))})
    assert layers.gradient_growth == 0
    assert math.isfinite(layers.first_weights_growth)
