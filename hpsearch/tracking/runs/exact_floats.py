"""Floats that MLflow does not store bit by bit, kept in a tag beside it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping

from hpsearch.tracking.store.names import pack_text, unpack_text

TAG = "hpsearch.exact"
# (key, step, value)
Point = tuple[str, int, float]
Exact = Mapping[tuple[str, int], float]


def encode(points: Iterable[Point]) -> dict[str, str]:
    """Return the tags that keep what SQLite or MLflow would alter: -0.0, and the largest float, which stands for infinity."""
    odd = [[key, step, repr(value)] for key, step, value in points if _is_altered(value)]
    return pack_text(TAG, json.dumps(odd)) if odd else {}


def _is_altered(value: float) -> bool:
    return abs(value) == sys.float_info.max or (value == 0 and math.copysign(1.0, value) < 0)


def decode(tags: Mapping[str, str]) -> Exact:
    """Return the values that `encode` kept, by key and step."""
    text = unpack_text(tags, TAG)
    return {(key, step): float(value) for key, step, value in json.loads(text)} if text else {}


def restore(point: Point, exact: Exact) -> float:
    """Return a stored value as it was before MLflow stored it.

    >>> restore(("loss", 0, -1.7976931348623157e308), {})
    -inf
    """
    key, step, value = point
    if (key, step) in exact:
        return exact[key, step]
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value
