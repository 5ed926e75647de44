"""Domains of parameters: real numbers, whole numbers and choices, each with its map from the unit interval.

Sampling, grids and quasi-random sequences all use that one map, `from_unit`. Values are Python values, never NumPy scalars. A
choice may hold *templates*: dataclass instances whose fields are domains (see `hpsearch.space.templates`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from hpsearch.checks import integer, is_integer, is_number, number, to_python
from hpsearch.content import read_content, stable_repr
from hpsearch.errors import SpaceError, must_be

Spacing = Literal["ends", "cells"]
# The ends of a range that a search may not pass; None: both ends of a linear range, none of a logarithmic one.
Hard = bool | Literal["low", "high"] | None
# (parent, allowed labels) pairs, all of which must hold for a parameter to be present.
Conditions = tuple[tuple[str, tuple[str, ...]], ...]
When = Mapping[str, Any] | Conditions | None


@dataclass(frozen=True, repr=False)
class DomainBase:
    """Base class of all domains: a map of [0, 1] onto values, and a repr that evaluates to the same domain."""

    when: When = field(default=None, kw_only=True)
    # The end with the simpler setting, for the one-standard-error rule (`hpsearch.trial.selection`).
    simple: Literal["low", "high"] | None = field(default=None, kw_only=True)

    @property
    def conditions(self) -> Conditions:
        """The conditions under which the parameter is present; empty if it always is."""
        return _to_conditions(self.when)

    @property
    def is_log(self) -> bool:
        """Whether the values are spaced evenly on a logarithmic scale."""
        return False

    @property
    def free(self) -> tuple[bool, bool]:
        """Whether a search that adapts its ranges may pass the low end, and the high end."""
        return False, False

    @property
    def _base_options(self) -> dict[str, object]:
        return {"when": self.when, "simple": self.simple}

    def from_unit(self, u: float) -> Any:
        """Return the value at ``u`` in [0, 1]."""
        raise NotImplementedError

    def _format_repr(self, *positional: object, **options: object) -> str:
        """Return the repr, without the options at their default; the default of ``hard`` is None, not False."""
        changed = {name: value for name, value in options.items() if value or (name == "hard" and value is not None)}
        keywords = [f"{name}={value!r}" for name, value in changed.items()]
        return f"{type(self).__name__}({', '.join([*map(stable_repr, positional), *keywords])})"

    def grid(self, count: int | None, spacing: Spacing) -> list[Any]:
        """Return at most ``count`` values: both ends included (``"ends"``) or centres of equal cells (``"cells"``)."""
        if count is None:
            raise SpaceError(f"A grid over {self!r} must be given a number of points. Pass one, as in points=5.")
        return list(dict.fromkeys(self.from_unit(u) for u in _even_units(count, spacing)))


@dataclass(frozen=True, repr=False)
class Float(DomainBase):
    """Real numbers in [low, high], spaced evenly or, with ``log``, evenly on a logarithmic scale.

    ``hard`` names the ends that no search may pass: True, False, ``"low"`` or ``"high"``. By default both ends of a linear
    range are hard (a momentum stays below 1), and those of a logarithmic one are not: a search that moves its ranges, such as
    `Staged`, may pass them.

    >>> Float(1e-4, 1.0, log=True).from_unit(0.5)
    0.01
    """

    low: float
    high: float
    log: bool = False
    hard: Hard = None

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = to_python(getattr(self, name))
            end = number(f"Float {name}", value, advice="Write it as in Float(0.001, 1.0).", error=SpaceError)
            object.__setattr__(self, name, float(end))
        object.__setattr__(self, "when", _to_conditions(self.when))
        _check_simple(self.simple)
        _check_ends(type(self).__name__, self.low, self.high, self.log, self.hard)

    @property
    def is_log(self) -> bool:
        """Whether the values are spaced evenly on a logarithmic scale."""
        return self.log

    @property
    def free(self) -> tuple[bool, bool]:
        """Whether a search that adapts its ranges may pass the low end, and the high end."""
        return _free_ends(self.hard, self.log)

    def __repr__(self) -> str:
        return self._format_repr(self.low, self.high, log=self.log, hard=self.hard, **self._base_options)

    def from_unit(self, u: float) -> float:
        """Return the value at ``u`` in [0, 1]."""
        if u <= 0 or u >= 1:
            return self.low if u <= 0 else self.high
        if self.log:
            value = math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
            value = float(f"{value:.15g}")  # the last bit of exp is noise: 0.01, not 0.010000000000000002
        else:
            value = self.low + u * (self.high - self.low)
        return min(max(value, self.low), self.high)

    def to_unit(self, value: float) -> float:
        """Return the position of ``value``: 0 at ``low`` and 1 at ``high``."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def contains(self, value: object) -> bool:
        """Return whether ``value`` is a number in the range."""
        return is_number(value) and self.low <= value <= self.high

    def text(self, value: float) -> str:
        """Return a text from which `parse` restores the same bits."""
        return repr(float(value))

    def parse(self, text: str) -> float:
        """Return the value that a text stands for."""
        return float(text)


