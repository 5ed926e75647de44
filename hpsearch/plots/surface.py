"""The surface of a map: what a model of the trials expects over two parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.model import Model, fit_model
from hpsearch.analysis.partial_dependence import JointEffect, are_joint, joint_effect
from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import Cells
from hpsearch.space import Choice
from hpsearch.trial import flip_sign, format_value


def surfaces(parts: Sequence[Findings], names: tuple[str, str], axes: tuple[Scale, Scale]) -> tuple[list[Cells | None], str]:
    """Return the surfaces below the dots of some maps, whose greys mean the same, and the sentence of a caption on them.

    None takes the place of a surface where there is no model, or none of both parameters together. Greys follow the order of
    the cells, as the dots above them do: a few very bad cells leave the others their differences.

    Args:
        parts: the findings of each map.
        names: of the two parameters.
        axes: of all maps.
    """
    from scipy.stats import rankdata

    found = [_joint(findings, names) for findings in parts]
    drawn = [pair for pair in found if pair is not None]
    if not drawn:
        return [None] * len(parts), ""
    values = np.concatenate([_minimised(model, joint).ravel() for model, joint in drawn])
    order = ((rankdata(values.round(12)) - 1) / max(values.size - 1, 1)).tolist()
    cells: list[Cells | None] = []
    for pair in found:
        if pair is None:
            cells.append(None)
            continue
        model, joint = pair
        places = [[order.pop(0) for _ in row] for row in joint.means]
        cells.append(Cells(*_cell_edges(model, joint, axes), places, _texts(joint), grey=True))
    first = parts[0]
    best, worst = (format_value(flip_sign(float(end), first.maximize)) for end in (values.min(), values.max()))
    others = ", on average over the other parameters" if len(first.space) > 2 else ""
    said = f" Grey: the {first.measure} that a model of the trials expects{others}, from {best} (dark) to {worst} (bright)."
    return cells, said


def _joint(findings: Findings, names: tuple[str, str]) -> tuple[Model, JointEffect] | None:
    """Return the model and its expectation over two parameters; None where there is none."""
    model = fit_model(findings)
    if isinstance(model, str) or any(name in model.constant for name in names) or not are_joint(model, names):
        return None
    return model, joint_effect(model, names)


def _minimised(model: Model, joint: JointEffect) -> NDArray[np.float64]:
    return flip_sign(1.0, model.findings.maximize) * np.array(joint.means)


def surface_cells(model: Model, joint: JointEffect, axes: tuple[Scale, Scale]) -> Cells:
    """Return one cell per pair of values, coloured on the model's scale from the best value of the surface to the worst."""
    low, high = model.scale.to_targets(np.array(ends(model, joint))).tolist()
    targets = model.scale.to_targets(_minimised(model, joint))
    places = (targets - low) / (high - low) if high > low else np.zeros_like(targets)
    return Cells(*_cell_edges(model, joint, axes), places.tolist(), _texts(joint))


def _cell_edges(model: Model, joint: JointEffect, axes: tuple[Scale, Scale]) -> tuple[list[float], list[float]]:
    across, up = (_edges(model.findings, n, v, axis) for n, v, axis in zip(joint.names, joint.values, axes, strict=True))
    return across, up


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
