"""Plot of the weights into each unit of the first layer: of a linear classifier, the image of each class."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import Scale, short
from hpsearch.plots.chart import Axis, Cells, Chart, ColourBar, Panel
from hpsearch.ports import Exported
from hpsearch.trial import format_value

# Units that are drawn, and in a row.
_MOST, _ACROSS = 30, 6
# Fewer inputs than this are no image.
_IMAGE = 16


def weights_chart(findings: Findings) -> Chart | str:
    """Draw the weights of the first layer of the best trial's network, a panel for each unit; square rows are images."""
    found = findings.exported
    if isinstance(found, str):
        return found
    if "layers" not in found.architecture:
        return "The best trial's network is not fully connected, so it has no first layer."
    weights, names = _first_layer(found)
    linear = len(found.architecture["layers"]) == 1
    side = math.isqrt(weights.shape[1])
    image = side**2 == weights.shape[1] >= _IMAGE
    end = float(np.abs(weights).max()) or 1.0
    what = "class" if linear else "unit of the first hidden layer"
    left = f" The first {_MOST} of {len(weights)} are drawn." if len(weights) > _MOST else ""
    trial = -1 if findings.chosen is None else findings.chosen.number
    shown = weights[:_MOST].reshape(-1, side, side) if image else weights[:_MOST, None, :]
    return Chart(
        f"Weights of the best trial, by {what}",
        f"The weight of each input for each {what}, in the network of trial {trial}:"
        f" bright inputs speak for it, dark ones against it.{left}",
        [_panel(one, name, end) for one, name in zip(shown, names, strict=False)],
        columns=min(_ACROSS if image else 1, max(1, math.ceil(len(shown) / 2))),
        colours=ColourBar("weight", [(u, format_value((2 * u - 1) * end)) for u in (0.0, 0.25, 0.5, 0.75, 1.0)], False),
    )


def _first_layer(found: Exported) -> tuple[NDArray[np.float64], Sequence[str]]:
    """Return the weights of the first layer, (units, inputs), of an ensemble those of the first member; and a name for each."""
    name = "weights_0" if "weights_0" in found.weights else "member_0_weights_0"
    weights = np.asarray(found.weights[name], np.float64)
    labels = found.architecture.get("labels", ())
    linear = len(found.architecture["layers"]) == 1 and len(labels) == len(weights)
    names = [short(str(label), 20) for label in labels] if linear else [f"unit {i + 1}" for i in range(len(weights))]
    return weights, names


def _panel(image: NDArray[np.float64], name: str, end: float) -> Panel:
    """Return the panel of one unit; the first row of the image is on top."""
    rows, columns = image.shape
    upright = image[::-1].T
    texts = [[f"weight {format_value(w)}" for w in column] for column in upright.tolist()]
    cells = Cells(
        [float(i) for i in range(columns + 1)], [float(i) for i in range(rows + 1)], (0.5 + upright / (2 * end)).tolist(), texts
    )
    across, upright_scale = (Scale(0.0, float(size), options=("",)) for size in (columns, rows))
    return Panel(Axis(name, across), Axis("", upright_scale), [cells], square=rows > 1)
