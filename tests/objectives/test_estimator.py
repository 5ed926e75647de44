"""Any scikit-learn estimator as an objective: its scores are scikit-learn's own, its random numbers the trial's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score, mean_absolute_error, mean_squared_error, r2_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from hpsearch import Choice, Float, Int, Space, Study, data
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, StudyError
from hpsearch.objectives import CrossValidate, TuneEstimator
from hpsearch.objectives.estimator import one_line
from hpsearch.ports import Context, Objective
from hpsearch.strategies import Bayesian, GaussianProcess, Random, Staged
from hpsearch.testing import ObjectiveContract, table
from hpsearch.tracking import MlflowTracker
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Params
from tests.nn.blobs import CLASSES, blobs


def small() -> Dataset:
    return Dataset("blobs", Part(*blobs(200)), Part(*blobs(100, seed=1)), classes=CLASSES)


def prices() -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    return data.arrays(x, x @ [1.0, 2.0, -1.0] + rng.normal(0, 0.1, 200) + 5, name="prices", regression=True)


def context(seed: int = 0) -> Context:
    return Context(np.random.default_rng(seed))


class TestClassifier(ObjectiveContract):
    def make(self) -> TuneEstimator:
        return TuneEstimator(RandomForestClassifier(n_estimators=5, max_features=1), small())

    def params(self) -> Params:
        return {"max_depth": 2, "criterion": "entropy"}


class TestRegressor(ObjectiveContract):
    def make(self) -> TuneEstimator:
        return TuneEstimator(make_pipeline(StandardScaler(), Ridge()), prices())

    def params(self) -> Params:
        return {"ridge__alpha": 0.5}


def test_is_an_objective() -> None:
    assert isinstance(TuneEstimator(SVC(), small()), Objective)


@pytest.mark.parametrize("n_neighbors", [1, 30])
def test_the_value_of_a_classifier_is_its_validation_error(n_neighbors: int) -> None:
    blob = small()
    outcome = TuneEstimator(KNeighborsClassifier(), blob)({"n_neighbors": n_neighbors}, context())
    fitted = KNeighborsClassifier(n_neighbors).fit(blob.train.x, blob.train.y)
    accuracy = fitted.score(blob.validation.x, blob.validation.y)
    assert outcome.value == 1 - accuracy
    assert outcome.metrics == {
        "validation_accuracy": accuracy,
        "training_accuracy": fitted.score(blob.train.x, blob.train.y),
    }


def test_the_balanced_error_counts_classes_alike() -> None:
    blob = small()
    rows = np.flatnonzero((blob.train.y > 0) | (np.arange(200) < 20))
    uneven = replace(blob, validation=Part(blob.train.x[rows], blob.train.y[rows]))
    predicted = DecisionTreeClassifier(max_depth=1, random_state=0).fit(blob.train.x, blob.train.y).predict(uneven.validation.x)
    objective = TuneEstimator(DecisionTreeClassifier(max_depth=1), uneven, value="balanced_error")
    expected = 1 - balanced_accuracy_score(uneven.validation.y, predicted)
    assert objective({}, context()).value == pytest.approx(expected, abs=1e-12)
    assert objective.measure == "validation balanced error"
    assert expected != pytest.approx(replace(objective, value="error")({}, context()).value, abs=1e-3)


def test_a_regressor_answers_with_its_squared_or_absolute_error() -> None:
    rows = prices()
    objective = TuneEstimator(SVR(), rows)
    fitted = SVR(C=3.0).fit(rows.train.x, rows.train.y)
    outcome, truth, predicted = objective({"C": 3.0}, context()), rows.validation.y, fitted.predict(rows.validation.x)
    assert outcome.value == outcome.metrics["validation_mse"] == pytest.approx(mean_squared_error(truth, predicted), rel=1e-12)
    assert outcome.metrics["validation_r2"] == pytest.approx(r2_score(truth, predicted), abs=1e-12)
    assert outcome.metrics["training_r2"] == pytest.approx(fitted.score(rows.train.x, rows.train.y), abs=1e-12)
    absolute = replace(objective, value="absolute_error")({"C": 3.0}, context())
    assert absolute.value == pytest.approx(mean_absolute_error(truth, predicted), rel=1e-12)
    assert (objective.measure, replace(objective, value="absolute_error").measure) == (
        "validation mean squared error",
        "validation absolute error",
    )


def test_r2_is_left_out_where_nothing_varies() -> None:
    rows = prices()
    flat = replace(rows, validation=Part(rows.validation.x, np.ones(len(rows.validation))))
    assert "validation_r2" not in TuneEstimator(Ridge(), flat)({}, context()).metrics


def test_a_pipeline_takes_the_names_of_scikit_learn() -> None:
    pipeline = make_pipeline(StandardScaler(), SVC())
    objective = TuneEstimator(pipeline, small())
    assert {"svc__C", "standardscaler__with_mean", "svc"} <= objective.parameters
    assert "svc__random_state" not in objective.parameters
    fitted = make_pipeline(StandardScaler(), SVC(C=0.01)).fit(objective.data.train.x, objective.data.train.y)
    accuracy = fitted.score(objective.data.validation.x, objective.data.validation.y)
    assert objective({"svc__C": 0.01}, context()).metrics["validation_accuracy"] == accuracy
    assert pipeline.get_params()["svc__C"] == 1.0


def test_random_numbers_are_the_trials_own_in_every_nested_estimator() -> None:
    seen: list[dict[str, Any]] = []

    class Spy(DecisionTreeClassifier):
        def fit(self, X: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(self.get_params())
            return super().fit(X, y, *args, **kwargs)

    objective = TuneEstimator(make_pipeline(StandardScaler(), Spy(splitter="random", random_state=1)), small())
    for seed in (0, 0, 1):
        objective({}, context(seed))
    states = [params["random_state"] for params in seen]
    assert states[0] == states[1] != states[2]
    bagging = TuneEstimator(BaggingClassifier(Spy(), n_estimators=2, n_jobs=2), small())
    first = bagging._fitted({}, np.random.default_rng(3))
    assert first.n_jobs == 1
    assert first.random_state != first.estimator.random_state
    assert first.estimator.random_state == bagging._fitted({}, np.random.default_rng(3)).estimator.random_state


def test_scores_a_part_as_fitted_in_the_trial() -> None:
    objective, part = TuneEstimator(RandomForestClassifier(3, max_depth=1), small()), Part(*blobs(80, seed=5))
    scores = objective.test({"max_depth": 2}, context(4), part)
    fitted = objective._fitted({"max_depth": 2}, np.random.default_rng(4))
    assert scores == {"test_accuracy": fitted.score(part.x, part.y), "test_error": 1 - fitted.score(part.x, part.y)}
    rows = prices()
    assert set(TuneEstimator(Ridge(), rows).test({}, context(), rows.validation)) == {"test_mse", "test_r2", "test_error"}


def test_shrunk_is_the_same_on_less() -> None:
    objective = TuneEstimator(SVC(), data.digits())
    assert (len(objective.shrunk().data.train), len(objective.shrunk().data.validation)) == (500, 200)
    assert TuneEstimator(SVC(), small()).shrunk() == TuneEstimator(SVC(), small())


def test_the_record_is_one_line_that_names_every_setting() -> None:
    assert repr(TuneEstimator(SVC(C=2.0), small())) == (
        "TuneEstimator(SVC(C=2.0), data=blobs(train=200, validation=100), value='error')"
    )
    pipeline = make_pipeline(FunctionTransformer(np.sqrt), FunctionTransformer(small), SVC())
    assert " at 0x" not in repr(TuneEstimator(pipeline, small()))
    one, two = (make_pipeline(*[StandardScaler(with_std=n != i) for i in range(60)], SVC()) for n in (30, 31))
    assert repr(TuneEstimator(one, small())) != repr(TuneEstimator(two, small()))
    assert "\n" not in repr(TuneEstimator(one, small()))
    constants = [np.arange(2000) for _ in range(3)]
    constants[2][1000] = 0
    texts = [one_line(DummyClassifier(constant=constant)) for constant in constants]
    assert texts[0] == texts[1] != texts[2]


def test_equal_records_on_equal_data_are_equal() -> None:
    assert TuneEstimator(SVC(), small()) == TuneEstimator(SVC(), small())
    assert hash(TuneEstimator(SVC(), small())) == hash(TuneEstimator(SVC(), small()))
    assert TuneEstimator(SVC(), small()) != TuneEstimator(SVC(C=2.0), small())
    assert TuneEstimator(SVC(), small()) != TuneEstimator(SVC(), data.digits())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"svc__C": -1.0}, r"svc__C must be a float in the range \(0\.0, inf\]?\)?, got -1\.0\. Change its range"),
        ({"svc__gamma": "large"}, r"svc__gamma must be .*'auto'.*, got 'large'\."),
        ({"svc__degree": 2.5}, r"svc__degree must be an int .*, got 2\.5\."),
        ({"svc__c": 1.0}, r"A param of TuneEstimator must be one of .*, got 'svc__c'\. .*Did you mean 'svc__C'\?"),
        ({"svc__random_state": 1}, r"got 'svc__random_state'\. Leave it out: each trial sets it"),
    ],
)
def test_refuses_bad_params_before_anything_is_fitted(params: Params, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        TuneEstimator(make_pipeline(StandardScaler(), SVC()), small()).check(params)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TuneEstimator(SVC(C=0.0), small()), r"C must be a float in .*, got 0\.0\."),
        (lambda: TuneEstimator(SVC, small()), r"estimator must be a scikit-learn classifier or regressor, got <class"),
        (lambda: TuneEstimator(KMeans(), small()), r"estimator must be a scikit-learn classifier or regressor, got KMeans\(\)"),
        (lambda: TuneEstimator("svm", small()), r"estimator must be a scikit-learn classifier or regressor, got 'svm'\."),
        (lambda: TuneEstimator(SVC(), blobs(10)), r"data must be a data set, got "),
        (lambda: TuneEstimator(Ridge(), small()), r"What a regressor predicts must be .*, got 'classes'\. .*regression=True"),
        (lambda: TuneEstimator(SVC(), prices()), r"What a classifier predicts must be .*, got 'numbers'\. Take a regressor"),
        (lambda: TuneEstimator(SVC(), small(), value="mse"), r"value must be one of 'error', 'balanced_error', got 'mse'\."),
        (lambda: TuneEstimator(Ridge(), prices(), value="r2"), r"value must be one of 'error', 'absolute_error', got 'r2'\."),
    ],
)
def test_refuses_the_rest(make: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()


def test_a_study_refuses_a_bad_range_before_its_first_trial() -> None:
    objective = TuneEstimator(SVC(), small())
    with pytest.raises(SettingError, match=r"C must be a float"):
        Study("bad", Space(C=Float(-1.0, 1.0)), objective, Random(trials=2))
    with pytest.raises(StudyError, match="Did you mean 'gamma'"):
        Study("bad", Space(gama=Float(0.1, 1.0)), objective, Random(trials=2))


def test_runs_as_a_study_the_same_at_any_number_of_workers() -> None:
    space = Space(max_depth=Int(1, 5), criterion=Choice("gini", "entropy"), max_features=Float(0.5, 1.0))
    study = Study("forest", space, TuneEstimator(RandomForestClassifier(5), small()), Random(trials=4))
    runs = [study.run(jobs, backend=b, tracker=MemoryTracker()) for jobs, b in ((1, "loky"), (2, "loky"), (2, "threading"))]  # type: ignore[arg-type]
    assert runs[0].trials == runs[1].trials == runs[2].trials
    assert all(trial.ok for trial in runs[0].trials)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_every_estimator_of_scikit_learn(kind: str) -> None:
    """Each that can be made without arguments and fits such data answers with the same finite number twice."""
    rows = Dataset("blobs", Part(np.abs(small().train.x), small().train.y), small().validation, CLASSES)
    rows = rows if kind == "classifier" else prices()
    # They want several targets, positive ones, one feature, other input, or are not to be had without an argument.
    skipped = {"MultiOutput", "Chain", "MultiTask", "Gamma", "Poisson", "Isotonic", "CCA", "PLSCanonical", "Radius"}
    tried = 0
    for name, estimator in all_estimators(kind):
        try:
            objective = TuneEstimator(estimator(), rows)
        except (TypeError, SettingError):  # it wants an estimator to wrap
            continue
        if any(name.startswith(start) or start in name for start in skipped) or name == "CategoricalNB":
            continue
        first, second = objective({}, context()), objective({}, context())
        assert first == second, name
        assert np.isfinite(first.value), name
        tried += 1
    assert tried >= 25


def test_an_estimator_inside_another_is_judged_too() -> None:
    objective = TuneEstimator(TransformedTargetRegressor(Ridge()), prices())
    with pytest.raises(SettingError, match=r"regressor__alpha must be .*, got -1\.0\."):
        objective.check({"regressor__alpha": -1.0})


def test_options_that_are_estimators_are_set_before_what_is_inside_them_and_stay_as_they_are() -> None:
    """As scikit-learn's own ``set_params`` has it, whatever the order of the params."""
    digits = data.digits().at_most(300, 200)
    objective = TuneEstimator(Pipeline([("scale", "passthrough"), ("clf", SVC())]), digits)
    scale, machine = StandardScaler(with_mean=False), SVC(kernel="linear")
    expected = Pipeline([("scale", StandardScaler(with_mean=False)), ("clf", SVC(kernel="linear", C=1e-4))])
    expected.fit(digits.train.x, digits.train.y)
    for params in ({"clf": machine, "scale": scale, "clf__C": 1e-4}, {"clf__C": 1e-4, "scale": scale, "clf": machine}):
        objective.check(params)
        assert objective(params, context()).metrics["validation_accuracy"] == expected.score(
            digits.validation.x, digits.validation.y
        )
    assert (repr(machine), repr(scale)) == ("SVC(kernel='linear')", "StandardScaler(with_mean=False)")
    assert not hasattr(machine, "support_")


