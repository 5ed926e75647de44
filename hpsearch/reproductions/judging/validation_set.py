"""Bias and spread of the validation set, five and ten folds and leaving one out, where the true error is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.analysis.resampling import (
    Data,
    Estimate,
    Fit,
    Loss,
    Predict,
    assess,
    cross_validation,
    misclassified,
    squared,
    validation_set,
)
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.reproductions.experiment import Experiment
from hpsearch.reproductions.judging import two_classes
from hpsearch.reproductions.means import Mean
from hpsearch.reproductions.views import Metrics
from hpsearch.trial import Outcome, Params

REGRESSION, CLASSES = "degree 4, least squares", "3 nearest neighbours"
NOISE, DEGREE = 0.5, 4
# A mean that is nearer to the true error than this is called unbiased.
NEAR = 0.01
# The estimates, in the order of how many rows their models are trained on.
HALF, FIVE, TEN, ONE = "validation set", "5 folds", "10 folds", "leaving one out"
_KEYS = {HALF: "half", FIVE: "five", TEN: "ten", ONE: "one"}


@dataclass(frozen=True)
class Problem:
    """Data whose distribution is known: how they are drawn, what is fitted, how it is scored, and its true error."""

    draw: Callable[[np.random.Generator, int], tuple[Data, Data]]
    fit: Fit
    loss: Loss
    true: Callable[[Predict], float]


def sine(x: Data) -> Data:
    """Return the truth behind the numbers that are predicted."""
    return np.asarray(np.sin(3 * x))


def draw_numbers(rng: np.random.Generator, rows: int) -> tuple[Data, Data]:
    """Return x, uniform on [-1, 1], and sin(3 x) with normal noise."""
    x = rng.uniform(-1, 1, rows)
    return x, sine(x) + NOISE * rng.standard_normal(rows)


def fit_polynomial(x: Data, y: Data) -> Predict:
    """Fit a polynomial of degree 4 by least squares, in Legendre polynomials."""
    basis = np.polynomial.legendre.legvander
    weights = np.linalg.lstsq(basis(x, DEGREE), y, rcond=None)[0]
    return lambda new: np.asarray(basis(new, DEGREE) @ weights)


def squared_error(predict: Predict) -> float:
    """Return the expected squared error on a new point: Gauss-Legendre quadrature of the miss, and the noise."""
    x, weights = np.polynomial.legendre.leggauss(60)
    return float((predict(x) - sine(x)) ** 2 @ weights / 2) + NOISE**2


PROBLEMS: Mapping[str, Problem] = {
    REGRESSION: Problem(draw_numbers, fit_polynomial, squared, squared_error),
    CLASSES: Problem(two_classes.draw, two_classes.nearest(3), misclassified, two_classes.true_error),
}


@dataclass(frozen=True)
class AssessEstimates(ObjectiveBase):
    """Estimate the error of one model on many data sets; the value is the bias of the validation set.

    Args:
        rows: of each data set.
        draws: data sets.

    Metrics, of half (the validation set), five, ten and one (left out): bias_NAME, the mean estimate above the mean true error
    of the model that is trained on all rows; deviation_NAME, the standard deviation of the estimate over the data sets;
    wider, by how much that of leaving one out exceeds that of five folds.
    """

    rows: int = 50
    draws: int = 100
    measure = "bias of the validation set"

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Assess the four estimates on the problem ``params["problem"]``."""
        problem, rows = PROBLEMS[params["problem"]], self.rows
        found = assess(
            lambda rng: problem.draw(rng, rows),
            lambda x, y: problem.true(problem.fit(x, y)),
            {name: self._estimate(name, problem) for name in _KEYS},
            self.draws,
            context.rng,
        )
        metrics = {f"bias_{key}": found[name].bias.centre for name, key in _KEYS.items()}
        metrics |= {f"deviation_{key}": math.sqrt(found[name].variance) for name, key in _KEYS.items()}
        metrics["wider"] = metrics["deviation_one"] - metrics["deviation_five"]
        metrics["between"] = metrics["bias_half"] - metrics["bias_five"]
        return Outcome(metrics["bias_half"], metrics)

    def shrunk(self) -> AssessEstimates:
        """Return the same on few data sets."""
        return replace(self, draws=3)

    def _estimate(self, name: str, problem: Problem) -> Estimate:
        if name == HALF:
            return lambda x, y, rng: validation_set(problem.fit, x, y, rng, problem.loss)
        k = {FIVE: 5, TEN: 10, ONE: self.rows}[name]
        return lambda x, y, rng: cross_validation(problem.fit, x, y, k, rng, problem.loss)


def _rows(setting: str) -> list[Mean]:
    above = f"{setting}: estimate above the true error"
    return [
        Mean(f"{above}, {HALF}", "too high", "bias_half", setting, low=0.0, digits=4),
        Mean(f"{above}, {FIVE}", "biased, less", "bias_five", setting, low=0.0, digits=4),
        Mean(f"{above}, {TEN}", "biased, less", "bias_ten", setting, low=0.0, digits=4),
        Mean(f"{above}, {ONE}", "unbiased", "bias_one", setting, low=-NEAR, high=NEAR, digits=4),
        Mean(f"{setting}: bias of the {HALF} above that of {FIVE}", "more", "between", setting, low=0.0, digits=4),
        Mean(f"{setting}: spread of {ONE} above that of {FIVE}", "more", "wider", setting, low=0.0, digits=4),
    ]


VALIDATION_SET = Experiment(
    name="validation-set",
    question="How far are a validation set, 5 or 10 folds and leaving one out from the true error, and how much do they vary?",
    claim="A validation set overstates the error, leaving one out hardly at all but varies more; 5 and 10 folds lie between.",
    settings={REGRESSION: {"problem": REGRESSION}, CLASSES: {"problem": CLASSES}},
    objective=lambda load: AssessEstimates(),
    figures=[*_rows(REGRESSION), *_rows(CLASSES)],
    views=[
        Metrics({name: f"{kind}_{key}" for name, key in _KEYS.items()}, setting, f"{setting}:\n{label}")
        for kind, label in (("bias", "estimate above the true error"), ("deviation", "standard deviation of the estimate"))
        for setting in (REGRESSION, CLASSES)
    ],
    seeds=10,
    source="James et al. (2013), An introduction to statistical learning, sections 5.1.1 to 5.1.4 (said in words)",
)
