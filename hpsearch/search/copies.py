"""Copies of the objects that a user hands in: one set for the study, and from these a set of its own for every trial.

A study copies its space and its objective once, when it is made. These copies stay as they are: each trial, check and export
works on copies of them, so nothing that it writes reaches the user or another trial. What nothing can write to is not copied:
numbers, texts, functions, and the package's own frozen classes that hold such things. Data sets, and arrays and frames above
1 MB, are shared and read-only. A function is never copied, and so neither is what it keeps in a closure or a global.
"""

from __future__ import annotations

import copy
import copyreg
import gc
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import lru_cache, partial
from types import BuiltinFunctionType, FunctionType, GeneratorType, MappingProxyType, MethodType, ModuleType
from typing import Any, TypeVar

import numpy as np

from hpsearch.data import Dataset, Part
from hpsearch.errors import SpaceError, must_be
from hpsearch.execution.task import SHARED_BYTES
from hpsearch.ports import AnyObjective, DataSet, ObjectiveBase, Task
from hpsearch.ports.adapt import AdaptedObjective
from hpsearch.space import Choice, Params, Space

# What `copy.deepcopy` has made of an object, by the object's id.
Memo = dict[int, Any]
Dataclass = TypeVar("Dataclass")
Named = TypeVar("Named")
# Classes whose instances nothing can write to, and which hold nothing that can be written to.
_ATOMS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, range, type(...), type(NotImplemented)}
    | {FunctionType, BuiltinFunctionType, type(lru_cache(len))}
)
# By these a class says how its instances are copied.
_HOOKS = (
    *("__new__", "__deepcopy__", "__reduce_ex__", "__reduce__"),
    *("__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__"),
)
_NEW = object().__reduce_ex__(4)[0]
# The search for what is shared ends here: these hold what belongs to everybody.
_CLOSED = (type, ModuleType, GeneratorType, Dataset, Part)


@dataclass(frozen=True)
class Copies:
    """What has to be copied for each trial of a study.

    Args:
        names: the params whose values can be written to.
        objective: whether the objective can be.
        plain: of an object that is copied attribute by attribute those that nothing can write to; None for any other.
        shared: what the copies have in common: data sets, large arrays and frames, and what cannot be copied.
        warning: one sentence on what of the objective cannot be copied, or an empty text.
    """

    names: frozenset[str] = frozenset()
    objective: bool = False
    plain: frozenset[str] | None = None
    shared: tuple[Any, ...] = ()
    warning: str = ""

    def __call__(self, objective: ObjectiveBase, task: Task) -> tuple[ObjectiveBase, Task]:
        """Return the copies that one attempt at a trial works on: of the objective, the params and the state."""
        if not (self.names or self.objective or task.state is not None):
            return objective, task
        own, params = self.of(objective, task.params)
        return own, _change(task, params=params, state=copy.deepcopy(task.state), copies=None)

    def of(self, objective: ObjectiveBase, params: Mapping[str, Any] = MappingProxyType({})) -> tuple[ObjectiveBase, Params]:
        """Return copies of the study's objective and of some params; an object that is in both is one in the copies too."""
        memo = {id(thing): _view(thing) for thing in self.shared}
        own = self._copy_objective(objective, memo) if self.objective else objective
        return own, {name: copy.deepcopy(value, memo) if name in self.names else value for name, value in params.items()}

    def _copy_objective(self, objective: ObjectiveBase, memo: Memo) -> ObjectiveBase:
        """Copy an objective; of an adapted one the user's own object, since everything else was read from it once."""
        if isinstance(objective, AdaptedObjective):
            return _change(objective, given=self._copy_given(objective.given, memo))
        own: ObjectiveBase = self._copy_given(objective, memo)
        return own

    def _copy_given(self, given: Any, memo: Memo) -> Any:
        if self.plain is None:
            return copy.deepcopy(given, memo)
        own = memo[id(given)] = _change(given)
        held = vars(own)
        for name in held.keys() - self.plain:
            held[name] = copy.deepcopy(held[name], memo)
        return own


