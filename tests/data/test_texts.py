"""Texts: contiguous parts and sequences, what is sealed, what is refused, and a made text that is the same everywhere."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import data
from hpsearch.data.vault import open_test
from hpsearch.errors import DataError, VaultError
from hpsearch.nn.recurrent import OTHER

LINE = "All happy families are alike. "
PAIRS = [f"{i:03d}" for i in range(100)], [f"{i:03d}"[::-1] for i in range(100)]


def test_the_parts_are_contiguous_and_together_the_text() -> None:
    text = "".join(chr(97 + i % 26) for i in range(1000))
    found = data.text(text, validation=0.2, test=100)
    assert found.test is not None
    parts = found.train, found.validation, open_test(found.test)
    assert [len(part) for part in parts] == [700, 200, 100]
    assert "".join(part.inputs[0] for part in parts) == text
    assert repr(found) == "text(train=700, validation=200)"
    assert data.text(text, test=0).test is None


def test_a_text_is_read_from_a_path_or_from_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "book.txt"
    file.write_text(LINE * 30 + "é", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert data.text(file) == data.text("book.txt") == data.text(LINE * 30 + "é", name="book")
    assert data.text(file).name == "book"
    file.write_text(LINE * 30 + "é", encoding="latin-1")
    with pytest.raises(DataError, match=r"The text in '.*book.txt' must be in utf-8, got .* Give encoding='latin-1'"):
        data.text(file)
    assert data.text(file, encoding="latin-1", test=0).validation.inputs[0].endswith("é")


def test_the_alphabet_is_that_of_the_training_part() -> None:
    found = data.text("ab" * 50 + "xyz" * 4, validation=12, test=0)
    assert found.alphabet.characters == f"ab{OTHER}"
    pairs = data.sequences(["abc"] * 10, ["xy"] * 10, "encoder-decoder")
    assert pairs.alphabet.characters == f"abcxy{OTHER}"
    assert data.sequences(["abc"] * 10, ["x", "y"] * 5, "many-to-one").labels == ("x", "y")


def test_sequences_are_split_by_their_seed_and_every_pair_is_in_one_part() -> None:
    found = data.sequences(*PAIRS, "encoder-decoder", validation=20, test=10, seed=3)
    assert found.test is not None
    parts = found.train, found.validation, open_test(found.test)
    assert [len(part) for part in parts] == [70, 20, 10]
    pairs = [pair for part in parts for pair in zip(part.inputs, part.outputs, strict=True)]
    assert sorted(pairs) == list(zip(*PAIRS, strict=True))
    assert found.checksum == data.sequences(*PAIRS, "encoder-decoder", validation=20, test=10, seed=3).checksum
    assert found.checksum != data.sequences(*PAIRS, "encoder-decoder", validation=20, test=10, seed=4).checksum


def test_labels_are_stratified() -> None:
    found = data.sequences(
        [str(i) for i in range(100)], ["rare" if i % 10 == 0 else "usual" for i in range(100)], "many-to-one"
    )
    assert [part.outputs.count("rare") for part in (found.train, found.validation)] == [6, 2]


def test_the_test_part_opens_through_the_vault_alone() -> None:
    sealed = data.text(LINE * 30).test
    with pytest.raises((AttributeError, VaultError)):
        sealed.inputs  # type: ignore[union-attr]  # noqa: B018
    assert LINE not in str(pickle.dumps(sealed))


def test_content_and_task_decide_the_checksum() -> None:
    text = LINE * 30
    assert data.text(text).checksum == data.text(text).checksum != data.text(text[1:]).checksum
    same = ["ab", "cd"] * 10
    tasks = ("many-to-many", "encoder-decoder", "many-to-one")
    assert len({data.sequences(same, same, task).checksum for task in tasks}) == 3


def test_an_array_of_strings_is_the_same_data_set_as_a_list() -> None:
    arrays = [np.array(texts) for texts in PAIRS]
    assert data.sequences(*arrays, "encoder-decoder") == data.sequences(*PAIRS, "encoder-decoder")  # type: ignore[arg-type]


def test_the_record_tells_names_sizes_and_checksums() -> None:
    record = data.text(LINE * 30).record
    assert [(part.name, part.rows, part.sealed) for part in record.parts] == [
        ("training", 720, False),
        ("validation", 90, False),
        ("test", 90, True),
    ]
    assert (record.features, record.dtype) == (len(set(LINE)) + 1, "text")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"source": ""}, "The text must be not empty, got ''. Give a text"),
        ({"source": "a"}, "Parts of 1 rows must be not empty"),
        ({"source": "abcdefgh"}, "The validation part must be of two characters at least, got 1"),
        ({"source": "missing.txt"}, r"The text in 'missing.txt' must be a file that can be read, got .*No such file"),
        ({"source": 3}, "The text must be a string or a pathlib.Path, got 3"),
        ({"source": b"abc"}, "The text must be a string or a pathlib.Path, got b'abc'"),
        ({"source": LINE * 9, "validation": 1.5}, r"validation must be in \[0, 1\) as a share of the rows, got 1.5"),
        ({"source": LINE * 9, "validation": 270}, r"validation must be in \[0, 270\) rows, got 270"),
        ({"source": LINE * 9, "encoding": "utf-9"}, None),
        ({"source": "é" * 200}, None),  # too long for the name of a file
        ({"source": LINE * 9, "test": 1}, "The test part must be of two characters at least, got 1. A single character"),
        ({"source": LINE * 9, "validation": 1}, "The validation part must be of two characters at least, got 1"),
        ({"source": LINE * 9, "name": 3}, "name must be a text that is not empty, got 3"),
        ({"source": LINE * 9, "name": ""}, "name must be a text that is not empty, got ''"),
        ({"source": Path("book.txt"), "encoding": 3}, "encoding must be a text, got 3"),
    ],
)
def test_a_bad_text_is_refused_in_one_sentence(given: dict[str, Any], sentence: str | None) -> None:
    if sentence is None:
        data.text(**given)  # a text, and no file
        return
    with pytest.raises(DataError, match=sentence):
        data.text(**given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((["ab"] * 9, ["abc"] * 9, "many-to-many"), "The output for 'ab' must be of 2 characters, got 'abc'"),
        ((["ab"] * 9, ["x"] * 8, "many-to-one"), "outputs must be as many as there are inputs, 9, got 8"),
        ((["ab"] * 9, ["x"] * 9, "one-to-many"), "An input of task 'one-to-many' must be one character, got 'ab'"),
        ((["ab", ""] * 9, ["x", "y"] * 9, "encoder-decoder"), "A text must be a string with one character at least, got ''"),
        ((["ab", 3] * 9, ["x", "y"] * 9, "encoder-decoder"), "A text must be a string with one character at least, got 3"),
        (([], [], "encoder-decoder"), r"Inputs must be one text at least, got \[\]"),
        ((["ab"] * 9, ["x"] * 9, "many-to-two"), "task must be one of 'many-to-many', .*, got 'many-to-two'"),
        ((["ab"] * 9, ["x"] * 9, "text"), r"task must be one of .*, got 'text'. data.text\(\) takes one long text"),
        (("ab", ["x", "y"], "many-to-one"), "inputs must be a list of strings, got 'ab'"),
        ((["ab"] * 9, None, "many-to-one"), "outputs must be a list of strings, got None"),
        ((["ab"] * 9, ["x"] * 9, "many-to-one"), r"Labels must be two different ones at least, got \['x'\]"),
        ((["ab"] * 9, ["x"] * 8 + ["y"], "many-to-one"), "Rows left of class 'y' must be at least 2 to be split, got 1"),
        ((["ab"] * 9, ["ab"] * 9, "many-to-many", 0.2, 0.2, -1), "seed must be a whole number >= 0, got -1"),
        ((["ab"] * 9, ["ab"] * 9, "many-to-many", 0.2, 0.2, 0, ""), "name must be a text that is not empty, got ''"),
    ],
)
def test_bad_sequences_are_refused_in_one_sentence(given: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        data.sequences(*given)


def test_a_part_of_an_unknown_task_is_refused() -> None:
    with pytest.raises(DataError, match=r"task must be one of 'text', .*, got 'many'"):
        data.TextPart("many", ("ab",), ("cd",))


def test_the_made_text_is_the_same_everywhere() -> None:
    """Its digest is pinned: the grammar draws by `random.Random.random`, whose numbers Python promises not to change."""
    tale = data.tale()
    assert tale.test is not None
    whole = "".join(part.inputs[0] for part in (tale.train, tale.validation, open_test(tale.test)))
    assert len(whole) == 100_000
    assert hashlib.sha256(whole.encode()).hexdigest() == "0241105ac304d60dcb24f357eb0bcb5d9c4fc961ddbd29edb2cc2124363fc73b"
    assert max(map(len, whole.splitlines())) <= 72
    assert set(open_test(tale.test).inputs[0]) <= set(tale.alphabet.characters)
    assert data.tale(500, seed=1).train.inputs != data.tale(500).train.inputs


def test_what_is_spoken_in_the_made_text_is_in_capitals_and_brackets_are_closed() -> None:
    text = data.tale().train.inputs[0]
    spoken = text.split('"')[1::2]
    assert len(spoken) > 200
    assert all(part == part.upper() for part in spoken)
    depths = [text[:i].count("(") - text[:i].count(")") for i in range(0, len(text), 97)]
    assert set(depths) == {0, 1}


def test_an_impossible_length_is_refused() -> None:
    with pytest.raises(DataError, match="characters must be a whole number >= 1, got 0"):
        data.tale(0)
    for seed in (-1, 1.5, "x"):
        with pytest.raises(DataError, match="seed must be a whole number >= 0, got"):
            data.tale(5000, seed=seed)  # type: ignore[arg-type]
