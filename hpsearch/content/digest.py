"""Digest of a value by its content: equal for equal code and data, whatever the addresses, the hash order and the formatting.

Code counts by its syntax tree, data by all of their bytes. What a function reads beside its arguments belongs to it: globals,
values of enclosing functions, defaults, functions and classes that are the user's own. What it writes to is a log or a cache
and is left out. Library code counts by its name.
"""

from __future__ import annotations

import builtins
import copyreg
import dataclasses
import functools
import hashlib
import importlib.util
import inspect
import json
import sys
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hpsearch.content.code import (
    NamePath,
    code_text,
    globals_assigned,
    module_text,
    modules_imported,
    names_loaded,
    paths_read,
    paths_written,
)
from hpsearch.content.origin import is_ours, is_own_class, is_own_file, is_own_function, is_own_module
from hpsearch.content.text import without_addresses

# A value's digest is worked out by a generator, which yields the parts whose digests it needs: no limit on how deep they nest.
_Parts = Generator[Any, str, str]
_PLAIN = (str, int, float, bool, type(None))
_CONTAINERS = (list, dict, set, deque)
# Methods that make an object: what they write to is a setting, not a log.
_MAKERS = frozenset(("__init__", "__new__", "__post_init__", "__setstate__", "__init_subclass__", "__set_name__"))
_WRAPPERS = (staticmethod, classmethod, property, functools.cached_property, functools._lru_cache_wrapper)
# Attributes of a class that do not decide what its instances do.
_IDLE = frozenset(("__repr__", "__str__", "__doc__", "__annotate__", "__annotate_func__"))


@dataclass(frozen=True)
class Content:
    """What is known of a value.

    Args:
        digest: SHA-256 (hex) of it.
        own: whether code of the user's own belongs to it.
        sourceless: whether the source of some of that code is not there, so that its bytecode counts.
        left_out: what the code writes to, such as ``LOG`` or ``Objective.seen``.
        unread: the types of objects whose content cannot be read.
    """

    digest: str
    own: bool
    sourceless: bool
    left_out: tuple[str, ...]
    unread: tuple[str, ...]


def read_content(thing: Any) -> Content:
    """Return what is known of a value; it is read now, so that later changes do not count.

    >>> read_content({"b": 2, "a": {1, 2}}).digest == read_content({"a": {2, 1}, "b": 2}).digest
    True
    """
    reader = _Reader()
    reader.scan(thing)
    digest = reader.digest(thing)
    return Content(digest, reader.own, reader.sourceless, tuple(sorted(reader.left_out)), tuple(sorted(reader.unread)))


@runtime_checkable
class _Data(Protocol):
    """A data set or a part of one, which knows the checksum of its rows."""

    checksum: str


