"""Axes of parameters: a fixed value has room on both sides, and ticks are numbers that people expect."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch.analysis.scales import Scale, scale
from hpsearch.space import Float, Int


@pytest.mark.parametrize("domain", [Float(0.5, 0.5), Float(0.5, 0.5, log=True), Float(0, 0), Int(-3, -3)])
def test_a_fixed_value_lies_in_the_middle_of_its_axis(domain: Float | Int) -> None:
    axis = scale(domain, [domain.low])
    assert axis.unit(domain.low) == pytest.approx(0.5)
    assert axis.low < domain.low < axis.high


def texts(low: float, high: float, log: bool = False) -> list[str]:
    return [text for _, text in Scale(low, high, log).ticks()]


def test_ticks_are_decades_or_round_numbers() -> None:
    assert texts(1e-4, 1.0, log=True) == ["0.0001", "0.001", "0.01", "0.1", "1"]
    assert texts(3e-4, 0.5, log=True) == ["0.001", "0.01", "0.1"]
    assert texts(8, 128, log=True) == ["10", "20", "50", "100"]
    assert texts(1e-12, 1.0, log=True) == ["1e-12", "1e-10", "1e-08", "1e-06", "0.0001", "0.01", "1"]
    assert texts(11, 19, log=True) == ["12", "14", "16", "18"]  # no power, nor 1, 2 or 5 times one twice
    assert texts(0.0, 0.99) == ["0", "0.2", "0.4", "0.6", "0.8"]
    assert texts(-3, 7) == ["-2", "0", "2", "4", "6"]
    assert texts(0.0, 0.3) == ["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3"]


@pytest.mark.parametrize("seed", range(40))
def test_any_axis_has_some_ticks_within_it_and_not_too_many(seed: int) -> None:
    rng = np.random.default_rng(seed)
    low, width = 10.0 ** rng.uniform(-9, 9), 10.0 ** rng.uniform(-3, 9)
    for axis in (Scale(low, low * (1 + width), log=True), Scale(low, low * (1 + width)), Scale(-low, low * width)):
        places = [place for place, _ in axis.ticks()]
        assert 2 <= len(places) <= 8
        assert all(-1e-6 <= place <= 1 + 1e-6 for place in places)
        assert places == sorted(places)
        for place, text in axis.ticks():
            assert axis.at(place) == pytest.approx(float(text), rel=1e-4, abs=1e-5 * low)
