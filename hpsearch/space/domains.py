"""Domains of parameters: real numbers, whole numbers and choices, each with its map from the unit interval.

Sampling, grids and quasi-random sequences all use that one map, `from_unit`. Values are Python values, never NumPy scalars. A
choice may hold *templates*: dataclass instances whose fields are domains (see `hpsearch.space.templates`).
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Mapping, MappingView, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from hpsearch.checks import LATER, integer, is_integer, is_number, number, to_python
from hpsearch.content import read_content, stable_repr
from hpsearch.errors import SpaceError, must_be
from hpsearch.space.equality import is_same, python_value
from hpsearch.space.steps import steps_between, value_after, whole_steps

Spacing = Literal["ends", "cells"]
# The ends of a range that a search may not pass; None: both ends of a linear range, none of a logarithmic one.
Hard = bool | Literal["low", "high"] | None
# (parent, allowed labels) pairs, all of which must hold for a parameter to be present.
Conditions = tuple[tuple[str, tuple[str, ...]], ...]
When = Mapping[str, Any] | Conditions | None
# A grid without a number of points takes all values of a range that has at most so many.
MOST_VALUES = 100
# Ends of an Int lie within 64 bits, so that a float can hold them and their differences.
_LARGEST = 2**63 - 1


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

    @property
    def is_fixed(self) -> bool:
        """Whether the range is a single value, as in ``Float(0.5, 0.5)``; no search moves it."""
        return False

    @property
    def count(self) -> int:
        """The number of values; 0 where there are as many as floats."""
        return 0

    def from_unit(self, u: float) -> Any:
        """Return the value at ``u`` in [0, 1]."""
        raise NotImplementedError

    def at(self, steps: int) -> Any:
        """Return the value so many steps above the low end."""
        raise NotImplementedError

    def canonical(self, value: Any) -> Any:
        """Return a value of the domain in the one form in which trials hold it."""
        raise NotImplementedError

    def _format_repr(self, *positional: object, **options: object) -> str:
        """Return the repr, without the options at their default; the default of ``hard`` is None, not False."""
        changed = {name: value for name, value in options.items() if value or (name == "hard" and value is not None)}
        keywords = [f"{name}={value!r}" for name, value in changed.items()]
        return f"{type(self).__name__}({', '.join([*map(stable_repr, positional), *keywords])})"

    def grid(self, count: int | None, spacing: Spacing) -> list[Any]:
        """Return at most ``count`` values: both ends included (``"ends"``) or centres of equal cells (``"cells"``).

        Without a count, return all values of a range that has at most 100.
        """
        if count is None and 0 < self.count <= MOST_VALUES:
            return [self.at(steps) for steps in range(self.count)]
        if count is None:
            many = f", since it has {self.count} values, more than {MOST_VALUES}" if self.count else ""
            raise SpaceError(f"A grid over {self!r} must be given a number of points{many}. Pass one, as in points=5.")
        return list(dict.fromkeys(self.from_unit(u) for u in _even_units(count, spacing)))


class Ends:
    """What ranges of real and of whole numbers have in common: two ends, and whether a search may pass them."""

    low: float
    high: float
    log: bool
    hard: Hard

    @property
    def is_log(self) -> bool:
        """Whether the values are spaced evenly on a logarithmic scale."""
        return self.log

    @property
    def free(self) -> tuple[bool, bool]:
        """Whether a search that adapts its ranges may pass the low end, and the high end."""
        return (False, False) if self.is_fixed else _free_ends(self.hard, self.log)

    @property
    def is_fixed(self) -> bool:
        """Whether the range is a single value."""
        return self.low == self.high


@dataclass(frozen=True, repr=False)
class Float(Ends, DomainBase):
    """Real numbers in [low, high], spaced evenly or, with ``log``, evenly on a logarithmic scale.

    ``hard`` names the ends that no search may pass: True, False, ``"low"`` or ``"high"``. By default both ends of a linear
    range are hard (a momentum stays below 1), and those of a logarithmic one are not: a search that moves its ranges, such as
    `Staged`, may pass them. With ``step`` the values are low, low + step, ..., high, as the decimal numbers one writes. Equal
    ends are a fixed value.

    >>> Float(1e-4, 1.0, log=True).from_unit(0.5)
    0.01
    >>> Float(0, 1, step=0.1).from_unit(0.35)
    0.3
    """

    low: float
    high: float
    log: bool = False
    hard: Hard = None
    step: float | None = field(default=None, kw_only=True, metadata=LATER)

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = to_python(getattr(self, name))
            end = number(f"Float {name}", value, advice="Write it as in Float(0.001, 1.0).", error=SpaceError)
            object.__setattr__(self, name, float(end) + 0.0)  # -0.0 is 0.0
        object.__setattr__(self, "when", _to_conditions(self.when))
        _check_simple(self.simple)
        _check_ends(type(self).__name__, self.low, self.high, self.log, self.hard)
        if self.step is not None:
            self._check_step()

    @property
    def count(self) -> int:
        """The number of values where there is a step, or a single value; else 0."""
        if self.is_fixed:
            return 1
        return 0 if self.step is None else round(steps_between(self.low, self.high, self.step)) + 1

    def __repr__(self) -> str:
        options = {"log": self.log, "hard": self.hard, "step": self.step, **self._base_options}
        return self._format_repr(self.low, self.high, **options)

    def from_unit(self, u: float) -> float:
        """Return the value at ``u`` in [0, 1]; with a step the value whose cell holds ``u``, as in `Int`."""
        if u <= 0 or u >= 1:
            return self.low if u <= 0 else self.high
        if self.step is not None:
            return self.at(int(u * self.count))
        if self.log:
            value = math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
            value = float(f"{value:.15g}")  # the last bit of exp is noise: 0.01, not 0.010000000000000002
        elif math.isinf(self.high - self.low):
            value = self.low * (1 - u) + self.high * u
        else:
            value = self.low + u * (self.high - self.low)
        return min(max(value, self.low), self.high)

    def at(self, steps: int) -> float:
        """Return the value so many steps above ``low``; it may lie beyond the ends."""
        if self.step is None or steps == self.count - 1:
            return self.high
        return value_after(self.low, self.step, steps)

    def steps_to(self, value: float) -> int | None:
        """Return the number of steps from ``low`` to ``value``, or None where there is none."""
        return None if self.step is None else whole_steps(self.low, value, self.step)

    def to_unit(self, value: float) -> float:
        """Return the position of ``value``: 0 at ``low`` and 1 at ``high``, or with a step a point inside its cell."""
        if self.is_fixed:
            return 0.5
        if self.step is not None:
            return (steps_between(self.low, value, self.step) + 0.5) / self.count
        if self.log:
            return _log_ratio(value, self.low) / _log_ratio(self.high, self.low)
        if math.isinf(self.high - self.low):
            return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return (value - self.low) / (self.high - self.low)

    def contains(self, value: object) -> bool:
        """Return whether ``value`` is a number in the range, and on a step where there are steps."""
        if not is_number(value) or not self.low <= value <= self.high:
            return False
        return self.step is None or self.steps_to(value) is not None

    def canonical(self, value: float) -> float:
        """Return a value of the range as a float, and on its step where there are steps."""
        steps = self.steps_to(value)
        return float(value) + 0.0 if steps is None else self.at(steps)

    def _check_step(self) -> None:
        advice = "Write it as in Float(0, 1, step=0.1)."
        step = number("Float step", to_python(self.step), 0.0, advice=advice, open_low=True, error=SpaceError)
        if self.log:
            raise SpaceError(must_be("Float step", "left out where log=True", step, "Leave one of them out."))
        object.__setattr__(self, "step", float(step))
        if self.low + step == self.low or self.high - step == self.high or math.isinf(self.high - self.low):
            constraint = "large enough to tell its values apart, and the range finite"
            raise SpaceError(must_be("Float step", constraint, step, "Take a larger step, or a smaller range."))
        if whole_steps(self.low, self.high, step) is None:
            last = value_after(self.low, step, math.floor(steps_between(self.low, self.high, step)))
            raise SpaceError(must_be("Float high", f"low plus a multiple of step={step}", self.high, f"Try high={last}."))

    def text(self, value: float) -> str:
        """Return a text from which `parse` restores the same bits."""
        return repr(float(value))

    def parse(self, text: str) -> float:
        """Return the value that a text stands for."""
        return float(text)


@dataclass(frozen=True, repr=False)
class Int(Ends, DomainBase):
    """Whole numbers low, low + step, ..., high; ``log``, ``hard`` and equal ends as in `Float`.

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
            if abs(getattr(self, name)) > _LARGEST:
                raise SpaceError(must_be(f"Int {name}", "within 64 bits", value, "Search its logarithm, or use Float."))
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
    def count(self) -> int:
        """The number of values."""
        return (self.high - self.low) // self.step + 1

    def at(self, steps: int) -> int:
        """Return the value so many steps above ``low``; it may lie beyond the ends."""
        return self.low + self.step * steps

    def steps_to(self, value: int) -> int | None:
        """Return the number of steps from ``low`` to ``value``, or None where it lies between two."""
        return None if (value - self.low) % self.step else (value - self.low) // self.step

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

    def canonical(self, value: int) -> int:
        """Return a value of the range as an int."""
        return int(value)

    def text(self, value: int) -> str:
        """Return a text from which `parse` restores the number."""
        return str(int(value))

    def parse(self, text: str) -> int:
        """Return the number that a text stands for."""
        return int(text)


