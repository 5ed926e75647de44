"""Objectives on a table: columns by name, folds, samples of rows, weights, workers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.class_weight import compute_class_weight

from hpsearch import Float, Space, Study, data
from hpsearch.data import Dataset
from hpsearch.data.vault import open_test
from hpsearch.errors import SettingError
from hpsearch.objectives import CrossValidate, TrainNetwork, TuneEstimator
from hpsearch.objectives.network_trainer import training_weights
from hpsearch.ports import Context
from hpsearch.strategies import Halving, Random
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Status
from tests.data.tables import MAKERS, Make, columns, pandas_frame

both = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def context(seed: int = 0) -> Context:
    return Context(np.random.default_rng(seed))


def pipeline() -> Any:
    """Columns by name; the encoder is told to give dense rows."""
    encode = make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), OneHotEncoder(handle_unknown="ignore"))
    return make_pipeline(
        ColumnTransformer([("text", encode, ["city"]), ("number", SimpleImputer(), ["age", "day"])]),
        LogisticRegression(max_iter=2000),
    )


def shop(make: Make, **options: Any) -> Dataset:
    city = ["Rome" if one is None else one for one in columns()["city"]]
    return data.table(make(city=city), "buys", name="shop", **options)


def net(found: Dataset, **settings: Any) -> TrainNetwork:
    asked: dict[str, Any] = {"hidden": (3,), "learning_rate": 0.5, "epochs": 3, "batch_size": 4, "engine": "numpy"} | settings
    return TrainNetwork(found, **asked)


@both
def test_a_pipeline_picks_columns_by_name(make: Make) -> None:
    """The pipeline is fitted and scored by hand."""
    found = shop(make)
    outcome = TuneEstimator(pipeline(), found)({"logisticregression__C": 0.5}, context())
    fitted = pipeline().set_params(logisticregression__C=0.5).fit(found.train.x, found.train.y)
    wanted = 1 - accuracy_score(found.validation.y, fitted.predict(found.validation.x))
    assert outcome.value == pytest.approx(wanted)


@both
@pytest.mark.parametrize("options", [{}, {"groups": "patient"}, {"time": "day"}, {"sample_weight": "count"}], ids=str)
def test_folds_keep_groups_time_and_weights(make: Make, options: dict[str, Any]) -> None:
    folds = CrossValidate(net(shop(make, test=0, **options)), folds=3)
    assert 0 <= folds({}, context()).value <= 1
    for fold in folds.datasets():
        if fold.train.groups is not None and fold.validation.groups is not None:
            assert not set(fold.train.groups.tolist()) & set(fold.validation.groups.tolist())
        if options.get("time"):
            continue  # the days are no feature there; `test_folds_in_the_order_of_time` looks at them
        assert len(fold.train) + len(fold.validation) == 40


def test_folds_in_the_order_of_time() -> None:
    frame = pandas_frame()
    found = data.table(frame.assign(when=frame["day"]), "buys", time="when", test=0)
    for fold in CrossValidate(net(found), folds=3).datasets():
        assert fold.train.x["day"].max() < fold.validation.x["day"].min()


def test_rows_of_one_time_are_never_on_both_sides() -> None:
    weeks = [day // 7 for day in range(40)]
    found = data.table(pandas_frame(week=weeks, when=weeks), "buys", time="when", test=0)
    for fold in CrossValidate(net(found), folds=3).datasets():
        assert fold.train.x["week"].max() < fold.validation.x["week"].min()
    with pytest.raises(SettingError, match="Each fold must be trained on earlier rows, got 'a fold without any'"):
        CrossValidate(net(found), folds=12).check({})


@pytest.mark.parametrize(
    ("options", "folds", "sentence"),
    [
        ({"groups": "patient"}, 11, "folds must be at most 10, the number of groups, got 11. Take fewer folds."),
        ({"groups": "patient"}, "loo", "Rows for folds='loo' must be independent of each other, got 'groups'. Take folds=5."),
        ({"time": "day"}, "loo", "Rows for folds='loo' must be independent of each other, got 'rows in the order of time'."),
    ],
)
def test_folds_that_cannot_be_made_are_told(options: dict[str, Any], folds: Any, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        CrossValidate(net(shop(pandas_frame, test=0, **options)), folds=folds)
    assert str(caught.value).startswith(sentence)


@both
def test_a_sample_of_rows_stays_a_table(make: Make) -> None:
    objective = net(shop(make, sample_weight="count", groups="patient"))
    assert 0 <= objective.on_rows(10, seed=1)({}, context()).value <= 1
    assert 0 <= objective.shrunk()({}, context()).value <= 1
    strategy = Halving(trials=4, resource="rows", factor=2, min_rows=10)
    study = Study("rows", Space(learning_rate=Float(0.1, 1.0)), objective, strategy, seed=1)
    result = study.run(tracker=MemoryTracker(), report=False)
    assert {trial.status for trial in result.trials} == {Status.FINISHED}
    assert len(result.trials) > 4


@both
def test_workers_give_the_same_trials(make: Make) -> None:
    study = Study("workers", Space(learning_rate=Float(0.1, 1.0)), net(shop(make)), Random(trials=3), seed=1)
    one, two = (study.run(jobs, tracker=MemoryTracker(), report=False) for jobs in (1, 2))
    assert [trial.value for trial in one.trials] == [trial.value for trial in two.trials]


def test_classes_are_balanced_as_in_scikit_learn() -> None:
    found = shop(pandas_frame)
    y = found.train.y
    wanted = compute_class_weight("balanced", classes=np.unique(y), y=y)[y]
    weights = training_weights(found.train, "balanced", found)
    np.testing.assert_allclose(weights, wanted)  # type: ignore[arg-type]
    by_label = training_weights(found.train, {"yes": 3.0}, found)
    np.testing.assert_allclose(by_label, np.where(y == 1, 3.0, 1.0) / np.where(y == 1, 3.0, 1.0).mean())  # type: ignore[arg-type]
    assert training_weights(found.train, None, found) is None


def test_weights_of_rows_and_of_classes_are_multiplied() -> None:
    found = shop(pandas_frame, sample_weight="count")
    own, y = found.train.weights, found.train.y
    assert own is not None
    product = own * np.where(y == 1, 3.0, 1.0)
    np.testing.assert_allclose(training_weights(found.train, {"yes": 3.0}, found), product / product.mean())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        ({"maybe": 1.0}, "class_weight must be None, 'balanced' or a dict of a weight per label, got {'maybe': 1.0}."),
        (3, "class_weight must be None, 'balanced' or a dict of a weight per label, got 3."),
        ("even", "class_weight must be None, 'balanced' or a dict of a weight per label, got 'even'."),
        ({"no": -1.0}, "class_weight of 'no' must be a number in [0, inf), got -1.0."),
        ({"no": 0, "yes": 0}, "class_weight must be above 0 for some class of the training rows, got {'no': 0, 'yes': 0}."),
    ],
)
def test_a_bad_class_weight_is_told(weight: Any, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        net(shop(pandas_frame), class_weight=weight)
    assert str(caught.value).startswith(sentence)


def test_numbers_have_no_class_weight() -> None:
    with pytest.raises(SettingError, match="class_weight must be left out where numbers are predicted, got 'balanced'"):
        net(data.table(pandas_frame(), "age", regression=True), class_weight="balanced")


def test_weights_of_rows_and_classes_that_leave_nothing_are_told() -> None:
    y = columns()["buys"]
    found = data.table(pandas_frame(count=[float(label == "yes") for label in y]), "buys", sample_weight="count")
    with pytest.raises(SettingError, match="Weights of the 24 training rows must be above 0 somewhere"):
        net(found, class_weight={"yes": 0.0})


def test_scores_of_numbers_are_weighted_as_in_scikit_learn() -> None:
    found = data.table(pandas_frame(), "age", regression=True, sample_weight="count", name="ages")
    objective = net(found, dtype="float64", learning_rate=0.05)
    outcome, network = objective({}, context()), objective.network({}, context())
    part = found.validation
    wanted = r2_score(part.y, network.predict(part.x), sample_weight=part.weights)
    assert outcome.metrics["best_validation_r2"] == pytest.approx(wanted, rel=1e-9)
    assert found.test is not None
    sealed = open_test(found.test)
    wanted = r2_score(sealed.y, network.predict(sealed.x), sample_weight=sealed.weights)
    assert objective.test({}, context(), sealed)["test_r2"] == pytest.approx(wanted, rel=1e-9)