@dataclass(frozen=True, repr=False)
class Int(DomainBase):
    """Whole numbers low, low + step, ..., high; ``log`` and ``hard`` as in `Float`.

    >>> [Int(1, 100, log=True).from_unit(u) for u in (0.0, 0.5, 1.0)]
    [1, 7, 100]
    """

    low: int
    high: int
    log: bool = False
    step: int = 1
    hard: Hard = None

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = to_python(getattr(self, name))
            advice = "Write it as in Int(2, 10), or use Float."
            object.__setattr__(self, name, integer(f"Int {name}", value, None, advice, error=SpaceError))
        object.__setattr__(self, "when", _to_conditions(self.when))
        _check_simple(self.simple)
        _check_ends(type(self).__name__, self.low, self.high, self.log, self.hard)
        if self.step < 1 or (self.log and self.step != 1):
            raise SpaceError(must_be("Int step", ">= 1, and 1 where log=True", self.step, "Leave it out."))
        if (self.high - self.low) % self.step:
            advice = f"Try high={self.high - (self.high - self.low) % self.step}."
            raise SpaceError(must_be("Int high", f"low plus a multiple of step={self.step}", self.high, advice))

    def __repr__(self) -> str:
        return self._format_repr(
            self.low, self.high, log=self.log, hard=self.hard, step=self.step != 1 and self.step, **self._base_options
        )

    @property
    def is_log(self) -> bool:
        """Whether the values are spaced evenly on a logarithmic scale."""
        return self.log

    @property
    def free(self) -> tuple[bool, bool]:
        """Whether a search that adapts its ranges may pass the low end, and the high end."""
        return _free_ends(self.hard, self.log)

    @property
    def count(self) -> int:
        """The number of values."""
        return (self.high - self.low) // self.step + 1

    def from_unit(self, u: float) -> int:
        """Return the value whose cell holds ``u``; each value has one cell (equally wide unless ``log``)."""
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return min(max(round(math.exp(low + u * (high - low))), self.low), self.high)
        return self.low + self.step * min(int(u * self.count), self.count - 1)

    def to_unit(self, value: float) -> float:
        """Return a point inside the cell of ``value``."""
        if self.log:
            return math.log(value / (self.low - 0.5)) / math.log((self.high + 0.5) / (self.low - 0.5))
        return ((value - self.low) / self.step + 0.5) / self.count

    def contains(self, value: object) -> bool:
        """Return whether ``value`` is one of the whole numbers."""
        return is_integer(value) and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def text(self, value: int) -> str:
        """Return a text from which `parse` restores the number."""
        return str(int(value))

    def parse(self, text: str) -> int:
        """Return the number that a text stands for."""
        return int(text)


@dataclass(frozen=True, repr=False, init=False)
class Choice(DomainBase):
    """One of several options: plain values, or templates such as ``HalveOnPlateau(patience=Int(2, 10))``.

    Params hold a plain option as itself, and a template as its label: its class name if that is unique. Options whose labels
    are in ``dropped`` keep their place but are no longer proposed.

    >>> Choice(10, 20, 50).from_unit(0.4)
    20
    """

    options: tuple[Any, ...]
    dropped: tuple[str, ...] = ()

    def __init__(
        self,
        *options: Any,
        when: When = None,
        dropped: Sequence[str] = (),
        simple: Literal["low", "high"] | None = None,
    ) -> None:
        if len(options) == 1 and isinstance(options[0], (list, set, dict)):
            raise SpaceError(must_be("Choice", "given its options one by one", options[0], "Write Choice(10, 20)."))
        if not options:
            raise SpaceError(must_be("Choice", "given at least one option", (), "Write Choice(10, 20)."))
        object.__setattr__(self, "options", tuple(to_python(option) for option in options))
        object.__setattr__(self, "when", _to_conditions(when))
        object.__setattr__(self, "simple", _check_simple(simple))
        if len(set(self.labels)) < len(self.labels):
            raise SpaceError(must_be("Choice options", "distinct", self.labels, "Remove the repeated one."))
        object.__setattr__(self, "dropped", tuple(dropped))
        if not set(self.dropped) < set(self.labels):
            raise SpaceError(must_be("Choice dropped", f"some of {self.labels!r}, not all", self.dropped, "Keep one."))

    def __repr__(self) -> str:
        return self._format_repr(*self.options, dropped=self.dropped, **self._base_options)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of the options: texts, all distinct; objects of one name are told apart by their content."""
        labels = [_option_label(option) for option in self.options]
        for text_of in (stable_repr, _label_with_content):
            pairs = list(zip(labels, self.options, strict=True))
            labels = [text if labels.count(text) == 1 else text_of(option) for text, option in pairs]
        return tuple(labels)

    @cached_property
    def values(self) -> tuple[Any, ...]:
        """The value in params for each option."""
        pairs = zip(self.options, self.labels, strict=True)
        return tuple(option if _is_plain(option) else label for option, label in pairs)

    @cached_property
    def kept(self) -> tuple[Any, ...]:
        """The value in params for each option that was not dropped."""
        return tuple(v for v, label in zip(self.values, self.labels, strict=True) if label not in self.dropped)

    def index(self, value: object) -> int:
        """Return the position of an option, given its value, its label or the option itself; -1 if there is none."""
        for candidates in (self.values, self.options):
            for position, candidate in enumerate(candidates):
                if type(candidate) is type(value) and candidate == value:
                    return position
        return self.labels.index(value) if isinstance(value, str) and value in self.labels else -1

    def from_unit(self, u: float) -> Any:
        """Return the option whose cell holds ``u``; all cells are equally wide."""
        return self.kept[min(int(u * len(self.kept)), len(self.kept) - 1)]

    def to_unit(self, value: Any) -> float:
        """Return the centre of the option's cell, or 0.5 for a dropped option, which has no cell."""
        positions = [self.index(other) for other in self.kept]
        return (positions.index(self.index(value)) + 0.5) / len(positions) if self.contains(value) else 0.5

    def contains(self, value: object) -> bool:
        """Return whether ``value`` stands for an option that was not dropped."""
        position = self.index(value)
        return position >= 0 and self.labels[position] not in self.dropped

    def grid(self, count: int | None, spacing: Spacing) -> list[Any]:
        """Return the values of all options that were not dropped, for any ``count``."""
        return list(self.kept)

    def text(self, value: Any) -> str:
        """Return the option's label."""
        return self.labels[self.index(value)]

    def parse(self, text: str) -> Any:
        """Return the value in params for a label."""
        return self.values[self.labels.index(text)]


