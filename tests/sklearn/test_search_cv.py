"""`SearchCV` beside scikit-learn's own searches, which are the independent source of every score here."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from scipy.stats import loguniform, randint
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from hpsearch import Choice, Float, Int, Space
from hpsearch.cli import app
from hpsearch.errors import HpsearchError, SettingError, StudyError
from hpsearch.search.source_file import load_only
from hpsearch.sklearn import SearchCV
from hpsearch.strategies import GaussianProcess, Grid, Random
from tests.nn.blobs import blobs

X, Y = blobs(90)
WEIGHTS, GROUPS = np.random.default_rng(0).uniform(0.1, 3.0, 90), np.arange(90) % 6
SPACE = {"C": loguniform(0.01, 10), "kernel": ["linear", "rbf"], "class_weight": [None, "balanced"]}
CHOSEN: dict[str, Any] = {"cv": 3, "strategy": Random(trials=4)}


def grid_over(search: SearchCV, params: dict[str, Any], **options: Any) -> GridSearchCV:
    """Return scikit-learn's search over the very candidates of ours."""
    candidates = [{name: [value] for name, value in one.items()} for one in search.cv_results_["params"]]
    settings = {"scoring": search.scoring, "cv": search.cv, "refit": search.refit, **options}
    grid = GridSearchCV(search.estimator, candidates, return_train_score=search.return_train_score, **settings)
    return grid.fit(*params.pop("rows", (X, Y)), **params)


def assert_same_results(ours: dict[str, Any], theirs: dict[str, Any], rtol: float = 0.0) -> None:
    assert set(ours) == set(theirs)
    for key in theirs:
        if "time" not in key and key != "params":
            if rtol and ours[key].dtype == float:
                np.testing.assert_allclose(ours[key], theirs[key], rtol, err_msg=key)
            else:
                np.testing.assert_array_equal(np.ma.filled(ours[key], -1), np.ma.filled(theirs[key], -1), err_msg=key)
            assert ours[key].dtype == theirs[key].dtype, key
    assert np.isfinite(ours["mean_fit_time"]).all()


