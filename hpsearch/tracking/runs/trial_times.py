"""The seconds of a trial's steps as one tag: they are beside the record, so that a damaged one damages no trial."""

from __future__ import annotations

import json

from hpsearch.trial import Times

TAG = "hpsearch.times"
# Digits behind the point: a tenth of a millisecond.
_DIGITS = 4


def pack(times: Times) -> str:
    """Return the times as text.

    >>> pack({"epoch": ((1, 0.25), (2, 0.5))})
    '{"epoch":[[1,0.25],[2,0.5]]}'
    """
    rounded = {unit: [(step, round(seconds, _DIGITS)) for step, seconds in curve] for unit, curve in times.items()}
    return json.dumps(rounded, separators=(",", ":"))


def unpack(text: str) -> Times:
    """Return the times of a text that `pack` made; none where it cannot be read, or there is none."""
    try:
        found = json.loads(text)
        return {str(unit): tuple((int(step), float(at)) for step, at in curve) for unit, curve in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
