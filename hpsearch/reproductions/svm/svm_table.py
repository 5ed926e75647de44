"""Table of SVM against network: published figures beside ours at every size."""

from __future__ import annotations

from collections.abc import Mapping

from hpsearch.analysis.intervals import prediction_interval
from hpsearch.analysis.learning_curve import LearningCurve
from hpsearch.reproductions.figures import AS_PUBLISHED, DIFFERS, INSIDE
from hpsearch.reproductions.reproduction import Row
from hpsearch.reproductions.svm.rivals import AUTO, NETWORK, Rivals, Tuned
from hpsearch.search.result import Result

# Validation accuracies in per cent: one seed of the network, and the SVM with gamma = 1/784.
# Source: the program and data of the figure, github.com/mnielsen/neural-networks-and-deep-learning, fig/more_data.
PUBLISHED: dict[str, dict[int, float]] = {
    NETWORK: {
        100: 69.09,
        200: 76.37,
        500: 85.29,
        1000: 88.85,
        2000: 91.27,
        5000: 93.24,
        10_000: 94.89,
        20_000: 95.85,
        50_000: 95.97,
    },
    AUTO: {
        100: 25.07,
        200: 48.93,
        500: 75.13,
        1000: 83.87,
        2000: 88.49,
        5000: 91.46,
        10_000: 92.45,
        20_000: 93.47,
        50_000: 94.48,
    },
}
ROWS = 10_000


def published_curves() -> dict[str, LearningCurve]:
    """Return the published figures as learning curves."""
    return {
        model: LearningCurve(f"{model}, published", {size: [1 - value / 100] for size, value in known.items()}, ROWS)
        for model, known in PUBLISHED.items()
    }


def rows(found: Mapping[str, LearningCurve]) -> list[Row]:
    """Return a row per model and size of the documents' protocol."""
    return [_row(curve, size) for curve in found.values() for size in curve.sizes]


def verdict(curve: LearningCurve, size: int) -> str:
    """Return how ours stands to the published figure: equal to 0.01 for an SVM, inside the interval of one seed for a network.

    The interval is where one further seed of ours would lie in 95 % of all cases; the published figure is one seed.
    """
    published = PUBLISHED.get(curve.name, {}).get(size)
    if published is None:
        return "not published"
    if curve.name == NETWORK:
        return INSIDE if published in prediction_interval(_accuracies(curve, size)) else DIFFERS
    return AS_PUBLISHED if abs(100 * (1 - curve.at(size)) - published) < 0.005 else DIFFERS


def tuned_rows(fair: Mapping[str, LearningCurve], result: Result) -> list[Row]:
    """Return a row per model and size where both were tuned; nothing was published for it."""
    return [_tuned_row(model, curve, size, result) for model, curve in fair.items() for size in curve.sizes]


def _row(curve: LearningCurve, size: int) -> Row:
    published = PUBLISHED.get(curve.name, {}).get(size)
    shown = "-" if published is None else f"{published:.2f} %"
    return Row(f"{curve.name}, {size:,} images", shown, _ours(curve, size), verdict(curve, size))


def _ours(curve: LearningCurve, size: int) -> str:
    if len(curve.errors[size]) < 3:
        return f"{100 * (1 - curve.at(size)):.2f} %"
    one = prediction_interval(_accuracies(curve, size))
    return f"{one.centre:.2f} % (mean of {len(curve.errors[size])} seeds; one seed {one.low:.2f} to {one.high:.2f})"


def _tuned_row(model: str, curve: LearningCurve, size: int, result: Result) -> Row:
    rivals = result.study.objective
    assert isinstance(rivals, Rivals)
    assert isinstance(rivals.protocol, Tuned)
    params = next(params for name, n, params in rivals.protocol.chosen if (name, n) == (model, size))
    settings = ", ".join(f"{name} {value:.3g}" for name, value in params)
    return Row(f"{curve.name}, {size:,} images", "-", _ours(curve, size), f"not published; {settings}")


def _accuracies(curve: LearningCurve, size: int) -> list[float]:
    return [100 * (1 - error) for error in curve.errors[size]]
