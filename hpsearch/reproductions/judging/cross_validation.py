"""Training, ten-fold and true error of logistic regression by degree and of nearest neighbours by K."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.analysis.resampling import Fit, errors_of, misclassified
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.reproductions.experiment import Experiment
from hpsearch.reproductions.figures import Exact, OneSeed
from hpsearch.reproductions.judging.two_classes import bayes_error, draw, logistic, nearest, true_error
from hpsearch.reproductions.means import Mean, MostOften
from hpsearch.reproductions.views import Along
from hpsearch.trial import Outcome, Params

ISL = "James et al. (2013), An introduction to statistical learning, section 5.1.5 (simulated data, not published)"
LOGISTIC, NEIGHBOURS = "logistic regression", "nearest neighbours"
DEGREES = (1, 2, 3, 4)
COUNTS = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 90, 120)
KINDS: dict[str, tuple[tuple[int, ...], Callable[[int], Fit]]] = {LOGISTIC: (DEGREES, logistic), NEIGHBOURS: (COUNTS, nearest)}
TRUE = {1: 0.201, 2: 0.197, 3: 0.160, 4: 0.162}
ERRORS = {"training": "training error", "ten_fold": "ten-fold error", "true": "true error", "bayes": "Bayes error"}
_OTHER = "other data"


@dataclass(frozen=True)
class ChooseByFolds(ObjectiveBase):
    """Fit a model of every degree, or of every K, to one data set; the value is the true error of the one that folds choose.

    Args:
        rows: of the data set, which the trial's own seed draws.
        folds: of the cross-validation.

    Curves, by degree or K: training, ten_fold and true error, and the Bayes error. Metrics: true_error_1, ..., true_error_4 of
    degrees, chosen, lowest (the true error of the best one), excess (that of the chosen one above it), training_fall (from the
    least to the most flexible model), bias (mean of ten-fold minus true error), bayes_error.
    """

    rows: int = 200
    folds: int = 10
    measure = "true error of the chosen model"

    def shrunk(self) -> ChooseByFolds:
        """Return the same on fewer rows and in fewer folds."""
        return replace(self, rows=60, folds=3)

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Draw the data, and compare the three errors of every model of the kind ``params["model"]``."""
        sizes, make = KINDS[params["model"]]
        x, y = draw(context.rng, self.rows)
        # K is at most the rows of the smallest training part.
        sizes = tuple(size for size in sizes if size <= self.rows - -(-self.rows // self.folds))
        fits = {str(size): make(size) for size in sizes}
        found = errors_of(fits, x, y, self.folds, context.rng, misclassified)
        for size in sizes:
            predict = fits[str(size)](x, y)
            training = float(misclassified(predict(x), y).mean())
            context.report(size, training=training, ten_fold=found[str(size)], true=true_error(predict), bayes=bayes_error())
        curves = {name: dict(curve) for name, curve in context.history.items()}
        # Of equal errors the simpler model: the lower degree, the larger K.
        order = sizes if params["model"] == LOGISTIC else sizes[::-1]
        chosen, lowest = (min(order, key=lambda size: curves[name][size]) for name in ("ten_fold", "true"))
        metrics = {f"true_error_{size}": curves["true"][size] for size in order if size in DEGREES}
        metrics |= {
            "chosen": float(chosen),
            "lowest": curves["true"][lowest],
            "excess": curves["true"][chosen] - curves["true"][lowest],
            "training_fall": curves["training"][order[0]] - curves["training"][order[-1]],
            "bias": float(np.mean([curves["ten_fold"][size] - curves["true"][size] for size in sizes])),
            "bayes_error": curves["bayes"][chosen],
        }
        return Outcome(curves["true"][chosen], metrics, context.history)


CROSS_VALIDATION = Experiment(
    name="cross-validation",
    question="Does ten-fold cross-validation choose the degree of a logistic regression, and the K of nearest neighbours?",
    claim="True errors .201 .197 .160 .162 of degrees 1 to 4; ten folds choose degree 3, and a K near the best.",
    settings={LOGISTIC: {"model": LOGISTIC}, NEIGHBOURS: {"model": NEIGHBOURS}},
    objective=lambda load: ChooseByFolds(),
    figures=[
        Exact("Bayes error (ours is made so)", "0.133", "bayes_error", LOGISTIC),
        *(
            OneSeed(f"true error, degree {degree}", error, f"true_error_{degree}", LOGISTIC, unit="", digits=3, note=_OTHER)
            for degree, error in TRUE.items()
        ),
        MostOften("degree that ten folds choose", "3", "chosen", LOGISTIC),
        Mean("true error of the chosen degree above the best", "0.000", "excess", LOGISTIC, high=0.01),
        Mean("fall of the training error, degree 1 to 4", "it falls", "training_fall", LOGISTIC, low=0.0),
        Mean("ten-fold above true error, mean of 4 degrees", "slightly below", "bias", LOGISTIC, high=0.0),
        Mean("true error of the chosen K above the best", "very near", "excess", NEIGHBOURS, high=0.01),
        Mean("fall of the training error, largest K to K = 1", "it falls", "training_fall", NEIGHBOURS, low=0.0),
        Mean("ten-fold above true error, mean of all K", "slightly below", "bias", NEIGHBOURS, high=0.0),
    ],
    views=[
        Along(ERRORS, LOGISTIC, "degree", "error of logistic regression", whole=True, published={"true": TRUE}),
        Along(ERRORS, NEIGHBOURS, "1 / K", "error of nearest neighbours", inverse=True),
    ],
    seeds=50,
    source=ISL,
)