class _Reader:
    def __init__(self) -> None:
        self.own = False
        self.sourceless = False
        self.left_out: set[str] = set()
        self.unread: set[str] = set()
        self._digests: dict[int, str] = {}
        self._kept: list[object] = []  # an address says which object it is only while that object lives
        self._names: set[str] = set()
        self._scanned: set[int] = set()
        # What is written to: global names, cells and attributes of one object by its address; attributes of classes.
        self._written: set[tuple[int, str]] = set()
        self._changed: set[tuple[int, str]] = set()
        self._class_writes: dict[type, tuple[set[str], set[str]]] = {}

    def scan(self, root: Any) -> None:
        """Find what the code of a value, and all that it calls, writes to."""
        waiting = list(_functions_of(root))
        while waiting:
            function = waiting.pop()
            if id(function) in self._scanned or not is_own_function(function):
                continue
            self._scanned.add(id(function))
            self._kept.append(function)
            try:
                waiting += self._scan_function(function)
            except Exception:  # of whatever kind: what it reads is an object's own code
                self.unread.add(function.__qualname__)

    def _scan_function(self, function: FunctionType) -> list[FunctionType]:
        """Find what one function writes to; return the functions that it may call."""
        self._names |= names_loaded(function.__code__)
        scope = _Scope(function)
        for paths, target in zip(paths_written(function), (self._written, self._changed), strict=True):
            target.update(found for path in paths if (found := scope.owner(path)) is not None)
        return [inner for value in scope.values() for inner in _functions_of(value)]

    def digest(self, root: Any) -> str:
        """Return the digest of a value."""
        active: dict[int, int] = {}
        stack: list[tuple[Any, _Parts]] = []
        answer: str | None = self._start(root, active, stack)
        while stack:
            thing, parts = stack[-1]
            try:
                child = parts.send(answer)  # type: ignore[arg-type]  # the first one is None
            except StopIteration as end:
                stack.pop()
                del active[id(thing)]
                answer = self._digests[id(thing)] = _hash(end.value)
                continue
            except Exception:  # of whatever kind: an object's own code runs here
                self.unread.add(_name_of(thing))
                stack.pop()
                del active[id(thing)]
                answer = self._digests[id(thing)] = _hash(f"unread {_name_of(thing)}")
                continue
            answer = self._start(child, active, stack)
        return str(answer)

    def _start(self, thing: Any, active: dict[int, int], stack: list[tuple[Any, _Parts]]) -> str | None:
        """Return the digest of what is simple or known; else put it on the stack."""
        text = _atom(thing)
        if text is not None:
            return _hash(text)
        if id(thing) in active:
            return f"the object {len(active) - active[id(thing)]} levels up"
        if id(thing) in self._digests:
            return self._digests[id(thing)]
        self._kept.append(thing)
        active[id(thing)] = len(active)
        stack.append((thing, self._parts(thing)))
        return None

    def _parts(self, thing: Any) -> _Parts:
        if isinstance(thing, FunctionType):
            return self._function(thing)
        if isinstance(thing, type):
            return self._class(thing)
        if isinstance(thing, MethodType):
            return self._sequence("method", (thing.__func__, thing.__self__))
        if isinstance(thing, np.ndarray):
            return self._array(thing)
        if isinstance(thing, ModuleType):
            return self._module(thing)
        if type(thing) in (list, tuple):
            return self._sequence(type(thing).__name__, thing)
        if type(thing) in (set, frozenset):
            return self._unordered(type(thing).__name__, thing)
        if type(thing) is dict:
            return self._dictionary(thing)
        return self._object(thing)

    def _sequence(self, kind: str, items: Iterable[Any]) -> _Parts:
        items = list(items)
        if len(items) > 8 and {type(item) for item in items} <= set(_PLAIN):
            return f"{kind} {json.dumps(items)}"
        parts = []
        for item in items:
            parts.append((yield item))
        return f"{kind} {parts}"

    def _unordered(self, kind: str, items: Iterable[Any]) -> _Parts:
        parts = []
        for item in items:
            parts.append((yield item))
        return f"{kind} {sorted(parts)}"

    def _dictionary(self, thing: Mapping[Any, Any]) -> _Parts:
        parts = []
        for key, value in thing.items():
            parts.append(((yield key), (yield value)))
        return f"dict {sorted(parts)}"

    def _array(self, thing: np.ndarray[Any, Any]) -> _Parts:
        kind = f"array {thing.dtype.str if thing.dtype.names is None else thing.dtype.descr} {thing.shape}"
        if thing.dtype.hasobject:
            return f"{kind} {(yield thing.ravel().tolist())}"
        return f"{kind} {hashlib.sha256(np.ascontiguousarray(thing).view(np.uint8).data if thing.size else b'').hexdigest()}"

    def _module(self, module: ModuleType) -> _Parts:
        """Read a module of the user's own that is handed on as a whole."""
        source = _source_of(module) if is_own_module(module) else None
        return f"module {module.__name__} {module_text(source) if source is not None else ''}"
        yield  # a generator, as the others are

    def _function(self, function: FunctionType) -> _Parts:
        if not is_own_function(function):
            return f"function {function.__module__}.{function.__qualname__}"
        self.own = True
        text, from_source = code_text(function)
        self.sourceless |= not from_source
        scope, parts = _Scope(function), []
        self.unread.update(f"{name} (not defined yet)" for name in scope.missing())
        for name, value in (("defaults", function.__defaults__), ("keywords", function.__kwdefaults__)):
            parts.append((name, (yield value)))
        for name, value in sorted(_attributes(function).items()):
            if name != "__wrapped__" and not self._is_written(id(function), name, value):
                parts.append((name, (yield value)))
        for label, owner, name, value in scope.reads():
            if self._is_written(owner, name, value):
                self.left_out.add(label)
            else:
                parts.append((label, (yield value)))
        return f"function {text} {parts}"

    def _class(self, kind: type) -> _Parts:
        if not is_own_class(kind):
            return f"class {kind.__module__}.{kind.__qualname__}"
        self.own = True
        parts = []
        for base in kind.__bases__:
            parts.append(("base", (yield base)))
        for name, value in sorted(self._without_writes(kind, id(kind), _class_attributes(kind)).items()):
            parts.append((name, (yield value)))
        if dataclasses.is_dataclass(kind):
            for field in dataclasses.fields(kind):
                default = None if field.default is dataclasses.MISSING else field.default
                factory = None if field.default_factory is dataclasses.MISSING else field.default_factory
                parts.append((field.name, f"{field.init} {(yield default)} {(yield factory)}"))
        return f"class {kind.__qualname__} {parts}"

    def _object(self, thing: Any) -> _Parts:
        if isinstance(thing, _WRAPPERS):
            return f"{type(thing).__name__} {(yield _unwrap(thing))}"
        if isinstance(thing, BuiltinFunctionType):
            owner = thing.__self__ if not isinstance(thing.__self__, ModuleType) else None
            return f"function {thing.__module__}.{thing.__qualname__} {(yield owner)}"
        if is_ours(thing):
            return (yield from self._ours(thing))
        if (plain := _frame(thing) or _tensor(thing)) is not None:
            return f"{type(thing).__name__} {(yield plain)}"
        return (yield from self._reduced(thing))

    def _ours(self, thing: Any) -> _Parts:
        """Read an object of this package: by its repr, the checksum of data, and what it holds of the user's."""
        if isinstance(thing, _Data):
            return f"{thing!r} {thing.checksum}"
        if not dataclasses.is_dataclass(thing):
            return without_addresses(repr(thing))
        parts = []
        for field in dataclasses.fields(thing):
            if field.repr or field.compare:
                parts.append((field.name, (yield getattr(thing, field.name))))
        return f"{type(thing).__qualname__} {parts}"

    def _reduced(self, thing: Any) -> _Parts:
        """Read any other object by what pickle would keep of it."""
        kind = yield type(thing)
        try:
            reducer = copyreg.dispatch_table.get(type(thing))
            reduced = reducer(thing) if reducer is not None else thing.__reduce_ex__(4)
        except Exception:
            self.unread.add(type(thing).__qualname__)
            return f"unread {kind}"
        if isinstance(reduced, str):
            return f"{kind} {reduced}"
        function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
            state = {**(state[0] or {}), **state[1]}  # attributes and slots
        if isinstance(state, dict):
            state = {name: value for name, value in state.items() if not _is_passing(type(thing), name)}
            state = self._without_writes(type(thing), id(thing), state) or None  # pickle's word for no attributes
        parts = [kind, (yield function), (yield [a for a in arguments if a is not type(thing)]), (yield state)]
        parts.append((yield list(items)) if items is not None else "")
        parts.append((yield dict(pairs)) if pairs is not None else "")
        return f"object {parts}"

    def _without_writes(self, kind: type, owner: int, attributes: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes of an object or a class that its code does not write to."""
        assigned, changed = self._writes_of(kind) if is_own_class(kind) else (set(), set())
        kept = {}
        for name, value in attributes.items():
            written = name in assigned or (name in changed and isinstance(value, _CONTAINERS))
            if written or self._is_written(owner, name, value):
                self.left_out.add(f"{kind.__qualname__}.{name}")
            else:
                kept[str(name)] = value
        return kept

    def _writes_of(self, kind: type) -> tuple[set[str], set[str]]:
        """Return the attributes that the methods of a class assign to and change, where these methods may be called."""
        if kind not in self._class_writes:
            assigned: set[str] = set()
            changed: set[str] = set()
            methods = {name: f for base in kind.__mro__ if is_own_class(base) for name, f in _methods(base).items()}
            waiting = {name for name in methods if name in self._names or name.startswith("__")} - _MAKERS
            done: set[str] = set()
            while waiting:
                done.add(name := waiting.pop())
                method = methods[name]
                own = method.__code__.co_varnames[:1]
                for paths, found in zip(paths_written(method), (assigned, changed), strict=True):
                    paths = {path[:1] + path[2:] if path[1:2] == ("__class__",) else path for path in paths}
                    found.update(path[1] for path in paths if len(path) == 2 and path[:1] == own)
                waiting |= (names_loaded(method.__code__) & set(methods)) - done - _MAKERS
            self._class_writes[kind] = assigned, changed
        return self._class_writes[kind]

    def _is_written(self, owner: int, name: str, value: Any) -> bool:
        return (owner, name) in self._written or ((owner, name) in self._changed and isinstance(value, _CONTAINERS))


class _Scope:
    """The names that a function reads beside its arguments, and what they stand for."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function
        self.cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))

    def reads(self) -> list[tuple[str, int, str, Any]]:
        """Return the names read, each with the address of what holds it, its name there, and its value."""
        found = {name: (id(cell), name, cell.cell_contents) for name, cell in self.cells.items() if _is_filled(cell)}
        for path in paths_read(self.function.__code__):
            if path[0] in self.function.__globals__:
                found |= dict([self._resolve(path)])
        for name, level in modules_imported(self.function.__code__):
            if (value := self._imported(name, level)) is not None:
                found[f"import {name}"] = (0, name, value)
        return [(name, *found[name]) for name in sorted(found)]

    def missing(self) -> list[str]:
        """Return the globals that are read and not defined yet."""
        known = {*self.function.__globals__, *vars(builtins)}
        return sorted({path[0] for path in paths_read(self.function.__code__)} - known)

    def values(self) -> list[Any]:
        """Return what the names stand for."""
        return [value for _, _, _, value in self.reads()]

    def owner(self, path: NamePath) -> tuple[int, str] | None:
        """Return the address of what holds the end of a path, and its name there; None where it is local."""
        name, code = path[0], self.function.__code__
        is_global = name in {read[0] for read in paths_read(code)} | globals_assigned(code)
        if name not in self.cells and not (is_global and name in self.function.__globals__):
            return None
        if len(path) == 1:
            return id(self.cells.get(name, self.function.__globals__)), name
        holder: Any = self.cells[name] if name in self.cells else self.function.__globals__[name]
        if isinstance(holder, CellType):
            holder = holder.cell_contents if _is_filled(holder) else None
        for step in path[1:-1]:
            holder = inspect.getattr_static(holder, step, None)
        return id(vars(holder) if isinstance(holder, ModuleType) else holder), path[-1]

    def _resolve(self, path: NamePath) -> tuple[str, tuple[int, str, Any]]:
        """Return what is read of a global: of a module of the user's own the attribute, of anything else the whole."""
        owner, value = id(self.function.__globals__), self.function.__globals__[path[0]]
        used = 1
        while used < len(path) and isinstance(value, ModuleType) and is_own_module(value) and path[used] in vars(value):
            owner, value, used = id(vars(value)), vars(value)[path[used]], used + 1
        return ".".join(path[:used]), (owner, path[used - 1], value)

    def _imported(self, name: str, level: int) -> ModuleType | str | None:
        """Return a module of the user's own that the function imports when it runs, or its source if it is not loaded yet."""
        try:
            package = self.function.__globals__.get("__package__") or ""
            full = importlib.util.resolve_name("." * level + name, package) if level else name
            if full in sys.modules:
                return sys.modules[full] if is_own_module(sys.modules[full]) else None
            spec = importlib.util.find_spec(full)
        except Exception:  # of whatever kind: a package's own code may run here
            return None
        file = spec.origin if spec is not None and spec.origin is not None else ""
        return module_text(Path(file).read_text()) if file.endswith(".py") and is_own_file(file) else None


