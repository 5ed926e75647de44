"""Search spaces: named domains, the points in them, and their map to the unit cube.

A space is frozen and comparable, and its repr is its record. The domains inside a template of a choice become parameters of
their own (``schedule.patience``), present only if that template is chosen (see `hpsearch.space.templates`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np

from hpsearch.checks import choice
from hpsearch.content import html
from hpsearch.errors import SpaceError, did_you_mean, must_be
from hpsearch.space.domains import Choice, Domain, DomainBase, Float, Int, Spacing
from hpsearch.space.equality import python_value
from hpsearch.space.narrowing import can_reach, extend_domain, narrow_domain, widen_domain
from hpsearch.space.templates import expand_templates, fill_templates, replace_when

__all__ = ["Choice", "Domain", "Float", "Int", "Params", "Space"]

# A plain dict of Python values: it prints, compares and is stored as it is.
Params = dict[str, Any]


@dataclass(frozen=True, repr=False, init=False)
class Space:
    """Named parameters with their domains; a conditional parameter comes after the choice it depends on.

    >>> Space(rate=Float(0.1, 1.0), batch=Choice(10, 20)).from_unit([0.0, 0.9])
    {'rate': 0.1, 'batch': 20}
    """

    declared: tuple[tuple[str, Domain], ...]
    # Domains that replace declared ones, by parameter; names, labels and conditions stay those of ``declared``.
    replaced: tuple[tuple[str, Domain], ...] = ()

    def __init__(self, **parameters: Domain) -> None:
        for name, domain in parameters.items():
            if not isinstance(domain, DomainBase):
                advice = f"Write {name}=Float(low, high), Int(low, high) or Choice(...); pass fixed values to the objective."
                raise SpaceError(must_be(f"Parameter {name!r}", "a Float, Int or Choice", domain, advice))
        object.__setattr__(self, "declared", tuple(parameters.items()))
        for name, domain in self.domains.items():
            self._check_condition(name, domain)

    def __repr__(self) -> str:
        domains = self.domains.items() if self.replaced else self.declared
        return f"Space({', '.join(f'{name}={domain!r}' for name, domain in domains)})"

    def _repr_html_(self) -> str:
        """Return a table of the parameters for a notebook."""
        rows = [[name, repr(domain)] for name, domain in self.domains.items()]
        return html.table(["parameter", "domain"], rows)

    def __len__(self) -> int:
        return len(self.domains)

    def __iter__(self) -> Iterator[str]:
        return iter(self.domains)

    def __getitem__(self, name: str) -> Domain:
        if name not in self.domains:
            names = ", ".join(map(repr, self.domains))
            raise SpaceError(f"Unknown parameter {name!r}; the space has {names}.{did_you_mean(name, self.domains)}")
        return self.domains[name]

    @cached_property
    def domains(self) -> dict[str, Domain]:
        """Every parameter, those of templates included, parents before children."""
        found = dict(pair for name, domain in self.declared for pair in expand_templates(name, domain)) | dict(self.replaced)
        return {name: _with_labels(domain, found) for name, domain in found.items()}

    def active(self, name: str, params: Mapping[str, Any]) -> bool:
        """Return whether the conditions of parameter ``name`` hold for ``params``."""
        conditions = self.domains[name].conditions
        return not conditions or all(p in params and self.domains[p].text(params[p]) in allowed for p, allowed in conditions)

    def from_unit(self, point: Sequence[float]) -> Params:
        """Return the params at a point of the unit cube, one coordinate per parameter."""
        params: Params = {}
        for (name, domain), u in zip(self.domains.items(), point, strict=True):
            if self.active(name, params):
                params[name] = domain.from_unit(float(u))
        return params

    def to_unit(self, params: Mapping[str, Any]) -> list[float]:
        """Return the point of the unit cube for ``params``.

        Absent parameters are at 0.5. Values beyond the end of a range are outside [0, 1].
        """
        self.check(params, beyond=True)
        return [domain.to_unit(params[name]) if name in params else 0.5 for name, domain in self.domains.items()]

    def sample(self, rng: np.random.Generator) -> Params:
        """Draw one point: parameters are independent, each uniform or, with ``log``, log-uniform."""
        return self.from_unit(rng.random(len(self.domains)).tolist())

    def complete(self, params: Mapping[str, Any], rng: np.random.Generator) -> Params:
        """Return the point that has these values, with the other parameters drawn as by `sample`.

        A choice that a given parameter depends on takes one of the options under which that one is present. The point still
        has to be checked: given values stay as they are, in the space or not.
        """
        units, needed = rng.random(len(self.domains)).tolist(), self._needed_labels(params)
        point: Params = {}
        for (name, domain), u in zip(self.domains.items(), units, strict=True):
            if name in params:
                point[name] = params[name]
            elif self.active(name, point):
                point[name] = _draw(domain, u, needed.get(name))
        return point | dict(params)

    def canonical(self, params: Mapping[str, Any]) -> Params:
        """Return a point in the one form in which trials hold it: in the space's order, every value of its domain's type.

        >>> Space(x=Float(0, 1), n=Int(1, 3)).canonical({"n": 2, "x": 1})
        {'x': 1.0, 'n': 2}
        """
        return {name: domain.canonical(params[name]) for name, domain in self.domains.items() if name in params}

    def grid(self, points: int | Mapping[str, Any] | None = None, spacing: Spacing = "ends") -> list[Params]:
        """Return the full product, the last parameter varying fastest.

        Args:
            points: one count for all ranges, or per parameter a count or the values. Choices take all their options, and
                ranges of at most 100 values take all of them where no count is given.
            spacing: ``"ends"`` includes both ends of a range, ``"cells"`` takes the centres of equal cells.
        """
        choice("Grid spacing", spacing, get_args(Spacing), "Leave it out for 'ends'.", error=SpaceError)
        for name in points if isinstance(points, Mapping) else ():
            self[name]
        grid: list[Params] = [{}]
        for name in self.domains:
            values = self._axis_values(name, points, spacing)
            grid = [new for row in grid for new in self._extend_row(row, name, values)]
        return grid

    def check(self, params: Mapping[str, Any], beyond: bool = False) -> None:
        """Raise an error that names the parameter if ``params`` is not a point of this space.

        With ``beyond``, values may be past those ends of a range that are not hard.

        Raises:
            SpaceError: a parameter is unknown, missing, present although its condition fails, or outside its domain.
        """
        for name in params:
            self[name]
        for name, domain in self.domains.items():
            present = not domain.conditions or self.active(name, {k: v for k, v in params.items() if k != name})
            if present and name not in params:
                raise SpaceError(f"Parameter {name!r} must be given, got {sorted(params)!r}. Add a value in {domain!r}.")
            if not present and name in params:
                raise SpaceError(f"Parameter {name!r} must be absent unless {domain.conditions!r}. Remove it.")
            if present and not (can_reach(domain, params[name]) if beyond else domain.contains(params[name])):
                raise SpaceError(must_be(f"Parameter {name!r}", f"in {domain!r}", params[name], "Move it inside."))

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Return whether ``params`` is a point of this space."""
        try:
            self.check(params)
        except SpaceError:
            return False
        return True

    def narrow(self, points: Sequence[Mapping[str, Any]], width: float) -> Space:
        """Return the space around some of its points: the hull of windows that are ``width`` of each range wide.

        A window that would pass an end is shifted inside. Choices stay as they are, and so does a range that none of the
        points has.
        """
        domains = self.domains.items()
        return self.with_domains({n: narrow_domain(d, [p[n] for p in points if n in p], width) for n, d in domains})

    def widen(self, points: Sequence[Mapping[str, Any]], limits: Space) -> Space:
        """Return the space with every range extended by one step past the end at which most points lie, the first included.

        For a step see `hpsearch.space.extend_domain`. No range passes ``limits``, such as ``self.extend(3)``.
        """
        domains = self.domains.items()
        return self.with_domains({n: widen_domain(d, [p[n] for p in points if n in p], limits[n]) for n, d in domains})

    def extend(self, steps: int) -> Space:
        """Return the space with every range extended by ``steps`` past each end that is not hard."""
        return self.with_domains({name: extend_domain(domain, steps, steps) for name, domain in self.domains.items()})

    def drop(self, name: str, labels: Sequence[str]) -> Space:
        """Return the space without some options of a choice; names and labels stay as they are."""
        domain = self[name]
        if not isinstance(domain, Choice):
            raise SpaceError(must_be(f"Parameter {name!r}", "a Choice", domain, "Narrow a range instead."))
        return self.with_domains({name: Choice(*domain.options, when=domain.when, dropped=(*domain.dropped, *labels))})

    def resolve(self, params: Mapping[str, Any]) -> Params:
        """Return the params as an objective gets them: templates as objects with the chosen values filled in."""
        return {name: fill_templates(name, domain, params) for name, domain in self.declared if name in params}

    def text(self, params: Mapping[str, Any]) -> dict[str, str]:
        """Return every value as a text from which `parse` restores it exactly."""
        return {name: self[name].text(value) for name, value in params.items()}

    def parse(self, texts: Mapping[str, str]) -> Params:
        """Return the params that the texts stand for, in the order of the space."""
        return {name: domain.parse(texts[name]) for name, domain in self.domains.items() if name in texts}

    def corners(self) -> Iterator[Params]:
        """Yield points that together contain both ends of every range and every option of every choice."""
        for name, domain in self.domains.items():
            extremes = domain.kept if isinstance(domain, Choice) else (domain.low, domain.high)
            for value in extremes:
                yield self._point_with(name, value)

    def with_domains(self, domains: Mapping[str, Domain]) -> Space:
        """Return this space with other domains for some parameters; names, labels and conditions stay."""
        changed = {name: domain for name, domain in domains.items() if domain != self.domains[name]}
        space = Space(**dict(self.declared))
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

    def _needed_labels(self, params: Mapping[str, Any]) -> dict[str, set[str]]:
        """Return the labels that choices which are not given may have, by the conditions of what is given."""
        needed: dict[str, set[str]] = {}
        pending = [name for name in params if name in self.domains]
        while pending:
            for parent, allowed in self.domains[pending.pop()].conditions:
                if parent not in params:
                    needed[parent] = needed.get(parent, set(allowed)) & set(allowed)
                    pending.append(parent)
        return needed

    def _extend_row(self, row: Params, name: str, values: list[Any]) -> list[Params]:
        return [row | {name: value} for value in values] if self.active(name, row) else [row]

    def _axis_values(self, name: str, points: int | Mapping[str, Any] | None, spacing: Spacing) -> list[Any]:
        wanted = points.get(name) if isinstance(points, Mapping) else points
        domain = self.domains[name]
        if isinstance(wanted, str) or not isinstance(wanted, Iterable):
            return domain.grid(python_value(wanted), spacing)
        values = [python_value(value) for value in wanted]
        for value in values:
            if not domain.contains(value):
                raise SpaceError(must_be(f"Grid point of {name!r}", f"in {domain!r}", value, "Widen the range."))
        return [domain.canonical(value) for value in values]

    def _check_condition(self, name: str, domain: Domain) -> None:
        earlier = list(self.domains)[: list(self.domains).index(name)]
        for parent, allowed in domain.conditions:
            condition = self.domains.get(parent)
            if parent not in earlier or not isinstance(condition, Choice):
                advice = f"Declare that choice first.{did_you_mean(parent, earlier)}"
                raise SpaceError(must_be(f"Condition of {name!r}", "on a Choice declared before it", parent, advice))
            for label in allowed:
                if label not in condition.labels:
                    advice = f"Take one of {', '.join(condition.labels)}.{did_you_mean(label, condition.labels)}"
                    raise SpaceError(must_be(f"Condition of {name!r}", f"on an option of {parent!r}", label, advice))


def _with_labels(domain: Domain, domains: Mapping[str, Domain]) -> Domain:
    """Return a domain whose conditions name options by their labels: a user may name an estimator with its settings."""
    conditions = tuple(
        (parent, tuple(map(options.label, allowed)) if isinstance(options := domains.get(parent), Choice) else allowed)
        for parent, allowed in domain.conditions
    )
    return domain if conditions == domain.conditions else replace_when(domain, conditions)


def _draw(domain: Domain, u: float, labels: set[str] | None) -> Any:
    """Return the value at ``u``, of a choice one of the options with these labels."""
    if labels is None or not isinstance(domain, Choice):
        return domain.from_unit(u)
    values = [value for value in domain.kept if domain.text(value) in labels]
    return values[min(int(u * len(values)), len(values) - 1)] if values else domain.from_unit(u)
