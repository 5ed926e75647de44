"""Selection of the training curves that plots and reports show, the one of the value first."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.analysis.findings import Findings, spread
from hpsearch.trial import ITERATION, Curve, Trial, step_unit

# Curves of a recorded study are fetched one by one, so that only these are: the best, and an even choice of the others.
MOST = 300
POINTS = 200
# A moving average is over this share of the points, and over so many at least.
SHARE, FEWEST = 1 / 25, 5
# The curves of one layer, by its number.
_OF_LAYER = re.compile(r"(gradient_norm|weight_norm|saturated|dead)_(\d+)")
# Names of a curve of the training rows, by that of the validation rows without "validation_"; the best first.
_OF_TRAINING = ("sampled_training_{}", "full_training_{}", "training_{}")


@dataclass(frozen=True)
class Gap:
    """How far apart the training rows and the validation rows of one trial are, at the steps where both were scored.

    Args:
        trial: the trial.
        name: what is measured, such as ``"accuracy"``.
        source: the name of the curve of the training rows.
        steps: in rising order, two or more.
        training: of the training rows, one value a step.
        validation: of the validation rows.
    """

    trial: Trial
    name: str
    source: str
    steps: Sequence[int]
    training: Sequence[float]
    validation: Sequence[float]


def curve_names(findings: Findings) -> list[str]:
    """Return the names of all curves; the one the value was read from comes first, then those of the validation part."""
    shown = [findings.chosen] if findings.chosen else list(findings.searching[:1])
    histories = [t.outcome.history for t in [*shown, *findings.searching[:50]] if t.outcome]
    # What is known before the first epoch alone is no curve.
    names = dict.fromkeys(name for history in histories for name, curve in history.items() if curve and curve[-1][0] > 0)
    own = _own(findings, list(names))
    return sorted(names, key=lambda name: (name != own, not name.startswith("validation"), not name.startswith("training")))


def gap(findings: Findings) -> Gap | None:
    """Return the gap of the best trial, of the value where it has that, else of another measure; None without any."""
    trial = findings.chosen
    if trial is None or trial.outcome is None:
        return None
    history = trial.outcome.history
    for validation in curve_names(findings):
        name = validation.removeprefix("validation_")
        for source in (form.format(name) for form in _OF_TRAINING if name != validation):
            steps, *values = _shared(history, source, validation)
            if len(steps) > 1:
                return Gap(trial, name, source, steps, values[0], values[1])
    return None


def _shared(history: Mapping[str, Curve], first: str, second: str) -> tuple[list[int], list[float], list[float]]:
    """Return the steps at which two curves are finite, and both their values; of long ones an even choice."""
    ours, theirs = (dict(history.get(name, ())) for name in (first, second))
    both = [(step, value) for step, value in ours.items() if math.isfinite(value) and math.isfinite(theirs.get(step, math.nan))]
    steps = [step for step, _ in _thinned(sorted(both))]
    return steps, [ours[step] for step in steps], [theirs[step] for step in steps]


def _own(findings: Findings, names: Sequence[str]) -> str | None:
    """Return the curve named as the measure is, else one through the value of the best trial, or through 1 minus it."""
    named = "_".join(findings.measure.removeprefix("cross-").split())
    if named in names or findings.chosen is None or findings.chosen.outcome is None:
        return named if named in names else None
    value, history = findings.value(findings.chosen), findings.chosen.outcome.history
    for wanted in (value, 1 - value):  # an error is 1 minus the accuracy
        for name in history:
            if any(math.isclose(point, wanted, rel_tol=1e-9) for _, point in history[name]):
                return name
    return None


def learning_curves(findings: Findings, name: str, most: int = MOST) -> list[tuple[Trial, Curve]]:
    """Return trials with their curve of one name, finite points only: the best, and an even choice of the others."""
    having = [t for t in findings.searching if t.outcome is not None and name in t.outcome.history]
    chosen = spread(having, findings.ranks, most)
    found = [(t, _thinned([p for p in t.outcome.history[name] if math.isfinite(p[1])])) for t in chosen if t.outcome]
    return [(trial, curve) for trial, curve in found if curve]


def by_iteration(findings: Findings) -> tuple[str, Curve] | None:
    """Return the name and the points of the curve by iteration of the best trial, finite ones; None without one."""
    history = _history_of_best(findings)
    for name in history:
        points = tuple(point for point in history[name] if math.isfinite(point[1])) if step_unit(name) == ITERATION else ()
        if points:
            return name, points
    return None


def moving_average(values: Sequence[float]) -> tuple[list[float], int]:
    """Return the means of values around each, and of how many; near the ends of fewer, as many on both sides.

    >>> moving_average([0.0, 1.0, 5.0, 3.0, 1.0])
    ([0.0, 2.0, 2.0, 3.0, 1.0], 5)
    """
    side = max(FEWEST, round(SHARE * len(values))) // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    sides = [min(side, i, len(values) - 1 - i) for i in range(len(values))]
    means = [float(sums[i + near + 1] - sums[i - near]) / (2 * near + 1) for i, near in enumerate(sides)]
    return means, 2 * side + 1


def layer_curves(findings: Findings) -> dict[str, dict[int, Curve]]:
    """Return what was measured of each layer of the best trial: its curves by kind and number of the layer."""
    history = _history_of_best(findings)
    found: dict[str, dict[int, Curve]] = {}
    for name in history:
        match = _OF_LAYER.fullmatch(name)
        points = tuple(point for point in history[name] if math.isfinite(point[1])) if match else ()
        if match and points:
            found.setdefault(match[1], {})[int(match[2])] = points
    return found


def is_of_layer(name: str) -> bool:
    """Return whether a curve is that of one layer."""
    return _OF_LAYER.fullmatch(name) is not None


def _history_of_best(findings: Findings) -> Mapping[str, Curve]:
    trial = findings.chosen
    return {} if trial is None or trial.outcome is None else trial.outcome.history


def _thinned(points: Sequence[tuple[int, float]]) -> Curve:
    step = -(-len(points) // POINTS) or 1
    return tuple(p for i, p in enumerate(points) if i % step == 0 or i == len(points) - 1)