def _source_of(module: ModuleType) -> str | None:
    try:
        return Path(str(module.__file__)).read_text()
    except (OSError, UnicodeDecodeError, AttributeError):
        return None


def _functions_of(thing: Any) -> list[FunctionType]:
    """Return the functions that may run when a value is called."""
    if isinstance(thing, FunctionType):
        inner = getattr(thing, "__wrapped__", None)
        return [thing, *(_functions_of(inner) if inner is not None else ())]
    if isinstance(thing, MethodType):
        return _functions_of(thing.__func__)
    if isinstance(thing, functools.partial):
        return _functions_of(thing.func)
    kind = thing if isinstance(thing, type) else type(thing)
    if not is_own_class(kind) or is_ours(kind):
        return _functions_of(thing.__wrapped__) if isinstance(thing, functools._lru_cache_wrapper) else []
    return [f for base in kind.__mro__ if is_own_class(base) for name, f in _methods(base).items() if name not in _MAKERS]


def _unwrap(thing: Any) -> Any:
    """Return the function that a decorator or a descriptor holds."""
    held = (getattr(thing, name, None) for name in ("__wrapped__", "func", "fget", "__func__"))
    return next((inner for inner in held if inner is not None), thing)


def _methods(kind: type) -> dict[str, FunctionType]:
    found = {name: _unwrap(value) if isinstance(value, _WRAPPERS) else value for name, value in vars(kind).items()}
    return {name: value for name, value in found.items() if isinstance(value, FunctionType)}


