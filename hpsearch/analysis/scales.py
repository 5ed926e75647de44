"""Scales of axes: linear, logarithmic or one place per option; and where extreme values are cut off."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.space import Choice, Domain

# Values that span more than this factor are read off a logarithmic axis.
WIDE = 20.0
# Where the worst value is more than FAR times as far from the best as the median is, the axis ends at NEAR times.
FAR, NEAR = 10.0, 5.0
LABEL = 22
_MOST_TICKS = 7
# How far beyond the end of an axis, as a share of it, a tick may lie by rounding.
_NEARLY = 1e-9


@dataclass(frozen=True)
class Scale:
    """One axis: from ``low`` to ``high``, ``log`` where it is logarithmic, ``options`` (short labels) where it has places."""

    low: float
    high: float
    log: bool = False
    options: tuple[str, ...] = ()

    def unit(self, place: float) -> float:
        """Return where a place of the axis lies between its ends, 0 at ``low`` and 1 at ``high``."""
        low, high, place = (math.log(x) for x in (self.low, self.high, place)) if self.log else (self.low, self.high, place)
        return (place - low) / (high - low)

    def clipped(self, value: float) -> float:
        """Return the value, or the end of the axis beyond which it lies."""
        return min(max(value, self.low), self.high)

    def at(self, unit: float) -> float:
        """Return the place between ``low``, at 0, and ``high``, at 1."""
        if self.log:
            return math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        return self.low + unit * (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return (place between 0 and 1, text) for round numbers, on a logarithmic axis for decades, or for every option."""
        if self.options:
            return [(self.unit(i), text) for i, text in enumerate(self.options)]
        found = (_decades(self.low, self.high) if self.log else []) or _round_numbers(self.low, self.high)
        return [(self.unit(value), f"{value:g}") for value in found]


def _decades(low: float, high: float) -> list[float]:
    """Return the powers of ten from low to high, with 1, 2 and 5 times each where there are few; none for a short range."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1, 2, 5) if high / low < 100 else (1,)
    every = -(-(last - first) // _MOST_TICKS)
    powers = range(first + -first % every, last + 1, every)
    # Written and read again: 10.0 ** -5 is not the number nearest to 0.00001 everywhere.
    found = [float(f"{factor}e{power}") for power in powers for factor in factors]
    kept = [value for value in found if low * (1 - _NEARLY) <= value <= high * (1 + _NEARLY)]
    return kept if len(kept) > 1 else []


def _round_numbers(low: float, high: float) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten from low to high: three to seven of them."""
    power = math.floor(math.log10((high - low) / _MOST_TICKS))
    steps = [float(f"{factor}e{power + more}") for more in (0, 1) for factor in (1, 2, 5)]
    step = next(step for step in steps if (high - low) / step <= _MOST_TICKS - 1)
    margin = _NEARLY * (high - low) / step
    first, last = math.ceil(low / step - margin), math.floor(high / step + margin)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def scale(domain: Domain, values: Iterable[Any]) -> Scale:
    """Return the axis of a parameter: its range, widened to the values where a search went beyond it."""
    if isinstance(domain, Choice):
        return Scale(-0.5, len(domain.labels) - 0.5, options=tuple(short(label) for label in domain.labels))
    numbers = [float(value) for value in values]
    low, high = min([domain.low, *numbers]), max([domain.high, *numbers])
    if low == high:  # a fixed value lies in the middle of its axis
        low, high = (low / 2, high * 2) if domain.log else (low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2)
    return Scale(low, high, domain.log)


def place(domain: Domain, value: Any, number: int) -> float:
    """Return where a value lies on its axis; options are spread a little, so that their dots do not hide each other."""
    if isinstance(domain, Choice):
        return domain.index(value) + 0.5 * ((number * 0.618) % 1 - 0.5)
    return float(value)


def value_scale(values: Iterable[float], maximize: bool = False) -> Scale:
    """Return an axis for values: logarithmic where they span a factor of 20, and not drawn out by a few very bad ones."""
    given = np.array([value for value in values if math.isfinite(value)], dtype=float)
    if not given.size:
        return Scale(0.0, 1.0)
    log = bool(given.min() > 0 and given.max() / given.min() >= WIDE)
    placed = np.log(given) if log else given
    low, high = _ends(-placed if maximize else placed)
    low, high = (-high, -low) if maximize else (low, high)
    if not log and given.min() >= 0:
        low = max(low, 0.0)  # an error rate is never below 0, and its axis should not look as if
    return Scale(math.exp(low), math.exp(high), True) if log else Scale(low, high)


def _ends(placed: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float]:
    """Return the ends for values of which the lowest is best, with a margin."""
    low, high = float(placed.min()), float(placed.max())
    middle = float(np.median(placed))
    if high - low > FAR * (middle - low) > 0:
        high = low + NEAR * (middle - low)
    margin = 0.06 * (high - low) or 0.05 * max(abs(low), 1e-12)
    return low - margin, high + margin


def beyond(values: Sequence[float], axis: Scale) -> int:
    """Return how many values lie beyond the ends of an axis."""
    return sum(not axis.low <= value <= axis.high for value in values)


def short(text: str, width: int = LABEL) -> str:
    """Return a text on one line, without its middle where it is longer than an axis has room for.

    >>> short("HalveOnPlateau(patience=5)", 16)
    'HalveOnPl…nce=5)'
    """
    text = " ".join(text.split()) or "''"
    tail = (width - 1) * 2 // 5
    return text if len(text) <= width else f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"
