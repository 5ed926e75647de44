"""Plots of the best trial's predictions: the confusion matrix, predicted against true numbers, and the reliability curve."""

from __future__ import annotations

import math

import numpy as np

from hpsearch.analysis.findings import Findings
from hpsearch.analysis.predictions import Reliability, confusion, reliability, residual_spread
from hpsearch.analysis.scales import Scale, short
from hpsearch.plots.chart import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY,
    YELLOW,
    Axis,
    Band,
    Cells,
    Chart,
    ColourBar,
    Dots,
    Lines,
    Panel,
)
from hpsearch.ports import Predictions
from hpsearch.trial import format_value

# Beyond so many classes the counts are not written into the cells, and beyond so many there is no curve for each.
_WRITTEN, _CURVES = 20, 12
_COLOURS = (BLUE, ORANGE, GREEN, YELLOW, SKY, GREY)


def confusion_chart(findings: Findings) -> Chart | str:
    """Draw which classes the best trial confuses; of numbers, what it predicts against what is true."""
    found = findings.predicted
    if isinstance(found, str):
        return found
    return _confusion(findings, found) if found.classes else _numbers(findings, found)


def calibration_chart(findings: Findings) -> Chart | str:
    """Draw how often a class is right at each probability that the best trial gives it."""
    found = findings.predicted
    if isinstance(found, str):
        return found
    if not found.classes:
        return "Calibration is of probabilities; this study predicts numbers."
    if found.probabilities is None:
        return "There is no calibration: the best trial predicts classes without probabilities."
    curves = reliability(found)
    drawn = curves[:_CURVES]
    scores = ", ".join(f"{curve.name} {format_value(curve.brier)}" for curve in curves)
    left = f" The first {_CURVES} of {len(curves)} classes are drawn." if len(drawn) < len(curves) else ""
    score = f"The Brier score is {format_value(curves[0].brier)}" if len(curves) == 1 else f"Brier scores: {scores}"
    unit = Scale(0.0, 1.0)
    diagonal = Lines([0.0, 1.0], [0.0, 1.0], GREY, "true probabilities", dashed=True)
    layers = [layer for index, curve in enumerate(drawn) for layer in _curve(curve, index)]
    most = max(max(curve.counts) for curve in drawn)
    counts = [Lines(c.predicted, [float(n) for n in c.counts], _COLOURS[i % 6], texts=_texts(c)) for i, c in enumerate(drawn)]
    return Chart(
        "Calibration of the best trial",
        f"The share of rows of a class, by the probability that trial {_number(findings)} gives it, on {len(found.truth)}"
        f" {found.rows}; below, the rows at each probability. {score} (0 is perfect).{left}",
        [
            Panel(Axis("predicted probability", unit), Axis("share of the rows", unit), [diagonal, *layers]),
            Panel(Axis("predicted probability", unit), Axis("rows", Scale(0.0, float(most))), counts),
        ],
    )


def _curve(curve: Reliability, index: int) -> list[Lines | Dots]:
    colour, texts = _COLOURS[index % len(_COLOURS)], _texts(curve)
    return [
        Lines(curve.predicted, curve.observed, colour, short(curve.name, 30), texts=texts, dashed=index >= len(_COLOURS)),
        Dots(curve.predicted, curve.observed, colour, texts),
    ]


def _texts(curve: Reliability) -> list[str]:
    return [
        f"{curve.name}: {count} rows, {100 * share:.0f} % of them of this class"
        for count, share in zip(curve.counts, curve.observed, strict=True)
    ]


def _confusion(findings: Findings, found: Predictions) -> Chart:
    counts, names = confusion(found), [short(name, 20) for name in found.classes]
    k, totals = len(names), np.maximum(counts.sum(axis=1), 1)
    upwards = range(k - 1, -1, -1)  # the first class is on top, so that the diagonal begins there
    places = (counts / totals[:, None])[::-1].T.tolist()  # by column, which is the predicted class
    edges = [index - 0.5 for index in range(k + 1)]
    written = [[str(counts[row, column]) for row in upwards] for column in range(k)]
    right = int(np.trace(counts))
    across, upright = (Scale(-0.5, k - 0.5, options=tuple(order)) for order in (names, names[::-1]))
    return Chart(
        "Confusion matrix of the best trial",
        f"Rows of each class (upright) by the class that trial {_number(findings)} predicts for them (across): {right} of"
        f" {len(found.truth)} {found.rows} are right. {_hardest(found.classes, counts)}",
        [
            Panel(
                Axis("predicted class", across),
                Axis("true class", upright),
                [Cells(edges, edges, places, written, written=k <= _WRITTEN)],
            )
        ],
        colours=ColourBar("share of the class", [(u, f"{100 * u:.0f} %") for u in (0.0, 0.25, 0.5, 0.75, 1.0)], False),
    )


def _hardest(classes: tuple[str, ...], counts: np.ndarray) -> str:
    """Return a sentence on the class that is found least."""
    totals = counts.sum(axis=1)
    shares = [counts[i, i] / totals[i] if totals[i] else math.inf for i in range(len(classes))]
    worst = int(np.argmin(shares))
    if shares[worst] >= 1:
        return "No class is confused with another."
    wrong = counts[worst].copy()
    wrong[worst] = 0
    taken = classes[int(wrong.argmax())]
    return f"{classes[worst]} is found least, {counts[worst, worst]} of {totals[worst]}, and taken for {taken} most often."


def _numbers(findings: Findings, found: Predictions) -> Chart:
    low, high = (float(end(both)) for end, both in ((f, [found.truth, found.predicted]) for f in (np.min, np.max)))
    spread, residuals = residual_spread(found), found.truth - found.predicted
    middles = [group.middle for group in spread]
    texts = [
        f"true {format_value(t)}, predicted {format_value(p)}"
        for t, p in zip(found.truth.tolist(), found.predicted.tolist(), strict=True)
    ]
    same = Lines([low, high], [low, high], GREY, "predicted = true", dashed=True)
    band = Band(
        middles, [g.mean - g.deviation for g in spread], [g.mean + g.deviation for g in spread], ORANGE, "± one deviation"
    )
    return Chart(
        "Predictions of the best trial",
        f"What trial {_number(findings)} predicts for {len(found.truth)} {found.rows}, and what is true; on the right what is"
        f" left over: mean {format_value(float(residuals.mean()))}, standard deviation {format_value(float(residuals.std()))}.",
        [
            Panel(Axis("predicted"), Axis("true"), [Dots(found.predicted.tolist(), found.truth.tolist(), BLUE, texts), same]),
            Panel(
                Axis("predicted"),
                Axis("true - predicted"),
                [
                    Dots(found.predicted.tolist(), residuals.tolist(), BLUE, texts),
                    band,
                    Lines(middles, [g.mean for g in spread], ORANGE, "mean residual", width=2.0),
                ],
            ),
        ],
        columns=2,
    )


def _number(findings: Findings) -> int:
    return -1 if findings.chosen is None else findings.chosen.number
