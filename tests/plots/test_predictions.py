"""Predictions of the best trial, from its study to the picture; the counts are scikit-learn's cross_val_predict and predict."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import brier_score_loss, confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from hpsearch import Choice, Float, Space, Stop, Study, data
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TuneEstimator
from hpsearch.plots import draw, inline, interactive, still
from hpsearch.plots.chart import Cells, Chart, Dots, Picture
from hpsearch.ports import Predictions
from hpsearch.report.report import draw_all, report
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
ANSWERS = np.where(X[:, 0] + RNG.normal(0, 0.7, 300) > 0.3, "yes", "no")
COLOURS = np.array(["red", "green", "<b>blue"])[(X[:, 0] > 0.5).astype(int) + (X[:, 1] > 0)]
TWO, THREE = data.arrays(X, ANSWERS), data.arrays(X, COLOURS)
NUMBERS = data.arrays(X, X @ [1.0, 2.0, 0.0, 0.5] + RNG.normal(size=300), regression=True)
C = Space(C=Choice(0.1, 1.0))


def run(objective: Any, space: Space = C, **options: Any) -> Result:
    study = Study("drawn", space, objective, Random(trials=2), **options)
    return study.run(1, backend="sequential", tracker=MemoryTracker(), report=False)


def predicted(result: Result) -> Predictions:
    found = result.findings.predicted
    assert not isinstance(found, str), found
    return found


def chart(kind: str, result: Result) -> Chart:
    found = draw(kind, result.findings)
    assert isinstance(found, Chart), found
    return found


def check_rendered(picture: Picture) -> None:
    with Image.open(io.BytesIO(still.png(picture))) as image:
        assert image.width == 1200
    part = interactive.figure(picture).to_html(full_html=False, include_plotlyjs=False)
    for text in (part, inline.svg(picture, "kind")):
        assert "<b>blue" not in text  # a name that a browser would read as a tag


def counts(found: Chart) -> list[list[int]]:
    """Return the matrix as it is written, by true and predicted class."""
    (cells,) = found.panels[0].layers
    assert isinstance(cells, Cells)
    assert cells.written
    upwards = [[int(text) for text in row] for row in zip(*cells.texts, strict=True)]
    assert found.panels[0].x.label == "predicted class"
    return upwards[::-1]


@pytest.mark.parametrize("scoring", [None, "f1_macro"])
def test_the_matrix_counts_the_validation_rows_of_the_best_trial(scoring: str | None) -> None:
    result = run(TuneEstimator(LogisticRegression(), THREE, scoring=scoring))
    fitted = LogisticRegression(C=result.best.params["C"]).fit(THREE.train.x, THREE.train.y)
    picture = chart("confusion", result)
    assert counts(picture) == confusion_matrix(THREE.validation.y, fitted.predict(THREE.validation.x)).tolist()
    assert picture.panels[0].x.scale is not None
    assert picture.panels[0].x.scale.options == ("<b>blue", "green", "red")
    check_rendered(picture)


def test_of_folds_each_row_is_predicted_by_the_fold_that_holds_it_out() -> None:
    result = run(CrossValidate(TuneEstimator(LogisticRegression(), THREE), folds=4, seed=2))
    rows = np.concatenate([THREE.train.x, THREE.validation.x])
    y = np.concatenate([THREE.train.y, THREE.validation.y])
    folds = StratifiedKFold(4, shuffle=True, random_state=2)
    best = LogisticRegression(C=result.best.params["C"])
    assert counts(chart("confusion", result)) == confusion_matrix(y, cross_val_predict(best, rows, y, cv=folds)).tolist()


@pytest.mark.parametrize("cross", [False, True])
def test_a_network_predicts_as_in_its_trial(cross: bool) -> None:
    network = TrainNetwork(THREE, epochs=2)
    result = run(CrossValidate(network, folds=3) if cross else network, Space(learning_rate=Float(0.1, 1.0)))
    found, outcome = predicted(result), result.best.outcome
    assert outcome is not None
    accuracy = outcome.metrics["best_validation_accuracy"]
    assert np.mean(found.truth == found.predicted) == pytest.approx(accuracy, abs=1e-9)
    assert found.probabilities is not None
    assert found.probabilities.sum(axis=1) == pytest.approx(1)


def test_the_kept_state_predicts_as_the_training_from_the_seed() -> None:
    study = Study("kept", Space(learning_rate=Float(0.1, 1.0)), TrainNetwork(THREE, epochs=2), Random(trials=2))
    result = study.run(1, backend="sequential", tracker=MemoryTracker())
    assert result.best_state is not None
    assert result.best_state.number == result.best.number
    kept, again = predicted(result), predicted(replace(result, best_state=None))
    np.testing.assert_array_equal(kept.predicted, again.predicted)
    np.testing.assert_array_equal(kept.probabilities, again.probabilities)


def test_calibration_of_two_classes_has_the_brier_score_and_the_counts() -> None:
    result = run(TuneEstimator(LogisticRegression(), TWO))
    fitted = LogisticRegression(C=result.best.params["C"]).fit(TWO.train.x, TWO.train.y)
    brier = brier_score_loss(TWO.validation.y, fitted.predict_proba(TWO.validation.x)[:, 1])
    picture = chart("calibration", result)
    assert f"The Brier score is {brier:.4g} (0 is perfect)" in picture.caption
    dots = next(layer for layer in picture.panels[0].layers if isinstance(layer, Dots))
    assert sum(int(text.split(": ")[1].split()[0]) for text in dots.texts) == len(TWO.validation)
    check_rendered(picture)


def test_calibration_of_more_classes_has_a_curve_for_each() -> None:
    picture = chart("calibration", run(TuneEstimator(LogisticRegression(), THREE)))
    assert sum(isinstance(layer, Dots) for layer in picture.panels[0].layers) == 3
    assert "Brier scores: <b>blue" in picture.caption
    check_rendered(picture)


def test_numbers_are_drawn_against_what_is_true() -> None:
    result = run(TuneEstimator(Ridge(), NUMBERS), Space(alpha=Choice(0.1, 1.0)))
    fitted = Ridge(alpha=result.best.params["alpha"]).fit(NUMBERS.train.x, NUMBERS.train.y)
    residuals = NUMBERS.validation.y - fitted.predict(NUMBERS.validation.x)
    picture = chart("confusion", result)
    assert f"standard deviation {np.std(residuals):.4g}" in picture.caption
    check_rendered(picture)
    assert draw("calibration", result.findings) == "Calibration is of probabilities; this study predicts numbers."


def test_without_probabilities_there_is_no_calibration() -> None:
    assert "without probabilities" in str(draw("calibration", run(TrainSVM(THREE)).findings))


def test_a_class_that_no_training_row_has_gets_no_probability() -> None:
    rows = THREE.train.y < 2
    part = replace(THREE, train=type(THREE.train)(np.ascontiguousarray(THREE.train.x[rows]), THREE.train.y[rows]))
    found = predicted(run(TuneEstimator(LogisticRegression(), part)))
    assert found.probabilities is not None
    assert found.probabilities[:, 2].max() == 0


def test_the_report_shows_both_where_rows_are_predicted() -> None:
    page = report(run(TuneEstimator(LogisticRegression(), TWO)))
    assert "Rows of each class (upright) by the class" in page
    assert "The Brier score is" in page
    assert "confusion" not in draw_all(run(lambda params: params["C"]))


def test_a_study_whose_time_is_up_predicts_nothing_by_itself() -> None:
    result = run(TuneEstimator(LogisticRegression(), TWO), stop=Stop(seconds=100))
    late = replace(result, trials=[replace(trial, seconds=61.0) for trial in result.trials])
    assert "and the time is up. For them: hpsearch report 'drawn'" in str(late.findings.predicted)
    recorded = replace(late, taken_over=len(late.trials))
    assert isinstance(recorded.findings.predicted, Predictions)
