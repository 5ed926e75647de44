"""A mapping whose values are fetched when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Lazy(Mapping[str, Value], Generic[Value]):
    """Known names, values fetched on first access and kept; equal to the dict of the same content.

    >>> dict(Lazy(["a"], len))
    {'a': 1}
    """

    def __init__(self, names: Iterable[str], fetch: Callable[[str], Value]) -> None:
        self._names = dict.fromkeys(names)
        self._fetch = fetch
        self._kept: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._kept:
            self._kept[name] = self._fetch(name)
        return self._kept[name]

    def __contains__(self, name: object) -> bool:
        # A mapping's own way would be to fetch the value.
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[dict[str, Value]], tuple[dict[str, Value]]]:
        # What travels to another process is the content, never the connection it came from.
        return dict, (dict(self),)
