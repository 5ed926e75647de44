"""Adaptation of a user's objective or strategy to the base class of its port: the one place that reads attributes by name."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from hpsearch.checks import is_integer, to_python
from hpsearch.errors import StudyError, must_be
from hpsearch.ports.objective import AnyObjective, Context, DataSet, ObjectiveBase, rows_of, with_data
from hpsearch.ports.predictions import Predictions
from hpsearch.ports.strategy import Preflight, Search, StrategyBase
from hpsearch.ports.tracker import Exported, StudyRecord
from hpsearch.space import Domain, Space
from hpsearch.trial import Params, Trial

logger = logging.getLogger(__name__)
_ABSENT = object()
# How close a name must come to a known one to be taken for a misspelling of it.
_CLOSE = 0.85
_OWN = "Change it, or rename it if it is your own."


@dataclass(frozen=True, repr=False)
class AdaptedObjective(ObjectiveBase):
    """A callable that is no `ObjectiveBase`, with everything that a study can use read once.

    Args:
        given: the callable as the user wrote it.
        takes_context: whether it is called with params and context, or with params alone.
        capabilities: the optional methods it has.
        parameters, required, ranges, measure, data, facts, related, epochs, curves, training_rows, greater_is_better: see
            `ObjectiveBase`.
    """

    given: Any
    takes_context: bool
    capabilities: frozenset[str]
    parameters: Collection[str] | None
    required: Collection[str]
    ranges: Mapping[str, Domain]
    measure: str
    data: DataSet | None
    facts: Mapping[str, str]
    related: Mapping[str, StudyRecord]
    epochs: int | None
    curves: Collection[str] | None
    training_rows: int | None
    greater_is_better: bool | None

    def __repr__(self) -> str:
        return repr(self.given)

    def __call__(self, params: Params, context: Context) -> Any:
        return self.given(params, context) if self.takes_context else self.given(params)

    def check(self, params: Params) -> None:
        if "check" in self.capabilities:
            self.given.check(params)

    def prepare(self) -> None:
        if "prepare" in self.capabilities:
            self.given.prepare()

    def preflight(self, space: Space) -> Preflight:
        found: Preflight = self.given.preflight(space)
        return found

    def export(self, params: Params, context: Context) -> Exported:
        found: Exported = self.given.export(params, context)
        return found

    def refit(self, params: Params, context: Context, rows: str) -> Any:
        return self.given.refit(params, context, rows)

    def predictions(self, params: Params, context: Context) -> Predictions:
        found: Predictions = self.given.predictions(params, context)
        return found

    def shrunk(self) -> ObjectiveBase:
        return adapt_objective(self.given.shrunk())

    def on_rows(self, rows: int, seed: int) -> ObjectiveBase:
        if "on_rows" in self.capabilities:
            return adapt_objective(self.given.on_rows(rows, seed))
        return adapt_objective(with_data(self.given, self.data, rows, seed))

    def test(self, params: Params, context: Context, part: Any) -> Mapping[str, float]:
        scores: Mapping[str, float] = self.given.test(params, context, part)
        return scores


@dataclass(frozen=True)
class AdaptedStrategy(StrategyBase):
    """An object with a ``search`` method that is no `StrategyBase`, with everything that a study can use read once."""

    given: Any
    trials: int | None
    complete: bool
    continues: bool
    thaws: bool
    preflight: bool
    resource: str | None
    max_epochs: int | None

    def search(self, space: Space, rng: np.random.Generator, known: Sequence[Trial] = ()) -> Search:
        found: Search = self.given.search(space, rng, known)
        return found


@dataclass(frozen=True)
class _Kind:
    """What an optional attribute must be, in words and as a test."""

    constraint: str
    fits: Callable[[Any], bool]


def _is_names(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, (str, bytes)) and all(isinstance(n, str) for n in value)


def _is_mapping(kind: Any) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Mapping) and all(isinstance(v, kind) for v in value.values())


def _is_count(value: Any) -> bool:
    return is_integer(number := to_python(value)) and number >= 1


_NAMES = _Kind("a collection of names, such as {'learning_rate'}", _is_names)
_TEXT = _Kind("a text", lambda value: isinstance(value, str))
_COUNT = _Kind("a whole number >= 1", _is_count)
_FLAG = _Kind("True or False", lambda value: value is True or value is False)
_OBJECTIVE = {
    "parameters": _NAMES,
    "required": _NAMES,
    "ranges": _Kind("a dict of names and domains, such as {'x': Float(0, 1)}", _is_mapping(Domain)),
    "measure": _Kind("a text, such as 'validation error'", _TEXT.fits),
    "facts": _Kind("a dict of texts, such as {'engine': 'numpy'}", _is_mapping(str)),
    "related": _Kind("a dict of names and study records", _is_mapping(StudyRecord)),
    "epochs": _COUNT,
    "curves": _NAMES,
    "training_rows": _COUNT,
    "greater_is_better": _FLAG,
}
_STRATEGY = {
    "trials": _COUNT,
    "complete": _FLAG,
    "continues": _FLAG,
    "thaws": _FLAG,
    "preflight": _FLAG,
    "resource": _TEXT,
    "max_epochs": _COUNT,
}
# The optional methods of an objective, and the names of their parameters.
_METHODS: dict[str, tuple[str, ...]] = {
    "check": ("params",),
    "prepare": (),
    "preflight": ("space",),
    "export": ("params", "context"),
    "refit": ("params", "context", "rows"),
    "predictions": ("params", "context"),
    "shrunk": (),
    "test": ("params", "context", "part"),
    "on_rows": ("rows", "seed"),
}
# A name close to one of these is no misspelling: these words, or their singulars, are too common.
_COMMON = {"curves", "epochs", "trials", "test"}


def adapt_objective(objective: AnyObjective) -> ObjectiveBase:
    """Return an objective as an `ObjectiveBase`: one that is one as it is, any other callable wrapped.

    Every optional name is read once and judged by its kind and signature. A method where a value is expected, a value where a
    method is expected, and a method with other parameters are the user's own and stay unused.

    Raises:
        StudyError: an attribute is of the wrong kind, cannot be read, or is misspelt; or the call takes other parameters.
    """
    heeds = takes_context(objective)
    _check_spelling(objective, _OBJECTIVE, _METHODS)
    if isinstance(objective, ObjectiveBase):
        _check_base(objective, heeds)
        return objective
    found = {name: _value(objective, name, kind) for name, kind in _OBJECTIVE.items()}
    data = _attribute(objective, "data")
    return AdaptedObjective(
        objective,
        heeds,
        frozenset(name for name in _METHODS if _has_method(objective, name)),
        parameters=found["parameters"],
        required=found["required"] or (),
        ranges=found["ranges"] or {},
        measure=found["measure"] or "value",
        data=data if isinstance(data, DataSet) else None,
        facts=found["facts"] or {},
        related=found["related"] or {},
        epochs=found["epochs"],
        curves=found["curves"] or None,  # an empty one may be the user's own, to be filled
        training_rows=_training_rows(objective, found["training_rows"]),
        greater_is_better=found["greater_is_better"],
    )


def _training_rows(objective: AnyObjective, declared: int | None) -> int | None:
    """Return how many rows an objective holds: what it declares beside a method on_rows, else those of its data."""
    return declared if declared and _has_method(objective, "on_rows") else rows_of(objective)


def adapt_strategy(strategy: Any) -> StrategyBase:
    """Return a strategy as a `StrategyBase`: one that is one as it is, any other object with ``search`` wrapped.

    Raises:
        StudyError: it has no such method, or an attribute of the wrong kind.
    """
    search = _attribute(strategy, "search")
    if not callable(search) or isinstance(strategy, type):
        raise StudyError(must_be("A study's strategy", "a strategy", strategy, "Write Random(trials=32)."))
    if not _binds(search, ("space", "rng", "known")):
        advice = "Write def search(self, space, rng, known=())."
        what = f"The search of {_owner(strategy)}"
        raise StudyError(must_be(what, "one of (space, rng, known)", str(inspect.signature(search)), advice))
    _check_spelling(strategy, _STRATEGY, {})
    found = {name: _value(strategy, name, kind) for name, kind in _STRATEGY.items()}
    if isinstance(strategy, StrategyBase):
        return strategy
    return AdaptedStrategy(
        strategy,
        trials=found["trials"],
        complete=bool(found["complete"]),
        continues=bool(found["continues"]),
        thaws=bool(found["thaws"]),
        preflight=bool(found["preflight"]),
        resource=found["resource"],
        max_epochs=found["max_epochs"],
    )


def takes_context(objective: AnyObjective) -> bool:
    """Return whether a callable has a second positional parameter.

    Raises:
        StudyError: it can be called neither with params nor with params and context.
    """
    try:
        parameters = inspect.signature(objective).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    if len(required) > 2 or not (positional or any(p.kind is p.VAR_POSITIONAL for p in parameters)):
        signature = str(inspect.signature(objective))
        raise StudyError(must_be("An objective", "f(params) or f(params, context)", signature, "Change its parameters."))
    return len(positional) >= 2 and (len(required) == 2 or positional[1].name == "context")


def _attribute(thing: Any, name: str) -> Any:
    """Return an attribute that is written on the object or its class, or None; ``__getattr__`` invents none."""
    if inspect.getattr_static(thing, name, _ABSENT) is _ABSENT:
        return None
    try:
        return getattr(thing, name)
    except Exception as error:
        what, reason = f"The attribute {name!r} of {_owner(thing)}", f"{type(error).__name__}: {error}"
        raise StudyError(must_be(what, "readable", reason, "Correct its property.")) from error


def _value(thing: Any, name: str, kind: _Kind) -> Any:
    """Return an optional value, or None where there is none; a method of that name is the user's own."""
    value = _attribute(thing, name)
    if value is None or callable(value):
        return None
    if not kind.fits(value):
        raise StudyError(must_be(f"The attribute {name!r} of {_owner(thing)}", kind.constraint, value, _OWN))
    return value