@pytest.mark.parametrize(
    ("options", "fit"),
    [
        ({}, {}),
        ({"return_train_score": True, "scoring": "balanced_accuracy"}, {}),
        ({"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}, {}),
        ({"scoring": {"acc": "accuracy", "own": make_scorer(accuracy_score)}, "refit": False, "return_train_score": True}, {}),
        ({"scoring": lambda estimator, x, y: {"a": estimator.score(x, y), "n": len(x)}, "refit": "a"}, {}),
        ({"refit": lambda results: int(results["mean_test_score"].argmin())}, {}),
        ({"cv": GroupKFold(3)}, {"groups": GROUPS}),
        ({"cv": KFold(3)}, {"sample_weight": WEIGHTS}),
        ({"cv": [(range(60), range(60, 90)), (range(30, 90), range(30))]}, {"sample_weight": WEIGHTS.tolist()}),
        ({"scoring": ["accuracy", "f1_macro"], "refit": "accuracy", "return_train_score": True}, {"sample_weight": WEIGHTS}),
        ({"cv": 2, "return_train_score": True}, {"sample_weight": WEIGHTS}),
        ({}, {"rows": (scipy.sparse.csr_array(X), Y)}),
        ({}, {"rows": (pd.DataFrame(X, columns=list("abcdef")), pd.Series(Y))}),
        ({}, {"rows": (X.tolist(), Y.tolist())}),
    ],
    ids=[
        "score", "train", "several", "several-no-refit", "function-of-several", "refit-function", "groups", "weights",
        "list-of-weights", "several-weights", "weights-of-equal-parts", "sparse", "frame", "lists",
    ],
)  # fmt: skip
def test_every_score_is_that_of_scikit_learns_own_search(options: dict[str, Any], fit: dict[str, Any]) -> None:
    fit = dict(fit)
    rows = fit.pop("rows", (X, Y))
    search = SearchCV(SVC(random_state=0), SPACE, **CHOSEN | options).fit(*rows, **fit)
    grid = grid_over(search, {"rows": rows, **fit})
    assert_same_results(search.cv_results_, grid.cv_results_)
    for name in ("best_index_", "best_score_", "best_params_", "n_splits_", "multimetric_"):
        assert hasattr(search, name) == hasattr(grid, name)
        assert getattr(search, name, None) == getattr(grid, name, None), name
    if search.refit:
        np.testing.assert_array_equal(search.predict(rows[0]), grid.predict(rows[0]))
        assert search.score(*rows) == grid.score(*rows)
        assert search.n_features_in_ == grid.n_features_in_
        assert list(getattr(search, "feature_names_in_", [])) == list(getattr(grid, "feature_names_in_", []))
        np.testing.assert_array_equal(search.classes_, grid.classes_)


def test_a_polars_frame_is_searched_as_it_is() -> None:
    polars = pytest.importorskip("polars")
    frame, target = polars.DataFrame(X, schema=list("abcdef")), polars.Series(Y)
    search = SearchCV(SVC(random_state=0), SPACE, **CHOSEN).fit(frame, target)
    assert_same_results(search.cv_results_, grid_over(search, {"rows": (frame, target)}).cv_results_)
    assert list(search.feature_names_in_) == list("abcdef")
    assert search.trials_ == SearchCV(SVC(random_state=0), SPACE, **CHOSEN).fit(X, Y).trials_


@pytest.mark.parametrize(
    ("estimator", "space", "rows"),
    [
        (Ridge(), {"alpha": [0.1, 1.0, 10.0]}, (X, X[:, 0] * 2 + 1)),
        (PCA(random_state=0), {"n_components": [1, 2]}, (X,)),
        (KMeans(random_state=0, n_init=1), {"n_clusters": [2, 3, 4]}, (X,)),
    ],
    ids=["ridge", "pca", "k-means"],
)
def test_regressors_transformers_and_clusterings_are_searched_too(estimator: Any, space: Any, rows: Any) -> None:
    search = SearchCV(estimator, space, cv=3).fit(*rows)
    grid = GridSearchCV(estimator, space, cv=3).fit(*rows)
    # Auto takes every point of a small space, in scikit-learn's order. Here k-means sums in several threads, there in one.
    assert_same_results(search.cv_results_, grid.cv_results_, rtol=1e-5)
    assert search.best_params_ == grid.best_params_
    assert (is_regressor(search), is_classifier(search)) == (is_regressor(grid), is_classifier(grid))
    method = next(name for name in ("transform", "predict") if hasattr(grid, name))
    np.testing.assert_allclose(getattr(search, method)(X), getattr(grid, method)(X), 1e-5)
    assert [hasattr(search, m) == hasattr(grid, m) for m in ("predict", "transform", "inverse_transform", "predict_proba")] == [
        True
    ] * 4


def test_columns_have_the_keys_types_and_order_of_a_randomized_search() -> None:
    space = {"max_depth": randint(1, 5), "splitter": ["best", "random"], "random_state": [0, 1]}
    ours = SearchCV(DecisionTreeClassifier(), space, **CHOSEN).fit(X, Y).cv_results_
    theirs = RandomizedSearchCV(DecisionTreeClassifier(), space, n_iter=4, cv=3).fit(X, Y).cv_results_
    assert [key for key in ours if "param" not in key] == [key for key in theirs if "param" not in key]
    assert {key: column.dtype for key, column in ours.items() if key != "params"} == {
        key: column.dtype for key, column in theirs.items() if key != "params"
    }
    assert pd.DataFrame(ours).shape == pd.DataFrame(theirs).shape


def test_a_param_is_masked_where_a_candidate_does_not_have_it() -> None:
    space = [{"kernel": ["rbf"], "gamma": [0.1, 1.0]}, {"kernel": ["linear"], "C": [0.5, 2.0]}]
    search = SearchCV(SVC(), space, strategy=Grid(), cv=3).fit(X, Y)
    grid = GridSearchCV(SVC(), space, cv=3).fit(X, Y)
    assert_same_results(search.cv_results_, grid.cv_results_)
    assert search.cv_results_["params"] == [
        {"kernel": "rbf", "gamma": 0.1}, {"kernel": "rbf", "gamma": 1.0}, {"kernel": "linear", "C": 0.5},
        {"kernel": "linear", "C": 2.0},
    ]  # fmt: skip


def forest(jobs: int = 1, **options: Any) -> SearchCV:
    space = Space(max_depth=Int(1, 6), min_samples_leaf=Int(1, 9))
    return SearchCV(RandomForestClassifier(3), space, **CHOSEN | {"jobs": jobs} | options)


def test_the_same_candidates_and_the_same_model_at_any_number_of_jobs() -> None:
    one, two, other = forest(1).fit(X, Y), forest(2).fit(X, Y), forest(seed=1).fit(X, Y)
    assert one.trials_ == two.trials_ != other.trials_
    assert_same_results(one.cv_results_, two.cv_results_)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_a_seed_of_the_estimator_stays_and_one_that_is_missing_is_drawn_by_the_trial() -> None:
    pipeline = make_pipeline(PCA(random_state=5), RandomForestClassifier(3))
    space = Space(randomforestclassifier__max_depth=Int(1, 6))
    search = SearchCV(pipeline, space, **CHOSEN).fit(X, Y)
    best = search.best_estimator_.get_params()
    assert best["pca__random_state"] == 5
    drawn = int(np.random.default_rng(np.random.SeedSequence(0, spawn_key=(2, search.best_index_))).integers(2**31))
    assert best["randomforestclassifier__random_state"] == drawn
    assert pipeline.get_params()["randomforestclassifier__random_state"] is None
    seeded = clone(pipeline).set_params(**search.best_params_, randomforestclassifier__random_state=drawn)
    assert search.best_score_ == cross_val_score(seeded, X, Y, cv=3).mean()


def table(rows: int = 80) -> tuple[pd.DataFrame, pd.Series]:
    """Return rows with strings, numbers and gaps in both, and two classes that depend on them."""
    rng = np.random.default_rng(1)
    city, size = rng.choice(["Bonn", "Köln", "Trier"], rows).astype(object), rng.normal(size=rows)
    target = pd.Series(np.where((city == "Bonn") ^ (size > 0.3), "yes", "no"))
    city[::9], size[::7] = np.nan, np.nan
    return pd.DataFrame({"city": city, "size": size}), target


def test_a_pipeline_on_a_frame_with_strings_and_missing_values() -> None:
    frame, target = table()
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["city"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["size"]),
    )
    model = Pipeline([("columns", columns), ("clf", SVC())])
    space = Space(
        clf=Choice(SVC(), LogisticRegression(), RandomForestClassifier(5)),
        clf__C=Float(0.1, 100, log=True, when={"clf": ["SVC", "LogisticRegression"]}),
        clf__max_depth=Int(1, 6, when={"clf": "RandomForestClassifier"}),
    )
    search = SearchCV(model, space, Random(trials=6), scoring="f1_macro", cv=3).fit(frame, target)
    assert {type(clf).__name__ for clf in search.cv_results_["param_clf"]} == {
        "SVC",
        "LogisticRegression",
        "RandomForestClassifier",
    }
    assert set(search.predict(frame)) == {"yes", "no"}
    assert list(search.feature_names_in_) == ["city", "size"]
    for row, params in enumerate(search.cv_results_["params"]):
        if not isinstance(params["clf"], RandomForestClassifier):
            again = cross_val_score(clone(model).set_params(**params), frame, target, scoring="f1_macro", cv=3)
            assert [search.cv_results_[f"split{fold}_test_score"][row] for fold in range(3)] == list(again)


def test_works_inside_and_around_other_estimators() -> None:
    search = SearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=3)
    grid = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=3)
    np.testing.assert_array_equal(cross_val_score(search, X, Y, cv=3), cross_val_score(grid, X, Y, cv=3))
    with joblib.parallel_config("threading"):
        np.testing.assert_array_equal(cross_val_score(search, X, Y, cv=3, n_jobs=2), cross_val_score(grid, X, Y, cv=3))
    piped = make_pipeline(StandardScaler(), search).fit(X, Y)
    assert piped[-1].best_params_ == make_pipeline(StandardScaler(), grid).fit(X, Y)[-1].best_params_
    outer = GridSearchCV(search, {"estimator__min_samples_leaf": [1, 5], "seed": [0, 1]}, cv=2).fit(X, Y)
    assert outer.best_estimator_.best_params_.keys() == {"max_depth"}


