"""Axes of parameters: a fixed value has room on both sides."""

from __future__ import annotations

import pytest

from hpsearch.analysis.scales import scale
from hpsearch.space import Float, Int


@pytest.mark.parametrize("domain", [Float(0.5, 0.5), Float(0.5, 0.5, log=True), Float(0, 0), Int(-3, -3)])
def test_a_fixed_value_lies_in_the_middle_of_its_axis(domain: Float | Int) -> None:
    axis = scale(domain, [domain.low])
    assert axis.unit(domain.low) == pytest.approx(0.5)
    assert axis.low < domain.low < axis.high
