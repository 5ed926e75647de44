"""The support vector machine as an objective, and the published figures it reproduces."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.svm import SVC

from hpsearch import Choice, Float, Space, Study, data
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, StudyError
from hpsearch.objectives import TrainSVM, TuneEstimator
from hpsearch.ports import Context
from hpsearch.strategies import Random
from hpsearch.testing import ObjectiveContract
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Params
from tests.nn.blobs import CLASSES, blobs

mnist = pytest.mark.skipif("HPSEARCH_DATA_HOME" not in os.environ, reason="MNIST is not here: HPSEARCH_DATA_HOME is not set")


def small() -> Dataset:
    return Dataset("blobs", Part(*blobs(200)), Part(*blobs(100, seed=1)), classes=CLASSES)


def context() -> Context:
    return Context(np.random.default_rng(0))


class TestContract(ObjectiveContract):
    def make(self) -> TrainSVM:
        return TrainSVM(small())

    def params(self) -> Params:
        return {"C": 10.0, "gamma": 0.1, "kernel": "poly", "degree": 2, "coef0": 1.0}


@mnist
@pytest.mark.parametrize(
    ("images", "percent"),
    [
        (100, 25.07),
        (200, 48.93),
        (500, 75.13),
        pytest.param(1000, 83.87, marks=pytest.mark.campaign),
        pytest.param(2000, 88.49, marks=pytest.mark.campaign),
    ],
)
def test_the_published_baseline_on_mnist(images: int, percent: float) -> None:
    """The first images in file order, gamma = 1/784, C = 1, scored on the 10,000 validation images."""
    outcome = TrainSVM(data.mnist().head(train=images), gamma="auto")({}, context())
    assert 100 * outcome.metrics["validation_accuracy"] == pytest.approx(percent, abs=0.005)


@mnist
def test_scale_scores_far_higher_on_small_sets() -> None:
    outcome = TrainSVM(data.mnist().head(train=100))({}, context())
    assert 100 * outcome.metrics["validation_accuracy"] == pytest.approx(66.77, abs=0.005)


@pytest.mark.parametrize(
    ("name", "value"), [("C", 0.01), ("gamma", "auto"), ("gamma", 5.0), ("kernel", "poly"), ("degree", 1), ("coef0", 2.0)]
)
def test_a_param_goes_before_the_fixed_setting(name: str, value: Any) -> None:
    fixed = TrainSVM(small(), kernel="poly" if name in ("degree", "coef0") else "rbf")
    assert fixed({name: value}, context()) == replace(fixed, **{name: value})({}, context())


def test_answers_as_the_estimator_does() -> None:
    machine, estimator = TrainSVM(small(), C=3.0, gamma=0.5), TuneEstimator(SVC(C=3.0, gamma=0.5), small())
    assert machine({}, context()) == estimator({}, context())
    part = Part(*blobs(50, seed=9))
    assert machine.test({"C": 1.0}, context(), part) == estimator.test({"C": 1.0}, context(), part)


def test_repr_is_short_and_shrunk_is_the_same_on_less() -> None:
    digits = TrainSVM(data.digits(), C=2.0)
    assert repr(digits.shrunk()).startswith("TrainSVM(data=digits(train=500, validation=200), kernel='rbf', C=2.0, gamma=")
    assert replace(digits.shrunk(), data=data.digits()) == digits


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"C": 0.0}, r"C must be a float in .*, got 0\.0\."),
        ({"C": float("inf")}, r"C must be finite, got inf\."),
        ({"gamma": "large"}, r"gamma must be .*, got 'large'\."),
        ({"gamma": -1.0}, r"gamma must be .*, got -1\.0\."),
        ({"kernel": "precomputed"}, r"kernel must be one of 'linear', 'poly', 'rbf', 'sigmoid', got 'precomputed'\."),
        ({"degree": -1}, r"degree must be .*, got -1\."),
        ({"gama": 1.0}, r"A param of TrainSVM must be one of 'C', .*, got 'gama'\. .*Did you mean 'gamma'\?"),
    ],
)
def test_refuses_bad_params(params: Params, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        TrainSVM(small()).check(params)
    if "gama" not in params:
        with pytest.raises(SettingError, match=message):
            TrainSVM(small(), **params)


def test_refuses_numbers_to_predict() -> None:
    rows = data.arrays(np.eye(20), np.linspace(0, 1, 20), regression=True)
    with pytest.raises(SettingError, match="What a classifier predicts must be"):
        TrainSVM(rows)


def test_runs_as_a_study() -> None:
    space = Space(C=Float(0.1, 10.0, log=True), kernel=Choice("rbf", "linear"), gamma=Choice("scale", "auto"))
    result = Study("svm", space, TrainSVM(small()), Random(trials=4)).run(1, tracker=MemoryTracker())
    assert all(trial.ok for trial in result.trials)
    with pytest.raises(StudyError, match="Unknown parameter 'hidden' for TrainSVM"):
        Study("svm", Space(hidden=Float(1, 2)), TrainSVM(small()), Random(trials=4))
