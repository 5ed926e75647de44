"""The tuned estimator: scikit-learn's own search, refitted on the same rows with the same params, predicts the same."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from hpsearch import Choice, Float, Int, Space, Study, data
from hpsearch.errors import InputError, StudyError
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.objectives.estimator_file import types_to_trust, write
from hpsearch.ports import ExportedEstimator
from hpsearch.search.result import Result
from hpsearch.strategies import Grid, Halving, Random
from hpsearch.tracking import MemoryTracker

RNG = np.random.default_rng(1)
X = RNG.normal(size=(240, 5))
Y = np.array(["fair", "foul", "fine"])[(X[:, 0] + X[:, 1] > 0.4).astype(int) + (X[:, 2] > 0)]
DATA = data.arrays(X, Y)
NAMES = np.array(DATA.class_names)
ROWS = np.concatenate([DATA.train.x, DATA.validation.x])
LABELS = NAMES[np.concatenate([DATA.train.y, DATA.validation.y])]
DEPTHS = Space(max_depth=Int(1, 6))


def run(objective: Any, space: Space = DEPTHS, strategy: Any = None, **options: Any) -> Result:
    study = Study("tuned", space, objective, strategy or Random(trials=3))
    return study.run(1, backend="sequential", tracker=MemoryTracker(), **options)


class Own(LogisticRegression):
    """A class that skops does not know."""


class OfIndices(LogisticRegression):
    """A classifier that takes class indices alone, as XGBoost's does."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> OfIndices:
        if np.asarray(y).dtype.kind != "i":
            raise ValueError(f"Invalid classes: expected [0 1 2], got {y[:3]}")
        super().fit(X, y, sample_weight)
        return self


class OfIndicesAlone(OfIndices):
    """The same without probabilities."""

    predict_proba = property()


@pytest.mark.parametrize("kind", [OfIndices, OfIndicesAlone])
@pytest.mark.parametrize("weights", [None, RNG.uniform(0.5, 2.0, len(X))])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_one_that_takes_class_indices_predicts_labels_too(kind: Any, weights: Any, in_pipeline: bool) -> None:
    rows = data.arrays(X, Y, sample_weight=weights)
    balanced = kind(class_weight={"fair": 1.0, "fine": 2.0, "foul": 1.0})
    estimator = make_pipeline(StandardScaler(), balanced) if in_pipeline else balanced
    space = Space(**{f"{kind.__name__.lower()}__C" if in_pipeline else "C": Choice(0.1, 1.0)})
    result = run(TuneEstimator(estimator, rows, scoring="f1_macro"), space, Grid())
    fitted = result.estimator("training")
    truth, counts = NAMES[rows.validation.y], rows.validation.weights
    score = f1_score(truth, fitted.predict(rows.validation.x), average="macro", sample_weight=counts)
    assert result.value(result.best) == score
    assert fitted.classes_.tolist() == sorted(set(Y))
    assert set(result.estimator().predict(X)) == set(Y)


def test_it_predicts_as_the_best_estimator_of_scikit_learns_search() -> None:
    values = [0.01, 0.1, 1.0, 10.0]
    split = PredefinedSplit([-1] * len(DATA.train) + [0] * len(DATA.validation))
    theirs = GridSearchCV(LogisticRegression(), {"C": values}, scoring="f1_macro", cv=split).fit(ROWS, LABELS)
    ours = run(TuneEstimator(LogisticRegression(), DATA, scoring="f1_macro"), Space(C=Choice(*values)), Grid())
    assert ours.best.params == theirs.best_params_
    assert ours.value(ours.best) == pytest.approx(theirs.best_score_, rel=1e-12)
    np.testing.assert_array_equal(ours.estimator().predict_proba(X), theirs.best_estimator_.predict_proba(X))
    assert ours.estimator().predict(X).tolist() == theirs.predict(X).tolist()


