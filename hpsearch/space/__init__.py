"""Spaces: named parameters with domains, drawn from, mapped to the unit cube, and narrowed."""

from hpsearch.space.domains import Choice, Domain, Float, Int, Spacing
from hpsearch.space.narrowing import admits, carried, narrowed, part, widened
from hpsearch.space.space import Params, Space

__all__ = [
    "Choice",
    "Domain",
    "Float",
    "Int",
    "Params",
    "Space",
    "Spacing",
    "admits",
    "carried",
    "narrowed",
    "part",
    "widened",
]
