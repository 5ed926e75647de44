"""Identity of a study: what decides its trials, as texts; the versions of its classes; what changed since it was recorded."""

from __future__ import annotations

import dataclasses
import inspect
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hpsearch.content import Content, is_ours, is_whole, read_content, stable_repr
from hpsearch.ports import DataSet, ObjectiveBase, StrategyBase
from hpsearch.space import Choice, Space

# How many digits (hex) of a digest are recorded.
_DIGITS = 16
_BYTECODE = re.compile(r"(.*) \(content \w+, bytecode of Python ([\d.]+)\)", re.DOTALL)


@dataclass(frozen=True)
class Described:
    """A strategy, an objective or the options of a space: its text in the identity, and what that text leaves out."""

    text: str
    content: Content


@dataclass(frozen=True)
class Parts:
    """The parts of a study that may be the user's own, read once: when the study is made."""

    objective: Described
    strategy: Described
    options: Described | None

    @classmethod
    def of(cls, space: Space, objective: Any, strategy: Any) -> Parts:
        """Read the parts of a study."""
        return cls(describe_whole(objective), describe_whole(strategy), _describe_options(space))

    @cached_property
    def contents(self) -> list[Content]:
        """What is known of each part."""
        return [part.content for part in (self.objective, self.strategy, self.options) if part is not None]

    @property
    def facts(self) -> dict[str, str]:
        """What the identity leaves out, for the record; empty where that is nothing."""
        left_out, unread = _names(c.left_out for c in self.contents), _names(c.unread for c in self.contents)
        facts = {"identity_leaves_out": left_out, "identity_cannot_read": unread}
        return {name: text for name, text in facts.items() if text}

    @property
    def notes(self) -> list[str]:
        """What the identity leaves out, in sentences."""
        left_out, unread = (self.facts.get(name) for name in ("identity_leaves_out", "identity_cannot_read"))
        said = [f"Not part of the study's identity, since the study's own code writes to it: {left_out}."] if left_out else []
        advice = "A change there would not be noticed"
        return said + ([f"Not part of the study's identity, since it cannot be read: {unread}. {advice}."] if unread else [])


def describe(thing: Any) -> str:
    """Return the text that stands for a strategy or an objective in the identity of a study.

    For parts of this package it is their repr. Anything else is told by its content too: its code without comments,
    positions and docstrings, and all that the code reads beside the params, data included, see `hpsearch.content`.
    """
    return describe_whole(thing).text


def describe_whole(thing: Any) -> Described:
    """Return a strategy or an objective as text, with what the text leaves out."""
    content = read_content(thing)
    if is_ours(thing) and not inspect.isroutine(thing):
        text = stable_repr(thing)
        return Described(f"{text} ({_mark(content)})" if content.own else text, content)
    return Described(f"{stable_repr(thing)} ({_mark(content)})", content)


def _describe_options(space: Space) -> Described | None:
    """Return the options that the repr of a space does not tell whole: the user's own classes and functions, and data."""
    options = [option for domain in space.domains.values() if isinstance(domain, Choice) for option in domain.options]
    read = [option for option in options if not _is_told(option)]
    if not read:
        return None
    content = read_content(read)
    return Described(_mark(content), content)


def _is_told(option: Any) -> bool:
    """Return whether the repr of an option says all that a trial depends on."""
    if option is None or isinstance(option, (bool, int, float, str)):
        return True
    if isinstance(option, tuple):
        return all(map(_is_told, option))
    if is_ours(option):
        return not read_content(option).own
    is_data = isinstance(option, np.ndarray) or hasattr(option, "iloc")
    return not is_data and is_whole(option) and not read_content(option).own


def _mark(content: Content) -> str:
    """Return the mark that changes with a content; without a source it is bound to one version of Python, and says which."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"content {content.digest[:_DIGITS]}{f', bytecode of Python {version}' if content.sourceless else ''}"


def _names(found: Iterable[Sequence[str]]) -> str:
    return ", ".join(sorted({name for names in found for name in names}))


def changed_parts(recorded: Mapping[str, str], now: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Return the entries of an identity that changed; bytecode of another version of Python cannot be compared."""
    return [name for name in names if recorded.get(name) != now.get(name) and not _other_python(recorded, now, name)]


def incomparable_parts(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the entries that are known by the bytecode of another version of Python alone."""
    return [name for name in now if _other_python(recorded, now, name)]


def _other_python(recorded: Mapping[str, str], now: Mapping[str, str], name: str) -> bool:
    was, is_now = (_BYTECODE.fullmatch(identity.get(name, "")) for identity in (recorded, now))
    return was is not None and is_now is not None and was[1] == is_now[1] and was[2] != is_now[2]


@runtime_checkable
class _Versioned(Protocol):
    """An object whose repr stands for other trials than it once did."""

    version: int


def versions_of(*parts: object) -> str:
    """Return the classes within some parts of a study that have a version other than 1, such as ``Glorot 2``.

    A class raises its ``version`` when it gives other trials under the same repr. Only classes of this package, and
    subclasses of the ports' base classes, have one; the walk goes through dataclasses, containers and spaces.
    """
    found: dict[str, int] = {}
    visited: dict[int, object] = {}
    waiting = list(parts)
    while waiting:
        thing = waiting.pop()
        if id(thing) in visited:
            continue
        visited[id(thing)] = thing
        if _may_have_version(thing) and isinstance(thing, _Versioned) and thing.version != 1:
            found[type(thing).__name__] = thing.version
        waiting += _children(thing)
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def _may_have_version(thing: object) -> bool:
    return not isinstance(thing, type) and (is_ours(thing) or isinstance(thing, (ObjectiveBase, StrategyBase, DataSet)))


def _children(thing: object) -> Iterable[object]:
    if isinstance(thing, Mapping):
        return thing.values()
    if isinstance(thing, (list, tuple, set, frozenset)):
        return thing
    if isinstance(thing, Space):
        return thing.domains.values()
    return vars(thing).values() if dataclasses.is_dataclass(thing) and not isinstance(thing, type) else ()
