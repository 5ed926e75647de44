"""Partial dependence: how a study's value depends on one parameter, or on two, by a model of its trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from hpsearch.analysis.model import Array, Model
from hpsearch.space import Choice, Space
from hpsearch.trial import flip_sign

SEED = 0
# Points over which the other parameters are averaged: powers of two, as Sobol points come.
_DRAWS, _FEW_DRAWS = 128, 64
_POINTS, _CELLS, _COARSE = 41, 21, 7
# Pairs are looked for among so many parameters, those of the shortest length scales.
_MOST_NAMES = 8
# Effects are computed of so many parameters, those on which the model depends most.
_MOST_EFFECTS = 12
# A band reaches so many deviations to each side: 95 % by the model.
BAND = 1.96


@dataclass(frozen=True)
class Effect:
    """The expected value at each of some values of one parameter, on average over the others.

    Args:
        name: the parameter.
        values: its values in rising order, or the options of a choice.
        means: the expected values, as the objective returned them; where the model has a logarithmic scale, geometric means.
        low, high: the ends of the 95 % band of the model around each of them.
    """

    name: str
    values: tuple[Any, ...]
    means: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class JointEffect:
    """The expected value at each pair of values of two parameters, on average over the others.

    ``means[i][j]``, ``low[i][j]`` and ``high[i][j]`` belong to value i of the first parameter and value j of the second.
    """

    names: tuple[str, str]
    values: tuple[tuple[Any, ...], tuple[Any, ...]]
    means: tuple[tuple[float, ...], ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]


def effect(model: Model, name: str, points: int = _POINTS) -> Effect:
    """Return the partial dependence on one parameter.

    The other parameters are averaged over 128 points spread evenly over the space, a conditional parameter over those where
    it is present. The points are the same each time.

    Known value: of a sum f(x) + g(y) it is f(x) plus the mean of g, on the model's scale.
    Source: Friedman (2001), Greedy function approximation: a gradient boosting machine, section 8.2; the deviation of the
        average is that of a linear function of the Gaussian process, Rasmussen and Williams (2006), section 9.8.
    """
    values = _values(model.space, name, points)
    return Effect(name, values, *_with_band(model, _groups(model.space, {name: values}, _DRAWS)))


def effects(model: Model) -> list[Effect]:
    """Return the partial dependence on every parameter that was varied, the one that moves the value most first.

    Of more than twelve parameters, those are taken that the model depends on most.
    """
    found = [effect(model, name) for name in _leading(model, _MOST_EFFECTS)]
    sign = flip_sign(1.0, model.findings.maximize)
    return sorted(found, key=lambda each: -float(model.scale.to_targets(sign * np.array(each.means)).std()))


@lru_cache(maxsize=2)
def joint_effect(model: Model, names: tuple[str, str], points: int = _CELLS) -> JointEffect:
    """Return the partial dependence on two parameters."""
    first, second = (_values(model.space, name, points) for name in names)
    found = _with_band(model, _groups(model.space, {names[0]: first, names[1]: second}, _FEW_DRAWS))
    means, low, high = (_in_rows(each, len(second)) for each in found)
    return JointEffect(names, (first, second), means, low, high)


def _with_band(model: Model, groups: Sequence[Array]) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Return the averages over groups of rows, and both ends of their bands, as the objective returned values."""
    means, deviations = model.average(groups)
    ends = (means, means - BAND * deviations, means + BAND * deviations)
    shown = [
        tuple(flip_sign(value, model.findings.maximize) for value in model.scale.to_values(each).tolist()) for each in ends
    ]
    return (shown[0], shown[2], shown[1]) if model.findings.maximize else (shown[0], shown[1], shown[2])


def _in_rows(flat: Sequence[float], width: int) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(flat[i : i + width]) for i in range(0, len(flat), width))


