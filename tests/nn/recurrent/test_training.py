"""Training of recurrent networks: what is learnt exactly, what is carried and truncated; it resumes to the same bits."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import DataError, Diverged, SettingError
from hpsearch.nn.arrays import Array
from hpsearch.nn.optimizers import Adam, Nesterov
from hpsearch.nn.recurrent import (
    Alphabet,
    Examples,
    RecurrentNetwork,
    RecurrentRecipe,
    RecurrentTraining,
    predict,
    sample,
    score,
    scoring,
)
from hpsearch.nn.recurrent.batches import check_task, windows
from hpsearch.nn.recurrent.cell import Cell
from hpsearch.nn.recurrent.passes import Passes
from hpsearch.nn.schedules import Anneal, Cosine, HalveOnPlateau
from tests.nn.recurrent.test_gradients import EXAMPLES, HELLO, task_network

TEXT = "the cat sat on the mat. the dog sat on the log. " * 6
ALPHABET = Alphabet.of([TEXT])


def training(recipe: RecurrentRecipe, text: str = TEXT, seed: int = 0, **settings: Any) -> RecurrentTraining:
    rng = np.random.default_rng(seed)
    network = RecurrentNetwork.create(Alphabet.of([text]), 12, rng, **{"dtype": "float64", **settings})
    return RecurrentTraining(network, Examples([text]), recipe, rng, Examples([text[:60]]))


def with_identity(one: RecurrentNetwork) -> RecurrentNetwork:
    """Return a network of the same arrays, whose embedding is the identity and stays so."""
    symbols = one.cell.symbols
    cell = Cell({"embedding": np.eye(symbols, dtype=one.dtype), **{n: a.copy() for n, a in one.cell.arrays.items()}})
    return RecurrentNetwork(
        cell, (one.output.copy(), one.output_bias.copy()), one.alphabet, one.task, one.labels, frozen=("embedding",)
    )


def hello(network: RecurrentNetwork) -> RecurrentTraining:
    done = RecurrentTraining(
        network,
        Examples(["hell"], ["ello"]),
        RecurrentRecipe(0.03, batch_size=1, epochs=150),
        np.random.default_rng(0),
        Examples(["hell"], ["ello"]),
    )
    list(done.run())
    return done


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_hello_is_learnt_exactly_and_the_identity_is_one_hot(dtype: str) -> None:
    """Document M4: from "hell" the network predicts "ello". An identity for an embedding changes no bit of the training."""
    one_hot = RecurrentNetwork.create(HELLO, 6, np.random.default_rng(0), task="many-to-many", dtype=dtype)
    embedded = with_identity(one_hot)
    trainings = [hello(one_hot), hello(embedded)]
    for done in trainings:
        assert predict(done.kept, ["hell"]) == ["ello"]
        assert done.history[-1].validation_cost is not None
        assert done.history[-1].validation_cost < 0.02
    assert trainings[0].history == trainings[1].history
    for name, array in one_hot.arrays.items():
        np.testing.assert_array_equal(array, embedded.arrays[name])
    np.testing.assert_array_equal(embedded.arrays["embedding"], np.eye(5))


def test_hello_is_learnt_with_an_embedding_and_a_first_state() -> None:
    network = RecurrentNetwork.create(HELLO, 6, np.random.default_rng(0), task="many-to-many", embedding=2, first_state=True)
    before = network.arrays["embedding"].copy()
    assert predict(hello(network).kept, ["hell"]) == ["ello"]
    assert (network.arrays["embedding"] != before)[:4].any()
    assert network.arrays["first_state"].any()


@pytest.mark.parametrize("task", EXAMPLES)
def test_every_task_is_learnt(task: str) -> None:
    inputs, outputs = EXAMPLES[task]
    rng = np.random.default_rng(0)
    labels = tuple(sorted(set(outputs))) if task == "many-to-one" else ()
    network = RecurrentNetwork.create(HELLO, 8, rng, task=task, labels=labels)
    texts = Examples(inputs, outputs)
    done = RecurrentTraining(network, texts, RecurrentRecipe(0.03, batch_size=2, epochs=200, keep="accuracy"), rng, texts)
    list(done.run())
    assert predict(done.kept, inputs) == outputs
    assert done.kept_score.accuracy == 1.0


def test_the_state_is_carried_from_window_to_window_and_the_gradient_is_not() -> None:
    """With a rate of almost 0, windows of any length have the cost of the whole; their gradients differ."""
    costs, gradients = [], []
    for window in (4, 47):
        done = training(RecurrentRecipe(1e-12, batch_size=6, window=window, epochs=1, optimizer="sgd", clip=None))
        (epoch,) = done.run()
        costs.append(epoch.training_cost)
        codes = ALPHABET.encode(TEXT)
        passes, state, total = Passes(done.network), None, np.zeros((12, 12))
        for batch in windows(codes, 6, window):
            _, found, state = passes.gradient(batch, state)
            total += found["recurrent"] * batch.symbols.size
        gradients.append(total)
    assert costs[0] == pytest.approx(costs[1], rel=1e-9)
    assert np.abs(gradients[0] - gradients[1]).max() > 1e-3 * np.abs(gradients[1]).max()


def test_the_cost_is_that_of_predicting_each_character_from_all_before_it() -> None:
    """Computed here step by step from the formula of the cell; see `Cell`."""
    network = training(RecurrentRecipe(0.01, batch_size=4), embedding=3).network
    text, arrays = TEXT[:300], network.arrays
    h, total = np.zeros(12), 0.0
    codes = network.alphabet.encode(text).tolist()
    for code, following in pairwise(codes):
        h = np.tanh(arrays["input"] @ arrays["embedding"][code] + arrays["recurrent"] @ h + arrays["bias"])
        z = arrays["output"] @ h + arrays["output_bias"]
        total -= math.log2(math.exp(z[following]) / np.exp(z).sum())
    assert score(network, [text]).cost == pytest.approx(total / (len(text) - 1), rel=1e-10)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": Nesterov(), "momentum": 0.9},
        {"optimizer": "rmsprop", "learning_rate": 0.002},
        {"optimizer": Adam(beta1=0.8), "learning_rate": 0.01, "schedule": Cosine()},
        {"learning_rate": 0.01, "schedule": HalveOnPlateau(patience=1)},
        {"learning_rate": 0.01, "schedule": Anneal(start=20), "clip": None},
    ],
)
def test_it_resumes_to_the_same_bits_with_every_optimizer(settings: dict[str, Any]) -> None:
    recipe = RecurrentRecipe(**{"learning_rate": 0.3, "batch_size": 4, "window": 7, "epochs": 6, **settings})
    whole = training(recipe, first_state=True, dtype="float32")
    list(whole.run())
    assert whole.history[-1].training_cost is not None
    assert whole.history[0].training_cost is not None
    assert whole.history[-1].training_cost < whole.history[0].training_cost
    first, second = (
        training(recipe, first_state=True, dtype="float32"),
        training(recipe, seed=9, first_state=True, dtype="float32"),
    )
    list(first.run(until=2))
    second.restore(first.state())
    list(second.run())
    assert second.history == whole.history
    for name, array in whole.state().items():
        np.testing.assert_array_equal(array, second.state()[name])


def test_sequences_resume_to_the_same_bits() -> None:
    def make(seed: int) -> RecurrentTraining:
        rng = np.random.default_rng(seed)
        network = RecurrentNetwork.create(HELLO, 8, rng, task="encoder-decoder")
        texts = Examples(*EXAMPLES["encoder-decoder"])
        return RecurrentTraining(network, texts, RecurrentRecipe(0.01, batch_size=2, epochs=5), rng, texts)

    whole, first, second = make(0), make(0), make(1)
    list(whole.run())
    list(first.run(until=3))
    second.restore(first.state())
    list(second.run())
    assert whole.history == second.history


def test_a_step_is_clipped_to_its_norm() -> None:
    """With plain descent at rate 1 the step is the gradient: of its own length, or of the limit where that is less."""
    lengths = []
    for clip in (None, 0.01):
        done = training(RecurrentRecipe(1.0, batch_size=6, window=47, epochs=1, optimizer="sgd", clip=clip))
        before = {name: array.copy() for name, array in done.network.arrays.items()}
        list(done.run())
        moved: list[Array] = [done.network.arrays[name] - before[name] for name in before]
        lengths.append(math.sqrt(sum(float((part**2).sum()) for part in moved)))
    assert lengths[0] > 0.1
    assert lengths[1] == pytest.approx(0.01, rel=1e-9)


def test_a_state_of_another_network_is_refused() -> None:
    recipe = RecurrentRecipe(0.01, batch_size=4, window=7)
    with pytest.raises(SettingError, match="State must be of this network and recipe"):
        training(recipe, first_state=True).restore(training(recipe).state())


def test_a_rate_that_is_too_high_diverges_in_one_sentence() -> None:
    recipe = RecurrentRecipe(3e38, batch_size=4, window=7, epochs=3, optimizer="sgd", clip=None)
    done = training(recipe, dtype="float32")
    with pytest.raises(Diverged, match=r"Training diverged in epoch 1, step \d+ of 11: the cost is not finite. Lower the"):
        list(done.run())


def test_a_trained_network_tells_the_text() -> None:
    done = training(RecurrentRecipe(0.01, batch_size=4, window=24, epochs=60))
    list(done.run())
    assert done.kept_score.cost < 0.3
    assert "sat on the" in sample(done.kept, 60, np.random.default_rng(0), start="the ", temperature=0.3)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"window": 72, "batch_size": 4},
            r"window must be a whole number in \[1, 71\], got 72. It is at most the length",
        ),
        (
            {"batch_size": 400},
            r"batch_size must be a whole number in \[1, 287\], got 400. It is the number of",
        ),
        ({"window": 0}, "window must be a whole number >= 1, got 0"),
        ({"clip": 0.0}, r"clip must be a number in \(0, inf\], got 0.0|clip must be a number in \(0, inf\), got 0.0"),
        ({"optimizer": "l-bfgs"}, "optimizer must be 'sgd', 'nesterov', 'rmsprop' or 'adam', got 'l-bfgs'"),
        ({"optimizer": "adm"}, "optimizer must be one of .*, got 'adm'"),
        ({"momentum": 0.9}, r"momentum must be 0 with Adam"),
        ({"schedule": 3}, "schedule must be a schedule rule, got 3"),
        ({"keep": "bits"}, "keep must be one of 'cost', 'accuracy', got 'bits'"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        training(RecurrentRecipe(**{"learning_rate": 0.01, **settings}))


@pytest.mark.parametrize(
    ("task", "inputs", "outputs", "sentence"),
    [
        ("text", [], [], "The text must be one text at least"),
        ("text", ["ab", "cd"], [], "Inputs and outputs of task 'text' must be 1 and 0, got '2 and 0'. Join the texts."),
        ("text", ["ab"], ["cd"], "Inputs and outputs of task 'text' must be 1 and 0, got '1 and 1'"),
        ("text", "ab", [], "Texts must be a list of strings, got 'ab'"),
        ("text", [""], [], "A text must be a string with one character at least, got ''"),
        ("many-to-many", ["ab"], ["abc"], "The output for 'ab' must be of 2 characters, got 'abc'"),
        ("many-to-one", ["ab", "c"], ["x"], "outputs must be as many as there are inputs, 2, got 1"),
        ("one-to-many", ["ab"], ["x"], "An input of task 'one-to-many' must be one character, got 'ab'"),
        ("encoder-decoder", ["ab", ""], ["x", "y"], "A text must be a string with one character at least, got ''"),
    ],
)
def test_bad_texts_are_refused_in_one_sentence(task: str, inputs: list[str], outputs: list[str], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_task(task, inputs, outputs)


@pytest.mark.parametrize("task", EXAMPLES)
def test_the_score_of_many_sequences_is_that_of_all_at_once(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, outputs = EXAMPLES[task]
    network, _ = task_network(task)
    whole = score(network, inputs, outputs)
    monkeypatch.setattr(scoring, "_SIDE_BY_SIDE", 2)
    assert score(network, inputs, outputs) == pytest.approx(whole, rel=1e-12)


def test_texts_that_do_not_fit_the_network_are_refused_in_one_sentence() -> None:
    rng, recipe = np.random.default_rng(0), RecurrentRecipe(0.01, batch_size=1)
    network = RecurrentNetwork.create(HELLO, 3, rng, task="many-to-one", labels=("x", "y"))
    good, bad = Examples(["he", "lo"], ["x", "y"]), Examples(["he", "lo"], ["x", "z"])
    for train, validation in ((Examples(["he"]), good), (good, Examples(["he"]))):
        with pytest.raises(DataError, match="outputs must be as many as there are inputs, 1, got 0"):
            RecurrentTraining(network, train, recipe, rng, validation)
    with pytest.raises(DataError, match="A label must be one of the network's, got 'z'"):
        score(network, bad.inputs, bad.outputs)
    with pytest.raises(DataError, match=r"Inputs must be one text at least, got \[\]"):
        score(network, [], [])
    text = RecurrentNetwork.create(HELLO, 3, rng)
    with pytest.raises(SettingError, match="A training text must be of two characters at least, got 1"):
        RecurrentTraining(text, Examples(["h"]), recipe, rng, Examples(["hello"]))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"task": "many-to-one"}, r"labels must be distinct, and one at least for 'many-to-one', got \(\)"),
        ({"task": "many-to-one", "labels": ("x", "x")}, "labels must be distinct"),
        ({"labels": ("x",)}, r"labels must be left out for 'text', got \('x',\)"),
    ],
)
def test_labels_must_be_those_of_the_task(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        RecurrentNetwork.create(HELLO, 3, np.random.default_rng(0), **settings)
