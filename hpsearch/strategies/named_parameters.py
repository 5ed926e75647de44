"""Parameters that a strategy takes by name: checks of the names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.space import Space


def check_names(strategy: Any, name: str, advice: str, fewest: int = 0) -> None:
    """Raise unless a field of a strategy is a tuple of names; turn a list into one.

    Raises:
        SettingError: for anything else, or fewer names than ``fewest``.
    """
    given, what = getattr(strategy, name), f"{type(strategy).__name__} {name}"
    names = tuple(given) if isinstance(given, list) else given
    if not isinstance(names, tuple) or not all(isinstance(one, str) for one in names) or len(names) < fewest:
        raise SettingError(must_be(what, "a tuple of names", given, advice))
    object.__setattr__(strategy, name, names)


def check_in_space(what: str, names: Sequence[str], space: Space) -> None:
    """Raise unless each name is a parameter that is there in every setting, or that depends on earlier names alone.

    Raises:
        SettingError: naming the parameter and what it depends on.
    """
    for index, name in enumerate(names):
        if name not in space:
            advice = f"Take some of them.{did_you_mean(name, space)}"
            raise SettingError(must_be(what, f"names of parameters, {', '.join(space)}", name, advice))
        missing = [parent for parent, _ in space[name].conditions if parent not in names[:index]]
        if missing:
            advice = f"It is there for some values of {missing[0]!r} alone. Name {missing[0]!r} before it, or leave it out."
            raise SettingError(must_be(what, "parameters that every setting has", name, advice))