def test_lists_and_dicts_among_the_params_stay_as_they_are() -> None:
    weights, objective = {0: 2.0, 1: 1.0}, TuneEstimator(SVC(), small())
    objective({"class_weight": weights}, context())
    assert weights == {0: 2.0, 1: 1.0}


def test_what_cannot_be_searched_of_an_estimator_is_said() -> None:
    for name in ("random_state", "n_jobs"):
        with pytest.raises(
            StudyError, match=rf"Parameter '{name}' of TuneEstimator cannot be searched. Leave it out: each trial"
        ):
            Study("s", Space(**{name: Float(0, 1)}), TuneEstimator(RandomForestClassifier(), data.digits()), Random(trials=2))


def use(params: Params) -> float:
    return float(params["random_state"])


def test_a_function_may_take_a_random_state() -> None:
    study = Study("s", Space(random_state=Float(0, 1)), use, Random(trials=2))
    assert len(study.run(backend="sequential", tracker=MemoryTracker()).trials) == 2


def searched() -> tuple[Space, TuneEstimator]:
    space = Space(
        scale=Choice("passthrough", None, StandardScaler(with_mean=False)),
        clf=Choice(RandomForestClassifier(random_state=7), SVC(kernel="poly"), BaggingClassifier(DecisionTreeClassifier())),
        clf__n_estimators=Int(2, 9, when={"clf": ["RandomForestClassifier", "BaggingClassifier"]}),
        clf__C=Float(0.1, 10.0, log=True, when={"clf": "SVC"}),
        clf__estimator__max_depth=Int(1, 2, when={"clf": "BaggingClassifier"}),
    )
    return space, TuneEstimator(Pipeline([("scale", MinMaxScaler()), ("clf", SVC())]), small())


