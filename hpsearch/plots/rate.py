"""Plot of the training cost at several learning rates, by which a threshold was found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from hpsearch.analysis.scales import Scale
from hpsearch.nn.rate import CostCurve, FoundRate
from hpsearch.plots.chart import BLUE, GREEN, ORANGE, SKY, Axis, Chart, Dots, Layer, Lines, Panel

# An axis ends at so many times the first cost: trainings that diverge would leave no room for the others. Nor would one that
# has converged to rounding errors.
_HIGHEST, _LOWEST = 3.0, 1e-9


def rate_chart(found: FoundRate) -> Chart:
    """Draw the training cost by epoch, a line for each training, and the cost after the last epoch by the learning rate."""
    first = max(curve.costs[0] for curve in found.curves)
    least = min(cost for curve in found.curves for cost in curve.costs if math.isfinite(cost))
    cost = Scale(max(0.8 * least, _LOWEST * first), _HIGHEST * first, log=True)
    return Chart(
        f"The training cost falls up to a learning rate of {found.threshold:g}",
        f"One line or dot for each training. What diverged or costs more than {cost.high:.3g} is at the top.",
        [_by_epoch(found, cost), _by_rate(found, cost)],
        columns=2,
    )


def _by_epoch(found: FoundRate, cost: Scale) -> Panel:
    layers: list[Layer] = []
    for curves, colour, label, width in (
        ([c for c in found.curves if c.rate > found.threshold], ORANGE, "higher rates", 1.0),
        ([c for c in found.curves if c.rate < found.threshold], SKY, "lower rates", 1.0),
        ([c for c in found.curves if c.rate == found.threshold], BLUE, f"threshold, {found.threshold:g}", 2.2),
    ):
        if curves:
            layers.append(_lines(curves, cost, colour, label, width))
    epochs = max(len(curve.costs) for curve in found.curves) - 1
    return Panel(Axis("epoch", Scale(0, epochs)), Axis("training cost", cost), layers)


def _by_rate(found: FoundRate, cost: Scale) -> Panel:
    rates = [curve.rate for curve in found.curves]
    layers: list[Layer] = [
        Lines([found.threshold] * 2, [cost.low, cost.high], BLUE, f"threshold, {found.threshold:g}"),
        Lines([found.rate] * 2, [cost.low, cost.high], GREEN, f"half of it, {found.rate:g}", dashed=True),
    ]
    kept = [curve for curve in found.curves if curve.rate <= found.threshold]
    for curves, colour in (kept, SKY), ([curve for curve in found.curves if curve not in kept], ORANGE):
        ends = [_shown(curve.costs[-1], cost) for curve in curves]
        texts = [f"{curve.costs[-1]:.3g} at the rate {curve.rate:g}" for curve in curves]
        layers.append(Dots([curve.rate for curve in curves], ends, colour, texts))
    across = Axis("learning rate", Scale(min(rates) / 1.5, max(rates) * 1.5, log=True))
    return Panel(across, Axis("training cost after the last epoch", cost), layers)


def _lines(curves: Sequence[CostCurve], cost: Scale, colour: str, label: str, width: float) -> Lines:
    """Return curves as one layer, a gap after each."""
    x = list(chain.from_iterable([*map(float, range(len(curve.costs))), math.nan] for curve in curves))
    y = list(chain.from_iterable([*(_shown(value, cost) for value in curve.costs), math.nan] for curve in curves))
    texts = list(chain.from_iterable([f"learning rate {curve.rate:g}"] * (len(curve.costs) + 1) for curve in curves))
    return Lines(x, y, colour, label, width, texts=texts)


def _shown(value: float, cost: Scale) -> float:
    return cost.clipped(value) if math.isfinite(value) else cost.high