@dataclass(frozen=True, repr=False, init=False)
class Choice(DomainBase):
    """One of several options: plain values, templates such as ``HalveOnPlateau(patience=Int(2, 10))``, or estimators.

    Params hold a plain option as itself, and a template or a scikit-learn estimator as its label: its class name if that is
    unique. Options whose labels are in ``dropped`` keep their place but are no longer proposed.

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
        if len(options) == 1 and _is_collection(options[0]):
            shown = options[0] if isinstance(options[0], (list, set, dict, range)) else type(options[0]).__name__
            raise SpaceError(must_be("Choice", "given its options one by one", shown, "Write Choice(*values)."))
        if not options:
            raise SpaceError(must_be("Choice", "given at least one option", (), "Write Choice(10, 20)."))
        object.__setattr__(self, "options", tuple(python_value(option) for option in options))
        object.__setattr__(self, "when", _to_conditions(when))
        object.__setattr__(self, "simple", _check_simple(simple))
        if len(set(self.labels)) < len(self.labels):
            raise SpaceError(must_be("Choice options", "distinct", self.labels, "Remove the repeated one."))
        object.__setattr__(self, "dropped", tuple(map(self.label, dropped)))
        if not set(self.dropped) < set(self.labels):
            raise SpaceError(must_be("Choice dropped", f"some of {self.labels!r}, not all", self.dropped, "Keep one."))

    def __repr__(self) -> str:
        return self._format_repr(*self.options, dropped=self.dropped, **self._base_options)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of the options: texts, all distinct; objects of one name are told apart by their content.

        An estimator is called by its class where no other option is, as in ``when={"clf": "SVC"}``.
        """
        full, estimators = self._full_labels, [i for i, option in enumerate(self.options) if is_estimator(option)]
        named = dict(enumerate(full)) | {i: type(self.options[i]).__name__ for i in estimators}
        used = Counter(named.values()) + Counter(full[i] for i in estimators if full[i] != named[i])
        return tuple(named[i] if used[named[i]] == 1 else label for i, label in enumerate(full))

    @cached_property
    def _full_labels(self) -> tuple[str, ...]:
        """The labels with all the settings of an estimator, in one line each."""
        labels = [_option_label(option) for option in self.options]
        for text_of in (_repr_in_one_line, _label_with_content):
            pairs = list(zip(labels, self.options, strict=True))
            labels = [text if labels.count(text) == 1 else text_of(option) for text, option in pairs]
        return tuple(labels)

    @cached_property
    def _aliases(self) -> dict[str, str]:
        """Other texts for an option, and its label: records and conditions written with all settings of an estimator."""
        pairs = list(zip(self._full_labels, self.labels, strict=True))
        # Of an estimator whose repr takes several lines, earlier records have all of them.
        whole = [(_text_as_written(option), label) for option, label in zip(self.options, self.labels, strict=True)]
        return {text: label for text, label in [*whole, *pairs] if text not in self.labels}

    def label(self, text: str) -> str:
        """Return the label that a text stands for, which may name an estimator with its settings; else the text itself."""
        return self._aliases.get(text, text)

    @cached_property
    def values(self) -> tuple[Any, ...]:
        """The value in params for each option."""
        pairs = zip(self.options, self.labels, strict=True)
        return tuple(option if _is_plain(option) else label for option, label in pairs)

    @cached_property
    def kept(self) -> tuple[Any, ...]:
        """The value in params for each option that was not dropped."""
        return tuple(v for v, label in zip(self.values, self.labels, strict=True) if label not in self.dropped)

    def __eq__(self, other: object) -> bool:
        return type(other) is Choice and is_same(self, other)

    def __hash__(self) -> int:
        return hash((self.labels, self.when, self.dropped, self.simple))

    def index(self, value: object) -> int:
        """Return the position of an option, given its value, its label or the option itself; -1 if there is none."""
        for candidates in (self.values, self.options):
            for position, candidate in enumerate(candidates):
                if is_same(candidate, value):
                    return position
        label = self.label(value) if isinstance(value, str) else None
        return self.labels.index(label) if label in self.labels else -1

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

    def canonical(self, value: object) -> Any:
        """Return the value in params for an option."""
        return self.values[self.index(value)]

    def grid(self, count: int | None, spacing: Spacing) -> list[Any]:
        """Return the values of all options that were not dropped, for any ``count``."""
        return list(self.kept)

    def text(self, value: Any) -> str:
        """Return the option's label."""
        return self.labels[self.index(value)]

    def parse(self, text: str) -> Any:
        """Return the value in params for a label."""
        return self.values[self.labels.index(self.label(text))]


