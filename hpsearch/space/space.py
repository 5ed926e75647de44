"""Search spaces: named ranges, the points in them, and their map to the unit cube.

A space is frozen and comparable, and its repr is its record. The ranges of a template inside a choice become parameters of
their own (``schedule.patience``), present only where that template is chosen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np

from hpsearch.checks import choice, to_python
from hpsearch.errors import SpaceError, did_you_mean, must_be
from hpsearch.space.domains import Choice, Conditions, Domain, Float, Int, Range, Spacing, template_ranges
from hpsearch.space.narrowing import admits, carried, narrowed, widened

__all__ = ["Choice", "Domain", "Float", "Int", "Params", "Space"]

# A plain dict of Python values: it prints, compares and is stored as it is.
Params = dict[str, Any]


@dataclass(frozen=True, repr=False, init=False)
class Space:
    """Named parameters with their ranges; conditional ones follow the choice they depend on.

    >>> Space(rate=Float(0.1, 1.0), batch=Choice(10, 20)).from_unit([0.0, 0.9])
    {'rate': 0.1, 'batch': 20}
    """

    given: tuple[tuple[str, Domain], ...]
    # Ranges that replace those written down, by parameter; names, labels and conditions stay those of ``given``.
    replaced: tuple[tuple[str, Domain], ...] = ()

    def __init__(self, **parameters: Domain) -> None:
        for name, domain in parameters.items():
            if not isinstance(domain, Range):
                advice = f"Write {name}=Float(low, high), Int(low, high) or Choice(...); fixed values go to the objective."
                raise SpaceError(must_be(f"Parameter {name!r}", "a Float, Int or Choice", domain, advice))
        object.__setattr__(self, "given", tuple(parameters.items()))
        for name, domain in self.domains.items():
            self._check_condition(name, domain)

    def __repr__(self) -> str:
        shown = self.domains.items() if self.replaced else self.given
        return f"Space({', '.join(f'{name}={domain!r}' for name, domain in shown)})"

    def __len__(self) -> int:
        return len(self.domains)

    def __iter__(self) -> Iterator[str]:
        return iter(self.domains)

    def __getitem__(self, name: str) -> Domain:
        if name not in self.domains:
            known = ", ".join(map(repr, self.domains))
            raise SpaceError(f"Unknown parameter {name!r}; the space has {known}.{did_you_mean(name, self.domains)}")
        return self.domains[name]

    @cached_property
    def domains(self) -> dict[str, Domain]:
        """Every parameter, those of templates included, parents before children."""
        return dict(pair for name, domain in self.given for pair in _expand(name, domain)) | dict(self.replaced)

    def active(self, name: str, params: Mapping[str, Any]) -> bool:
        """Return whether ``name`` is present beside the ``params`` drawn so far."""
        conditions = self.domains[name].conditions
        return all(p in params and self.domains[p].text(params[p]) in allowed for p, allowed in conditions)

    def from_unit(self, point: Sequence[float]) -> Params:
        """Return the params at a point of the unit cube, one coordinate per parameter."""
        params: Params = {}
        for (name, domain), u in zip(self.domains.items(), point, strict=True):
            if self.active(name, params):
                params[name] = domain.from_unit(float(u))
        return params

    def to_unit(self, params: Mapping[str, Any]) -> list[float]:
        """Return the point that stands for ``params``; absent parameters lie at 0.5, those beyond a range outside [0, 1]."""
        self.check(params, beyond=True)
        return [domain.to_unit(params[name]) if name in params else 0.5 for name, domain in self.domains.items()]

    def sample(self, rng: np.random.Generator) -> Params:
        """Draw one point, uniform (log-uniform where ``log``), parameters independent."""
        return self.from_unit(rng.random(len(self.domains)).tolist())

    def grid(self, points: int | Mapping[str, Any] | None = None, spacing: Spacing = "ends") -> list[Params]:
        """Return the full product, the last parameter varying fastest.

        Args:
            points: a count for all ranges, or per parameter a count or the values themselves; choices take all options.
            spacing: ``"ends"`` includes both ends of a range, ``"cells"`` takes the centres of equal cells.
        """
        choice("Grid spacing", spacing, get_args(Spacing), "Leave it out for 'ends'.", error=SpaceError)
        for name in points if isinstance(points, Mapping) else ():
            self[name]
        grid: list[Params] = [{}]
        for name in self.domains:
            values = self._axis(name, points, spacing)
            grid = [new for row in grid for new in self._grown(row, name, values)]
        return grid

    def check(self, params: Mapping[str, Any], beyond: bool = False) -> None:
        """Refuse params that are not a point of this space, naming the parameter and its range.

        With ``beyond``, values may lie past those ends of a range that are not hard.
        """
        for name in params:
            self[name]
        for name, domain in self.domains.items():
            present = self.active(name, {k: v for k, v in params.items() if k != name})
            if present and name not in params:
                raise SpaceError(f"Parameter {name!r} must be given, got {sorted(params)!r}. Add a value in {domain!r}.")
            if not present and name in params:
                raise SpaceError(f"Parameter {name!r} must be absent unless {domain.conditions!r}. Take it out.")
            if present and not (admits(domain, params[name]) if beyond else domain.contains(params[name])):
                raise SpaceError(must_be(f"Parameter {name!r}", f"in {domain!r}", params[name], "Move it inside."))

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Return whether ``params`` is a point of this space."""
        try:
            self.check(params)
        except SpaceError:
            return False
        return True

    def narrow(self, leaders: Sequence[Mapping[str, Any]], width: float) -> Space:
        """Return the space around some of its points: the hull of windows that are ``width`` of each range wide.

        A window that would pass an end is shifted inside. Choices stay as they are, and so does a range that none of the
        leaders has.
        """
        return self.with_ranges({n: narrowed(d, [p[n] for p in leaders if n in p], width) for n, d in self.domains.items()})

    def widen(self, leaders: Sequence[Mapping[str, Any]], limits: Space) -> Space:
        """Return the space with every range carried on beyond the end at which most of the leaders, the first too, lie.

        A logarithmic Float grows by a decade, an Int by a doubling, a linear range by half its width; never past ``limits``
        (see `reach`).
        """
        return self.with_ranges({n: widened(d, [p[n] for p in leaders if n in p], limits[n]) for n, d in self.domains.items()})

    def reach(self, steps: int) -> Space:
        """Return the farthest that `widen` may go: so many steps beyond each end that is not hard."""
        return self.with_ranges({name: carried(domain, steps, steps) for name, domain in self.domains.items()})

    def drop(self, name: str, labels: Sequence[str]) -> Space:
        """Return the space without some options of a choice; names and labels stay as they are."""
        choice = self[name]
        if not isinstance(choice, Choice):
            raise SpaceError(must_be(f"Parameter {name!r}", "a Choice", choice, "Narrow a range instead."))
        return self.with_ranges({name: Choice(*choice.options, when=choice.when, dropped=(*choice.dropped, *labels))})

    def resolve(self, params: Mapping[str, Any]) -> Params:
        """Return the params as an objective sees them: templates as objects with their ranges filled in."""
        return {name: _resolve(name, domain, params) for name, domain in self.given if name in params}

    def text(self, params: Mapping[str, Any]) -> dict[str, str]:
        """Return every value as text that `parse` turns back exactly."""
        return {name: self[name].text(value) for name, value in params.items()}

    def parse(self, texts: Mapping[str, str]) -> Params:
        """Return the params of a text form, in the order of the space."""
        return {name: domain.parse(texts[name]) for name, domain in self.domains.items() if name in texts}

    def corners(self) -> Iterator[Params]:
        """Yield points that together show both ends of every range and every option of every choice."""
        for name, domain in self.domains.items():
            extremes = domain.kept if isinstance(domain, Choice) else (domain.low, domain.high)
            for value in extremes:
                yield self._point_with(name, value)

    def with_ranges(self, domains: Mapping[str, Domain]) -> Space:
        """Return this space with other ranges for some parameters; names, labels and conditions stay."""
        changed = {name: domain for name, domain in domains.items() if domain != self.domains[name]}
        space = Space(**dict(self.given))
        object.__setattr__(space, "replaced", tuple((dict(self.replaced) | changed).items()))
        space.__dict__.pop("domains", None)
        return space

    def _point_with(self, name: str, value: Any) -> Params:
        wanted = {name: value}
        pending = [name]
        while pending:
            for parent, allowed in self.domains[pending.pop()].conditions:
                wanted.setdefault(parent, self.domains[parent].parse(allowed[0]))
                pending.append(parent)
        params: Params = {}
        for key, domain in self.domains.items():
            if self.active(key, params):
                params[key] = wanted[key] if key in wanted else domain.from_unit(0.5)
        return params

    def _grown(self, row: Params, name: str, values: list[Any]) -> list[Params]:
        return [row | {name: value} for value in values] if self.active(name, row) else [row]

    def _axis(self, name: str, points: int | Mapping[str, Any] | None, spacing: Spacing) -> list[Any]:
        wanted = points.get(name) if isinstance(points, Mapping) else points
        if wanted is None or isinstance(wanted, int):
            return self.domains[name].grid(wanted, spacing)
        values = [to_python(value) for value in wanted]
        for value in values:
            if not self.domains[name].contains(value):
                constraint = f"in {self.domains[name]!r}"
                raise SpaceError(must_be(f"Grid point of {name!r}", constraint, value, "Widen the range."))
        return values

    def _check_condition(self, name: str, domain: Domain) -> None:
        earlier = list(self.domains)[: list(self.domains).index(name)]
        for parent, allowed in domain.conditions:
            choice = self.domains.get(parent)
            if parent not in earlier or not isinstance(choice, Choice):
                advice = f"Declare that choice first.{did_you_mean(parent, earlier)}"
                raise SpaceError(must_be(f"Condition of {name!r}", "on a Choice declared before it", parent, advice))
            for label in allowed:
                if label not in choice.labels:
                    advice = f"Take one of {', '.join(choice.labels)}."
                    raise SpaceError(must_be(f"Condition of {name!r}", f"on an option of {parent!r}", label, advice))


