"""A network in one call: it learns, repeats itself to the bit, and is the one that the loop gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from hpsearch import data
from hpsearch.nn import Epoch, Network, Recipe, Training, train
from hpsearch.nn.stopping import NoImprovement
from tests.nn.blobs import CLASSES, INPUTS, blobs


def test_digits_in_one_line_beat_a_linear_model() -> None:
    """scikit-learn's linear classifier, on the same rows, is the yardstick."""
    digits = data.digits()
    network = train(digits.train, digits.validation, hidden=(30,), learning_rate=0.5, epochs=20, seed=0)
    linear = RidgeClassifier().fit(digits.train.x, digits.train.y)
    found = network.accuracy(digits.validation.x, digits.validation.y)
    assert found > linear.score(digits.validation.x, digits.validation.y)
    assert found > 0.96


def test_it_is_the_loop_in_one_call() -> None:
    rng = np.random.default_rng(5)
    network = Network.create((INPUTS, 4, 3, CLASSES), rng, activation="tanh", cost="log_likelihood", init="large")
    recipe = Recipe(0.2, momentum=0.5, batch_size=7, epochs=9, stopping=NoImprovement(3))
    training = Training(network, blobs(seed=1), recipe, rng, blobs(40, seed=2))
    history = list(training.run())
    seen: list[Epoch] = []
    ours = train(
        blobs(seed=1), blobs(40, seed=2), hidden=(4, 3), activation="tanh", cost="log_likelihood", init="large",
        learning_rate=0.2, momentum=0.5, batch_size=7, epochs=9, stopping=NoImprovement(3), seed=5, report=seen.append,
    )  # fmt: skip
    assert seen == history
    for one, other in zip(ours.weights + ours.biases, training.kept.weights + training.kept.biases, strict=True):
        assert one.tobytes() == other.tobytes()


def test_plain_lists_whole_numbers_and_float64_do() -> None:
    x, y = blobs()
    grey = np.round(x * 10).astype(int)
    asked = {"hidden": 4, "epochs": 3}
    one = train((grey.tolist(), y.tolist()), **asked)  # type: ignore[arg-type]
    other = train((grey.astype(np.float32), y.astype(np.uint8)), **asked)  # type: ignore[arg-type]
    assert one.weights[0].tobytes() == other.weights[0].tobytes()
    assert train((x, y), dtype="float64", epochs=1).dtype == np.float64


def test_without_validation_the_last_epoch_is_kept() -> None:
    epochs: list[Epoch] = []
    network = train(blobs(), hidden=5, epochs=4, report=epochs.append)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4]
    assert network.score(*blobs()).cost < epochs[0].training_cost  # type: ignore[operator]


@pytest.mark.parametrize(("classes", "outputs"), [(None, 3), (3, 3), (7, 7)])
def test_outputs_are_as_many_as_the_classes(classes: int | None, outputs: int) -> None:
    assert train(blobs(), epochs=1, classes=classes).sizes == (INPUTS, 30, outputs)


def test_a_full_batch_method_needs_no_rate() -> None:
    digits = data.digits()
    network = train(digits.train, digits.validation, optimizer="l-bfgs", epochs=30)
    assert network.score(digits.validation.x, digits.validation.y).accuracy > 0.9