def by_hand(params: Params, objective: TuneEstimator) -> float:
    """Return the validation accuracy of a pipeline that is written out, with the trial's own seeds."""
    scale = StandardScaler(with_mean=False) if params["scale"] == "StandardScaler" else params["scale"]
    depth, count = params.get("clf__estimator__max_depth"), params.get("clf__n_estimators")
    model: Any = {
        "RandomForestClassifier": lambda: RandomForestClassifier(count),
        "SVC": lambda: SVC(kernel="poly", C=params["clf__C"]),
        "BaggingClassifier": lambda: BaggingClassifier(DecisionTreeClassifier(max_depth=depth), count),
    }[params["clf"]]()
    pipeline, rng = Pipeline([("scale", scale), ("clf", model)]), np.random.default_rng(params["seed"])
    names = sorted(name for name in pipeline.get_params() if name.endswith("random_state"))
    pipeline.set_params(**{name: int(rng.integers(2**31)) for name in names})
    train, validation = objective.data.train, objective.data.validation
    return float(pipeline.fit(train.x, train.y).score(validation.x, validation.y))


def test_steps_of_a_pipeline_are_searched_with_the_settings_of_each_option() -> None:
    space, objective = searched()
    before = repr(space)
    result = Study("steps", space, objective, Random(trials=12)).run(backend="sequential", tracker=MemoryTracker())
    seen = set()
    for trial in result.trials:
        seed = np.random.SeedSequence(0, spawn_key=(2, trial.number))
        assert trial.outcome is not None
        assert trial.outcome.metrics["validation_accuracy"] == by_hand({**trial.params, "seed": seed}, objective)
        seen |= {trial.params["clf"], trial.params["scale"]}
    assert seen == {"RandomForestClassifier", "SVC", "BaggingClassifier", "passthrough", None, "StandardScaler"}
    assert repr(space) == before


