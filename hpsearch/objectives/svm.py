"""Objective that fits a support vector machine and returns its validation error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hpsearch.checks import is_number
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import known
from hpsearch.objectives.estimator import TuneEstimator, check_names
from hpsearch.objectives.trivial import ScoredTrivialAnswer, TrivialAnswer
from hpsearch.ports import Baseline, Context, ObjectiveBase, Predictions
from hpsearch.trial import Outcome, Params

PARAMETERS = frozenset({"kernel", "C", "gamma", "degree", "coef0"})
_KERNELS = ("linear", "poly", "rbf", "sigmoid")


@dataclass(frozen=True)
class TrainSVM(ObjectiveBase):
    """Fit scikit-learn's ``SVC``; the value is its validation error, 1 - accuracy.

    The published SVM baseline on MNIST is ``gamma="auto"``, 1/784, with C = 1. ``gamma="scale"`` scores far higher on small
    sets: 66.8 % instead of 25.1 % from the first 100 images, 93.4 % instead of 88.5 % from 2,000. The result of a comparison
    with a network depends on this choice.

    Each setting but ``data`` can be fixed here or searched: a param of the same name takes precedence.

    Args:
        data: training and validation parts; the test part stays sealed. Time and memory grow with the square of the rows.
        kernel: ``"rbf"`` exp(-gamma |a - b|^2), ``"poly"`` (gamma a.b + coef0)^degree, ``"sigmoid"`` tanh(gamma a.b + coef0),
            ``"linear"`` a.b.
        C: > 0; the cost of a row on the wrong side of the margin, and so the inverse of regularisation.
        gamma: a number >= 0, ``"scale"`` (1 / (d Var x)) or ``"auto"`` (1 / d), for d features.
        degree: of the polynomial kernel, >= 0.
        coef0: of the polynomial and the sigmoid kernel.
    Raises:
        SettingError: for a setting of wrong type or out of range, and for data without classes.

    Metrics of the outcome: validation_accuracy and training_accuracy.
    Source of the published figures: Nielsen, Neural Networks and Deep Learning, ch. 1 and 3.
    """

    data: Dataset
    kernel: str = field(default="rbf", kw_only=True)
    C: float = field(default=1.0, kw_only=True)
    gamma: float | str = field(default="scale", kw_only=True)
    degree: int = field(default=3, kw_only=True)
    coef0: float = field(default=0.0, kw_only=True)
    resources, curves = TuneEstimator.resources, TuneEstimator.curves

    def __post_init__(self) -> None:
        self.check({})

    @property
    def parameters(self) -> frozenset[str]:
        """The names it accepts as params."""
        return PARAMETERS

    @property
    def required(self) -> frozenset[str]:
        """The names that must be searched: none."""
        return frozenset()

    @property
    def measure(self) -> str:
        """What the value is."""
        return "validation error"

    @property
    def greater_is_better(self) -> bool:
        """Whether larger values are better: no, of an error."""
        return False

    @property
    def trivial(self) -> TrivialAnswer | ScoredTrivialAnswer:
        """The trivial answer for classes."""
        return self._estimator.trivial

    @property
    def baseline(self) -> Baseline | None:
        """What the trivial answer scores on the validation part."""
        return self._estimator.baseline

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise for params that it could not be fitted with; fits nothing.

        Raises:
            SettingError: naming the param, the constraint, the value and what to do.
        """
        check_names("TrainSVM", params, PARAMETERS)
        known("kernel", params.get("kernel", self.kernel), _KERNELS)
        if is_number(c := params.get("C", self.C)) and c == float("inf"):  # with a hard margin the solver may never end
            raise SettingError(must_be("C", "finite", float("inf"), "Try 1e6 for a margin that is hard in effect."))
        if isinstance(self.data, Dataset) and self.data.train.is_table:
            advice = "Take TuneEstimator with a pipeline that encodes its columns."
            raise SettingError(must_be("The rows of TrainSVM", "numbers", f"the table {self.data.name!r}", advice))
        self._estimator.check(params)

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Fit on the training part and score on the validation part."""
        self.check(params)
        return self._estimator(params, context)

    def test(self, params: Params, context: Context, part: Part) -> dict[str, float]:
        """Score the machine of a trial, fitted again, on a part: test_accuracy and test_error."""
        return self._estimator.test(params, context, part)

    def refit(self, params: Params, context: Context, rows: str = "all") -> Any:
        """Return the machine of a trial, fitted on your own labels; see `TuneEstimator.refit`."""
        return self._estimator.refit(params, context, rows)

    def predictions(self, params: Params, context: Context) -> Predictions:
        """Return what the machine of a trial, fitted again, predicts for the validation part."""
        return self._estimator.predictions(params, context)

    def shrunk(self) -> TrainSVM:
        """Return the same objective on at most 500 training and 200 validation rows."""
        return replace(self, data=self.data.at_most(500, 200))

    @property
    def _estimator(self) -> TuneEstimator:
        from sklearn.svm import SVC

        return TuneEstimator(SVC(**{name: getattr(self, name) for name in PARAMETERS}), self.data)
