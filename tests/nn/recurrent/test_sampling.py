"""Samples at a temperature, outputs of sequences, states and alphabets."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from hpsearch.errors import DataError, SettingError
from hpsearch.nn.recurrent import OTHER, Alphabet, RecurrentNetwork, predict, sample, states
from hpsearch.nn.recurrent.sampling import draw, probabilities
from tests.nn.recurrent.test_gradients import EXAMPLES, task_network

ABC = RecurrentNetwork.create(Alphabet.of(["abc"]), 4, np.random.default_rng(0), dtype="float64")


@given(st.text(min_size=1), st.text())
@settings(max_examples=60, deadline=None)
def test_an_alphabet_gives_a_text_back_but_for_other_characters(known: str, text: str) -> None:
    alphabet = Alphabet.of([known, "x"])
    assert alphabet.decode(alphabet.encode(known).tolist()) == known
    expected = "".join(character if character in set(known) | {"x"} else OTHER for character in text)
    assert alphabet.decode(alphabet.encode(text).tolist()) == expected


@pytest.mark.parametrize("characters", ["", "a", "ab", f"aa{OTHER}"])
def test_an_alphabet_must_be_one(characters: str) -> None:
    with pytest.raises(SettingError, match="An alphabet must be distinct characters"):
        Alphabet(characters)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=6), st.floats(0.1, 5.0))
@settings(max_examples=20, deadline=None)
def test_a_draw_covers_each_symbol_by_its_share(z: list[float], temperature: float) -> None:
    """The shares are those of scipy.special.softmax."""
    outputs, at = np.array(z), (np.arange(2000) + 0.5) / 2000
    drawn = np.bincount([draw(outputs, place, temperature) for place in at], minlength=len(z)) / 2000
    np.testing.assert_allclose(drawn, softmax(outputs / temperature), atol=1e-3)


def test_samples_follow_the_probabilities() -> None:
    drawn = Counter(sample(ABC, 1, np.random.default_rng(seed), start="ab") for seed in range(4000))
    expected = probabilities(ABC, ["ab"])[0, :3]
    for symbol, share in zip("abc", expected / expected.sum(), strict=True):
        assert drawn[symbol] / 4000 == pytest.approx(share, abs=0.03)


def test_a_temperature_of_0_takes_the_most_probable_always_and_one_seed_gives_one_text() -> None:
    cold = {sample(ABC, 20, np.random.default_rng(seed), start="a", temperature=0) for seed in range(5)}
    assert len(cold) == 1
    assert sample(ABC, 30, np.random.default_rng(7), start="b") == sample(ABC, 30, np.random.default_rng(7), start="b")
    assert sample(ABC, 0, np.random.default_rng(7), start="b") == ""


def test_states_are_those_of_the_formula() -> None:
    arrays, h = ABC.arrays, np.zeros(4)
    found = states(ABC, "cab!")
    for row, code in enumerate([2, 0, 1, 3]):
        h = np.tanh(arrays["input"][:, code] + arrays["recurrent"] @ h + arrays["bias"])
        np.testing.assert_allclose(found[row], h, atol=1e-14)


@pytest.mark.parametrize("task", EXAMPLES)
def test_outputs_do_not_depend_on_what_is_read_beside_them(task: str) -> None:
    network, _ = task_network(task)
    inputs = EXAMPLES[task][0]
    together = predict(network, inputs)
    assert together == [predict(network, [text])[0] for text in inputs]
    alone = [probabilities(network, [text])[0] for text in inputs]
    np.testing.assert_allclose(probabilities(network, inputs), alone, atol=1e-14)
    np.testing.assert_allclose(np.sum(alone, axis=1), 1.0)


def test_bad_input_is_refused_in_one_sentence() -> None:
    with pytest.raises(SettingError, match="start must be one character at least, got ''"):
        sample(ABC, 5, np.random.default_rng(0), start="")
    with pytest.raises(SettingError, match=r"temperature must be a number in \[0, inf\), got -1"):
        sample(ABC, 5, np.random.default_rng(0), temperature=-1)
    with pytest.raises(SettingError, match="The task of a network that is sampled must be 'text', got 'many-to-one'"):
        sample(task_network("many-to-one")[0], 5, np.random.default_rng(0))
    with pytest.raises(DataError, match="A text must be a string with one character at least, got ''"):
        predict(ABC, ["a", ""])
    with pytest.raises(DataError, match="Texts must be a list of strings, got 'abc'"):
        predict(ABC, "abc")
    for text in ("", 3):
        with pytest.raises(DataError, match="A text must be a string with one character at least"):
            states(ABC, text)  # type: ignore[arg-type]


def test_no_inputs_have_no_outputs() -> None:
    assert predict(ABC, []) == []
    assert probabilities(ABC, []).shape == (0, 4)


def test_a_temperature_of_almost_0_is_that_of_0() -> None:
    cold = [sample(ABC, 20, np.random.default_rng(0), start="a", temperature=t) for t in (0.0, 1e-320)]
    assert cold[0] == cold[1]
