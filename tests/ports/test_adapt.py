"""Objectives and strategies of other people's making: what a study uses of them, and the sentence where it cannot."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from hpsearch import Batch, Context, Float, Proposal, Space, Study
from hpsearch.errors import StudyError
from hpsearch.ports import ObjectiveBase, Search, StrategyBase, adapt_objective, adapt_strategy
from hpsearch.strategies import Halving, Random
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params, Trial

SPACE = Space(x=Float(0.0, 1.0))


class Own:
    """A callable with nothing a study looks for."""

    def __call__(self, params: Params) -> float:
        return float(params["x"])


def with_attributes(**attributes: Any) -> Any:
    """Return an objective whose class has these attributes."""
    return type("Mine", (Own,), attributes)()


def run(objective: Any, strategy: Any = None) -> Any:
    study = Study("mine", SPACE, objective, strategy or Random(trials=2))
    return study.run(1, backend="sequential", tracker=MemoryTracker(), report=False)


def test_a_subclass_stays_as_it_is_and_a_function_is_wrapped() -> None:
    class Mine(ObjectiveBase):
        def __call__(self, params: Params, context: Context) -> float:
            return 0.0

    mine = Mine()
    assert adapt_objective(mine) is mine
    wrapped = adapt_objective(lambda params: params["x"])
    assert wrapped({"x": 0.5}, Context(np.random.default_rng(0))) == 0.5
    assert (wrapped.parameters, wrapped.measure, wrapped.takes_context, wrapped.capabilities) == (
        None,
        "value",
        False,
        frozenset(),
    )


def test_capabilities_are_the_methods_a_class_implements() -> None:
    class Mine(ObjectiveBase):
        def check(self, params: Params) -> None: ...

        def shrunk(self) -> ObjectiveBase:
            return self

    assert Mine().capabilities == {"check", "shrunk"}
    assert ObjectiveBase().capabilities == set()


def test_defaults_give_way_to_attributes_properties_and_fields() -> None:
    @dataclass(frozen=True)
    class Mine(ObjectiveBase):
        data: Any
        epochs: int = field(default=7)
        measure = "distance"

        @property
        def parameters(self) -> tuple[str, ...]:
            return ("x",)

    with pytest.raises(TypeError, match="data"):
        Mine()  # type: ignore[call-arg]
    mine = Mine(None)
    assert (mine.data, mine.epochs, mine.measure, mine.parameters, mine.required) == (None, 7, "distance", ("x",), ())


def test_every_optional_value_is_used() -> None:
    mine = with_attributes(parameters=["x"], required={"x"}, measure="distance", facts={"mode": "fast"}, epochs=3)
    adapted = adapt_objective(mine)
    assert (adapted.parameters, adapted.required, adapted.measure) == (["x"], {"x"}, "distance")
    assert (adapted.facts, adapted.epochs) == ({"mode": "fast"}, 3)
    record = Study("mine", SPACE, mine, Random(trials=2)).record()
    assert (record.measure, record.facts["mode"]) == ("distance", "fast")


@pytest.mark.parametrize(
    "attributes",
    [
        {"measure": lambda self: 1.0},
        {"parameters": lambda self: iter(())},
        {"about": "text"},
        {"data": [[1.0, 2.0]]},
        {"check": lambda self: 1 / 0},
        {"check": "a text"},
        {"export": lambda self, path: 1 / 0},
        {"test": lambda self: 1 / 0},
        {"shrunk": lambda self, rows: 1 / 0},
        {"preflight": True},
        {"epoch": 5, "tests": 3, "trial": 1},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_names_that_are_the_users_own_have_no_effect(attributes: dict[str, Any]) -> None:
    result = run(with_attributes(**attributes))
    assert [trial.ok for trial in result.trials] == [True, True]
    assert result.record.measure == "value"
    assert (result.model, result.record.data) == (None, None)


def test_a_method_that_only_looks_like_ours_is_named(caplog: pytest.LogCaptureFixture) -> None:
    mine = with_attributes(export=lambda self, path, overwrite=False: 1 / 0)
    with caplog.at_level(logging.WARNING):
        assert run(mine).model is None
    assert caplog.messages == [
        "export(path, overwrite) of Mine is not used by the study, which looks for export(params, context)."
    ]


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        (
            {"facts": ["fast"]},
            r"The attribute 'facts' of Mine must be a dict of texts, .* got \['fast'\]. Change it, or rename it",
        ),
        ({"epochs": "10"}, r"The attribute 'epochs' of Mine must be a whole number >= 1, got '10'\."),
        ({"epochs": True}, r"The attribute 'epochs' of Mine must be a whole number >= 1, got True\."),
        ({"parameters": "x"}, r"The attribute 'parameters' of Mine must be a collection of names, .* got 'x'\."),
        ({"required": 3}, r"The attribute 'required' of Mine must be a collection of names, .* got 3\."),
        ({"measure": 3.0}, r"The attribute 'measure' of Mine must be a text, .* got 3.0\."),
        ({"ranges": {"x": (0, 1)}}, r"The attribute 'ranges' of Mine must be a dict of names and domains, .* got "),
        ({"related": "text"}, r"The attribute 'related' of Mine must be a dict of names and study records, got 'text'\."),
        ({"parametres": {"x"}}, r"An attribute of Mine must be spelt 'parameters', got 'parametres'. Rename it"),
        ({"requiredd": ["x"]}, r"An attribute of Mine must be spelt 'required', got 'requiredd'\."),
        ({"chek": lambda self, params: None}, r"An attribute of Mine must be spelt 'check', got 'chek'\."),
        ({"expport": lambda self, params, context: None}, r"An attribute of Mine must be spelt 'export', got 'expport'\."),
        (
            {"parameters": property(lambda self: self.missing)},
            r"The attribute 'parameters' of Mine must be readable, got \"AttributeE",
        ),
        ({"facts": property(lambda self: {}["a"])}, r"The attribute 'facts' of Mine must be readable, got \"KeyError: 'a'\""),
    ],
)
def test_an_attribute_of_another_kind_is_one_sentence(attributes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StudyError, match=sentence):
        Study("mine", SPACE, with_attributes(**attributes), Halving(trials=3, max_epochs=3))


def test_a_subclass_is_held_to_the_same_kinds() -> None:
    def make(**attributes: Any) -> Any:
        return type("Mine", (ObjectiveBase,), {"__call__": lambda self, params, context: 0.0, **attributes})()

    with pytest.raises(StudyError, match="'measure' of Mine must be a text"):
        adapt_objective(make(measure=lambda self: "error"))
    with pytest.raises(StudyError, match="'epochs' of Mine must be a whole number"):
        adapt_objective(make(epochs=0))
    with pytest.raises(StudyError, match="must be spelt 'parameters'"):
        adapt_objective(make(parametres=("x",)))
    with pytest.raises(StudyError, match=r"The call of Mine must be one of \(params, context\)"):
        adapt_objective(make(__call__=lambda self, params: 0.0))


def test_an_object_that_invents_attributes_has_none() -> None:
    class Proxy(Own):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return lambda *_: 1 / 0

    assert adapt_objective(Proxy()).capabilities == frozenset()
    assert len(run(Proxy()).trials) == 2


def test_the_wrapped_objective_pickles() -> None:
    adapted = adapt_objective(Own())
    assert pickle.loads(pickle.dumps(adapted))({"x": 0.25}, Context(np.random.default_rng(0))) == 0.25


class Continuing:
    """Two trials, and the first again for longer, without a word that trials continue."""

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        first = yield Batch([Proposal(space.sample(rng), 1) for _ in range(2)])
        yield Batch([Proposal(first[0].params, 2, continues=0)])


def test_a_strategy_that_continues_without_saying_so_stops_at_the_first_such_batch() -> None:
    with pytest.raises(
        StudyError, match="continues of Continuing, which proposes to continue trial 0, must be True, got False"
    ):
        run(Own(), Continuing())


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"continues": "yes"}, "The attribute 'continues' of Mine must be True or False, got 'yes'"),
        ({"max_epochs": 2.5}, "The attribute 'max_epochs' of Mine must be a whole number >= 1, got 2.5"),
        ({"complet": True}, "An attribute of Mine must be spelt 'complete', got 'complet'"),
        ({"search": lambda self, space: iter(())}, r"The search of Mine must be one of \(space, rng, known\), got '\(space\)'"),
        ({"search": None}, "A study's strategy must be a strategy"),
    ],
)
def test_a_strategys_attribute_of_another_kind_is_one_sentence(attributes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StudyError, match=sentence):
        adapt_strategy(type("Mine", (Continuing,), attributes)())


def test_a_strategy_keeps_what_it_says_of_itself() -> None:
    mine = adapt_strategy(type("Mine", (Continuing,), {"continues": True, "trials": 3, "complete": True})())
    assert (mine.continues, mine.trials, mine.complete, mine.preflight, mine.resource) == (True, 3, True, False, None)
    assert isinstance(adapt_strategy(Random(trials=3)), StrategyBase)
