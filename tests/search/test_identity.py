"""An objective is described the same until something changes that it depends on."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from hpsearch import Batch, Choice, Float, Proposal, Space, Study, data
from hpsearch.errors import StudyError
from hpsearch.nn.initializers import Glorot
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Search, StrategyBase
from hpsearch.report import report
from hpsearch.search.identity import describe, versions_of
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Trial

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


@dataclass(frozen=True)
class Renewed(StrategyBase):
    """A strategy that once drew other points under the same repr."""

    trials: int = 2
    version: ClassVar[int] = 3  # type: ignore[misc]

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        yield Batch([Proposal(space.sample(rng)) for _ in range(self.trials)])


@dataclass
class _Own:
    version: int = 7


def test_versions_are_found_wherever_a_class_stands() -> None:
    normal, uniform = Glorot("normal"), Glorot("uniform")
    assert versions_of(Random(trials=3), Space(x=Float(0, 1))) == ""
    assert versions_of(TrainNetwork(data.digits(), init=normal, learning_rate=0.5)) == "Glorot 2"
    assert versions_of(TrainNetwork(data.digits(), init=uniform, learning_rate=0.5)) == ""
    assert versions_of(Space(init=Choice("scaled", normal))) == "Glorot 2"
    assert versions_of({"a": [(normal, Renewed())]}, None, 1.0) == "Glorot 2, Renewed 3"
    assert versions_of(_Own()) == ""  # a user's own attribute of that name says nothing of ours


def test_version_1_is_not_written() -> None:
    study = Study("plain", Space(x=Float(0, 1)), lambda params: params["x"], Random(trials=2))
    assert "versions" not in study.record().identity
    assert replace(study, strategy=Renewed()).record().identity["versions"] == "Renewed 3"


def test_a_record_of_an_older_version_is_read_for_ever_and_not_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = TrainNetwork(data.digits(), init=Glorot("normal"), epochs=1, train_size=100)
    study = Study("older", Space(learning_rate=Float(0.1, 1.0, log=True)), digits, Random(trials=2))
    tracker = MemoryTracker()
    with monkeypatch.context() as before:
        before.setattr(Glorot, "version", 1)
        study.run(1, backend="sequential", tracker=tracker, report=False, model=False)
    result = study.result(tracker)
    assert len(result.trials) == 2
    assert "older" in report(result)
    assert result.network().sizes[0] == 64
    for larger in (study, replace(study, strategy=Random(trials=3))):
        with pytest.raises(StudyError, match="recorded with Glorot of another version") as caught:
            larger.run(1, backend="sequential", tracker=tracker)
        assert "another name" in str(caught.value)
        assert "--fresh" in str(caught.value)
    assert len(study.run(1, backend="sequential", tracker=tracker, fresh=True, report=False, model=False).trials) == 2