def _has_method(objective: Any, name: str) -> bool:
    """Return whether an object has an optional method, by its parameters' names; say so where it only looks like it."""
    method, wanted = _attribute(objective, name), _METHODS[name]
    if not callable(method) or not _binds(method, wanted):
        return False
    names = tuple(inspect.signature(method).parameters)[: len(wanted)]
    if names == wanted:
        return True
    own, expected = (f"{name}({', '.join(words)})" for words in (names, wanted))
    logger.warning("%s of %s is not used by the study, which looks for %s.", own, _owner(objective), expected)
    return False


def _binds(method: Callable[..., Any], names: tuple[str, ...]) -> bool:
    """Return whether a method can be called with so many positional arguments."""
    try:
        inspect.signature(method).bind(*names)
    except (TypeError, ValueError):
        return False
    return True


def _check_base(objective: ObjectiveBase, heeds: bool) -> None:
    """Raise an error where an `ObjectiveBase` cannot be called with params and context, or has values of another kind."""
    if not heeds:
        advice = "Write def __call__(self, params, context)."
        raise StudyError(must_be(f"The call of {_owner(objective)}", "one of (params, context)", "params alone", advice))
    for name, kind in _OBJECTIVE.items():
        if callable(value := _attribute(objective, name)):
            raise StudyError(must_be(f"The attribute {name!r} of {_owner(objective)}", kind.constraint, value, _OWN))
        _value(objective, name, kind)


