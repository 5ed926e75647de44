"""Ten points near y = 2x: a line against the polynomial of degree nine that passes through all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpsearch.ports import Context
from hpsearch.reproductions.experiment import Experiment
from hpsearch.reproductions.figures import Claim
from hpsearch.reproductions.means import Mean
from hpsearch.reproductions.views import Along, BySetting
from hpsearch.trial import Outcome, Params

LINE, NINE = "line", "degree nine"
# Ten points from .5 to 5, as the figure has them by eye; the noise is ours.
X = np.arange(1, 11) / 2
NOISE, SLOPE = 0.5, 2.0
# The curve is kept at 0, .05, ..., 5.5; half a step beyond the last point is where `beyond` is measured.
_STEPS, _STEP, BEYOND = 110, 0.05, 5.5


@dataclass(frozen=True)
class FitTenPoints:
    """Fit a polynomial to ten points near y = 2x; the value is its error between the points.

    Args:
        noise: standard deviation of the points' distance from the line.

    Curves, by multiples of .05: fitted and line (the truth). Metrics: miss (the largest distance from a point), between (root
    mean squared distance from y = 2x over the range of the points), beyond (distance from it at x = 5.5), slope (of the line).
    """

    noise: float = NOISE
    measure = "error between the points"

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Draw the points, and fit a polynomial of ``params["degree"]``."""
        y = SLOPE * X + self.noise * context.rng.standard_normal(len(X))
        fitted = np.polynomial.Polynomial.fit(X, y, params["degree"])
        for step in range(int(X[0] / _STEP), _STEPS + 1):
            context.report(step, fitted=float(fitted(step * _STEP)), line=SLOPE * step * _STEP)
        inside = np.linspace(X[0], X[-1], 1001)
        between = float(np.sqrt(np.mean((fitted(inside) - SLOPE * inside) ** 2)))
        metrics = {
            "miss": float(np.abs(fitted(X) - y).max()),
            "between": between,
            "beyond": float(abs(fitted(BEYOND) - SLOPE * BEYOND)),
            "slope": float(fitted.deriv()(X.mean())),
        }
        return Outcome(between, metrics, context.history)


DEGREE_NINE = Experiment(
    name="degree-nine",
    question="Ten points near y = 2x: which predicts, the line, or the polynomial of degree nine that passes through them all?",
    claim="Both fit; if y = 2x is right, degree nine has learnt the noise, and its predictions are far off beyond the points.",
    settings={LINE: {"degree": 1}, NINE: {"degree": 9}},
    objective=lambda load: FitTenPoints(),
    figures=[
        Claim("largest distance from a point, degree nine", "none: it passes through", "miss", NINE, high=1e-6),
        Claim("largest distance from a point, line", "near all points", "miss", LINE, high=4 * NOISE),
        Mean("slope of the line", "2", "slope", LINE, 1.8, 2.2, 2),
        Mean("distance from y = 2x between the points, line", "small", "between", LINE, high=NOISE, digits=2),
        Mean("distance from y = 2x between the points, degree nine", "larger", "between", NINE, low=NOISE, digits=2),
        Mean("distance from y = 2x at x = 5.5, line", "small", "beyond", LINE, high=2 * NOISE, digits=2),
        Mean("distance from y = 2x at x = 5.5, degree nine", "far off", "beyond", NINE, low=10 * NOISE, digits=2),
    ],
    views=[
        Along({"line": "y = 2x", "fitted": "fitted"}, LINE, "x", "y, by a line", factor=_STEP, ends=(-3, 15)),
        Along({"line": "y = 2x", "fitted": "fitted"}, NINE, "x", "y, by degree nine", factor=_STEP, ends=(-3, 15)),
        BySetting("between", "distance from y = 2x between the points", log=True),
        BySetting("beyond", "distance from y = 2x at x = 5.5", log=True),
    ],
    seeds=20,
)
