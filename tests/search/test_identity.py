"""An objective is described the same until something changes that it depends on."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from hpsearch.search.identity import describe
from hpsearch.strategies import Random

FACTOR = 2.0


def helper(x: float) -> float:
    return x + 1


def uses_helper(params: dict[str, Any]) -> float:
    return helper(params["x"]) * FACTOR


def closed_over(factor: float) -> Any:
    def scaled(params: dict[str, Any]) -> float:
        return factor * float(params["x"])

    return scaled


class Plain:
    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.rows = np.arange(3) * weight

    def __call__(self, params: dict[str, Any]) -> float:
        return self.weight * float(params["x"])


def test_our_own_parts_are_described_by_their_repr() -> None:
    assert describe(Random(trials=3)) == "Random(trials=3)"


def test_what_a_function_closes_over_counts() -> None:
    assert describe(closed_over(3.0)) == describe(closed_over(3.0)) != describe(closed_over(-7.0))


def test_globals_and_neighbours_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = describe(uses_helper)
    with monkeypatch.context() as changed:
        changed.setitem(globals(), "FACTOR", 3.0)
        assert describe(uses_helper) != before
    with monkeypatch.context() as changed:
        changed.setitem(globals(), "helper", closed_over)
        assert describe(uses_helper) != before
    assert describe(uses_helper) == before


def test_what_a_function_fills_does_not_count() -> None:
    calls: list[int] = []

    def counts(params: dict[str, Any]) -> float:
        calls.append(1)
        return 0.0

    before = describe(counts)
    counts({})
    assert describe(counts) == before


def test_objects_without_a_repr_are_described_by_what_they_hold() -> None:
    assert describe(Plain(1.0)) == describe(Plain(1.0)) != describe(Plain(2.0))
    assert " at 0x" not in describe(Plain(1.0))
    assert describe(Plain(1.0).__call__) == describe(Plain(1.0).__call__) != describe(Plain(2.0).__call__)


def test_partials_count_their_arguments() -> None:
    one, other = (functools.partial(closed_over(1.0), extra) for extra in (1, 2))
    assert describe(one) != describe(other)


def test_a_lambda_is_not_the_statement_around_it() -> None:
    first = (lambda params: params["x"] ** 2, "before")
    second = (lambda params: params["x"] ** 2, "after")
    third = (lambda params: params["x"] ** 3, "after")
    assert describe(first[0]) == describe(second[0]) != describe(third[0])
