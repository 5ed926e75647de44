"""Plot of the random-experiment efficiency curve: a box per size of experiment, beside a grid and published medians."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from hpsearch.analysis.efficiency import Best, Box
from hpsearch.analysis.scales import Scale, beyond
from hpsearch.plots.chart import BLUE, GREEN, GREY, ORANGE, Axis, Boxes, Chart, Dots, Layer, Lines, Panel

_HALF = 0.28  # of a box's width; neighbours are 1 apart


def efficiency_chart(
    boxes: Sequence[Box],
    grid: Best,
    grid_trials: int,
    published: Mapping[int, float],
    published_grid: float,
    title: str,
) -> Chart:
    """Draw test accuracy over experiments of 1, 2, 4, ... trials.

    Args:
        boxes: our efficiency curve, of test errors.
        grid: test error of our grid's best trial, and how many trials it had.
        published: median accuracy by size of experiment.
        published_grid: accuracy of the published grid.
    """
    ends = (-0.6, len(boxes) - 0.4)
    layers: list[Layer] = [_shades(boxes), _whiskers(boxes), _medians(boxes), _experiments(boxes)]
    layers += _level(ends, 1 - grid.mean, f"our grid ({grid_trials} trials)", GREEN, dashed=False)
    layers += _level(ends, published_grid, "published grid", GREY, dashed=True)
    known = [(i, published[box.trials]) for i, box in enumerate(boxes) if box.trials in published]
    shown = [x for x, _ in known], [y for _, y in known]
    layers.append(Dots(*shown, ORANGE, label="published median", mark="big dot"))
    sizes = tuple(str(box.trials) for box in boxes)
    values = [y for _, y in known] + [published_grid, 1 - grid.mean]
    x = Scale(ends[0], ends[1], options=sizes)
    y = _scale(boxes, values)
    below = beyond([1 - best.mean for box in boxes for best in box.experiments], y)
    label = "test accuracy of its best trial" + (f" ({below} experiments below the axis)" if below else "")
    panel = Panel(Axis("trials in an experiment of random search", x), Axis(label, y), layers)
    return Chart(title, "Box: middle half of the experiments of one size, with median and extremes.", [panel])


def _five(box: Box) -> tuple[float, ...]:
    """Return the five numbers as accuracies, rising."""
    return tuple(1 - number for number in reversed(box.numbers))


def _shades(boxes: Sequence[Box]) -> Boxes:
    return Boxes([(i - _HALF, i + _HALF, _five(box)[1], _five(box)[3]) for i, box in enumerate(boxes)], BLUE)


def _medians(boxes: Sequence[Box]) -> Lines:
    x = [place for i in range(len(boxes)) for place in (i - _HALF, i + _HALF, math.nan)]
    y = [value for box in boxes for value in (_five(box)[2], _five(box)[2], math.nan)]
    return Lines(x, y, BLUE, "our median, middle half and extremes", width=2.4)


def _whiskers(boxes: Sequence[Box]) -> Lines:
    x = [place for i in range(len(boxes)) for place in (i, i, math.nan, i, i, math.nan)]
    y = [v for low, first, _, third, high in map(_five, boxes) for v in (low, first, math.nan, third, high, math.nan)]
    return Lines(x, y, BLUE)


def _experiments(boxes: Sequence[Box]) -> Dots:
    """Return a dot per experiment; those of one size are spread a little."""
    spread = [
        (i + _HALF * (2 * ((k * 0.618) % 1) - 1), best) for i, box in enumerate(boxes) for k, best in enumerate(box.experiments)
    ]
    return Dots([x for x, _ in spread], [1 - best.mean for _, best in spread], BLUE, label="one experiment")


def _level(ends: tuple[float, float], value: float, label: str, colour: str, dashed: bool) -> list[Layer]:
    return [Lines(list(ends), [value, value], colour, label, width=1.8, dashed=dashed)]


def _scale(boxes: Sequence[Box], values: Sequence[float]) -> Scale:
    """Return an axis that shows all experiments of four trials and more, and the median of those of one; others lie below."""
    seen = [*values, *(_five(box)[2] for box in boxes), *(_five(box)[0] for box in boxes if box.trials >= 4)]
    seen += [_five(box)[4] for box in boxes]
    low, high = float(np.min(seen)), float(np.max(seen))
    return Scale(low - 0.05 * (high - low), high + 0.05 * (high - low))
