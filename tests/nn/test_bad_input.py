"""What cannot be trained on is refused before the first step, in one sentence each: in one call, in the loop, in a study."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpsearch import data
from hpsearch.data import Dataset, Part
from hpsearch.errors import DataError, InputError, SettingError
from hpsearch.nn import Network, Recipe, Training, train
from hpsearch.objectives import TrainNetwork
from tests.nn.blobs import CLASSES, INPUTS, blobs

X, Y = blobs(60)


def spoilt(value: float, row: int = 7, column: int = 2) -> Any:
    x = X.copy()
    x[row, column] = value
    return x


def relabelled(label: int) -> Any:
    y = Y.copy()
    y[[3, 9, 27]] = label  # often enough to be split
    return y


# x, y and what is said of them; the same of all three ways where no other sentence is named.
ROWS: list[tuple[Any, Any, str]] = [
    (X.ravel(), Y, r"x must be of shape \(n, d\) and not empty, got \(360,\)\. .*reshape"),
    (X.reshape(60, 2, 3), Y, r"x must be of shape \(n, d\) and not empty, got \(60, 2, 3\)\."),
    (X[:0], Y[:0], r"x must be of shape \(n, d\) and not empty, got \(0, 6\)\."),
    (X.astype(object), Y, r"x must be real numbers, got 'object'\."),
    (X.astype(str), Y, r"x must be real numbers, got '<U"),
    (X.astype(complex), Y, r"x must be real numbers, got 'complex128'\."),
    (X, Y[:-1], r"y must be one label for each of the 60 rows of x, got 59\."),
    (X, Y[:, None], r"y must be of shape \(n,\), got \(60, 1\)\. Use y\.ravel\(\)"),
    (X, np.eye(3, dtype=int)[Y], r"y must be of shape \(n,\), got \(60, 3\)\. .*argmax"),
    (X, Y.astype(float), r"y must be class indices, integers, got 'float64'\. Cast"),
    (X, Y.astype(str), r"y must be class indices, integers, got '<U21'\. .*hpsearch\.data\.arrays"),
    (X, Y.astype(object), r"y must be class indices, integers, got 'object'\."),
    (X, relabelled(-1), r"Labels must be in \[0, k\), got -1\."),
]
INFINITE: list[tuple[Any, str]] = [
    (spoilt(np.nan), r"x\[7, 2\] must be finite, got nan\. Drop or fill"),
    (spoilt(np.inf), r"x\[7, 2\] must be finite, got inf\."),
    (spoilt(-np.inf), r"x\[7, 2\] must be finite, got -inf\."),
    (spoilt(0.0).astype(float) + 1e39 * np.eye(60, 6), r"x\[0, 0\] must be finite, got inf\."),  # in float32
]
RAGGED = [[1.0, 2.0], [1.0]]


@pytest.mark.parametrize(("x", "y", "sentence"), ROWS)
def test_one_call_refuses_rows(x: Any, y: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=rf"^{sentence}"):
        train((x, y))
    with pytest.raises(DataError, match=rf"^{sentence}"):
        train((X, Y), (x, y))


@pytest.mark.parametrize(("x", "sentence"), INFINITE)
def test_one_call_refuses_infinite_rows(x: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=rf"^{sentence}"):
        train((x, Y))
    with pytest.raises(DataError, match=rf"^{sentence}"):
        train((X, Y), (x, Y))


@pytest.mark.parametrize(("x", "y", "sentence"), ROWS)
def test_the_loop_refuses_rows(x: Any, y: Any, sentence: str) -> None:
    rng = np.random.default_rng(0)
    network = Network.create((INPUTS, CLASSES), rng)
    sentence = sentence.replace("[0, k", "[0, 3")
    with pytest.raises(DataError, match=rf"^{sentence}"):
        Training(network, (x, y), Recipe(0.1), rng)
    with pytest.raises(DataError, match=rf"^{sentence}"):
        Training(network, (X, Y), Recipe(0.1), rng, (x, y))


@pytest.mark.parametrize(("x", "y", "sentence"), ROWS)
def test_a_network_refuses_rows(x: Any, y: Any, sentence: str) -> None:
    network = Network.create((INPUTS, CLASSES), np.random.default_rng(0))
    with pytest.raises(DataError, match=rf"^{sentence}".replace("[0, k", "[0, 3")):
        network.score(x, y)
    if sentence.startswith("x"):
        for ask in (network.predict, network.forward):
            with pytest.raises(DataError, match=rf"^{sentence}"):
                ask(x)


@pytest.mark.parametrize(("x", "sentence"), INFINITE[:3])
def test_a_network_refuses_infinite_rows(x: Any, sentence: str) -> None:
    network = Network.create((INPUTS, CLASSES), np.random.default_rng(0))
    for ask in (network.predict, network.forward):
        with pytest.raises(DataError, match=rf"^{sentence}"):
            ask(x)
    with pytest.raises(DataError, match=rf"^{sentence}"):
        network.score(x, Y)


@pytest.mark.parametrize(("x", "y", "sentence"), ROWS)
def test_a_data_set_refuses_rows(x: Any, y: Any, sentence: str) -> None:
    """``arrays`` numbers any kind of label by itself; what is left is refused in its own words."""
    if any(words in sentence for words in ("integers", r"Labels")) and np.asarray(y).dtype.kind != "f":
        assert data.arrays(x, y).classes == len(np.unique(y.astype(str)))
        return
    if np.asarray(x).dtype == object:  # of plain numbers
        assert data.arrays(x, y).train.dtype == "float64"
        return
    with pytest.raises(DataError, match=r"^(X|y) must be "):
        data.arrays(x, y)


@pytest.mark.parametrize(("x", "sentence"), INFINITE[:3])
def test_a_data_set_refuses_infinite_rows(x: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=rf"^{sentence}"):
        data.arrays(x, Y)


@pytest.mark.parametrize("label", [3, 2**40])
def test_a_label_needs_an_output(label: int) -> None:
    y, sentence = relabelled(label), rf"^Labels must be in \[0, 3\), got {label}\. Number the classes from 0 on"
    network = Network.create((INPUTS, CLASSES), np.random.default_rng(0))
    with pytest.raises(DataError, match=sentence):
        train((X, y), classes=3)
    with pytest.raises(DataError, match=sentence):
        train((X, Y), (X, y))
    with pytest.raises(DataError, match=sentence):
        network.score(X, y)
    with pytest.raises(DataError, match=rf"Classes in 'blobs' must be in \[0, 3\), got {label}\."):
        Dataset("blobs", Part(X, Y), Part(X, y), 3)


def test_rows_of_another_width_are_refused() -> None:
    network, sentence = train((X, Y), epochs=1), r"^x must be of shape \(n, 6\), the network's inputs, got \(60, 5\)\. Take"
    narrow = np.ascontiguousarray(X[:, :5])
    with pytest.raises(DataError, match=sentence):
        network.predict(narrow)
    with pytest.raises(DataError, match=sentence):
        network.score(narrow, Y)
    with pytest.raises(DataError, match=sentence):
        train((X, Y), (narrow, Y))
    with pytest.raises(DataError, match=r"Features of the validation part of 'blobs' must be 6, got 5\."):
        Dataset("blobs", Part(X, Y), Part(narrow, Y), 3)


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match=r"^x must be an array, got 'list'\. Make all rows of one length"):
        train((RAGGED, [0, 1]))
    with pytest.raises(DataError, match=r"^X must be an array, got 'list'\. Make all rows of one length"):
        data.arrays(RAGGED, [0, 1])


@pytest.mark.parametrize("given", [X, [X, Y], (X,), (X, Y, Y), data.digits(), "digits", None])
def test_one_call_says_what_data_it_takes(given: Any) -> None:
    with pytest.raises(DataError, match=r"^data must be a part of a data set or a pair \(x, y\), got '\w+'\. Hand in"):
        train(given)


def test_one_class_is_not_enough() -> None:
    with pytest.raises(DataError, match=r"^Labels must be of at least 2 classes, got 1\."):
        train((X, Y * 0))
    with pytest.raises(DataError, match=r"^Classes of 'arrays' must be at least 2, got 1\."):
        data.arrays(X, Y * 0)


# A setting, what is said of it, and the same of a study's objective, whose learning rate is never left out here.
SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\), got 1\.0\."),
    ({"momentum": -0.1}, r"momentum must be a number in \[0, 1\), got -0\.1\."),
    ({"momentum": float("nan")}, r"momentum must be a number in \[0, 1\), got nan\."),
    ({"dropout": 1}, r"dropout must be a number in \[0, 1\), got 1\. It is the share"),
    ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\), got 1\.0\."),
    ({"input_dropout": 1.0}, r"input_dropout must be a number in \[0, 1\), got 1\.0\."),
    ({"batch_size": 61}, r"batch_size must be at most the 60 training samples, got 61\."),
    ({"batch_size": 0}, r"batch_size must be a whole number >= 1, got 0\."),
    ({"hidden": 0}, r"hidden must be a whole number >= 1, got 0\."),
    ({"hidden": (30, 0)}, r"hidden must be a whole number >= 1, got 0\."),
    ({"hidden": "30"}, r"hidden must be a whole number >= 1, got '30'\."),
    ({"learning_rate": 0.0}, r"learning_rate must be a number in \(0, inf\), got 0\.0\."),
    ({"learning_rate": "0.5"}, r"learning_rate must be a number in \(0, inf\), got '0\.5'\."),
    ({"epochs": 0}, r"epochs must be a whole number >= 1, got 0\."),
    ({"activation": "sigmoyd"}, r"activation must be one of .*, got 'sigmoyd'\. .*Did you mean 'sigmoid'\?"),
    ({"cost": "crossentropy"}, r"cost must be one of .*, got 'crossentropy'\. .*Did you mean 'cross_entropy'\?"),
    ({"init": "scale"}, r"init must be one of .*, got 'scale'\. .*Did you mean 'scaled'\?"),
    ({"optimizer": "adm"}, r"optimizer must be one of .*, got 'adm'\. .*Did you mean 'adam'\?"),
    ({"dtype": "float16"}, r"dtype must be one of 'float32', 'float64', got 'float16'\."),
    ({"schedule": "step"}, r"schedule must be a schedule rule, got 'step'\."),
]
NAMES = [("hiden", "hidden"), ("epoch", "epochs"), ("momentun", "momentum"), ("rate", None), ("learning_rte", "learning_rate")]


@pytest.mark.parametrize(("settings", "sentence"), SETTINGS)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    objective = {"learning_rate": 0.5, "data": Dataset("blobs", Part(X, Y), Part(X, Y), CLASSES)}
    with pytest.raises(SettingError, match=rf"^{sentence}"):
        train((X, Y), **settings)
    with pytest.raises(SettingError, match=rf"^{sentence}"):
        TrainNetwork(**{**objective, **settings})
    if "dtype" not in settings:
        with pytest.raises(SettingError, match=rf"^{sentence}"):
            TrainNetwork(**objective).check(settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "meant"), NAMES)
def test_an_unknown_name_is_refused(name: str, meant: str | None) -> None:
    closest = rf"Did you mean '{meant}'\?$" if meant else "Take one of these"
    with pytest.raises(SettingError, match=rf"^A setting of train must be one of .*, got '{name}'\. .*{closest}"):
        train((X, Y), **{name: 3})
    objective = TrainNetwork(Dataset("blobs", Part(X, Y), Part(X, Y), CLASSES))
    with pytest.raises(SettingError, match=rf"^A param of TrainNetwork must be one of .*, got '{name}'\. .*{closest}"):
        objective.check({name: 3})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seed": -1}, r"seed must be a whole number >= 0, got -1\."),
        ({"seed": 0.5}, r"seed must be a whole number >= 0, got 0\.5\."),
        ({"classes": 1}, r"classes must be a whole number >= 2, got 1\."),
        ({"classes": "ten"}, r"classes must be a whole number >= 2, got 'ten'\."),
        ({"report": "yes"}, r"report must be a function of an Epoch, got 'yes'\. Try report=print\."),
    ],
)
def test_what_only_one_call_takes_is_looked_at_too(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=rf"^{sentence}"):
        train((X, Y), **settings)


@pytest.mark.parametrize("sizes", [(), (6,), (6, 0, 3), (6, -1)])
def test_a_network_has_units_in_every_layer(sizes: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match=r"^Sizes of the network must be two or more of at least 1, got \("):
        Network.create(sizes, np.random.default_rng(0))


def test_a_training_on_nan_says_where_it_is() -> None:
    """The loop does not look through its rows, which costs more than an epoch of a small network; the end finds it."""
    rng = np.random.default_rng(0)
    training = Training(Network.create((INPUTS, 4, CLASSES), rng), (X, Y), Recipe(0.1), rng, (spoilt(np.nan), Y))
    with pytest.raises(DataError, match=r"^x\[7, 2\] must be finite, got nan"):
        list(training.run())