def test_is_cloned_pickled_and_set_as_every_estimator() -> None:
    search = forest()
    with pytest.raises(NotFittedError):
        check_is_fitted(search)
    with pytest.raises(NotFittedError):
        search.predict(X)
    assert not hasattr(search, "classes_")
    assert not hasattr(search, "n_features_in_")
    copied = clone(search).set_params(seed=3, estimator__n_estimators=2)
    assert (copied.seed, copied.estimator.n_estimators, search.seed) == (3, 2, 0)
    assert "SearchCV" in search._repr_html_()
    check_is_fitted(search.fit(X, Y))
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    assert again.trials_ == search.trials_
    assert not hasattr(clone(search), "trials_")
    assert not hasattr(search.estimator, "estimators_")
    with pytest.raises(AttributeError, match="inverse_transform"):
        search.inverse_transform(X)
    unfitted = forest(refit=False).fit(X, Y)
    assert not hasattr(unfitted, "predict")
    with pytest.raises(AttributeError, match=r"SearchCV has no score with refit=False\. Take refit=True, or fit best_params_"):
        unfitted.score(X, Y)


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.campaign)])
def test_metadata_are_routed_as_by_scikit_learns_own_search(jobs: int) -> None:
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight="importance")
    model = SVC(random_state=0).set_fit_request(sample_weight=True)
    plain = make_scorer(accuracy_score).set_score_request(sample_weight=False)
    options: dict[str, Any] = {"scoring": {"weighted": scorer, "plain": plain}, "refit": "weighted", "cv": GroupKFold(3)}
    fit = {"sample_weight": WEIGHTS, "importance": WEIGHTS**2, "groups": GROUPS}
    search = SearchCV(model, SPACE, Random(trials=3), jobs=jobs, **options).fit(X, Y, **fit)
    grid = grid_over(search, dict(fit))
    assert_same_results(search.cv_results_, grid.cv_results_)
    assert search.score(X, Y, importance=WEIGHTS) == accuracy_score(Y, grid.predict(X), sample_weight=WEIGHTS)
    nested = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), clone(search)).fit(X, Y, **fit)
    assert nested[-1].n_splits_ == 3
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
        SearchCV(SVC(), SPACE, **CHOSEN).fit(X, Y, sample_weight=WEIGHTS)