def leading_pair(model: Model) -> tuple[str, str] | None:
    """Return the two parameters whose joint partial dependence varies most; None where fewer than two were varied.

    They are taken from the eight parameters that the model depends on most, in the order of the space. Two parameters that
    are not always present together, whatever their values, are no pair.
    """
    leading = _leading(model, _MOST_NAMES)
    names = [name for name in model.space if name in leading]
    spreads = {pair: _joint_spread(model, pair) for pair in combinations(names, 2)}
    found = max(spreads, key=lambda pair: spreads[pair], default=None)
    return found if found is not None and spreads[found] >= 0 else None


def _leading(model: Model, most: int) -> list[str]:
    """Return the parameters that were varied, by rising length scale; of many, those on which the model depends most.

    Each parameter's values are passed on to the next trial; what the model then predicts is compared with what it predicted.

    Source: Breiman (2001), Random forests, section 10, with a rotation in place of a random permutation.
    """
    names = list(model.length_scales)
    if len(names) <= most:
        return names
    before = model.means(model.units)
    moved = {name: float(((model.means(_rotated(model, name)) - before) ** 2).sum()) for name in names}
    leading = sorted(names, key=lambda name: -moved[name])[:most]
    return [name for name in names if name in leading]


def _rotated(model: Model, name: str) -> Array:
    column = list(model.space).index(name)
    rows = model.units.copy()
    rows[:, column] = np.roll(rows[:, column], 1)
    return rows


def _joint_spread(model: Model, names: tuple[str, str]) -> float:
    """Return how far the joint partial dependence varies, -1 where the two are not always present together."""
    groups = _coarse(model, names)
    if not _all_present(model, names, groups):
        return -1.0
    means = model.means(np.vstack(groups)).reshape(len(groups), -1).mean(1)
    return float(means.std())


def are_joint(model: Model, names: tuple[str, str]) -> bool:
    """Return whether two parameters are always present together, whatever their values."""
    return _all_present(model, names, _coarse(model, names))


def _coarse(model: Model, names: tuple[str, str]) -> list[Array]:
    return _groups(model.space, {name: _values(model.space, name, _COARSE) for name in names}, _FEW_DRAWS)


def _all_present(model: Model, names: tuple[str, str], groups: Sequence[Array]) -> bool:
    conditional = [name for name in names if model.space[name].conditions]
    return not conditional or all(name in model.space.from_unit(group[0].tolist()) for group in groups for name in conditional)


def _values(space: Space, name: str, points: int) -> tuple[Any, ...]:
    domain = space[name]
    return tuple(domain.kept) if isinstance(domain, Choice) else tuple(domain.grid(points, "ends"))


def _groups(space: Space, grid: dict[str, tuple[Any, ...]], count: int) -> list[Array]:
    """Return one group of rows of unit coordinates per point of the grid, the last parameter varying fastest."""
    names = list(space)
    draws = _draws(len(names), count)
    for name in grid:
        _make_present(space, name, draws)
    groups = [draws]
    for name, values in grid.items():
        groups = [_with(rows, names.index(name), space[name].to_unit(value)) for rows in groups for value in values]
    return groups


def _draws(parameters: int, count: int) -> Array:
    from scipy.stats import qmc

    points: Array = qmc.Sobol(parameters, rng=np.random.default_rng(SEED)).random_base2(count.bit_length() - 1)
    return points


def _make_present(space: Space, name: str, draws: Array) -> None:
    """Move the choices that a parameter depends on to options with which it is present."""
    for parent, allowed in space[name].conditions:
        _make_present(space, parent, draws)
        domain, column = space[parent], list(space).index(parent)
        units = np.array([domain.to_unit(domain.parse(label)) for label in allowed])
        draws[:, column] = units[np.minimum((draws[:, column] * len(units)).astype(int), len(units) - 1)]


def _with(rows: Array, column: int, unit: float) -> Array:
    changed = rows.copy()
    changed[:, column] = unit
    return changed
