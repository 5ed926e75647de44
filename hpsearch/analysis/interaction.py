"""Interaction of two parameters: the part of the variance that neither explains by itself (fANOVA of pairs)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.importance import SEED, varied

# As Optuna's fANOVA, but leaves of several trials: in leaves of one trial chance looks like interaction.
TREES, LEAF = 64, 4

Values = NDArray[np.float64]
Boxes = tuple[Values, Values, Values]


def interactions(findings: Findings, seed: int = SEED) -> dict[tuple[str, str], float] | str:
    """Return the share of the variance that each pair explains beyond its two by themselves, largest first.

    A random forest is fitted to the ranks of the same trials as for `importance`; in each tree the mean over all other
    parameters is exact, as a tree is a sum of boxes. Returns one sentence where there are too few trials.

    Known value: where the value tells whether two independent parameters lie in the same half of their ranges, all of it.
    Source: Hutter, Hoos and Leyton-Brown (2014), An efficient approach for assessing hyperparameter importance, ICML.
    """
    found = varied(findings)
    if isinstance(found, str):
        return found.replace("Importance", "What acts together", 1)
    names = list(found.columns)
    points = np.column_stack([_codes(found.columns[name]) for name in names])
    shares = {(names[i], names[j]): share for (i, j), share in _of_pairs(points, np.array(found.ranks), seed).items()}
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))


def _codes(column: list[Any]) -> Values:
    """Return numbers as they are, and options as their places in the alphabet."""
    if isinstance(column[0], str):
        places = {label: float(i) for i, label in enumerate(sorted(set(column)))}
        return np.array([places[label] for label in column])
    return np.array(column, np.float64)


def _of_pairs(points: Values, values: Values, seed: int) -> dict[tuple[int, int], float]:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(TREES, min_samples_leaf=LEAF, random_state=seed).fit(points, values)
    low, high = points.min(0), points.max(0)
    trees = [_boxes(tree.tree_, low, high) for tree in forest.estimators_]
    shares = [_shares(*boxes) for boxes in trees if np.ptp(boxes[2]) > 0]
    pairs = combinations(range(points.shape[1]), 2)
    return {pair: float(np.mean([share[pair] for share in shares])) if shares else 0.0 for pair in pairs}


def _boxes(tree: Any, low: Values, high: Values) -> Boxes:
    """Return the leaves of a tree: lower and upper corners, the whole space being the unit cube, and values."""
    corners = {0: (np.zeros_like(low), np.ones_like(high))}
    leaves = []
    for node in range(tree.node_count):  # parents come before their children
        lower, upper = corners.pop(node)
        feature = tree.feature[node]
        if feature < 0:
            leaves.append((lower, upper, tree.value[node].item()))
            continue
        at = (tree.threshold[node] - low[feature]) / (high[feature] - low[feature])
        corners[tree.children_left[node]] = (lower, _with(upper, feature, at))
        corners[tree.children_right[node]] = (_with(lower, feature, at), upper)
    below, above, values = zip(*leaves, strict=True)
    return np.array(below), np.array(above), np.array(values)


def _with(corner: Values, feature: int, at: float) -> Values:
    changed = corner.copy()
    changed[feature] = at
    return changed


def _shares(lower: Values, upper: Values, values: Values) -> dict[tuple[int, int], float]:
    """Return the interaction of each pair as a share of the variance of one tree.

    The variance of a mean over the other parameters is a sum over pairs of leaves: the product of their values, of how far they
    overlap in the parameters that are kept, and of how wide they are in the others; less the square of the whole mean.
    """
    widths = upper - lower
    volume = widths.prod(1)
    mean = float(volume @ values)
    total = float(volume @ (values - mean) ** 2)
    overlap = [_overlap(lower[:, i], upper[:, i]) / np.outer(widths[:, i], widths[:, i]) for i in range(lower.shape[1])]
    weights = volume * (values - mean)
    alone = [float(weights @ shared @ weights) for shared in overlap]
    pairs = combinations(range(len(overlap)), 2)
    return {(i, j): (float(weights @ (overlap[i] * overlap[j]) @ weights) - alone[i] - alone[j]) / total for i, j in pairs}


def _overlap(lower: Values, upper: Values) -> Values:
    lengths: Values = np.minimum.outer(upper, upper) - np.maximum.outer(lower, lower)
    return lengths.clip(min=0.0)
