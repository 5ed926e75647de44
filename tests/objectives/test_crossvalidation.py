"""Cross-validation: the same fold scores as scikit-learn's on the same folds, and nothing of the test part."""

from __future__ import annotations

import math
import pickle
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, LeaveOneOut, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpsearch import Float, Space, Study, data
from hpsearch.data import Dataset, Part
from hpsearch.errors import Diverged, SettingError
from hpsearch.nn.stopping import NoImprovement
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.ports import Context
from hpsearch.strategies import Random, Staged
from hpsearch.testing import ObjectiveContract, table
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Outcome, Params
from tests.nn.blobs import CLASSES, blobs


def small(train: int = 120, validation: int = 60) -> Dataset:
    return Dataset("blobs", Part(*blobs(train)), Part(*blobs(validation, seed=1)), classes=CLASSES)


def together(rows: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([rows.train.x, rows.validation.x]), np.concatenate([rows.train.y, rows.validation.y])


def context(budget: int | None = None, state: Any = None) -> Context:
    return Context(np.random.default_rng(7), budget, state)


def network(**settings: Any) -> TrainNetwork:
    return TrainNetwork(small(), **{"hidden": (4,), "epochs": 4, "learning_rate": 0.5, **settings})


class TestOfANetwork(ObjectiveContract):
    def make(self) -> CrossValidate:
        return CrossValidate(network(), folds=3)

    def params(self) -> Params:
        return {"learning_rate": 1.0, "momentum": 0.5}


class TestOfAnEstimator(ObjectiveContract):
    def make(self) -> CrossValidate:
        return CrossValidate(TuneEstimator(KNeighborsClassifier(), small()), folds=10, seed=3)

    def params(self) -> Params:
        return {"n_neighbors": 3}


class TestLeaveOneOut(ObjectiveContract):
    def make(self) -> CrossValidate:
        return CrossValidate(TrainSVM(small(30, 20)), folds="loo")

    def params(self) -> Params:
        return {"C": 2.0}


ESTIMATORS = [
    SVC(C=0.5),
    make_pipeline(StandardScaler(), LogisticRegression(C=0.1)),
    KNeighborsClassifier(3),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(("folds", "seed"), [(5, 0), (10, 3), (2, 1)])
def test_the_folds_score_as_in_scikit_learn(estimator: Any, folds: int, seed: int) -> None:
    rows = small()
    outcome = CrossValidate(TuneEstimator(estimator, rows), folds, seed=seed)({}, context())
    dealt = StratifiedKFold(folds, shuffle=True, random_state=seed)
    expected = cross_val_score(estimator, *together(rows), cv=dealt)
    values = [outcome.metrics[f"fold_{fold}"] for fold in range(1, folds + 1)]
    np.testing.assert_allclose(values, 1 - expected, rtol=0, atol=1e-12)
    assert outcome.value == pytest.approx(1 - expected.mean(), abs=1e-12)
    assert outcome.metrics["standard_error"] == pytest.approx(expected.std(ddof=1) / math.sqrt(folds), abs=1e-12)
    assert outcome.metrics["validation_accuracy"] == pytest.approx(expected.mean(), abs=1e-12)
    assert f"fold_{folds + 1}" not in outcome.metrics


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_leave_one_out_scores_as_in_scikit_learn(estimator: Any) -> None:
    rows = small(40, 20)
    outcome = CrossValidate(TuneEstimator(estimator, rows), folds="loo")({}, context())
    expected = cross_val_score(estimator, *together(rows), cv=LeaveOneOut())
    assert outcome.value == pytest.approx(1 - expected.mean(), abs=1e-12)
    assert outcome.metrics["standard_error"] == pytest.approx(expected.std(ddof=1) / math.sqrt(60), abs=1e-12)
    assert set(outcome.metrics) == {"standard_error", "validation_accuracy", "training_accuracy"}


def test_the_folds_of_a_regression_score_as_in_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    rows = data.arrays(x, x.sum(1) + rng.normal(size=60), regression=True)
    outcome = CrossValidate(TuneEstimator(Ridge(), rows), folds=4)({}, context())
    dealt = KFold(4, shuffle=True, random_state=0)
    expected = -cross_val_score(Ridge(), *together(rows), cv=dealt, scoring="neg_mean_squared_error")
    np.testing.assert_allclose([outcome.metrics[f"fold_{fold}"] for fold in (1, 2, 3, 4)], expected, rtol=1e-6)
    loo = CrossValidate(TuneEstimator(Ridge(), rows), folds="loo")({}, context())
    assert "validation_r2" not in loo.metrics  # one row has no variance
    assert "training_r2" in loo.metrics


def test_every_row_is_held_out_once_and_classes_keep_their_shares() -> None:
    rows = data.digits()
    datasets = list(CrossValidate(TrainSVM(rows), folds=5).datasets())
    everything = sorted(map(bytes, together(rows)[0]))
    assert sorted(bytes(row) for d in datasets for row in d.validation.x) == everything
    for dealt in datasets:
        assert sorted(bytes(row) for part in (dealt.train, dealt.validation) for row in part.x) == everything
        assert dealt.test is None
        share = np.bincount(dealt.validation.y) / len(dealt.validation)
        np.testing.assert_allclose(share, np.bincount(together(rows)[1]) / len(everything), atol=0.01)


def test_all_params_see_the_same_folds_whatever_their_random_numbers() -> None:
    objective = CrossValidate(TrainSVM(small()), folds=4)
    first, second = (objective({}, Context(np.random.default_rng(seed))) for seed in (0, 1))
    assert first == second
    assert first != replace(objective, seed=1)({}, context())


def test_a_fold_is_the_objective_itself_on_that_data() -> None:
    objective = CrossValidate(network(), folds=3)
    outcome = objective({}, context(budget=3))
    rngs = np.random.default_rng(7).spawn(3)
    alone = [replace(network(), data=d)({}, Context(r, 3)) for d, r in zip(objective.datasets(), rngs, strict=True)]
    assert [outcome.metrics[f"fold_{fold}"] for fold in (1, 2, 3)] == [each.value for each in alone]
    assert outcome.metrics["epochs"] == 3
    cost = [np.mean([dict(each.history["validation_cost"])[epoch] for each in alone]) for epoch in (1, 2, 3)]
    assert outcome.history["validation_cost"] == tuple(zip((1, 2, 3), cost, strict=True))
    assert outcome.metrics["best_epoch"] == np.mean([each.metrics["best_epoch"] for each in alone])


def test_curves_end_where_the_first_fold_does() -> None:
    outcome = CrossValidate(network(stopping=NoImprovement(1), epochs=30), folds=3)({}, context())
    fewest = len(outcome.history["training_cost"])
    assert fewest <= outcome.metrics["epochs"]
    assert [epoch for epoch, _ in outcome.history["training_cost"]] == list(range(1, fewest + 1))


def test_going_on_from_a_state_is_training_through() -> None:
    objective = CrossValidate(network(), folds=3)
    through, first = objective({}, context()), objective({}, context(budget=2))
    assert first.state is not None
    assert objective({}, Context(np.random.default_rng(0), state=first.state)) == through
    assert CrossValidate(TrainSVM(small()))({}, context()).state is None


def test_a_late_trial_ends_its_folds_early() -> None:
    late = Context(np.random.default_rng(0), deadline=time.monotonic() - 1)
    assert CrossValidate(network(), folds=3)({}, late).metrics["epochs"] == 1


def test_one_diverging_fold_ends_the_trial() -> None:
    with pytest.raises(Diverged):
        CrossValidate(network(activation="relu", cost="log_likelihood"))({"learning_rate": 1e37}, context())


def test_the_winner_is_trained_on_all_rows() -> None:
    rows, part = small(), Part(*blobs(70, seed=9))
    scores = CrossValidate(TrainSVM(rows)).test({"C": 3.0}, context(), part)
    assert scores["test_accuracy"] == SVC(C=3.0).fit(*together(rows)).score(part.x, part.y)
    trained = CrossValidate(network(), folds=3)
    state = trained({}, context()).state
    assert trained.test({}, context(state=state), part) == trained.test({}, context(), part)


def test_a_study_tests_its_winner_once() -> None:
    study = Study("cv", Space(C=Float(0.1, 10.0, log=True)), CrossValidate(TrainSVM(data.digits())), Random(trials=2))
    result = study.run(1, tracker=MemoryTracker())
    assert result.best.value < 0.05
    assert result.record.measure == "cross-validation error"
    assert result.test()["test_accuracy"] > 0.97


def test_runs_as_a_study_the_same_at_any_number_of_workers() -> None:
    study = Study("cv", Space(learning_rate=Float(0.1, 1.0)), CrossValidate(network(), folds=3), Random(trials=3))
    runs = [study.run(jobs, tracker=MemoryTracker()) for jobs in (1, 2)]
    assert table(runs[0].trials) == table(runs[1].trials)


def test_hands_on_what_the_objective_says_of_itself() -> None:
    wrapped = CrossValidate(TrainNetwork(small()), folds=3)
    assert (wrapped.parameters, wrapped.required) == (TrainNetwork(small()).parameters, {"learning_rate"})
    assert wrapped.data == small()
    assert set(wrapped.ranges) == {"learning_rate"}
    assert "preflight" in wrapped.capabilities
    assert "preflight" not in CrossValidate(TrainSVM(small())).capabilities
    assert repr(CrossValidate(TrainSVM(small()))).startswith(
        "CrossValidate(objective=TrainSVM(data=blobs(train=120, validation="
    )


def test_checks_before_a_search_are_the_objectives_own() -> None:
    objective = CrossValidate(TrainNetwork(small(600, 300)), folds=2)
    study = Study("cv", Space(momentum=Float(0.0, 0.5)), objective, Staged(trials=12, epochs=2, preflight=True))
    trials = study.run(1, tracker=MemoryTracker()).trials
    assert any(trial.is_preflight and trial.ok for trial in trials)


def test_shrunk_has_as_many_folds_as_its_rows_allow() -> None:
    assert repr(CrossValidate(TrainSVM(data.digits()), folds=5).shrunk().data) == "digits(train=500, validation=200)"
    many = CrossValidate(TrainSVM(data.digits()), folds=120).shrunk()
    assert isinstance(many.folds, int)
    assert many.folds < 120
    assert CrossValidate(_Plain(small())).shrunk() == CrossValidate(_Plain(small()))


@dataclass(frozen=True)
class _Plain:
    """The least that can be cross-validated: a dataclass with data that answers with a number."""

    data: Dataset

    def __call__(self, params: Params, context: Context) -> float:
        context.report(1, rows=len(self.data.validation))
        return float(len(self.data.train))


def test_an_objective_of_ones_own_may_be_plain() -> None:
    objective = CrossValidate(_Plain(small()), folds=3)
    outcome = objective({"x": 1}, context())
    assert (outcome.value, outcome.history["rows"]) == (120.0, ((1, 60.0),))
    assert outcome == Outcome(120.0, outcome.metrics, outcome.history)
    objective.check({"x": 1})
    study = Study("plain", Space(x=Float(0, 1)), objective, Random(trials=2))
    assert study.run(1, tracker=MemoryTracker()).best.value == 120.0
    assert study.record().measure == "cross-validation value"
    with pytest.raises(SettingError, match=r"CrossValidate's objective must be one with test\(\), got _Plain"):
        objective.test({}, context(), small().validation)


def test_workers_get_no_second_copy_of_the_data() -> None:
    objective = CrossValidate(network(), folds=3)
    size = len(pickle.dumps(objective))
    objective.check({})
    assert len(pickle.dumps(objective)) == size


def test_refuses_params_that_a_fold_is_too_small_for() -> None:
    objective = CrossValidate(network(), folds=2)
    objective.check({"batch_size": 90})
    with pytest.raises(SettingError, match=r"batch_size must be at most the 90 training samples, got 91\."):
        objective.check({"batch_size": 91})
    CrossValidate(network(), folds=10).check({"batch_size": 150})  # more than the training part alone has


def rare() -> Dataset:
    y = np.repeat([0, 1, 2], [20, 20, 3])
    return Dataset("rare", Part(np.eye(43, dtype=np.float32), y), Part(np.eye(43, dtype=np.float32)[:20], y[:20]), classes=3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: CrossValidate(TrainSVM(rare())),
            r"folds must be at most 3, the rows of the smallest class, 2, got 5\. Take fewer folds, or folds='loo'\.",
        ),
        (lambda: CrossValidate(TrainSVM(small()), folds=1), r"folds must be a whole number >= 2, or 'loo', got 1\."),
        (lambda: CrossValidate(TrainSVM(small()), folds=2.0), r"folds must be a whole number >= 2, or 'loo', got 2\.0\."),
        (lambda: CrossValidate(TrainSVM(small()), folds="all"), r"folds must be a whole number >= 2, or 'loo', got 'all'\."),
        (lambda: CrossValidate(TrainSVM(small()), seed=-1), r"CrossValidate's seed must be a whole number >= 0, got -1\."),
        (
            lambda: CrossValidate(TrainSVM(data.digits()), folds="loo"),
            r"Rows for folds='loo' must be at most 500, got 1438\. Take folds=10\.",
        ),
        (lambda: CrossValidate(lambda params: 0.0), r"CrossValidate's objective must be a dataclass with data, got <function"),
        (lambda: CrossValidate(SVC()), r"CrossValidate's objective must be a dataclass with data, got SVC\(\)\."),
        (
            lambda: CrossValidate(TrainSVM(data.digits().for_reproduction())),
            r"CrossValidate's data must be not for reproduction, got digits-reproduction\(",
        ),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()
    assert CrossValidate(TrainSVM(rare()), folds=3).folds == 3


@dataclass
class TakesApart:
    """An objective that takes its option and its own settings apart, in the check as in the call."""

    data: Dataset
    settings: dict[str, float] = field(default_factory=lambda: {"shift": 1.0})

    def check(self, params: Params) -> None:
        self(params)

    def __call__(self, params: Params) -> float:
        return float(params["option"].pop("power") + self.settings.pop("shift") + params.pop("x"))


def test_every_fold_and_every_check_gets_its_own_options_and_settings() -> None:
    inner, params = TakesApart(small()), {"option": {"power": 2.0}, "x": 0.5}
    objective = CrossValidate(inner, 2)
    for _ in range(2):
        objective.check(params)
        assert objective(params, context()).value == 3.5
    assert params == {"option": {"power": 2.0}, "x": 0.5}
    assert inner.settings == {"shift": 1.0}


def test_a_fitted_estimator_among_the_params_reaches_every_fold_fitted() -> None:
    @dataclass
    class Scaled:
        data: Dataset

        def __call__(self, params: Params) -> float:
            return float(np.mean(params["scaler"].transform(self.data.validation.x)))

    blob = small()
    scaler = StandardScaler().fit(blob.train.x)
    assert np.isfinite(CrossValidate(Scaled(blob), 2)({"scaler": scaler}, context()).value)
