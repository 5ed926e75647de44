"""The surface of a map: what a model of the trials expects over two parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.model import Model, fit_model
from hpsearch.analysis.partial_dependence import JointEffect, are_joint, joint_effect
from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import Cells
from hpsearch.space import Choice
from hpsearch.trial import flip_sign, format_value


@dataclass(frozen=True)
class Surface:
    """The cells of a surface, and the sentence of a caption that says what it is, with a space before it."""

    cells: Cells
    said: str


def surface(findings: Findings, names: tuple[str, str], axes: tuple[Scale, Scale]) -> Surface | None:
    """Return the surface below the dots of a map; None where there is no model, or none of both parameters together."""
    model = fit_model(findings)
    if isinstance(model, str) or any(name in model.constant for name in names) or not are_joint(model, names):
        return None
    joint = joint_effect(model, names)
    best, worst = (format_value(flip_sign(end, findings.maximize)) for end in ends(model, joint))
    others = ", on average over the other parameters" if len(findings.space) > 2 else ""
    said = f" Grey: the {findings.measure} that a model of the trials expects{others}, from {best} (dark) to {worst} (bright)."
    return Surface(surface_cells(model, joint, axes, grey=True), said)


def surface_cells(model: Model, joint: JointEffect, axes: tuple[Scale, Scale], grey: bool = False) -> Cells:
    """Return one cell per pair of values, coloured from the best value of the surface to the worst.

    Colours follow the model's scale; greys follow the order of the cells, as the dots above them do: a few very bad cells leave
    the others their differences.
    """
    from scipy.stats import rankdata

    across, up = (_edges(model.findings, n, v, axis) for n, v, axis in zip(joint.names, joint.values, axes, strict=True))
    low, high = model.scale.to_targets(np.array(ends(model, joint))).tolist()
    means = flip_sign(1.0, model.findings.maximize) * np.array(joint.means)
    targets = model.scale.to_targets(means)
    if grey:
        order = (rankdata(targets.round(9)) - 1) / max(targets.size - 1, 1)
        return Cells(across, up, order.reshape(targets.shape).tolist(), _texts(joint), grey=True)
    places = (targets - low) / (high - low) if high > low else np.zeros_like(targets)
    return Cells(across, up, places.tolist(), _texts(joint))


def ends(model: Model, joint: JointEffect) -> tuple[float, float]:
    """Return the best and the worst value of a surface, to be minimised."""
    means = [flip_sign(mean, model.findings.maximize) for row in joint.means for mean in row]
    return min(means), max(means)


def _texts(joint: JointEffect) -> list[list[str]]:
    """Return the value and its band for each cell."""
    rows = zip(joint.means, joint.low, joint.high, strict=True)
    return [[f"{format_value(m)} ({a:.3g} to {b:.3g})" for m, a, b in zip(*row, strict=True)] for row in rows]


def _edges(findings: Findings, name: str, values: Sequence[Any], axis: Scale) -> list[float]:
    """Return the ends of the cells around values: half way between two of them, on a logarithmic axis by their ratio."""
    domain = findings.space[name]
    if isinstance(domain, Choice):
        return [i - 0.5 for i in range(len(values) + 1)]
    inner = [math.sqrt(a * b) if axis.log else (a + b) / 2 for a, b in pairwise(values)]
    return [axis.low, *inner, axis.high]