def _class_attributes(kind: type) -> dict[str, Any]:
    """Return the attributes of a class that decide what its instances do; not those that Python or a decorator made."""
    return {name: value for name, value in vars(kind).items() if name not in _IDLE and not _is_made(name, value)}


def _is_made(name: str, value: Any) -> bool:
    inner = getattr(value, "__wrapped__", value)
    if not isinstance(inner, FunctionType):
        return (name.startswith("__") and name.endswith("__")) or name == "_abc_impl"
    code = inner.__code__
    by_namedtuple = name == "__new__" and code.co_qualname == "<lambda>"
    return code.co_qualname.startswith("__create_fn__") or code.co_filename.startswith("<attrs generated") or by_namedtuple


def _is_passing(kind: type, name: str) -> bool:
    """Return whether an attribute holds what is worked out when it is asked for, or a version, which is a fact of the study."""
    return name == "_sklearn_version" or isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)


def _attributes(thing: Any) -> dict[str, Any]:
    return dict(getattr(thing, "__dict__", {}))


def _frame(thing: Any) -> list[Any] | None:
    """Return a pandas frame, series or index as plain parts: names, and columns as arrays; None for anything else."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(thing, (pandas.DataFrame, pandas.Series, pandas.Index)):
        return None
    if isinstance(thing, pandas.DataFrame):
        return [thing.index, list(thing.columns), [_column(thing.iloc[:, i].array) for i in range(thing.shape[1])]]
    if isinstance(thing, pandas.Series):
        return [thing.index, thing.name, _column(thing.array)]
    if isinstance(thing, pandas.RangeIndex):
        return ["range", thing.start, thing.stop, thing.step, thing.name]
    return [list(thing.names), list(thing) if isinstance(thing, pandas.MultiIndex) else _column(thing.array)]


def _tensor(thing: Any) -> list[Any] | None:
    """Return a PyTorch tensor as its dtype and an array, or None; what pickle keeps of one holds an address."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(thing, torch.Tensor):
        return None
    values = thing.detach().cpu()
    return [str(values.dtype), (values.float() if values.dtype == torch.bfloat16 else values).numpy()]