def _check_spelling(thing: Any, kinds: Mapping[str, _Kind], methods: Mapping[str, tuple[str, ...]]) -> None:
    """Raise an error for an attribute that is close to a known name and of its kind: it would have no effect."""
    known = [name for name in (*kinds, *methods) if name not in _COMMON]
    for name in sorted({*_instance_names(thing), *(name for kind in type(thing).__mro__ for name in vars(kind))}):
        close = get_close_matches(name, known, 1, _CLOSE) if name not in (*kinds, *methods) and name[0] != "_" else []
        if close and _looks_like(thing, name, close[0], kinds, methods):
            advice = f"Rename it to {close[0]!r}, or to something less alike if it is your own."
            raise StudyError(must_be(f"An attribute of {_owner(thing)}", f"spelt {close[0]!r}", name, advice))


def _looks_like(thing: Any, name: str, close: str, kinds: Mapping[str, _Kind], methods: Mapping[str, tuple[str, ...]]) -> bool:
    value = _attribute(thing, name)
    if close in methods:
        return callable(value) and bool(methods[close]) and tuple(inspect.signature(value).parameters) == methods[close]
    return value is not None and not callable(value) and kinds[close].fits(value)


def _instance_names(thing: Any) -> Collection[str]:
    held = _attribute(thing, "__dict__")
    return held if isinstance(held, Mapping) else ()


def _owner(thing: Any) -> str:
    return thing.__qualname__ if inspect.isroutine(thing) else type(thing).__name__
