"""Features of a network as a transformer: cloned, searched in pipelines and unions, known by content, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from hpsearch import Choice, Float, Int, Space, Study, data
from hpsearch.errors import DataError, SettingError
from hpsearch.nn import Ensemble, Network, save, train
from hpsearch.objectives import TuneEstimator
from hpsearch.objectives.estimator_file import types_to_trust
from hpsearch.sklearn import NetworkFeatures
from hpsearch.strategies import Bayesian, Random
from hpsearch.tracking import MemoryTracker

DIGITS = data.digits()
NETWORK = train(DIGITS.only(range(5)).train, hidden=(12, 8), epochs=5)
ROWS = DIGITS.only(range(5, 10))
assert isinstance(NETWORK, Network)


def union(network: Any = NETWORK, **options: Any) -> Pipeline:
    parts = [("old", "passthrough"), ("new", NetworkFeatures(network, **options))]
    return Pipeline([("features", FeatureUnion(parts)), ("clf", LogisticRegression(max_iter=200))])


def test_are_the_features_of_the_network() -> None:
    x = ROWS.validation.x
    for layer in (1, 2):
        found = NetworkFeatures(NETWORK, layer=layer).fit(x).transform(x)
        assert found.tobytes() == NETWORK.features(x, layer).tobytes()
    assert NetworkFeatures(NETWORK).transform(x).shape == (len(x), 12)
    check_is_fitted(NetworkFeatures(NETWORK))


def test_of_an_ensemble_have_a_name_each() -> None:
    features = NetworkFeatures(Ensemble([NETWORK, NETWORK]), layer=2)
    names = features.get_feature_names_out()
    assert list(names[:2]) == ["layer2_unit0", "layer2_unit1"]
    assert len(names) == features.transform(ROWS.validation.x).shape[1] == 16


def test_clones_and_copies_need_no_file(tmp_path: Path) -> None:
    save(NETWORK, tmp_path / "net.npz")
    features = NetworkFeatures(str(tmp_path / "net.npz"), layer=2)
    (tmp_path / "net.npz").unlink()
    for twin in (clone(features), pickle.loads(pickle.dumps(features)), clone(make_pipeline(features))[0]):
        assert twin.get_params() == features.get_params()
        assert twin.transform(ROWS.validation.x).tobytes() == NETWORK.features(ROWS.validation.x, 2).tobytes()
    assert str(tmp_path) not in repr(features)
    assert clone(features).set_params(layer=1).get_params()["layer"] == 1


def test_another_file_under_the_same_name_is_another_study(tmp_path: Path) -> None:
    path, records = tmp_path / "net.npz", []
    for network in (NETWORK, NETWORK, train(ROWS.train, hidden=(12, 8), epochs=1)):
        save(network, path)
        records.append(repr(TuneEstimator(union(path), ROWS)))
    assert records[0] == records[1] != records[2]


def test_work_in_scikit_learns_own_cross_validation() -> None:
    x, y = ROWS.train.x, ROWS.train.y
    assert cross_val_score(make_pipeline(NetworkFeatures(NETWORK), LogisticRegression(max_iter=200)), x, y, cv=3).mean() > 0.6


@pytest.mark.parametrize("strategy", [Random(trials=20), Bayesian(trials=20, batch_size=4)], ids=lambda one: type(one).__name__)
def test_a_search_over_features_and_classifiers_gives_one_table_at_any_number_of_jobs(strategy: Any) -> None:
    space = Space(
        features__old=Choice("passthrough", "drop"),
        features__new__layer=Int(1, 2),
        clf=Choice(LogisticRegression(max_iter=200), SVC(), KNeighborsClassifier()),
        clf__C=Float(0.01, 100.0, log=True, when={"clf": ["LogisticRegression", "SVC"]}),
        clf__n_neighbors=Int(1, 9, when={"clf": "KNeighborsClassifier"}),
    )
    study = Study("features", space, TuneEstimator(union(), ROWS.at_most(150, 100)), strategy)
    runs = [study.run(jobs, tracker=MemoryTracker()) for jobs in (1, 2)]
    assert runs[0].trials == runs[1].trials
    assert len(runs[0].trials) == 20
    assert all(trial.ok for trial in runs[0].trials)


def test_networks_are_options_known_by_content(tmp_path: Path) -> None:
    other = train(DIGITS.only(range(5)).train, hidden=9, epochs=1)
    records = []
    for name in ("one.npz", "two.npz"):
        save(other, tmp_path / name)
        space = Space(new=Choice(NetworkFeatures(NETWORK), NetworkFeatures(tmp_path / name)))
        records.append(repr(space))
    model = Pipeline([("new", NetworkFeatures(NETWORK)), ("clf", LogisticRegression(max_iter=200))])
    study = Study("options", space, TuneEstimator(model, ROWS.at_most(100, 100)), Random(trials=6))
    trials = study.run(1, backend="sequential", tracker=MemoryTracker(), report=False).trials
    assert records[0] == records[1]
    assert all(trial.ok for trial in trials)
    assert len({trial.value for trial in trials}) == 2


def test_is_stored_by_skops_without_further_trust() -> None:
    pytest.importorskip("skops", reason="skops is not installed: no estimator is stored")
    fitted = union().fit(ROWS.train.x, ROWS.train.y)
    types_to_trust(fitted, ROWS.validation.x)


def test_refuses_a_layer_that_there_is_not_before_the_first_trial() -> None:
    with pytest.raises(SettingError, match=r"layer must be a whole number in \[1, 2\], got 3\."):
        TuneEstimator(union(layer=3), ROWS)
    with pytest.raises(SettingError, match=r"layer must be a whole number in \[1, 2\], got 3\."):
        Study("deep", Space(features__new__layer=Int(1, 3)), TuneEstimator(union(), ROWS), Random(trials=6))


def test_refuses_no_network_and_rows_of_another_width(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^network must be a network, or the path of a saved one, got 3\. Write network="):
        NetworkFeatures(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"^Network file '.*none\.npz' must be one of plain arrays and JSON, got 'No such file"):
        NetworkFeatures(tmp_path / "none.npz")
    with pytest.raises(DataError, match=r"^Columns of the data must be 64, as in network, got 10\. Scale the rows"):
        NetworkFeatures(NETWORK).transform(np.zeros((3, 10)))
    with pytest.raises(DataError, match=r"^Columns of the data must be 64, as in features__new__network, got 10\. Scale"):
        TuneEstimator(union(), data.arrays(np.zeros((40, 10)), np.arange(40) % 2))
    with pytest.raises(SettingError, match=r"layer must be a whole number in \[1, 2\], got 3\."):
        NetworkFeatures(NETWORK, layer=3).get_feature_names_out()
