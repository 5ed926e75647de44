"""Templates: options of a choice that contain domains, which become conditional parameters of the space.

``schedule=Choice(Constant(), HalveOnPlateau(patience=Int(2, 10)))`` adds the parameter ``schedule.patience``, which is present
if that template is chosen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from hpsearch.space.domains import Choice, Conditions, Domain, template_domains


def expand_templates(name: str, domain: Domain) -> Iterator[tuple[str, Domain]]:
    """Yield a parameter and, for a choice, the domains inside its templates under their own names."""
    yield name, domain
    if isinstance(domain, Choice):
        for option, label in zip(domain.options, domain.labels, strict=True):
            for field_name, inner in template_domains(option).items():
                conditions = ((name, (label,)), *inner.conditions)
                conditional = replace_when(inner, conditions)
                yield from expand_templates(_inner_name(name, domain, label, field_name), conditional)


def fill_templates(name: str, domain: Domain, params: Mapping[str, Any]) -> Any:
    """Return the value of a parameter as an objective gets it: a chosen template with its fields filled from ``params``."""
    value = params[name]
    if not isinstance(domain, Choice):
        return value
    position = domain.index(value)
    option, label = domain.options[position], domain.labels[position]
    fields = template_domains(option).items()
    filled = {key: fill_templates(_inner_name(name, domain, label, key), inner, params) for key, inner in fields}
    return dataclasses.replace(option, **filled) if filled else option


def replace_when(domain: Domain, when: Conditions) -> Domain:
    """Return a domain under other conditions."""
    if isinstance(domain, Choice):
        return Choice(*domain.options, when=when, dropped=domain.dropped, simple=domain.simple)
    return dataclasses.replace(domain, when=when)


def _inner_name(name: str, choice: Choice, label: str, field_name: str) -> str:
    """Name a domain inside a template: ``schedule.patience``, or with the label too if two templates share the field."""
    shared = sum(field_name in template_domains(option) for option in choice.options) > 1
    return f"{name}.{label}.{field_name}" if shared else f"{name}.{field_name}"