Domain = Float | Int | Choice


def template_domains(option: Any) -> dict[str, Domain]:
    """Return the fields of a template that are domains, by name; an empty dict for any other option."""
    if not dataclasses.is_dataclass(option) or isinstance(option, (type, DomainBase)):
        return {}
    fields = {f.name: getattr(option, f.name) for f in dataclasses.fields(option) if f.init}
    return {name: value for name, value in fields.items() if isinstance(value, (Float, Int, Choice))}


def is_estimator(option: Any) -> bool:
    """Return whether an option has settings as scikit-learn's estimators do; a template's settings are its fields."""
    if isinstance(option, type) or template_domains(option):
        return False
    return callable(getattr(option, "get_params", None)) and callable(getattr(option, "set_params", None))


def _check_ends(kind: str, low: float, high: float, log: bool, hard: object) -> None:
    """Check the order and the sign of the ends of a range, and its ``hard``."""
    if low > high:
        raise SpaceError(f"{kind} needs low <= high, got low={low!r}, high={high!r}. Swap them.")
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
    return tuple((name, tuple(_option_label(python_value(v)) for v in values)) for name, values in several.items())


def _log_ratio(one: float, other: float) -> float:
    """Return log(one / other), also where the quotient is no float."""
    ratio = one / other
    return math.log(ratio) if 0 < ratio < math.inf else math.log(one) - math.log(other)


