"""Importance against cases whose answer is known beforehand."""

from __future__ import annotations

import pytest

from hpsearch import Choice, Float, Int, Space
from hpsearch.analysis.importance import Importance, importance
from hpsearch.strategies import Random
from tests.plots.sample import result


def shares(space: Space, objective: object, trials: int = 60) -> Importance:
    found = importance(result(space, objective, strategy=Random(trials=trials)).findings)  # type: ignore[arg-type]
    assert isinstance(found, Importance)
    return found


def test_a_value_that_is_one_parameter_depends_on_it_alone() -> None:
    found = shares(Space(x=Float(1e-4, 1.0, log=True), y=Float(0.0, 1.0), c=Choice("a", "b")), lambda params: params["x"])
    assert next(iter(found.shares)) == "x"
    assert found.shares["x"] > 0.9


def test_shares_of_a_sum_are_those_of_the_variances() -> None:
    """x + y/2 with independent uniform x, y: variances 1/12 and 1/48, shares 0.8 and 0.2."""
    found = shares(Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0)), lambda params: params["x"] + params["y"] / 2, trials=150)
    assert found.shares["x"] == pytest.approx(0.8, abs=0.1)
    assert found.shares["y"] == pytest.approx(0.2, abs=0.1)


def test_the_same_trials_have_the_same_importance() -> None:
    space = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))
    first, second = (shares(space, lambda params: params["x"] * params["y"], 20) for _ in range(2))
    assert first == second


def test_choices_conditions_failures_and_constants_are_handled() -> None:
    space = Space(kind=Choice("a", "b"), depth=Int(1, 9, when={"kind": "b"}), fixed=Choice(1), x=Float(0.0, 1.0))

    def objective(params: dict[str, object]) -> float:
        if params["x"] > 0.9:  # type: ignore[operator]
            raise ValueError("planted")
        return float(params["kind"] == "a")

    found = shares(space, objective)
    assert found.constant == ("fixed",)
    assert next(iter(found.shares)) == "kind"
    assert set(found.shares) == {"kind", "depth", "x"}


def test_too_few_trials_say_so() -> None:
    found = importance(result(strategy=Random(trials=5)).findings)
    assert isinstance(found, str)
    assert "needs 10 finished trials" in found
