"""The trivial answer of every objective that holds data; the expectations are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.svm import SVC, SVR

from hpsearch import Float, Space, Study, data
from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.sentences import describe_baseline
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.ports import Baseline, ObjectiveBase, adapt_objective
from hpsearch.report.report import report
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

RNG = np.random.default_rng(5)
# Three classes of which the last is the most frequent, and numbers without a relation to the rows.
X = RNG.random((300, 4))
CLASSES = data.arrays(X, np.repeat([0, 1, 2], [60, 90, 150]), seed=1)
NUMBERS = data.arrays(X, RNG.lognormal(size=300), regression=True, seed=1)


def counted(y: np.ndarray, answer: float) -> float:
    return float(np.mean(y != answer))


def squared(y: np.ndarray, answer: float) -> float:
    return float(np.mean((y - answer) ** 2))


TRAIN, HELD = (getattr(CLASSES, name).y for name in ("train", "validation"))
NUMBERS_TRAIN, NUMBERS_HELD = (getattr(NUMBERS, name).y for name in ("train", "validation"))
MOST = np.bincount(TRAIN).argmax()
CASES = {
    "network": (TrainNetwork(CLASSES, learning_rate=0.1), counted(HELD, MOST), "most frequent class"),
    "svm": (TrainSVM(CLASSES), counted(HELD, MOST), "most frequent class"),
    "classifier": (TuneEstimator(SVC(), CLASSES), counted(HELD, MOST), "most frequent class"),
    "balanced": (TuneEstimator(SVC(), CLASSES, value="balanced_error"), 1 - 1 / 3, "most frequent class"),
    "network of numbers": (TrainNetwork(NUMBERS, learning_rate=0.1), squared(NUMBERS_HELD, NUMBERS_TRAIN.mean()), "mean"),
    "regressor": (TuneEstimator(Ridge(), NUMBERS), squared(NUMBERS_HELD, NUMBERS_TRAIN.mean()), "mean"),
    "absolute": (
        TuneEstimator(SVR(), NUMBERS, value="absolute_error"),
        float(np.mean(np.abs(NUMBERS_HELD - np.median(NUMBERS_TRAIN)))),
        "median",
    ),
    # Stratified folds: each has a fifth of every class, so the answer is wrong on the same share of each.
    "folds": (CrossValidate(TrainSVM(CLASSES)), (240 - 120) / 240, "most frequent class"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_what_one_counts_by_hand(case: str) -> None:
    objective, expected, rule = CASES[case]
    found = objective.baseline
    assert found is not None
    assert found.value == pytest.approx(expected, abs=0.005 if case == "folds" else 1e-12)
    assert found.rule == f"always predicting the {rule}"


def test_an_objective_without_data_or_with_a_cost_has_none() -> None:
    assert adapt_objective(lambda params: 0.0).baseline is None
    assert TrainNetwork(CLASSES, learning_rate=0.1, value="cost").baseline is None
    assert CrossValidate(TrainNetwork(CLASSES, learning_rate=0.1, value="cost")).baseline is None


class Guesses(ObjectiveBase):
    """Returns what it is told, and says what the trivial answer scores."""

    measure = "validation error"

    def __init__(self, baseline: float) -> None:
        self._baseline = baseline

    @property
    def baseline(self) -> Baseline:
        return Baseline(self._baseline, "always predicting the most frequent class")

    def __call__(self, params: dict[str, float], context: object) -> float:
        return params["x"]


def finish(baseline: float, **options: bool) -> Result:
    study = Study("guesses", Space(x=Float(0.4, 0.6)), Guesses(baseline), Random(8), **options)  # type: ignore[arg-type]
    return study.run(backend="sequential", tracker=MemoryTracker())


@pytest.mark.parametrize(
    ("baseline", "maximize", "said"), [(0.3, False, True), (0.59, False, False), (0.7, True, True), (0.41, True, False)]
)
def test_a_study_that_nothing_beats_says_so(baseline: float, maximize: bool, said: bool) -> None:
    result = finish(baseline, maximize=maximize)
    sentence = f"No trial is better than always predicting the most frequent class (validation error {baseline})."
    assert list(describe_baseline(Conclusions(result.findings))) == [sentence] * said
    assert (sentence in report(result, {})) == said


def test_an_equal_value_is_not_better() -> None:
    best = finish(0.0).best.value
    assert list(describe_baseline(Conclusions(finish(best).findings))) != []
    assert list(describe_baseline(Conclusions(finish(best + 1e-6).findings))) == []


def test_it_is_a_fact_and_no_part_of_the_identity() -> None:
    one, other = (
        Study("s", Space(learning_rate=Float(0.1, 1)), TrainNetwork(CLASSES, value=v), Random(2)) for v in ("error", "cost")
    )
    assert one.record().facts["baseline"] == f"{counted(HELD, MOST)!r} by always predicting the most frequent class"
    assert "baseline" not in other.record().facts
    assert "frequent" not in repr(one.record().identity)


@pytest.mark.parametrize("text", ["", "0.5", "a by b", "0.5 by x"])
def test_a_fact_is_read_where_it_is_one(text: str) -> None:
    found = Baseline.read({"baseline": text})
    assert (found is None) == (text != "0.5 by x")
    assert Baseline.read({}) is None
