"""Features of images in a search: trials, files without pickles, and what is refused before the first trial."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from hpsearch import Choice, Int, Space, Study, data
from hpsearch.errors import SettingError
from hpsearch.features import ColourHistogram, OrientedGradients
from hpsearch.objectives import TuneEstimator
from hpsearch.objectives.estimator_file import types_to_trust, write
from hpsearch.ports import Context
from hpsearch.strategies import Random
from hpsearch.testing import ObjectiveContract, table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params

DIGITS = data.digits().head(200, 100)


def model(**settings: Any) -> Pipeline:
    colours = ColourHistogram(bins=8, **settings)
    return Pipeline(
        [("features", FeatureUnion([("pixels", StandardScaler()), ("colours", colours)])), ("clf", LogisticRegression())]
    )


class TestContract(ObjectiveContract):
    def make(self) -> TuneEstimator:
        return TuneEstimator(model(), DIGITS)

    def params(self) -> Params:
        return {"features__colours__bins": 4, "clf__C": 0.5}


def test_settings_of_features_are_searched_alike_at_any_number_of_workers() -> None:
    space = Space(features__colours__bins=Int(2, 32, log=True))
    study = Study("s", space, TuneEstimator(model(), DIGITS), Random(trials=5), seed=1)
    one, two = (study.run(n, backend="threading", tracker=MemoryTracker(), progress=None).trials for n in (1, 2))
    assert table(one) == table(two)
    assert len({trial.value for trial in one}) > 1


def test_files_without_pickles_hold_features(tmp_path: Any) -> None:
    import skops.io

    fitted = TuneEstimator(model(), DIGITS).refit({}, Context(np.random.default_rng(0)))
    trusted = types_to_trust(fitted, DIGITS.validation.x)
    assert trusted == ["hpsearch.features.colour_histogram.ColourHistogram"]
    write(fitted, tmp_path / "best.skops")
    again = skops.io.load(tmp_path / "best.skops", trusted=trusted)
    np.testing.assert_array_equal(again.predict(DIGITS.validation.x), fitted.predict(DIGITS.validation.x))


def vote(features: Any) -> Any:
    return VotingClassifier([("one", make_pipeline(features, LogisticRegression())), ("two", LogisticRegression())])


@pytest.mark.parametrize(
    ("estimator", "sentence"),
    [
        (model(shape=(8, 9)), r"features__colours__shape must be the shape of rows of 64 columns, got \(8, 9\)"),
        (model(value_range=(1, 1)), "features__colours__value_range must be two numbers"),
        (
            make_pipeline(StandardScaler(), ColourHistogram(shape=(3, 3)), LogisticRegression()),
            r"colourhistogram__shape must be",
        ),
        (vote(ColourHistogram(shape=(3, 3))), r"one__colourhistogram__shape must be the shape of rows of 64 columns"),
    ],
)
def test_what_does_not_fit_the_images_is_refused_at_once(estimator: Any, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        TuneEstimator(estimator, DIGITS)


@pytest.mark.parametrize("several", [VotingRegressor, StackingRegressor])
def test_members_that_predict_numbers_are_checked_too(several: Any) -> None:
    numbers = data.arrays(DIGITS.train.x, DIGITS.train.y / 9, regression=True)
    with pytest.raises(SettingError, match="one__colourhistogram__shape must be the shape of rows of 64 columns"):
        TuneEstimator(several([("one", make_pipeline(ColourHistogram(shape=(3, 3)), Ridge())), ("two", Ridge())]), numbers)


def test_rows_that_are_no_square_images_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.features.oriented_gradients.find_spec", lambda name: name)  # before it is needed
    x = np.random.default_rng(0).random((40, 10))
    with pytest.raises(SettingError, match=r"columns of OrientedGradients must be that of a square grey image .*, got 10\."):
        TuneEstimator(make_pipeline(OrientedGradients(), LogisticRegression()), data.arrays(x, np.arange(40) % 2))


def test_the_ends_of_a_range_are_checked_before_the_first_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.features.oriented_gradients.find_spec", lambda name: name)  # before it is needed
    objective = TuneEstimator(Pipeline([("hog", OrientedGradients()), ("clf", LogisticRegression())]), DIGITS)
    space = Space(hog__pixels_per_cell=Choice(4, 9))
    with pytest.raises(SettingError, match="hog__pixels_per_cell must be at most 8 for images of 8 x 8 pixels, got 9"):
        Study("s", space, objective, Random(trials=2))


def test_features_of_features_are_not_judged_by_the_rows() -> None:
    """What comes after a step that makes other columns sees those; only its own settings are checked."""
    from sklearn.decomposition import PCA

    TuneEstimator(make_pipeline(PCA(9), ColourHistogram(shape=(3, 3)), LogisticRegression()), DIGITS)
    with pytest.raises(SettingError, match="colourhistogram__bins must be a whole number >= 1, got 0"):
        TuneEstimator(make_pipeline(PCA(9), ColourHistogram(bins=0), LogisticRegression()), DIGITS)
