"""Standard error of the investment share: from many samples of the population, and by the bootstrap from one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.analysis.intervals import resamples
from hpsearch.analysis.sample import Array
from hpsearch.ports import Context
from hpsearch.reproductions.experiment import Experiment
from hpsearch.reproductions.figures import OneSeed
from hpsearch.reproductions.means import Mean
from hpsearch.reproductions.views import BoxPlots, Histogram
from hpsearch.trial import Outcome, Params

POPULATION, BOOTSTRAP = "population", "bootstrap"
COVARIANCE = np.array([[1.0, 0.5], [0.5, 1.25]])
ALPHA = 0.6
# Edges of the histogram, which a trial keeps instead of its estimates.
LOW, WIDTH, BINS = 0.1, 0.02, 50
QUARTILES = ("lowest", "lower_quartile", "median", "upper_quartile", "highest")
PANELS = (0.576, 0.532, 0.657, 0.651)


def share(pairs: Array) -> Array:
    """Return the share of X that makes alpha X + (1 - alpha) Y vary least: (s_y^2 - s_xy) / (s_x^2 + s_y^2 - 2 s_xy).

    Args:
        pairs: shape (..., 2, n), X before Y.
    """
    x, y = (pairs[..., i, :] - pairs[..., i, :].mean(axis=-1, keepdims=True) for i in (0, 1))
    var_x, var_y, both = (x * x).mean(axis=-1), (y * y).mean(axis=-1), (x * y).mean(axis=-1)
    return np.asarray((var_y - both) / (var_x + var_y - 2 * both))


def sample(rng: np.random.Generator, count: int, rows: int) -> Array:
    """Return ``count`` samples of the population, shape (count, 2, rows)."""
    drawn = rng.standard_normal((count, rows, 2)) @ np.linalg.cholesky(COVARIANCE).T
    return np.asarray(drawn.transpose(0, 2, 1))


def large_sample_error(rows: int) -> float:
    """Return the standard error of the estimate for many rows, in closed form.

    At the true alpha the best mix P = alpha X + (1 - alpha) Y is uncorrelated with D = X - Y, and the estimate is alpha minus
    the slope of P on D: its standard error is s_P / (s_D sqrt(n)).
    """
    (xx, xy), (_, yy) = COVARIANCE
    mix = ALPHA**2 * xx + (1 - ALPHA) ** 2 * yy + 2 * ALPHA * (1 - ALPHA) * xy
    return math.sqrt(mix / (xx + yy - 2 * xy) / rows)


@dataclass(frozen=True)
class EstimateShare:
    """Estimate the share many times; the value is how far the standard error lies from that of the population.

    Args:
        rows: pairs in a sample.
        count: estimates.

    Curve: count, the number of estimates by bin of width .02 from .1 on. Metrics: mean and standard_error of the estimates,
    their quartiles and extremes, and first, the estimate from the first sample alone.
    """

    rows: int = 100
    count: int = 1000
    measure = "distance of the standard error from that of large samples"

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Estimate from new samples of the population, or from resamples of one, as ``params["source"]`` says."""
        first = sample(context.rng, 1, self.rows)
        if params["source"] == POPULATION:
            drawn = np.concatenate([first, sample(context.rng, self.count - 1, self.rows)])
        else:
            drawn = resamples(first[0], context.rng, self.count)
        found = share(drawn)
        for place, count in enumerate(np.histogram(found, BINS, (LOW, LOW + BINS * WIDTH))[0]):
            context.report(place, count=float(count))
        error = float(found.std(ddof=1))
        metrics = {"mean": float(found.mean()), "standard_error": error, "first": float(share(first)[0])}
        metrics |= dict(zip(QUARTILES, np.quantile(found, [0, 0.25, 0.5, 0.75, 1]).tolist(), strict=True))
        metrics["off"] = error - large_sample_error(self.rows)
        return Outcome(abs(metrics["off"]), metrics, context.history)


BOOTSTRAP_SHARE = Experiment(
    name="bootstrap",
    question="Does the bootstrap find the standard error of the investment share from one sample of 100 pairs?",
    claim="1,000 estimates of alpha = .6 have mean .5996 and standard error .083; the bootstrap of one sample says .087.",
    settings={POPULATION: {"source": POPULATION}, BOOTSTRAP: {"source": BOOTSTRAP}},
    objective=lambda load: EstimateShare(),
    figures=[
        *(
            OneSeed(f"alpha of one sample, panel {i}", value, "first", POPULATION, unit="", digits=3)
            for i, value in enumerate(PANELS, 1)
        ),
        OneSeed("mean of 1,000 estimates from the population", 0.5996, "mean", POPULATION, unit="", digits=4),
        OneSeed("standard error, 1,000 estimates from the population", 0.083, "standard_error", POPULATION, unit="", digits=3),
        OneSeed("standard error, 1,000 bootstrap estimates", 0.087, "standard_error", BOOTSTRAP, unit="", digits=3),
        Mean("population: standard error above the large-sample formula", "close", "off", POPULATION, -0.005, 0.005, 4),
        Mean("bootstrap: standard error above the large-sample formula", "close", "off", BOOTSTRAP, -0.005, 0.005, 4),
    ],
    views=[
        Histogram("count", POPULATION, "1,000 estimates of alpha, population", "estimates", LOW, WIDTH, ALPHA),
        Histogram("count", BOOTSTRAP, "1,000 estimates of alpha, bootstrap", "estimates", LOW, WIDTH, ALPHA),
        BoxPlots(QUARTILES, "alpha (box: middle half)", ALPHA),
    ],
    seeds=50,
    conclude=lambda found: [
        f"By the large-sample formula s_P / (s_D sqrt(100)) the standard error is {large_sample_error(100):.4f}. The four"
        " published panels are single draws: another sample gives another number."
    ],
    source="James et al. (2013), An introduction to statistical learning, section 5.2 (simulated)",
)