Domain = Float | Int | Choice


def template_domains(option: Any) -> dict[str, Domain]:
    """Return the fields of a template that are domains, by name; an empty dict for any other option."""
    if not dataclasses.is_dataclass(option) or isinstance(option, (type, DomainBase)):
        return {}
    fields = {f.name: getattr(option, f.name) for f in dataclasses.fields(option) if f.init}
    return {name: value for name, value in fields.items() if isinstance(value, (Float, Int, Choice))}


def _check_ends(kind: str, low: float, high: float, log: bool, hard: object) -> None:
    """Check the order and the sign of the ends of a range, and its ``hard``."""
    if not low < high:
        raise SpaceError(f"{kind} needs low < high, got low={low!r}, high={high!r}. Swap them, or fix the value.")
    if log and low <= 0:
        raise SpaceError(must_be(f"{kind} low", "> 0 where log=True", low, "Raise it, as in 1e-4, or leave log out."))
    if not any(hard is known for known in (None, True, False)) and hard not in ("low", "high"):
        advice = "Leave it out to keep the ends of linear ranges only."
        raise SpaceError(must_be(f"{kind} hard", "True, False, 'low' or 'high'", hard, advice))


def _free_ends(hard: Hard, log: bool) -> tuple[bool, bool]:
    """Return whether a search may pass the low end, and the high end."""
    hard = not log if hard is None else hard
    return hard not in (True, "low"), hard not in (True, "high")


def _even_units(count: object, spacing: Spacing) -> list[float]:
    """Return ``count`` evenly spaced points of [0, 1]: both ends included (``"ends"``), or centres of cells (``"cells"``).

    >>> _even_units(3, "ends"), _even_units(2, "cells")
    ([0.0, 0.5, 1.0], [0.25, 0.75])
    """
    points = integer("A number of grid points", count, 1, "Try 5.", error=SpaceError)
    if spacing == "cells" or points == 1:
        return [(i + 0.5) / points for i in range(points)]
    return [i / (points - 1) for i in range(points)]


def _check_simple(simple: object) -> object:
    if simple not in (None, "low", "high"):
        raise SpaceError(
            must_be("simple", "'low' or 'high'", simple, "Name the end with the simpler setting, or leave it out.")
        )
    return simple


def _to_conditions(when: When) -> Conditions:
    """Return conditions in the form in which they are stored; a list or a set means "any of these"."""
    if not when:
        return ()
    if isinstance(when, tuple):
        return when
    if not isinstance(when, Mapping):
        raise SpaceError(must_be("when", "a dict of parameter and value", when, "Write when={'optimizer': 'sgd'}."))
    several = {k: v if isinstance(v, (list, set, frozenset)) else [v] for k, v in when.items()}
    return tuple((name, tuple(_option_label(to_python(v)) for v in values)) for name, values in several.items())


def _is_plain(option: Any) -> bool:
    if isinstance(option, tuple):
        return all(_is_plain(item) for item in option)
    return option is None or isinstance(option, (bool, int, float, str))


def _option_label(option: Any) -> str:
    if isinstance(option, str):
        return option
    if _is_plain(option):
        return repr(option)
    named = getattr(option, "__name__", None)
    text = named or (type(option).__name__ if template_domains(option) else stable_repr(option))
    return text.removesuffix("()")


def _label_with_content(option: Any) -> str:
    return stable_repr(option) if _is_plain(option) else f"{stable_repr(option)} {read_content(option).digest[:8]}"