def take(space: Space, objective: AnyObjective, named: Named) -> tuple[Space, AnyObjective, Named, Copies]:
    """Return a study's own copies of its space and its objective, and what has to be copied again for each trial.

    Args:
        named: settings that may name an option by the object itself; they name its copy then.
    Raises:
        SpaceError: an option of a choice cannot be copied.
    """
    names = frozenset(name for name, domain in space.declared if not is_frozen(domain))
    stateful = not is_frozen(objective)
    written = [*([space] if names else []), *([objective] if stateful else [])]
    memo = {id(thing): shared for thing in _reachable(written) if (shared := _shared_form(thing)) is not None}
    shared = tuple({id(thing): thing for thing in memo.values()}.values())
    warning, plain = "", None
    if names:
        _check_options(space, names, memo)
        space = copy.deepcopy(space, memo)
        named = copy.deepcopy(named, memo) if _copy_error(named, memo) is None else named
    if stateful:
        uncopied = _find_uncopied(objective, memo)
        memo |= {id(thing): thing for thing in uncopied}
        warning = _describe_uncopied(objective, uncopied)
        objective, shared = copy.deepcopy(objective, memo), (*shared, *uncopied)
        given = objective.given if isinstance(objective, AdaptedObjective) else objective
        plain = None if id(given) in memo else _plain_attributes(given)
    return space, objective, named, Copies(names, stateful, plain, shared, warning)


def is_our_frozen(thing: object) -> bool:
    """Return whether an object is of one of this package's frozen dataclasses, which never write to themselves."""
    kind = type(thing)
    ours = str(kind.__module__).split(".")[0] == "hpsearch" and kind is not AdaptedObjective
    return ours and is_dataclass(kind) and _is_frozen_class(kind)


def is_frozen(thing: object) -> bool:
    """Return whether neither an object nor anything it holds can be written to.

    >>> is_frozen((1, "a", len)), is_frozen({"kind": "svc"})
    (True, False)
    """
    waiting, seen = [thing], {id(thing): thing}
    while waiting:
        parts = _frozen_parts(waiting.pop())
        if parts is None:
            return False
        new = {id(part): part for part in parts if id(part) not in seen}
        seen |= new
        waiting += new.values()
    return True


def _frozen_parts(thing: Any) -> Iterable[Any] | None:
    """Return what an object holds that can be written to, or None where the object itself can be written to."""
    kind = type(thing)
    if kind in _ATOMS or isinstance(thing, (type, ModuleType, Enum, Dataset, Part, np.dtype, np.ufunc)):
        return ()
    if kind is tuple or kind is frozenset:
        return tuple(thing)
    if isinstance(thing, np.generic):
        return () if not isinstance(thing, np.void) else None
    if kind is MethodType:
        return (thing.__func__, thing.__self__)
    if kind is partial and not vars(thing):
        return (thing.func, *thing.args, *thing.keywords.values())
    if kind is MappingProxyType:
        return (*thing.keys(), *thing.values())
    return [getattr(thing, item.name) for item in fields(thing)] if is_our_frozen(thing) else None


def _plain_attributes(thing: Any) -> frozenset[str] | None:
    """Return the attributes of an object that nothing can write to; None where its class says how it is copied.

    Copying the others alone is what `copy.deepcopy` does, in a third of the time.
    """
    kind = type(thing)
    if any(getattr(kind, hook, None) is not getattr(object, hook, None) for hook in _HOOKS) or kind in copyreg.dispatch_table:
        return None
    held = getattr(thing, "__dict__", None)
    if not held or thing.__reduce_ex__(4) != (_NEW, (kind,), held, None, None):  # it has slots, or is a list or a dict too
        return None
    return frozenset(name for name, value in held.items() if is_frozen(value))


def _is_frozen_class(kind: Any) -> bool:
    return bool(kind.__dataclass_params__.frozen)


def _reachable(things: Iterable[Any]) -> Iterator[Any]:
    """Yield what some objects hold, at any depth: no functions and classes, and nothing inside of modules and data sets."""
    waiting = list(things)
    seen: dict[int, Any] = {}
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or type(thing) in _ATOMS or isinstance(thing, type):
            continue
        seen[id(thing)] = thing
        yield thing
        if not isinstance(thing, _CLOSED) and not _is_our_data(thing) and not _is_frame(thing):
            waiting += gc.get_referents(thing)


def _is_our_data(thing: Any) -> bool:
    """Return whether an object is a data set of this package that nothing writes to."""
    return isinstance(thing, DataSet) and is_our_frozen(thing)


