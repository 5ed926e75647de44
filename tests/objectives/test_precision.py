"""Rows of float64 in a network of float32: cast once a data set, shared by trials, and said where values merge."""

from __future__ import annotations

import logging
import pickle

import numpy as np
import pytest

from hpsearch import Float, Space, Study, data
from hpsearch.data import Dataset
from hpsearch.errors import DataError, StudyError
from hpsearch.objectives import CrossValidate, TrainNetwork, TuneEstimator
from hpsearch.ports import Context
from hpsearch.strategies import Random
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker

SECONDS = 1.7e9 + np.arange(100.0)
LABELS = np.arange(100) % 2


def rows(offset: float = 0.0) -> Dataset:
    x = np.add(np.random.default_rng(0).normal(size=(100, 2)), [offset, 0.0])
    return data.arrays(x, LABELS, name="shifted")


def train(of: Dataset, **settings: object) -> TrainNetwork:
    usual = {"hidden": (4,), "learning_rate": 0.1, "epochs": 2, "standardize": False}
    return TrainNetwork(of, **{**usual, **settings})  # type: ignore[arg-type]


def context() -> Context:
    return Context(np.random.default_rng(3))


def test_merging_values_are_said_once_a_data_set(caplog: pytest.LogCaptureFixture) -> None:
    clock = data.arrays(np.stack([SECONDS, np.arange(100.0)], 1), LABELS, validation=0.2, test=0.2, name="clock")
    with caplog.at_level(logging.WARNING):
        objective = train(clock)
        CrossValidate(train(clock, hidden=()), folds=2)({}, context())
        Study("clock", Space(l2=Float(0, 1)), objective, Random(trials=2)).run(backend="sequential", tracker=MemoryTracker())
    before, after = (len(np.unique(found)) for found in (clock.train.x[:, 0], np.float32(clock.train.x[:, 0])))
    assert [record.message for record in caplog.records if "hpsearch" in record.name] == [
        f"TrainNetwork takes 'clock' as float32: {before} distinct values of column 0 become {after}. "
        "Subtract the column's smallest value, or take dtype='float64'."
    ]


@pytest.mark.parametrize("settings", [{}, {"dtype": "float64"}])
def test_nothing_is_said_where_no_values_merge(settings: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    train(rows(1e9 if settings else 0.0), **settings)
    train(data.digits())
    assert caplog.records == []


def test_the_cast_is_made_once_and_travels_with_the_data_set() -> None:
    of = rows()
    one, other = train(of), train(of, hidden=())
    assert one.trained_data is other.trained_data
    assert one.trained_data.train.dtype == "float32"
    assert one.plan({}).rows.x is one.trained_data.train.x
    assert of.train.dtype == "float64"
    copy = pickle.loads(pickle.dumps(one))
    assert "_float32" in vars(copy.data)  # a worker casts nothing
    digits = data.digits()
    assert train(digits).trained_data is digits
    assert train(of, dtype="float64").trained_data is of


def test_a_network_of_float32_is_that_of_rows_cast_by_hand() -> None:
    of = rows()
    by_hand = data.arrays(np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32), LABELS, name="shifted")
    for make in (train, lambda given: CrossValidate(train(given), folds=3)):
        one, other = make(of)({}, context()), make(by_hand)({}, context())
        assert (one.value, one.metrics, one.history) == (other.value, other.metrics, other.history)
    assert train(of).test({}, context(), of.validation) == train(by_hand).test({}, context(), by_hand.validation)
    assert train(of).export({}, context()).example.dtype == np.float32


def test_a_network_of_float64_sees_what_float32_cannot_hold() -> None:
    """Seconds apart by less than float32 tells: in float64 the first hidden unit is told apart, in float32 it is not."""
    x = np.stack([1e5 + np.arange(100.0) / 1e4, np.ones(100)], 1)
    of = data.arrays(x, LABELS, name="close")
    inputs = [train(of, dtype=dtype).plan({}).rows.x for dtype in ("float32", "float64")]
    assert [len(np.unique(x[:, 0])) for x in inputs] == [2, len(of.train)]
    outcome = train(of, dtype="float64")({}, context())
    assert 0 <= outcome.value <= 1


def test_a_value_beyond_float32_is_refused_with_the_study() -> None:
    of = data.arrays(np.stack([np.arange(100.0) * 1e37, np.ones(100)], 1), LABELS)
    with pytest.raises(DataError, match=r"x\[\d+, 0\] must be within float32, got \d\.\d+e\+38\. Scale that column"):
        train(of)
    assert train(of, dtype="float64").trained_data is of


def test_trials_of_float64_rows_are_the_same_at_any_number_of_workers() -> None:
    study = Study("wide", Space(l2=Float(0, 1)), train(rows()), Random(trials=4))
    runs = [study.run(jobs, backend=backend, tracker=MemoryTracker()) for jobs, backend in ((1, "sequential"), (2, "loky"))]  # type: ignore[arg-type]
    assert table(runs[0].trials) == table(runs[1].trials)


def test_a_record_of_float64_rows_from_before_is_refused_by_name() -> None:
    """Before, the rows were recorded as float32: what `X.astype('float32')` records today."""
    from sklearn.linear_model import LogisticRegression

    def study(of: Dataset) -> Study:
        return Study("old", Space(C=Float(0.1, 1)), TuneEstimator(LogisticRegression(), of), Random(trials=2))

    x = np.random.default_rng(0).normal(size=(100, 2))
    before, now = (data.arrays(some, LABELS, name="prices") for some in (x.astype(np.float32), x))
    tracker = MemoryTracker()
    study(before).run(backend="sequential", tracker=tracker)
    sentence = (
        r"Study 'old' is recorded with other settings: data was prices\(train=60, validation=20\) sha256 \w{16}, is now "
        r"prices\(train=60, validation=20\) sha256 \w{16}\. Give it another name, or start anew with --fresh \(fresh=True\)\. "
        r"If it was recorded before data sets kept float64: hand in X\.astype\('float32'\), which is what was recorded then\."
    )
    with pytest.raises(StudyError, match=sentence):
        study(now).run(backend="sequential", tracker=tracker)
    assert study(before).run(backend="sequential", tracker=tracker).taken_over == 2