def _is_collection(option: Any) -> bool:
    """Return whether a single option of a choice is a collection of options: no text, tuple or object with settings."""
    if isinstance(option, (str, bytes, tuple, np.generic)):
        return False
    return isinstance(option, (Sequence, Set, Mapping, MappingView, Iterator)) or hasattr(type(option), "__array__")


def _is_plain(option: Any) -> bool:
    if isinstance(option, tuple):
        return all(_is_plain(item) for item in option)
    return option is None or isinstance(option, (bool, int, float, str))


def _option_label(option: Any) -> str:
    if isinstance(option, str):
        return option
    if _is_plain(option):
        return repr(option)
    return _in_one_line(option, _text_as_written(option))


def _text_as_written(option: Any) -> str:
    """Return the name of an option, or its repr, which may take several lines."""
    named = getattr(option, "__name__", None)
    text = named or (type(option).__name__ if template_domains(option) else stable_repr(option))
    return text.removesuffix("()")


def _repr_in_one_line(option: Any) -> str:
    return _in_one_line(option, stable_repr(option))


def _in_one_line(option: Any, text: str) -> str:
    """Return a text about an option; that of an estimator without its line breaks."""
    return " ".join(text.split()) if is_estimator(option) else text


def _label_with_content(option: Any) -> str:
    text = _repr_in_one_line(option)
    return text if _is_plain(option) else f"{text} {read_content(option).digest[:8]}"
