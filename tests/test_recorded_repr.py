"""Reprs of recorded classes: the repr of before a field was added, as long as the field has its default."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hpsearch.checks import LATER, recorded_repr


def of_today() -> Any:
    """Return the class as it was first recorded, with the repr that dataclasses makes."""

    @dataclass(frozen=True)
    class Rule:
        rate: float
        names: tuple[str, ...] = ("a",)
        engine: str = field(default="auto", repr=False)

    return Rule


def of_tomorrow() -> Any:
    """Return the same class with two fields more."""

    @dataclass(frozen=True)
    class Rule:
        rate: float
        names: tuple[str, ...] = ("a",)
        clip: float | None = field(default=None, metadata=LATER)
        engine: str = field(default="auto", repr=False)
        twice: bool = field(default=False, metadata=LATER)

        __repr__ = recorded_repr

    return Rule


def record(made: Any) -> str:
    """Return a repr without the function that the class was written in."""
    return repr(made).rpartition("<locals>.")[2]


@pytest.mark.parametrize("settings", [{}, {"names": ("b", "c")}, {"engine": "numpy"}])
def test_new_fields_at_their_default_leave_the_repr_of_dataclasses(settings: dict[str, Any]) -> None:
    assert record(of_tomorrow()(0.5, **settings)) == record(of_today()(0.5, **settings))


def test_a_new_field_with_another_value_is_in_the_repr_at_its_place() -> None:
    changed = of_tomorrow()(0.5, clip=1.0, twice=True)
    assert record(changed) == "Rule(rate=0.5, names=('a',), clip=1.0, twice=True)"
    assert record(replace(changed, clip=None)) == "Rule(rate=0.5, names=('a',), twice=True)"


def test_a_class_without_new_fields_has_the_repr_of_dataclasses() -> None:
    known = of_today()
    assert recorded_repr(known(2.0, ("x",))) == repr(known(2.0, ("x",)))