def _expand(name: str, domain: Domain) -> Iterator[tuple[str, Domain]]:
    """Yield a parameter and, behind a choice, the ranges of its templates under their own names."""
    yield name, domain
    if isinstance(domain, Choice):
        for option, label in zip(domain.options, domain.labels, strict=True):
            for field_name, inner in template_ranges(option).items():
                conditions = ((name, (label,)), *inner.conditions)
                conditional = _replace_when(inner, conditions)
                yield from _expand(_child(name, domain, label, field_name), conditional)


def _replace_when(domain: Domain, when: Conditions) -> Domain:
    if isinstance(domain, Choice):
        return Choice(*domain.options, when=when, dropped=domain.dropped)
    return dataclasses.replace(domain, when=when)


def _resolve(name: str, domain: Domain, params: Mapping[str, Any]) -> Any:
    value = params[name]
    if not isinstance(domain, Choice):
        return value
    position = domain.index(value)
    option, label = domain.options[position], domain.labels[position]
    filled = {key: _resolve(_child(name, domain, label, key), inner, params) for key, inner in template_ranges(option).items()}
    return dataclasses.replace(option, **filled) if filled else option


def _child(name: str, choice: Choice, label: str, field_name: str) -> str:
    """Name a template's range: ``schedule.patience``, or with the label too where two templates share a field."""
    shared = sum(field_name in template_ranges(option) for option in choice.options) > 1
    return f"{name}.{label}.{field_name}" if shared else f"{name}.{field_name}"
