"""Ranges to widen: the best settings lie at an end of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from hpsearch.space import Float, Int, Params, Space
from hpsearch.space.equality import params_key
from hpsearch.space.steps import value_after

# The outer part of a range that counts as its end, and the part in which the other leaders must lie too.
END, NEAR = 0.05, 0.25
LEADERS = 5


@dataclass(frozen=True)
class Edge:
    """A parameter whose best value lies at an end of its range, and the range to search next."""

    name: str
    value: float
    side: str
    searched: Float | Int
    wider: Float | Int


def edges(space: Space, leaders: Sequence[Params]) -> list[Edge]:
    """Return the parameters whose range was too narrow, judged by the leading settings, best first.

    The best value must lie in the outer twentieth of its range, or beyond it, since some searches move their ranges. The
    median of up to five leaders must lie in the outer quarter, so that one lucky draw does not count. A setting that was run
    at several budgets counts once. Ends that are declared hard, and ends that have nothing beyond them (a count of 1, a share
    of 0 or 1), are left out.
    """
    best = leaders[0] if leaders else {}
    distinct = list({params_key(params): params for params in leaders}.values())
    found = [_edge(name, space[name], distinct[:LEADERS]) for name in best if name in space]
    return [edge for edge in found if edge is not None]


def _edge(name: str, domain: Any, leaders: Sequence[Params]) -> Edge | None:
    if not isinstance(domain, (Float, Int)) or domain.is_fixed:
        return None
    value = leaders[0][name]
    units = [_unit(domain, params[name]) for params in leaders if name in params]
    for side, unit, middle in (("low", units[0], median(units)), ("high", 1 - units[0], 1 - median(units))):
        if unit < END and middle < NEAR and domain.hard not in (True, side):
            wider = _wider(domain, side, value)
            return Edge(name, value, side, domain, wider) if wider != domain else None
    return None


def _unit(domain: Float | Int, value: float) -> float:
    """Return where a value lies, the outermost whole numbers at 0 and 1."""
    if value <= domain.low or value >= domain.high:
        return float(value >= domain.high)
    return domain.to_unit(value)


def _wider(domain: Float | Int, side: str, value: float) -> Float | Int:
    """Return the range with one end moved until the value lies well inside, as far as there is anything there."""
    moved = _moved(domain, side)
    while _outside(moved, side, value) and (further := _moved(moved, side)) != moved:
        moved = further
    return moved


def _outside(domain: Float | Int, side: str, value: float) -> bool:
    return value <= domain.low if side == "low" else value >= domain.high


def _moved(domain: Float | Int, side: str) -> Float | Int:
    """Move an end: a decade outwards on a log scale (a factor of 4 for whole numbers), else by half the width."""
    end = domain.low if side == "low" else domain.high
    sign = -1 if side == "low" else 1
    if domain.log:
        new = end * (10.0 if isinstance(domain, Float) else 4) ** sign
    else:
        new = end + sign * (domain.high - domain.low) / 2
    moved: Any = _counted(domain, new, sign) if isinstance(domain, Int) else _on_step(domain, _shared(domain, new, sign))
    change: dict[str, Any] = {side: moved}
    try:
        return dataclasses.replace(domain, **change)
    except ValueError:  # a number too large or too small for a float
        return domain


def _counted(domain: Int, new: float, sign: int) -> int:
    """Return a whole number on the grid of a range of counts: never below 1, nor below 0 where it began there."""
    start = domain.low if sign < 0 else domain.high
    steps = max(math.ceil(abs(new - start) / domain.step), 1)
    reached = start + sign * steps * domain.step
    floor = min(domain.low, 1) if domain.low >= 0 else reached
    return max(reached, floor) if (max(reached, floor) - domain.low) % domain.step == 0 else start


def _on_step(domain: Float, new: float) -> float:
    """Return the value on a step that is nearest to ``new``, where the range has steps."""
    return new if domain.step is None else value_after(domain.low, domain.step, round((new - domain.low) / domain.step))


def _shared(domain: Float, new: float, sign: int) -> float:
    """Return a real number; a linear range from 0 on stays there, and one inside [0, 1] goes half way to 1."""
    if not domain.log and domain.low >= 0:
        if sign < 0:
            new = max(new, 0.0)
        elif domain.high <= 1:
            new = (domain.high + 1) / 2
    return float(f"{new:.6g}")