@pytest.mark.parametrize("strategy", [GaussianProcess(trials=8), Bayesian(trials=4), Staged(stages=(4, 4))], ids=repr)
def test_every_strategy_takes_searched_steps(strategy: Any) -> None:
    space, objective = searched()
    folds = CrossValidate(objective, folds=2)
    result = Study("steps", space, folds, strategy).run(backend="sequential", tracker=MemoryTracker())
    assert all(trial.ok for trial in result.trials)
    assert all(space.contains(trial.params) for trial in result.trials)


@pytest.mark.parametrize(
    ("domains", "message"),
    [
        (
            {"clf__n_estimators": Int(2, 9)},
            r"clf__n_estimators must be left out where clf is SVC\(\), which has no such setting, got \d\. "
            r"Give its range when=\{'clf': \.\.\.\}, with the options that have it\.",
        ),
        (
            {"clf__C": Float(0.1, 1.0)},
            r"clf__C must be left out where clf is 'passthrough', which has no such setting, got 0\.\d+\. Give its range when",
        ),
        ({"clf__depth": Int(2, 9)}, r"Unknown parameter 'clf__depth' for TuneEstimator; .* Did you mean 'clf__max_depth'\?"),
        ({"clf__random_state": Int(2, 9)}, r"Parameter 'clf__random_state' of TuneEstimator cannot be searched\. Leave it out"),
        ({"clf__C": Float(-1.0, 1.0, when={"clf": "SVC"})}, r"clf__C must be a float in .*, got 0\.0\. Change its range"),
    ],
)
def test_settings_that_an_option_does_not_have_are_named_before_the_first_trial(domains: Any, message: str) -> None:
    options = ("passthrough", SVC()) if "C" in str(domains) else (RandomForestClassifier(), SVC())
    pipeline = Pipeline([("clf", SVC()), ("last", SVC())])
    with pytest.raises((SettingError, StudyError), match=message):
        Study("bad", Space(clf=Choice(*options), **domains), TuneEstimator(pipeline, small()), Random(trials=2))


