"""Typed params of a space's text; what they must be is what the space itself parses."""

from __future__ import annotations

import pytest

from hpsearch import Choice, Float, Int, Space
from hpsearch.nn.schedules import Constant, HalveOnPlateau
from hpsearch.tracking.runs.recorded_params import typed_params

SPACE = Space(
    rate=Float(1e-3, 10.0, log=True),
    units=Int(1, 500),
    size=Choice(10, 20, "ten", None, True, (30, 10)),
    schedule=Choice(Constant(), HalveOnPlateau(patience=Int(2, 10))),
)
PARAMS = {
    "rate": 0.1 + 0.2,
    "units": 7,
    "size": (30, 10),
    "schedule": "HalveOnPlateau",
    "schedule.patience": 3,
}


@pytest.mark.parametrize("size", [10, "ten", None, True, (30, 10)])
def test_params_are_those_of_the_space(size: object) -> None:
    texts = {name: str(value) for name, value in (PARAMS | {"size": size}).items()}
    found = typed_params(repr(SPACE), texts)
    assert found == {**PARAMS, "size": size}
    assert [type(value) for value in found.values()] == [type(value) for value in {**PARAMS, "size": size}.values()]


@pytest.mark.parametrize(
    "space",
    ["", "Space(", "None", "Space(**{})", "Space(rate=Float)", "Space(rate=rate.Float(1, 2))", "Space(rate=Float(open('x')))"],
)
def test_a_space_that_cannot_be_read_leaves_texts(space: str) -> None:
    assert typed_params(space, {"rate": "fast", "other": "0.5"}) == {"rate": "fast", "other": "0.5"}


def test_a_number_that_is_none_stays_a_text() -> None:
    assert typed_params(repr(SPACE), {"rate": "fast", "units": "1.5"}) == {"rate": "fast", "units": "1.5"}
