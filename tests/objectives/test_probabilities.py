"""Probabilities of classes as targets, from `data.arrays` through a search: beside labels, and beside scipy's formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special
from sklearn.svm import SVC

from hpsearch import Float, Space, Study, data
from hpsearch.data import Dataset
from hpsearch.errors import DataError, SettingError
from hpsearch.nn import train
from hpsearch.objectives import CrossValidate, TrainNetwork, TrainSVM, TrainUnrolled, TuneEstimator
from hpsearch.strategies import Random
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Status
from tests.nn.blobs import CLASSES, blobs

X, LABELS = blobs(300)
ONE_HOT = np.eye(CLASSES)[LABELS]
SOFT = 0.7 * ONE_HOT + 0.3 * np.random.default_rng(0).dirichlet(np.ones(CLASSES), len(X))


def dataset(y: Any = SOFT, **more: Any) -> Dataset:
    return data.arrays(X, y, name="blobs", **more)


def run(objective: Any, jobs: int = 1) -> list[Any]:
    study = Study("soft", Space(learning_rate=Float(0.1, 1.0, log=True)), objective, Random(trials=3))
    return [
        (t.status, t.params, t.outcome and (t.outcome.value, t.outcome.metrics))
        for t in study.run(jobs, tracker=MemoryTracker()).trials
    ]


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
def test_one_hot_rows_are_labels(cost: str) -> None:
    """The same split, the same trials: only the number that stands for a target has another form."""
    soft, plain = dataset(ONE_HOT), dataset(LABELS)
    assert soft.validation.y.tolist() == plain.validation.y.tolist()
    settings: dict[str, Any] = {"hidden": 5, "epochs": 2, "cost": cost, "dtype": "float64", "engine": "numpy"}
    assert run(TrainNetwork(soft, **settings)) == run(TrainNetwork(plain, **settings))


def test_the_cost_is_scipys_and_the_accuracy_that_of_the_most_probable_class() -> None:
    made = dataset()
    network = train(made.train, made.validation, hidden=5, epochs=2, dtype="float64", classes=CLASSES)
    outputs, targets = network.forward(made.validation.x), made.validation.probabilities
    assert targets is not None
    score = network.score(made.validation.x, targets)
    wanted = -(special.xlogy(targets, outputs) + special.xlog1py(1 - targets, -outputs)).sum(axis=1).mean()
    assert score.cost == pytest.approx(wanted, rel=1e-9)
    assert score.accuracy == (outputs.argmax(axis=1) == targets.argmax(axis=1)).mean()


def test_a_part_carries_them_wherever_its_rows_go() -> None:
    made = dataset(sample_weight=np.ones(len(X)))
    place = {row.tobytes(): at for at, row in enumerate(np.asarray(X))}
    for part in (made.train, made.validation, made.train.head(7), made.sample(40, seed=1).train, made.as_float32().train):
        rows = [place[row.tobytes()] for row in part.x.astype(X.dtype)]
        np.testing.assert_array_equal(part.probabilities, SOFT[rows])
        assert part.y.tolist() == SOFT[rows].argmax(axis=1).tolist()
    joined = type(made.train).join([made.train, made.validation])
    assert joined.probabilities is not None
    assert len(joined.probabilities) == len(joined)
    assert made.checksum != dataset(ONE_HOT, sample_weight=np.ones(len(X))).checksum


def test_two_jobs_and_folds_train_on_them() -> None:
    objective = TrainNetwork(dataset(), hidden=5, epochs=2)
    found = run(objective)
    assert found == run(objective, jobs=2)
    assert found != run(TrainNetwork(dataset(SOFT.argmax(axis=1)), hidden=5, epochs=2))
    assert all(status is Status.FINISHED for status, *_ in run(CrossValidate(objective, folds=2)))
    assert all(status is Status.FINISHED for status, *_ in run(TrainUnrolled(dataset(), hidden=3, epochs=1)))


def test_a_part_of_labels_is_one_of_certain_classes() -> None:
    made = dataset(validation=(X[:9], LABELS[:9]), test=0)
    assert made.validation.probabilities is not None
    assert made.validation.probabilities.tolist() == ONE_HOT[:9].tolist()


def test_a_class_that_is_never_the_most_probable_is_learnt_too() -> None:
    rare = np.concatenate([0.8 * np.eye(2)[LABELS % 2], np.full((len(X), 1), 0.2)], axis=1)
    made = dataset(rare)
    assert made.classes == 3
    network = train(made.train, hidden=5, epochs=30, cost="log_likelihood", learning_rate=0.5)
    assert network.forward(made.train.x)[:, 2].mean() == pytest.approx(0.2, abs=0.02)


def outside() -> np.ndarray:
    wrong = SOFT.copy()
    wrong[3, 1] = 1.5
    return wrong


REFUSED = [
    (lambda: dataset(outside()), DataError, r"^y\[3, 1\] must be in \[0, 1\], got 1\.5\. Columns are"),
    (lambda: dataset(SOFT * np.nan), DataError, r"^y\[0, 0\] must be in \[0, 1\], got nan"),
    (lambda: dataset(validation=(X[:9], np.full((9, 2), 0.5))), DataError, r"^Probabilities must be of equally many classes"),
    (lambda: dataset(validation=(X[:9], LABELS[:9] + 7)), DataError, r"^Labels beside probabilities must be in \[0, \d\), got"),
    (lambda: dataset().only((0, 1)), DataError, r"^Rows to choose by class must be rows of one class each"),
    (lambda: TrainNetwork(dataset(), cost="quadratic"), DataError, r"^y with cost 'quadratic' must be class indices"),
    (lambda: TrainNetwork(dataset(), cost="hinge"), DataError, r"^y with cost 'hinge' must be class indices"),
    (lambda: dataset(SOFT / 2), DataError, r"^The sum of y\[\d+\] must be 1, got 0\.[45]\d*\. Divide each row by"),
    (lambda: TrainSVM(dataset()), SettingError, r"^TuneEstimator's data must be with one class for each row, got 'probabi"),
    (lambda: TuneEstimator(SVC(), dataset()), SettingError, r"^TuneEstimator's data must be with one class for each row"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "message"), REFUSED)
def test_what_has_no_use_for_them_says_so_in_one_sentence(make: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        make()
