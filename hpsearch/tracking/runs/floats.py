"""The few floats that MLflow does not keep bit by bit, and how they are kept beside it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping

from hpsearch.tracking.store.names import packed, unpacked

TAG = "hpsearch.exact"
# (key, step, value)
Point = tuple[str, int, float]
Exact = Mapping[tuple[str, int], float]


def exceptions(points: Iterable[Point]) -> dict[str, str]:
    """Return the tags that keep what SQLite or MLflow would alter: -0.0, and the largest float, which stands for infinity."""
    odd = [[key, step, repr(value)] for key, step, value in points if _altered(value)]
    return packed(TAG, json.dumps(odd)) if odd else {}


def _altered(value: float) -> bool:
    return abs(value) == sys.float_info.max or (value == 0 and math.copysign(1.0, value) < 0)


def read(tags: Mapping[str, str]) -> Exact:
    """Return the values that `exceptions` kept, by key and step."""
    text = unpacked(tags, TAG)
    return {(key, step): float(value) for key, step, value in json.loads(text)} if text else {}


def restored(point: Point, exact: Exact) -> float:
    """Return a stored value as it was before MLflow stored it.

    >>> restored(("loss", 0, -1.7976931348623157e308), {})
    -inf
    """
    key, step, value = point
    if (key, step) in exact:
        return exact[key, step]
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value