def test_score_takes_no_metadata_without_routing() -> None:
    with pytest.raises(SettingError, match=r"must be X and y, got \['sample_weight'\]\. Call sklearn\.set_config"):
        forest().fit(X, Y).score(X, Y, sample_weight=WEIGHTS)


def test_says_which_scores_do_not_take_weights() -> None:
    def own(estimator: Any, x: Any, y: Any) -> float:
        return float(estimator.score(x, y))

    with pytest.warns(UserWarning, match=r"Rows count alike in these scores, which take no sample_weight: own\."):
        SearchCV(SVC(), SPACE, scoring=own, **CHOSEN).fit(X, Y, sample_weight=WEIGHTS)


class Fails(ClassifierMixin, BaseEstimator):
    """Fails for some settings: everywhere, or on the fold without the first row."""

    def __init__(self, where: str = "nowhere", tag: int = 0) -> None:
        self.where, self.tag = where, tag

    def fit(self, X: Any, y: Any) -> Fails:
        if self.where == "everywhere" or (self.where == "one fold" and not (X == X_FIRST).all(axis=1).any()):
            raise ArithmeticError(f"it fails {self.where}")
        self.classes_, self.tree_ = np.unique(y), DecisionTreeClassifier(max_depth=1).fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        return self.tree_.predict(X)


X_FIRST = X[0]
FAILING = {"where": ["everywhere", "one fold", "nowhere"]}


@pytest.mark.parametrize("error", [np.nan, -1.0])
def test_candidates_that_fail_rank_as_in_scikit_learns_own_search(error: float) -> None:
    search = SearchCV(Fails(), FAILING, strategy=Grid(), cv=3, error_score=error)
    with pytest.warns(
        FitFailedWarning, match=r"1 of 3 candidates failed, and 1 on some folds\. The first error was: ValueError"
    ):
        search.fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = GridSearchCV(Fails(), FAILING, cv=3, error_score=error).fit(X, Y)
    for key in ("split0_test_score", "mean_test_score", "std_test_score", "rank_test_score"):
        np.testing.assert_array_equal(search.cv_results_[key], grid.cv_results_[key])
    assert search.best_params_ == grid.best_params_ == {"where": "nowhere"}
    assert str(search.trials_[0].status) == "failed"


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.campaign)])
def test_the_error_itself_is_raised_where_none_may_fail(jobs: int) -> None:
    with pytest.raises(ArithmeticError, match="it fails everywhere"):
        SearchCV(Fails(), FAILING, strategy=Grid(), cv=3, error_score="raise", jobs=jobs).fit(X, Y)