@pytest.mark.parametrize("as_before", [False, True])
def test_a_recorded_estimator_is_the_same_option_again(
    as_before: bool, put_store: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in records of the time when an estimator was recorded with all of its settings."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    study = Study("steps", *searched(), Random(trials=6))
    whole = study.run(backend="sequential", tracker=MemoryTracker()).trials
    root = put_store(tmp_path)
    tracker = MlflowTracker(root=root)
    tracker.start(study.tracked())
    for trial in whole[:4]:
        tracker.record(trial)
    tracker.finish("killed", whole[:4])
    if as_before:
        long = {"SVC": "SVC(kernel='poly')", "RandomForestClassifier": "RandomForestClassifier(random_state=7)"}
        with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection, connection:
            changed = [connection.execute("UPDATE params SET value=? WHERE value=?", (long[s], s)).rowcount for s in long]
        assert sum(changed) >= 2
    result = study.run(backend="sequential", tracker=MlflowTracker(root=root), report=False)
    assert result.taken_over == 4
    assert table(result.trials) == table(whole)
    assert {trial.params["clf"] for trial in result.trials[:4]} <= {"SVC", "RandomForestClassifier", "BaggingClassifier"}


def test_objects_that_a_record_names_by_their_class_alone_are_told_apart() -> None:
    def record(**selected: str) -> str:
        encode = make_column_transformer((OneHotEncoder(), make_column_selector(**selected)))
        return repr(TuneEstimator(make_pipeline(encode, SVC()), data.digits()))

    assert record(dtype_include="number") == record(dtype_include="number")
    assert record(dtype_include="number") != record(dtype_exclude="number")
    assert " at 0x" not in record(pattern="x")