def test_on_training_rows_it_is_the_trials_own() -> None:
    result = run(
        TuneEstimator(RandomForestClassifier(n_estimators=5), DATA, scoring={"f1": "f1_macro", "loss": "neg_log_loss"})
    )
    fitted = result.estimator("training")
    truth = NAMES[DATA.validation.y]
    assert result.value(result.best) == f1_score(truth, fitted.predict(DATA.validation.x), average="macro")
    assert result.best.outcome is not None
    assert result.best.outcome.metrics["training_accuracy"] == fitted.score(DATA.train.x, NAMES[DATA.train.y])


def test_on_all_rows_it_is_another_one_and_the_same_each_time() -> None:
    result = run(TuneEstimator(RandomForestClassifier(n_estimators=5), DATA))
    once, twice, training = (result.estimator(*rows).predict_proba(X) for rows in ((), ("all",), ("training",)))
    np.testing.assert_array_equal(once, twice)
    assert not np.array_equal(once, training)


def test_the_winner_of_a_cross_validation_is_fitted_on_all_rows() -> None:
    result = run(CrossValidate(TuneEstimator(LogisticRegression(), DATA)), Space(C=Float(0.1, 10.0)))
    theirs = LogisticRegression(C=result.best.params["C"]).fit(ROWS, LABELS)
    np.testing.assert_array_equal(result.estimator().predict_proba(X), theirs.predict_proba(X))
    training = LogisticRegression(C=result.best.params["C"]).fit(DATA.train.x, NAMES[DATA.train.y])
    np.testing.assert_array_equal(result.estimator("training").predict_proba(X), training.predict_proba(X))


def test_the_test_part_of_a_cross_validation_is_scored_by_that_estimator() -> None:
    result = run(CrossValidate(TuneEstimator(RandomForestClassifier(n_estimators=5), DATA), scoring="f1_macro"))
    from hpsearch.data.vault import open_test

    assert DATA.test is not None
    part = open_test(DATA.test)
    predicted = result.estimator().predict(part.x)
    assert result.test()["test_f1_macro"] == f1_score(NAMES[part.y], predicted, average="macro")


@pytest.mark.parametrize("weights", [{"fair": 5.0, "fine": 1.0, "foul": 1.0}, {0: 5.0, 1: 1.0, 2: 1.0}])
def test_classes_are_weighed_by_label_or_by_index(weights: dict[Any, float]) -> None:
    """The labels in their sorted order are the classes 0, 1 and 2."""
    result = run(
        TuneEstimator(make_pipeline(LogisticRegression(class_weight=weights)), DATA),
        Space(logisticregression__C=Choice(0.1, 1.0)),
    )
    best = result.best.params["logisticregression__C"]
    theirs = LogisticRegression(C=best, class_weight={"fair": 5.0, "fine": 1.0, "foul": 1.0})
    np.testing.assert_array_equal(result.estimator().predict_proba(X), theirs.fit(ROWS, LABELS).predict_proba(X))
    assert result.best.outcome is not None
    accuracy = theirs.fit(DATA.train.x, NAMES[DATA.train.y]).score(DATA.validation.x, NAMES[DATA.validation.y])
    assert result.best.outcome.metrics["validation_accuracy"] == accuracy


def test_a_support_vector_machine_predicts_labels_too() -> None:
    result = run(TrainSVM(DATA), Space(C=Float(0.1, 10.0)))
    theirs = SVC(C=result.best.params["C"]).fit(ROWS, LABELS)
    assert result.estimator().predict(X).tolist() == theirs.predict(X).tolist()


def test_a_regressor_predicts_numbers() -> None:
    numbers = data.arrays(X, X[:, 0] * 2 + RNG.normal(size=240), regression=True)
    result = run(TuneEstimator(Ridge(), numbers), Space(alpha=Float(0.1, 10.0)))
    rows, y = (np.concatenate([getattr(part, name) for part in (numbers.train, numbers.validation)]) for name in "xy")
    expected = Ridge(alpha=result.best.params["alpha"]).fit(rows, y).predict(X)
    np.testing.assert_allclose(result.estimator().predict(X), expected, rtol=1e-12)