def _shared_form(thing: Any) -> Any | None:
    """Return the form in which all trials share an object, read-only where it can be; None for what each trial copies."""
    if isinstance(thing, (Dataset, Part, ModuleType)) or _is_our_data(thing):
        return thing
    if isinstance(thing, MappingProxyType):
        return thing if is_frozen(thing) else None
    if isinstance(thing, np.ndarray):
        return _read_only(thing) if thing.nbytes > SHARED_BYTES and _holds_values(thing) else None
    if _is_frame(thing) and _copies_on_write() and int(np.sum(thing.memory_usage())) > SHARED_BYTES:
        return _view(thing)
    return None


def _view(thing: Any) -> Any:
    """Return what a copy holds in the place of a shared object: of a frame a view that is copied when it is written to."""
    return thing.copy(deep=False) if _is_frame(thing) else thing


def _read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _holds_values(array: np.ndarray[Any, Any]) -> bool:
    """Return whether a read-only view protects all of an array: not a mask beside it, nor objects that it refers to."""
    if isinstance(array, np.ma.MaskedArray):
        return False
    return not array.dtype.hasobject or (array.dtype == object and {type(item) for item in array.flat} <= _ATOMS)


def _is_frame(thing: object) -> bool:
    pandas: Any = sys.modules.get("pandas")
    return pandas is not None and isinstance(thing, (pandas.DataFrame, pandas.Series, pandas.Index))


def _copies_on_write() -> bool:
    """Return whether pandas copies what a shallow copy shares as soon as it is written to."""
    return int(sys.modules["pandas"].__version__.split(".")[0]) >= 3


def _change(thing: Dataclass, **changes: Any) -> Dataclass:
    """Return a dataclass with other values in some fields, in a tenth of the time that `dataclasses.replace` takes."""
    made = object.__new__(type(thing))
    made.__dict__.update(vars(thing), **changes)
    return made


def _check_options(space: Space, names: Collection[str], memo: Memo) -> None:
    choices = [(name, domain) for name, domain in space.declared if name in names and isinstance(domain, Choice)]
    for name, domain in choices:
        for label, option in zip(domain.labels, domain.options, strict=True):
            error = _copy_error(option, memo)
            if error is not None:
                what, constraint = f"Option {label!r} of {name!r}", "an object that can be copied"
                advice = "Each trial works on its own copy: give a plain option, and make the object in the objective."
                raise SpaceError(must_be(what, constraint, error, advice)) from error


def _copy_error(thing: Any, memo: Memo) -> Exception | None:
    """Return why an object cannot be copied, or None."""
    try:
        made = copy.deepcopy(thing, dict(memo))
    except Exception as error:  # of whatever kind: an object's own code runs here
        return error
    return None if type(made) is type(thing) else TypeError(f"its copy is a {type(made).__name__}")


def _find_uncopied(objective: AnyObjective, memo: Memo) -> list[Any]:
    """Return the smallest parts of an objective without which it can be copied."""
    if _copy_error(objective, memo) is None:
        return []
    parts = list({id(part): part for part in _uncopied_parts(objective, memo, {})}.values())
    if _copy_error(objective, memo | {id(part): part for part in parts}) is None:
        return parts
    return [objective]


def _uncopied_parts(thing: Any, memo: Memo, seen: dict[int, Any]) -> Iterator[Any]:
    """Yield the smallest parts of an object that cannot be copied; of one that is too deep, what it is an attribute of."""
    parts = [part for part in _parts(thing) if id(part) not in seen]
    seen |= {id(part): part for part in parts}
    for part in parts:
        error = None if type(part) in _ATOMS or id(part) in memo else _copy_error(part, memo)
        if error is not None:
            inner = [] if isinstance(error, RecursionError) else list(_uncopied_parts(part, memo, seen))
            yield from inner or [part]


def _parts(thing: Any) -> Iterator[Any]:
    """Yield what an object refers to; its attributes one by one."""
    attributes = getattr(thing, "__dict__", None)
    for item in gc.get_referents(thing):
        yield from attributes.values() if item is attributes and attributes is not None else [item]


def _describe_uncopied(objective: AnyObjective, uncopied: Collection[Any]) -> str:
    """Return one sentence on what the trials share because it cannot be copied, or an empty text."""
    if not uncopied:
        return ""
    owner, kinds = type(objective).__name__, sorted({type(thing).__name__ for thing in uncopied})
    what = f"of {owner} " if any(thing is objective for thing in uncopied) else f"in {owner} ({', '.join(kinds)}) "
    return f"What cannot be copied {what}is shared by all trials: what one of them changes there reaches the others."
