"""Texts for recurrent networks: one long text in contiguous parts, or inputs with the output for each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path

import numpy as np

from hpsearch.checks import choice, integer
from hpsearch.checks import text as check_text
from hpsearch.data.split_data import SplitData
from hpsearch.data.splits import Size, part_sizes, split
from hpsearch.data.vault import Sealed, seal
from hpsearch.errors import DataError, must_be
from hpsearch.nn.recurrent.alphabet import Alphabet
from hpsearch.nn.recurrent.batches import check_task
from hpsearch.nn.recurrent.network import LAST, TASKS, TEXT
from hpsearch.ports import DataRecord

# A text without a line break that ends in one of these is taken for the name of a file.
_ENDINGS = (".txt", ".md", ".csv", ".rst")


@dataclass(frozen=True, eq=False, repr=False)
class TextPart:
    """Texts of one part: a single one for task ``"text"``, else inputs and as many outputs.

    Raises:
        DataError: for an unknown task, no text, an empty one, or outputs that do not fit the task.
    """

    task: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        choice("task", self.task, TASKS, error=DataError)
        check_task(self.task, self.inputs, self.outputs)

    def __len__(self) -> int:
        return len(self.inputs[0]) if self.task == TEXT else len(self.inputs)

    def __repr__(self) -> str:
        return f"TextPart({self.task}, {len(self)})"

    @cached_property
    def checksum(self) -> str:
        """SHA-256 (hex) over task and texts."""
        texts = repr((self.task, self.inputs, self.outputs))
        return hashlib.sha256(texts.encode("utf-8", "surrogatepass")).hexdigest()

    def head(self, size: int) -> TextPart:
        """Return the first characters of a text, or the first inputs with their outputs; all where there are no more."""
        if self.task == TEXT:
            return replace(self, inputs=(self.inputs[0][:size],))
        return replace(self, inputs=self.inputs[:size], outputs=self.outputs[:size])

    def take(self, rows: Sequence[int]) -> TextPart:
        """Return some inputs with their outputs."""
        return replace(self, inputs=tuple(self.inputs[i] for i in rows), outputs=tuple(self.outputs[i] for i in rows))


@dataclass(frozen=True, eq=False, repr=False)
class Texts(SplitData):
    """Training and validation texts, and the handle of a test part that a study cannot read.

    Two data sets are equal when name and checksum are; the repr is recorded as text and stays the same between releases.

    Args:
        name: its name in records.
        train: the part to fit on; its characters are the alphabet, and for ``"many-to-one"`` its outputs the labels.
        validation: the part to select on.
        test: handle of the test part, or None.
    Raises:
        DataError: if the parts have different tasks, or the validation part has a label that the training part lacks.
    """

    name: str
    train: TextPart
    validation: TextPart
    test: Sealed | None = None

    def __post_init__(self) -> None:
        if self.train.task != self.validation.task:
            advice = "Give both parts one task."
            raise DataError(must_be("Task of the validation part", repr(self.train.task), self.validation.task, advice))
        unknown = sorted(set(self.validation.outputs) - set(self.train.outputs)) if self.task == LAST else []
        if unknown:
            advice = "Add inputs with it to the training part, or leave it out."
            raise DataError(must_be("A label of the validation part", "one of the training part", unknown[0], advice))

    @property
    def task(self) -> str:
        """What is predicted, one of `hpsearch.nn.recurrent.TASKS`."""
        return self.train.task

    @cached_property
    def alphabet(self) -> Alphabet:
        """The characters of the training part."""
        return Alphabet.of(self.train.inputs if self.task == LAST else (*self.train.inputs, *self.train.outputs))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The outputs of ``"many-to-one"`` in alphabetical order; none for other tasks."""
        return tuple(sorted(set(self.train.outputs))) if self.task == LAST else ()

    @property
    def record(self) -> DataRecord:
        """Names, sizes and checksums; a feature is a symbol, a class an output."""
        symbols = len(self.alphabet)
        return DataRecord(self.name, self.checksum, symbols, len(self.labels) or symbols, self.part_records, "text")

    def at_most(self, train: int, validation: int) -> Texts:
        """Return the data set of the first so many characters, or inputs, of each part; the test part stays the same.

        Inputs to validate on whose label is not among those left to train on are left out.
        """
        fit, chosen = self.train.head(train), self.validation
        if self.task == LAST:
            chosen = chosen.take([i for i, label in enumerate(chosen.outputs) if label in fit.outputs])
        return replace(self, train=fit, validation=chosen.head(validation))