def test_after_halving_of_rows_it_is_fitted_on_all_rows() -> None:
    rungs = Halving(trials=4, min_rows=36, factor=2, resource="rows")
    result = run(TuneEstimator(LogisticRegression(), DATA), Space(C=Float(0.1, 10.0)), rungs)
    theirs = LogisticRegression(C=result.best.params["C"]).fit(ROWS, LABELS)
    np.testing.assert_array_equal(result.estimator().predict_proba(X), theirs.predict_proba(X))


def test_it_is_kept_with_an_example() -> None:
    result = run(TuneEstimator(HistGradientBoostingClassifier(max_iter=3), DATA), model=True)
    tracker: Any = result.tracker
    kept = tracker.studies["tuned"].models[result.best.number]
    assert isinstance(kept, ExportedEstimator)
    assert result.model == f"memory:/tuned/{result.best.number}"
    assert kept.outputs.tolist() == result.estimator().predict(kept.example).tolist()
    assert kept.trusted == ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


def test_the_file_holds_it(tmp_path: Path) -> None:
    exported = run(TuneEstimator(RandomForestClassifier(n_estimators=3), DATA)).export_estimator()
    write(exported.estimator, tmp_path / "best.skops")
    with pytest.raises(TypeError, match="Untrusted"):
        skops.io.load(tmp_path / "best.skops")
    again = skops.io.load(tmp_path / "best.skops", trusted=exported.trusted)
    np.testing.assert_array_equal(again.predict_proba(X), exported.estimator.predict_proba(X))


@pytest.mark.parametrize(
    ("estimator", "sentence"),
    [
        (
            make_pipeline(FunctionTransformer(lambda x: x), SVC()),
            "Write the function at the top of a module instead of a lambda",
        ),
        (Own(), f"known to skops, or trusted, got '{__name__}.Own'.*--trust {__name__}.Own"),
    ],
)
def test_what_skops_cannot_store_is_told_and_fails_no_study(
    estimator: Any, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = next(name for name in estimator.get_params() if name.rpartition("__")[2] == "C")
    with caplog.at_level(logging.WARNING):
        result = run(TuneEstimator(estimator, DATA), Space(**{name: Float(0.1, 1.0)}))
    assert result.model is None
    assert [line for line in caplog.messages if "not logged" in line] == [line for line in caplog.messages if "skops" in line]
    with pytest.raises(StudyError, match=sentence):
        result.log_model()


def test_a_class_of_a_script_is_told_to_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Own, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Own", Own, raising=False)
    with pytest.raises(StudyError, match=r"got '__main__.Own'.*--trust __main__.Own.* put it into a module of its own"):
        types_to_trust(Own().fit(ROWS, LABELS), X)


def test_a_type_that_is_trusted_is_stored() -> None:
    fitted = Own().fit(ROWS, LABELS)
    assert types_to_trust(fitted, X, [f"{__name__}.Own"]) == [f"{__name__}.Own"]


def test_pipelines_of_scikit_learn_need_no_trust() -> None:
    fitted = make_pipeline(StandardScaler(), SVC()).fit(ROWS, LABELS)
    assert types_to_trust(fitted, X) == []


def test_a_study_of_networks_has_no_estimator() -> None:
    result = run(TrainNetwork(DATA, epochs=1), Space(learning_rate=Float(0.1, 1.0)))
    with pytest.raises(StudyError, match=r"has no estimator: its objective has no refit"):
        result.estimator()


def test_rows_of_another_name_are_refused() -> None:
    result = run(TuneEstimator(LogisticRegression(), DATA), Space(C=Float(0.1, 1.0)))
    with pytest.raises(InputError, match=r"rows must be one of 'all', 'training', got 'train'. .*Did you mean 'training'"):
        result.estimator("train")
