"""Search spaces of an estimator: those of this package, and scikit-learn's dicts of lists and distributions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone

from hpsearch.checks import to_python
from hpsearch.content import stable_repr
from hpsearch.errors import SpaceError, must_be
from hpsearch.objectives.estimator import check_names
from hpsearch.space import Choice, Domain, Float, Int, Space
from hpsearch.space.domains import is_estimator
from hpsearch.space.equality import is_same

# Where a distribution has no end, so much of it is left out there.
_TAIL = 0.001
_ADVICE = "Write it as in {'C': [0.1, 1, 10]}, {'C': loguniform(0.1, 10)} or Space(C=Float(0.1, 10, log=True))."


@dataclass(frozen=True, eq=False, repr=False)
class Given:
    """A value of a list that a parameter gets as it is: a list, a dict or an array."""

    value: Any

    def __repr__(self) -> str:
        text = " ".join(stable_repr(self.value).split())
        if "..." not in text:
            return text
        whole = repr(self.value.tolist() if isinstance(self.value, np.ndarray) else self.value)
        return f"{text} #{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Drawn:
    """A value of a distribution of scipy.stats, by the share of the distribution that lies below it.

    Args:
        law: the distribution in words.
        share: the range of shares; in params the share.
        distribution: the frozen distribution.
    """

    law: str
    share: Any
    distribution: Any = field(repr=False, compare=False)

    @property
    def __name__(self) -> str:
        return self.law  # what a choice calls it

    @property
    def value(self) -> Any:
        """The value at the share; of a distribution of whole numbers an int."""
        found = self.distribution.ppf(self.share)
        return int(found) if hasattr(self.distribution, "pmf") else float(found)


@dataclass(frozen=True)
class EstimatorSpace:
    """A space, and what its parameters are called by the estimator.

    Args:
        space: what is searched.
        names: the estimator's name of each declared parameter; that of the choice of a dict is left out.
    """

    space: Space
    names: Mapping[str, str]

    def values(self, resolved: Mapping[str, Any]) -> dict[str, Any]:
        """Return resolved params as the estimator takes them."""
        return {self.names[name]: _value(value) for name, value in resolved.items() if name in self.names}

    def check_names(self, estimator: Any) -> None:
        """Raise for a parameter that neither the estimator nor an option of its steps has.

        Raises:
            SettingError: it names the closest one.
        """
        known = {*clone(estimator).get_params(), *self._names_of_options()}
        check_names(type(estimator).__name__, self.names.values(), known)

    def _names_of_options(self) -> Iterator[str]:
        for name, domain in self.space.declared:
            for option in domain.options if isinstance(domain, Choice) else ():
                if is_estimator(option):
                    yield from (f"{self.names[name]}__{inner}" for inner in option.get_params())


def read_space(given: Any) -> EstimatorSpace:
    """Return the space that a user gave: a `Space`, a dict of parameters, or a list of such dicts.

    Of a list of dicts one is chosen by the parameter ``subspace``, and its parameters are present under that choice.

    Raises:
        SpaceError: it is empty, of another kind, or a parameter has no values.
    """
    if isinstance(given, Space) and len(given):
        return EstimatorSpace(given, {name: name for name, _ in given.declared})
    dicts = [given] if isinstance(given, Mapping) else list(given) if isinstance(given, (list, tuple)) else []
    if not dicts or not all(isinstance(one, Mapping) and one for one in dicts):
        raise SpaceError(must_be("space", "a Space, a dict or a list of dicts, with a parameter in each", given, _ADVICE))
    parts = [{_name(name): _domain(name, values) for name, values in one.items()} for one in dicts]
    return _joined(parts) if len(parts) > 1 else EstimatorSpace(Space(**parts[0]), {name: name for name in parts[0]})


def _name(name: object) -> str:
    if isinstance(name, str):
        return name
    raise SpaceError(must_be("The name of a parameter of the space", "a text", name, _ADVICE))


def _joined(parts: list[dict[str, Domain]]) -> EstimatorSpace:
    """Return several spaces as one, in which a choice says which of them a point is in."""
    names = {name for part in parts for name in part}
    which = next(word for word in ("subspace", "subspace_", "subspace__") if word not in names)
    domains: dict[str, Domain] = {which: Choice(*range(1, len(parts) + 1))}
    meanings = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        groups: dict[str, list[int]] = {}
        for position, part in enumerate(parts):
            if name in part:
                groups.setdefault(repr(part[name]), []).append(position)
        for positions in groups.values():
            own = name if len(groups) == 1 else f"{positions[0] + 1}.{name}"
            labels = tuple(str(position + 1) for position in positions)
            domain = parts[positions[0]][name]
            when = domain.conditions if len(labels) == len(parts) else ((which, labels), *domain.conditions)
            domains[own], meanings[own] = _under(domain, when), name
    return EstimatorSpace(Space(**domains), meanings)


def _under(domain: Domain, when: Any) -> Domain:
    from hpsearch.space.templates import replace_when

    return domain if when == domain.conditions else replace_when(domain, when)


def _domain(name: str, values: Any) -> Domain:
    if isinstance(values, (Float, Int, Choice)):
        return values
    if hasattr(values, "rvs"):
        return _distribution(name, values)
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        constraint = "a list of values, a distribution of scipy.stats, or a Float, Int or Choice"
        raise SpaceError(must_be(f"space[{name!r}]", constraint, values, f"Write {{{name!r}: [value]}} for one value."))
    options = _distinct([_option(value) for value in values])
    if not options:
        raise SpaceError(must_be(f"space[{name!r}]", "a list with a value in it", values, "Add one, or leave it out."))
    return Choice(*options)


def _option(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return Given(value) if isinstance(value, (list, dict, set, np.ndarray)) or _holds_more(value) else value


def _holds_more(value: Any) -> bool:
    """Return whether a tuple holds what is no plain value, which a choice would not keep as it is."""
    if not isinstance(value, tuple):
        return False
    return any(not (item is None or isinstance(to_python(item), (bool, int, float, str))) for item in value)


def _distinct(options: list[Any]) -> list[Any]:
    found: list[Any] = []
    for option in options:
        if not any(is_same(option, other) for other in found):
            found.append(option)
    return found


def _distribution(name: str, given: Any) -> Domain:
    """Return a distribution as a range: uniform, log-uniform and whole numbers as such, any other one by its shares."""
    given = given if hasattr(given, "dist") or not callable(given) else given()
    kind = str(getattr(getattr(given, "dist", None), "name", ""))
    if not callable(getattr(given, "ppf", None)) or not kind:
        constraint = "a list of values or a distribution of scipy.stats, which has ppf()"
        advice = "Any other one can only be drawn from: write Float(low, high), or a list of draws."
        raise SpaceError(must_be(f"space[{name!r}]", constraint, given, advice))
    low, high = (to_python(end) for end in given.support())
    if kind == "uniform":
        return Float(low, high)
    if kind in ("loguniform", "reciprocal"):
        return Float(low, high, log=True, hard=True)
    if kind == "randint":
        return Int(int(low), int(high))
    settings = [*map(repr, map(to_python, given.args)), *(f"{key}={to_python(value)!r}" for key, value in given.kwds.items())]
    shares = Float(_TAIL if low == -np.inf else 0.0, 1 - _TAIL if high == np.inf else 1.0)
    return Choice(Drawn(f"{kind}({', '.join(settings)})", shares, given))


def _value(value: Any) -> Any:
    return value.value if isinstance(value, (Given, Drawn)) else value
