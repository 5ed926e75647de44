"""Search spaces: named parameters with domains, their points, and their narrowing."""

from hpsearch.space.domains import Choice, Domain, Float, Int, Spacing
from hpsearch.space.narrowing import can_reach, cut_domain, extend_domain, narrow_domain, widen_domain
from hpsearch.space.space import Params, Space

__all__ = [
    "Choice",
    "Domain",
    "Float",
    "Int",
    "Params",
    "Space",
    "Spacing",
    "can_reach",
    "cut_domain",
    "extend_domain",
    "narrow_domain",
    "widen_domain",
]
