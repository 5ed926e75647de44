"""Plot of what was measured of each layer of the best trial: norms of gradient and weights, idle units."""

from __future__ import annotations

from collections.abc import Mapping

from hpsearch.analysis.curves import layer_curves
from hpsearch.analysis.findings import Findings
from hpsearch.analysis.scales import Scale
from hpsearch.plots.chart import Axis, Chart, Lines, Panel
from hpsearch.trial import Curve

# From the first layer to the last, in order of brightness; more layers than colours begin again.
COLOURS = ("#440154", "#3B528B", "#21918C", "#5EC962", "#D9C500", "#E69F00", "#D55E00")
_LABELS = {
    "gradient_norm": "norm of the gradient",
    "weight_norm": "norm of the weights",
    "saturated": "share of outputs that are saturated",
    "dead": "share of units that are dead",
}
_SHARES = ("saturated", "dead")


def layers_chart(findings: Findings) -> Chart | str:
    """Draw a panel for each kind of measurement, with one line a layer."""
    found = layer_curves(findings)
    best = findings.chosen
    if not found or best is None:
        return "The layers were not measured: give TrainNetwork monitor_layers=True."
    panels = [_panel(kind, found[kind]) for kind in _LABELS if kind in found]
    caption = (
        f"The layers of trial {best.number}, the best, by epoch; 0 is before training. Gradients that differ by orders of "
        "magnitude from layer to layer vanish or explode; saturated and dead units hardly learn."
    )
    return Chart("Layers of the network", caption, panels, len(panels))


def _panel(kind: str, curves: Mapping[int, Curve]) -> Panel:
    last = max(curves)
    lines = [
        Lines(
            [step for step, _ in curve],
            [_drawn(kind, value) for _, value in curve],
            _colour(layer),
            _name(kind, layer, last),
            width=1.8,
        )
        for layer, curve in sorted(curves.items())
    ]
    return Panel(Axis("epoch"), Axis(_LABELS[kind], _scale(kind, curves)), lines)


def _drawn(kind: str, value: float) -> float:
    """Return a value as it is drawn: a norm of 0 has no place on a logarithmic axis."""
    return value if kind in _SHARES or value > 0 else float("nan")


def _colour(layer: int) -> str:
    return COLOURS[(layer - 1) % len(COLOURS)]


def _name(kind: str, layer: int, last: int) -> str:
    return "output layer" if layer == last and kind not in _SHARES else f"layer {layer}"


def _scale(kind: str, curves: Mapping[int, Curve]) -> Scale:
    """Return 0 to 1 for shares, and a logarithmic axis for norms."""
    if kind in _SHARES:
        return Scale(-0.03, 1.03)
    values = [value for curve in curves.values() for _, value in curve if value > 0]
    return Scale(min(values) / 1.3, max(values) * 1.3, log=True) if values else Scale(0.0, 1.0)