def text(
    source: str | PathLike[str], validation: Size = 0.1, test: Size = 0.1, name: str | None = None, encoding: str = "utf-8"
) -> Texts:
    """Return a text in three contiguous parts: the first characters to train on, then those to validate on, then the test part.

    Args:
        source: the text, or a path: a `pathlib.Path`, or a string without a line break that names a file.
        validation: share of the characters (float) or number of characters (int), at least two.
        test: the same; 0 for none.
        name: of the data set; by default ``"text"``, or the name of the file.
        encoding: of the file.
    Raises:
        DataError: for an empty text, a file that is missing or cannot be decoded, or sizes that leave a part empty.

    >>> text("hello hello hello " * 10)
    text(train=144, validation=18)
    """
    found, path = _read(source, encoding)
    name = _check_name((path.stem if path else "text") if name is None else name)
    if not found:
        raise DataError(must_be("The text", "not empty", found, "Give a text, or a pathlib.Path to a file."))
    n_validation, n_test = part_sizes(len(found), validation, test)
    sizes = {"training": len(found) - n_validation - n_test, "validation": n_validation, "test": n_test}
    for part, size in sizes.items():
        if size == 1:
            advice = "A single character has no next one. Give a longer text, or change the sizes of the parts."
            raise DataError(must_be(f"The {part} part", "of two characters at least", size, advice))
    n_train, middle = sizes["training"], sizes["training"] + n_validation
    train, chosen = (TextPart(TEXT, (part,)) for part in (found[:n_train], found[n_train:middle]))
    if not n_test:
        return Texts(name, train, chosen)
    return Texts(name, train, chosen, seal(name, range(middle, len(found)), lambda: TextPart(TEXT, (found[middle:],))))


def sequences(
    inputs: Sequence[str],
    outputs: Sequence[str],
    task: str,
    validation: Size = 0.2,
    test: Size = 0.2,
    seed: int = 0,
    name: str = "sequences",
) -> Texts:
    """Return inputs with the output for each, split at random.

    Args:
        inputs: strings of one character at least.
        outputs: the same, one for each of them: of the same length for ``"many-to-many"``, such as "ello" for "hell"; a label
            for ``"many-to-one"``; of any length for ``"one-to-many"``, whose inputs are single characters, and
            ``"encoder-decoder"``.
        task: one of these.
        validation: share of the inputs (float) or number of inputs (int).
        test: the same; 0 for none.
        seed: of the split, which is stratified by label for ``"many-to-one"``.
        name: of the data set.
    Raises:
        DataError: for an unknown task, an empty string, outputs that do not fit the task, a single label, or impossible sizes.

    >>> sequences(["hell", "help"] * 5, ["ello", "elp "] * 5, "many-to-many")
    sequences(train=6, validation=2)
    """
    choice("task", task, [one for one in TASKS if one != TEXT], "data.text() takes one long text.", error=DataError)
    integer("seed", seed, 0, "Try 0.", error=DataError)
    whole = TextPart(task, _strings("inputs", inputs), _strings("outputs", outputs))
    labels, classes = np.unique(np.array(whole.outputs if task == LAST else [""] * len(whole)), return_inverse=True)
    if task == LAST and len(labels) < 2:
        raise DataError(must_be("Labels", "two different ones at least", labels.tolist(), "Add inputs of another one."))
    ids = split(classes, validation, test, seed, labels.tolist())
    train, chosen = whole.take(ids.train.tolist()), whole.take(ids.validation.tolist())
    name = _check_name(name)
    if not len(ids.test):
        return Texts(name, train, chosen)
    rows = tuple(ids.test.tolist())
    return Texts(name, train, chosen, seal(name, rows, lambda: whole.take(rows)))


def _check_name(name: object) -> str:
    return check_text("name", name, "Give the data set a name.", constraint="a text that is not empty", error=DataError)


def _strings(what: str, texts: object) -> tuple[str, ...]:
    """Return texts as plain strings: those of an array have another repr, which would change the checksum."""
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise DataError(must_be(what, "a list of strings", texts, "Put it into a list."))
    return tuple(str(text) if isinstance(text, str) else text for text in texts)


def _read(source: str | PathLike[str], encoding: str) -> tuple[str, Path | None]:
    """Return the text of a source, and its path where it is a file."""
    if isinstance(source, str):
        if "\n" in source or not (source.endswith(_ENDINGS) or _is_file(source)):
            return source, None
    elif not isinstance(source, PathLike):
        raise DataError(must_be("The text", "a string or a pathlib.Path", source, "Read it into a string first."))
    path = Path(source)
    check_text("encoding", encoding, "'utf-8' is usual.", error=DataError)
    try:
        return path.read_text(encoding), path
    except UnicodeDecodeError as error:
        advice = "Give encoding='latin-1', or the one it was written in."
        raise DataError(must_be(f"The text in {str(path)!r}", f"in {encoding}", error.reason, advice)) from error
    except (OSError, LookupError) as error:
        raise DataError(must_be(f"The text in {str(path)!r}", "a file that can be read", str(error), "Check it.")) from error


def _is_file(name: str) -> bool:
    try:
        return bool(name) and Path(name).is_file()
    except OSError:  # the name is too long for one
        return False