def test_the_error_is_shown_where_all_fail() -> None:
    with pytest.raises(ValueError, match=r"(?s)None of 1 candidates could be fitted and scored\. .*it fails everywhere"):
        SearchCV(Fails(), {"where": ["everywhere"]}, cv=3).fit(X, Y)


class Warns(Fails):
    """Warns in every fit."""

    def fit(self, X: Any, y: Any) -> Fails:
        warnings.warn("it warns", UserWarning, stacklevel=1)
        return super().fit(X, y)


def test_what_every_fold_warns_of_is_shown_once_a_candidate() -> None:
    search = SearchCV(Warns(), {"tag": [0, 1]}, cv=5, refit=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        search.fit(X, Y)
    assert [str(each.message) for each in caught] == ["it warns"] * 2
    assert caught[0].filename == __file__


def test_later_candidates_are_tried_where_the_first_ones_fail_alike() -> None:
    """The first ten in the order of the grid fail with one message, as those of a solver without a penalty do."""
    space = {"where": ["everywhere", "nowhere"], "tag": list(range(10))}
    search = SearchCV(Fails(), space, cv=2)
    with pytest.warns(FitFailedWarning, match="10 of 20 candidates failed, and 0 on some folds"):
        search.fit(X, Y)
    assert search.best_params_["where"] == "nowhere"


def test_a_strategy_that_learns_is_not_misled_by_failures() -> None:
    search = SearchCV(Fails(), Space(where=Choice("everywhere", "nowhere")), GaussianProcess(trials=8), cv=2)
    with pytest.warns(FitFailedWarning):
        search.fit(X, Y)
    assert search.best_params_ == {"where": "nowhere"}


@pytest.fixture
def project(put_store: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{put_store(tmp_path) / 'mlruns' / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_search_with_a_name_is_a_study_like_any_other(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options: dict[str, Any] = {"study": "recorded", "scoring": ["accuracy", "f1_macro"], "refit": "accuracy"}
    first, again = forest(**options).fit(X, Y), forest(**options).fit(X, Y)
    assert again.trials_ == first.trials_
    for key in ("split1_test_f1_macro", "mean_test_accuracy", "rank_test_f1_macro", "param_max_depth"):
        np.testing.assert_array_equal(again.cv_results_[key], first.cv_results_[key])
    np.testing.assert_array_equal(again.predict_proba(X), first.predict_proba(X))
    # No candidate was fitted again: times are not recorded.
    assert np.isnan(again.cv_results_["mean_fit_time"]).all()
    with pytest.raises(StudyError, match=r"'recorded'.*data"):
        forest(**options).fit(X + 1, Y)
    with pytest.raises(StudyError, match=r"'recorded'.*data"):
        forest(**options).fit(X, Y, sample_weight=WEIGHTS)
    with pytest.raises(SystemExit):
        app(["show", "recorded"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "Which settings of RandomForestClassifier score best in cross-validation?" in shown
    assert "decides=accuracy" in shown


def test_a_search_without_a_name_leaves_nothing_behind(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
from hpsearch.sklearn import SearchCV
SearchCV(DecisionTreeClassifier(), {{"max_depth": [1, 2]}}).fit(*load_iris(return_X_y=True))
print([name for name in ("mlflow", "optuna", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_loaded_for_another_study_runs_its_searches() -> None:
    """As `hpsearch report NAME` loads a script: what comes after the search may need what it found."""
    with load_only("another"):
        assert len(forest().fit(X, Y).trials_) == 4


@pytest.mark.parametrize(
    ("options", "fit", "message"),
    [
        ({"estimator": SVC}, {}, r"estimator must be a scikit-learn estimator, got <class .*SVC'>\. Write it as in SVC\(\)\."),
        ({"scoring": "acuracy"}, {}, r"scoring must be the name of a scorer .*, got 'acuracy'\. .* Did you mean 'accuracy'\?"),
        ({"scoring": ["accuracy", "f2"], "refit": False}, {}, r"scoring must be the name of a scorer .*, got 'f2'\."),
        ({"scoring": []}, {}, r"scoring must be one scorer or more, got \[\]\."),
        (
            {"scoring": "neg_log_loss"}, {},
            r"The scorer 'neg_log_loss' needs predict_proba\(\), which SVC\(.*\) does not have\. Take a scorer that",
        ),
        (
            {"scoring": ["accuracy", "f1_macro"]}, {},
            r"refit for several scores must be one of 'accuracy', 'f1_macro', a function or False, got True\. "
            r"Write refit='accuracy'\.",
        ),
        (
            {"scoring": lambda estimator, x, y: {"a": 1.0, "b": 2.0}}, {},
            r"refit for several scores must be one of 'a', 'b', a function or False, got True\.",
        ),
        ({"refit": lambda results: 1.5}, {}, r"What refit returns must be the index of a candidate, got 1\.5\."),
        ({"refit": lambda results: 9}, {}, r"What refit returns must be an index in \[0, 3\], got 9\."),
        (
            {"cv": GroupKFold(5)}, {"groups": GROUPS % 3},
            r"The folds of cv must be at most 3, the number of groups, got 5\. Take fewer folds",
        ),
        ({"cv": []}, {}, r"cv must be one fold or more, got \[\]\."),
        ({"jobs": 0}, {}, r"jobs must be a whole number >= 1, or -1 or None, got 0\. Take -1 for all cores\."),
        ({"seed": -1}, {}, r"seed must be a whole number >= 0, got -1\."),
        ({"error_score": "nan"}, {}, r"error_score must be a finite number, got 'nan'\. Leave it out for nan"),
        ({"space": {"c": [1.0]}}, {}, r"A param of SVC must be one of .*, got 'c'\. Take one of these\. Did you mean 'C'\?"),
        ({"space": {"C": [-1.0]}}, {}, r"C must be a float in .*, got -1\.0\. Change its range"),
        ({"space": {}}, {}, r"space must be a Space, a dict or a list of dicts, with a parameter in each, got \{\}\."),
        ({"study": ""}, {}, r"A study's name must be a printable text"),
        ({"strategy": "random"}, {}, r"A study's strategy must be a strategy, got 'random'\. Write Random\(trials=32\)\."),
    ],
)  # fmt: skip
def test_bad_input_is_named_before_anything_is_fitted(options: dict[str, Any], fit: dict[str, Any], message: str) -> None:
    search = SearchCV(**{"estimator": SVC(random_state=0), "space": SPACE} | CHOSEN | options)
    with pytest.raises((HpsearchError, TypeError, IndexError), match=message):
        search.fit(X, Y, **fit)


def test_the_errors_are_value_errors_as_scikit_learns_are() -> None:
    assert issubclass(SettingError, ValueError)
    assert issubclass(StudyError, ValueError)
    with pytest.raises(ValueError, match=r"(?s)inconsistent numbers of samples"):
        forest().fit(X, Y[:-1])


def test_settings_may_come_out_of_an_array() -> None:
    assert forest(seed=np.int64(1), jobs=np.int64(1), refit=np.False_).fit(X, Y).trials_ == forest(seed=1).fit(X, Y).trials_


def test_a_function_may_choose_among_several_scores() -> None:
    search = forest(scoring=["f1_macro", "accuracy"], refit=lambda results: int(results["mean_test_accuracy"].argmax()))
    search.fit(X, Y)
    assert search.score(X, Y) == f1_score(Y, search.predict(X), average="macro")
    assert not hasattr(search, "best_score_")


@pytest.mark.campaign
def test_workers_that_stand_idle_are_mentioned() -> None:
    with pytest.warns(UserWarning, match=r"GaussianProcess runs 1 trial at a time, so 1 of 2 workers stand idle\."):
        forest(2, strategy=GaussianProcess(trials=2)).fit(X, Y)


def test_without_a_strategy_small_spaces_are_tried_out_and_larger_ones_learned() -> None:
    assert len(SearchCV(SVC(), {"C": [1.0, 2.0], "kernel": ["linear", "rbf"]}, cv=2).fit(X, Y).trials_) == 4
    larger = SearchCV(DecisionTreeClassifier(random_state=0), {"ccp_alpha": loguniform(1e-4, 1.0)}, cv=2).fit(X, Y)
    assert len(larger.trials_) == 32
