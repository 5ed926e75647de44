"""The contract of an objective: a sound objective passes every test, and each test fails for an objective that breaks it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pickle import PicklingError
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import StudyError
from hpsearch.ports import AnyObjective, Context, Exported, ObjectiveBase
from hpsearch.testing import ObjectiveContract
from hpsearch.trial import Outcome, Params

CALLS = itertools.count()


@dataclasses.dataclass(frozen=True)
class Sound(ObjectiveBase):
    """Has every optional method that the contract calls."""

    parameters = ("x",)
    required = ("x",)
    measure = "squared distance"

    def __call__(self, params: Params, context: Context) -> Any:
        return Outcome(params["x"] ** 2 + context.rng.random(), {"x": params["x"]}, state={"x": params["x"]})

    def check(self, params: Params) -> None:
        if params["x"] > 1:
            raise ValueError("x must be at most 1")

    def prepare(self) -> None: ...

    def shrunk(self) -> ObjectiveBase:
        return self

    def export(self, params: Params, context: Context) -> Exported:
        assert context.state == {"x": params["x"]}
        return Exported({}, {}, np.zeros((2, 1)), np.zeros((2, 1)))


def plain(params: Params) -> float:
    return float(params["x"])


class CountsCalls(Sound):
    def __call__(self, params: Params, context: Context) -> Any:
        return float(next(CALLS))


class ReturnsNan(Sound):
    def __call__(self, params: Params, context: Context) -> Any:
        return float("nan")


class ReturnsNumpyMetrics(Sound):
    def __call__(self, params: Params, context: Context) -> Any:
        return Outcome(0.5, {"x": np.float32(0.5)})  # type: ignore[dict-item]


class ReturnsText(Sound):
    def __call__(self, params: Params, context: Context) -> Any:
        return "good"


class ForgetsItsSettings(Sound):
    def __init__(self, rate: float = 0.0) -> None:
        object.__setattr__(self, "rate", rate)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.rate})"  # type: ignore[attr-defined]

    def __reduce__(self) -> Any:
        return type(self), ()


class AcceptsOtherNames(Sound):
    parameters = ("y",)


class RequiresAnotherName(Sound):
    parameters = ("x", "y")
    required = ("x", "y")


class HasNumbersForNames(Sound):
    required = 3  # type: ignore[assignment]


class HasAListOfData(Sound):
    data = [1, 2]  # type: ignore[assignment]  # noqa: RUF012


class HasNoMeasure(Sound):
    measure = ""


class RejectsItsParams(Sound):
    def check(self, params: Params) -> None:
        raise ValueError("planted")


class CannotPrepare(Sound):
    def prepare(self) -> None:
        raise OSError("planted")


class ShrinksToNothing(Sound):
    def shrunk(self) -> ObjectiveBase:
        return ReturnsNan()


class ExportsOneOutput(Sound):
    def export(self, params: Params, context: Context) -> Exported:
        return Exported({}, {}, np.zeros((2, 1)), np.zeros((1, 1)))


# For each test of the contract, objectives that break it, and the error that says so.
BROKEN: dict[str, list[tuple[AnyObjective, type[Exception]]]] = {
    "test_same_random_numbers_same_outcome": [(CountsCalls(), AssertionError)],
    "test_value_and_metrics_are_finite_python_floats": [
        (ReturnsNan(), AssertionError),
        (ReturnsNumpyMetrics(), AssertionError),
        (ReturnsText(), StudyError),
    ],
    "test_pickles": [(ForgetsItsSettings(0.5), AssertionError), (lambda params: 0.0, PicklingError)],
    "test_names_its_parameters": [(AcceptsOtherNames(), AssertionError), (RequiresAnotherName(), AssertionError)],
    "test_optional_values_are_of_their_kind": [
        (HasNumbersForNames(), StudyError),
        (HasAListOfData(), AssertionError),
        (HasNoMeasure(), AssertionError),
    ],
    "test_optional_methods_work": [
        (RejectsItsParams(), ValueError),
        (CannotPrepare(), OSError),
        (ShrinksToNothing(), AssertionError),
        (ExportsOneOutput(), AssertionError),
    ],
}
TESTS = sorted(name for name in vars(ObjectiveContract) if name.startswith("test_"))


def contract(objective: AnyObjective) -> ObjectiveContract:
    class Case(ObjectiveContract):
        def make(self) -> AnyObjective:
            return objective

        def params(self) -> Params:
            return {"x": 0.5}

    return Case()


class TestSound(ObjectiveContract):
    def make(self) -> ObjectiveBase:
        return Sound()

    def params(self) -> Params:
        return {"x": 0.5}


class TestPlainFunction(ObjectiveContract):
    def make(self) -> Callable[[Params], float]:
        return plain

    def params(self) -> Params:
        return {"x": 0.5}


@pytest.mark.parametrize(("test", "objective", "error"), [(test, *row) for test, rows in BROKEN.items() for row in rows])
def test_a_broken_objective_is_caught(test: str, objective: AnyObjective, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        getattr(contract(objective), test)()
    assert caught.type is error


def test_every_test_of_the_contract_can_fail() -> None:
    assert sorted(BROKEN) == TESTS


def test_methods_that_are_absent_are_not_called() -> None:
    """`ObjectiveBase` raises NotImplementedError in its optional methods."""

    class Minimal(ObjectiveBase):
        def __call__(self, params: Params, context: Context) -> Any:
            return 0.5

    contract(Minimal()).test_optional_methods_work()
    with pytest.raises(NotImplementedError):
        Minimal().shrunk()
