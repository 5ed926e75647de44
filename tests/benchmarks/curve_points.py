"""The fit of the points of `hpsearch.analysis.curve_points` to the labelled curves that are not held out.

python -m tests.benchmarks.curve_points          # how well it does on data sets left out, by turns; half a minute
python -m tests.benchmarks.curve_points write    # writes the data file of the package
python -m tests.benchmarks.curve_points layers   # the same with what is recorded of layers: trains all curves again, minutes

The points are the weights of a multinomial logistic regression (scikit-learn) on hat functions around each measure's values;
all labels count alike. The values are quantiles of the measure.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpsearch.analysis import curve_points, diagnosis
from hpsearch.analysis.curve_shape import Shape, shape
from hpsearch.errors import DataError, Diverged
from hpsearch.nn.recipe import Monitors
from hpsearch.nn.training.layer_state import ROWS
from tests.benchmarks.curves_of_networks import Labelled, read, rounded, start
from tests.benchmarks.labelled_curves import accuracy, counted
from tests.benchmarks.labelled_curves import table as shown

FILE = Path(curve_points.__file__).with_name(curve_points.FILE)
QUANTILES = (0.02, 0.25, 0.5, 0.75, 0.98)
# Inverse strength of the penalty on the weights, and the data sets that are left out at a time.
STRENGTH, FOLDS = 1.0, 6
MEASURES = (
    "contrast",
    "excess",
    "gap",
    "overshoot",
    "end_accuracy",
    "accuracy_pace",
    "accuracy_noise",
    "early",
    "slope",
    "validation_middle",
    "roughness",
    "validation_roughness",
    "noise",
    "validation_noise",
    "jump",
    "validation_jump",
    "validation_rises",
)

# What counts besides where the layers were recorded.
OF_LAYERS = tuple(
    f"layers.{name}"
    for name in (
        "first_weights_growth",
        "last_weights_growth",
        "late_weights_growth",
        "gradient_growth",
        "gradient_ratio",
        "gradient_noise",
        "saturated_first",
        "saturated_end",
        "dead_end",
    )
)

Array = NDArray[np.float64]


def table(curves: Sequence[Labelled], measures: Sequence[str] = MEASURES) -> curve_points.Table:
    """Return the table fitted to these curves."""
    from sklearn.linear_model import LogisticRegression

    left = [(curve.label, s) for curve in curves if _left(s := shape(curve.history)) and curve.label in curve_points.LABELS]
    with np.errstate(all="ignore"):
        values = {name: np.array([attrgetter(name)(s) for _, s in left]) for name in measures}
    knots = {name: _knots(column) for name, column in values.items()}
    hats = [_hats(values[name], knots[name]) for name in measures]
    means = [np.nanmean(columns, axis=0) for columns in hats]
    x = np.hstack([np.nan_to_num(columns - mean, nan=0.0) for columns, mean in zip(hats, means, strict=True)])
    fitted = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=150).fit(x, [label for label, _ in left])
    order = [list(fitted.classes_).index(label) for label in curve_points.LABELS]
    weights = np.split(fitted.coef_[order].T, np.cumsum([len(k) for k in knots.values()])[:-1])
    rows = {n: _rows(knots[n], w - mean @ w) for n, w, mean in zip(measures, weights, means, strict=True)}
    return {"": ((0.0, *_rounded(fitted.intercept_[order])),)} | rows


def _left(s: Shape) -> bool:
    """Whether nothing was said of a curve before points are counted."""
    with np.errstate(all="ignore"):
        return not any(rule(s) for rule in diagnosis.FIRST.values())


def _knots(values: Array) -> list[float]:
    return sorted({float(f"{v:.2g}") for v in np.quantile(values[np.isfinite(values)], QUANTILES)})


def _hats(values: Array, knots: Sequence[float]) -> Array:
    columns = np.stack([np.interp(values, knots, row) for row in np.eye(len(knots))], axis=1)
    columns[np.isnan(values)] = np.nan
    return columns


def _rows(knots: Sequence[float], weights: Array) -> tuple[tuple[float, ...], ...]:
    return tuple((knot, *_rounded(row)) for knot, row in zip(knots, weights, strict=True))


def _rounded(points: Array) -> list[float]:
    return [round(float(point), 1) + 0.0 for point in points]


def crossvalidated(curves: Sequence[Labelled], measures: Sequence[str] = MEASURES) -> list[tuple[Labelled, str | None]]:
    """Return what each curve is called by a table that was fitted without its data set and some others."""
    names = sorted({curve.made.data for curve in curves})
    said: list[tuple[Labelled, str | None]] = []
    for fold in range(FOLDS):
        out = names[fold::FOLDS]
        fitted = table([curve for curve in curves if curve.made.data not in out], measures)
        said += [(c, diagnosis.diagnose(c.history, table=fitted).label) for c in curves if c.made.data in out]
    return said


def as_json(fitted: curve_points.Table) -> str:
    """Return a table as the text of the data file, a row a line."""
    rows = {name: ",\n".join(f"      {json.dumps(row)}" for row in rows) for name, rows in fitted.items()}
    entries = [f'    "{name}": [\n{text}\n    ]' for name, text in rows.items()]
    labels = json.dumps(curve_points.LABELS)
    return "\n".join(["{", f'  "labels": {labels},', '  "points": {', ",\n".join(entries), "  }", "}", ""])


def with_layers(curve: Labelled) -> Labelled | None:
    """Return a curve trained again with what is recorded of its layers; None where that is not possible on this machine."""
    try:
        training = start(curve.made, Monitors(layers=ROWS))
        with suppress(Diverged):
            list(training.run())
    except DataError:
        return None
    points: dict[str, list[tuple[int, float]]] = {}
    for state in training.layer_states:
        for name, value in state.curves.items():
            points.setdefault(name, []).append((state.epoch, rounded(value)))
    return replace(curve, history=curve.history | {name: tuple(values) for name, values in points.items()})


def main_layers() -> None:
    """Write the table for trainings whose layers were recorded, and print its accuracy on data sets left out."""
    curves = [found for curve in read() if (found := with_layers(curve)) is not None]
    (FILE.with_name(curve_points.LAYERS_FILE)).write_text(as_json(table(curves, MEASURES + OF_LAYERS)), encoding="utf-8")
    for measures in (MEASURES, MEASURES + OF_LAYERS):
        counts = counted(crossvalidated(curves, measures))
        print(f"{accuracy(counts):.1%} on data sets left out, {len(curves)} curves, {len(measures)} measures")
        print(shown(counts))


def main(write: bool = False) -> None:
    """Write the data file, or print the accuracy of such a table on data sets it was not fitted to."""
    curves = [curve for curve in read() if not curve.held_out]
    if write:
        FILE.write_text(as_json(table(curves)), encoding="utf-8")
        return
    counts = counted(crossvalidated(curves))
    print(f"{accuracy(counts):.1%} on data sets left out, {len(curves)} curves")
    print(shown(counts))


if __name__ == "__main__":
    main_layers() if sys.argv[1:] == ["layers"] else main(sys.argv[1:] == ["write"])
