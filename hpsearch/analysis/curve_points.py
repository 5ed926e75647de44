"""Points of the curve diagnosis: what each measure of a training's curves adds to the score of each label.

The table was fitted, not chosen by hand: the weights of a multinomial logistic regression on labelled curves, rounded to
tenths. `tests/benchmarks/curve_points.py` fits it and writes `curve_points.json`; `studies/diagnosis.md` has its accuracy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from operator import attrgetter

import numpy as np

from hpsearch.analysis.curve_shape import Shape
from hpsearch.analysis.layer_shape import LayerShape
from hpsearch.errors import DataError

# By measure, rows of a value and the points that it gives to each of `LABELS`, with rising values. Between two values points
# are interpolated, outside of them they stay the same; one point more multiplies the odds by e. The measure "" holds what
# every label begins with.
Table = Mapping[str, tuple[tuple[float, ...], ...]]

FILE = "curve_points.json"
# What the names of measures of layers begin with.
_OF_LAYERS = "layers."
# The same for trainings whose layers were recorded.
LAYERS_FILE = "curve_points_with_layers.json"
LABELS = (
    "rate too low",
    "bad initialisation",
    "overfitting",
    "rate too high",
    "plateau needing decay",
    "train longer",
    "underfitting",
    "healthy",
)


@cache
def fitted(layers: bool = False) -> Table:
    """Return the table that comes with the package; with ``layers`` the one for trainings whose layers were recorded."""
    name = LAYERS_FILE if layers else FILE
    return parse(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def parse(text: str) -> Table:
    """Return the table in a JSON text with the keys ``labels`` and ``points``.

    Raises:
        DataError: for other labels than `LABELS`, an unknown measure, a row of another length, or values that do not rise.
    """
    content = json.loads(text)
    if tuple(content["labels"]) != LABELS:
        raise DataError(f"The labels of {FILE} must be {LABELS}, got {content['labels']!r}. Fit the table again.")
    table = {name: tuple(tuple(map(float, row)) for row in rows) for name, rows in content["points"].items()}
    for name, rows in table.items():
        _check(name, rows)
    return table


def _check(name: str, rows: tuple[tuple[float, ...], ...]) -> None:
    known = not name or hasattr(LayerShape if name.startswith(_OF_LAYERS) else Shape, name.removeprefix(_OF_LAYERS))
    values = [row[0] for row in rows]
    if not known or not rows or {len(row) for row in rows} != {len(LABELS) + 1} or values != sorted(set(values)):
        constraint = f"rows of a rising value and {len(LABELS)} points, for a measure of a Shape"
        raise DataError(f"Entry {name!r} of {FILE} must be {constraint}, got {rows!r}. Fit the table again.")


def points(s: Shape, table: Table | None = None) -> dict[str, float]:
    """Return the points of every label, by the fitted table if none is given; a measure that is NaN gives none."""
    total = np.zeros(len(LABELS))
    for name, rows in (fitted(s.layers.measured) if table is None else table).items():
        value = attrgetter(name)(s) if name else 0.0
        if not math.isnan(value):
            known, *columns = zip(*rows, strict=True)
            total += [np.interp(value, known, column) for column in columns]
    return dict(zip(LABELS, total.tolist(), strict=True))