def _column(values: Any) -> list[Any]:
    """Return the values of a pandas array: as a NumPy array where it is one, else as a list with None where one is missing."""
    kind = str(values.dtype)
    if hasattr(values, "categories"):
        return [kind, list(values.categories), bool(values.ordered), np.asarray(values.codes)]
    if hasattr(values, "asi8"):  # moments, with a time zone or without
        return [kind, values.asi8]
    plain, missing = np.asarray(values), np.asarray(values.isna())
    if plain.dtype.kind in "biufcSU":
        return [kind, plain]
    return [kind, [None if gone else value for value, gone in zip(plain.tolist(), missing.tolist(), strict=True)]]


def _name_of(thing: Any) -> str:
    return str(thing.__qualname__ if isinstance(thing, (type, FunctionType)) else type(thing).__qualname__)


def _is_filled(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:  # a name bound later, such as the function's own
        return False
    return True


def _atom(thing: Any) -> str | None:
    """Return the text of a value without parts, or None."""
    if thing is None or thing is Ellipsis or thing is NotImplemented:
        return repr(thing)
    if type(thing) in (bool, int, float, complex, str, bytes):
        return f"{type(thing).__name__} {thing!r}"
    if isinstance(thing, np.generic) and not thing.dtype.hasobject:
        return f"scalar {thing.dtype.str} {thing.tobytes().hex()}"
    return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
