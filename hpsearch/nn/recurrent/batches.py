"""Batches of symbols: windows along the streams of a text, and sequences side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from hpsearch.checks import integer
from hpsearch.errors import DataError, SettingError, must_be
from hpsearch.nn.arrays import Labels
from hpsearch.nn.recurrent.network import EACH, LAST, ONE_TO_MANY, TEXT, WRITING, Batch, RecurrentNetwork

# Steps of a pass over a text that is only read.
_STEPS = 200


def check_task(task: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Raise unless the texts fit the task.

    Raises:
        DataError: for no texts, an empty one, or outputs of a number or length that the task does not have.
    """
    what = "The text" if task == TEXT else "Inputs"
    if not len(inputs):
        raise DataError(must_be(what, "one text at least", list(inputs), "Give some."))
    check_inputs(inputs)
    if task == TEXT:
        if (len(inputs), len(outputs)) != (1, 0):
            found = f"{len(inputs)} and {len(outputs)}"
            raise DataError(must_be(f"Inputs and outputs of task {task!r}", "1 and 0", found, "Join the texts."))
        return
    check_inputs(outputs)
    if len(inputs) != len(outputs):
        raise DataError(must_be("outputs", f"as many as there are inputs, {len(inputs)}", len(outputs), "Give one for each."))
    for given, wanted in zip(inputs, outputs, strict=True):
        if task == EACH and len(given) != len(wanted):
            advice = "Take task='encoder-decoder' for outputs of other lengths."
            raise DataError(must_be(f"The output for {given!r}", f"of {len(given)} characters", wanted, advice))
        if task == ONE_TO_MANY and len(given) != 1:
            advice = "Take task='encoder-decoder' for inputs of several."
            raise DataError(must_be(f"An input of task {task!r}", "one character", given, advice))


def check_inputs(texts: Sequence[str]) -> None:
    """Raise `DataError` for an empty text, something else than a text, or a single text in the place of several."""
    if isinstance(texts, str):
        raise DataError(must_be("Texts", "a list of strings", texts, "Put it into a list."))
    for text in texts:
        if not isinstance(text, str) or not text:
            raise DataError(must_be("A text", "a string with one character at least", text, "Leave it out, or fill it."))


def check_window(window: int, batch_size: int, characters: int) -> None:
    """Raise unless a text is long enough for so many streams of one window each.

    Raises:
        SettingError: naming the window, and the longest one.
    """
    if characters < 2:
        raise SettingError(must_be("A training text", "of two characters at least", characters, "Give a longer one."))
    integer("batch_size", batch_size, 1, "It is the number of streams of the text. Give a longer text.", most=characters - 1)
    longest = (characters - 1) // batch_size
    advice = f"It is at most the length of a stream, with batch_size={batch_size}. Give a longer text, or take fewer streams."
    integer("window", window, 1, advice, most=longest)


def windows(codes: Labels, batch_size: int, window: int) -> Iterator[Batch]:
    """Yield the windows of a text that is cut into streams of equal length, one after the other.

    The last window is shorter where the streams are no multiple of it. Characters behind the last whole stream are left out.

    >>> [batch.symbols.T.tolist() for batch in windows(np.arange(8), 2, 2)]
    [[[0, 1], [3, 4]], [[2], [5]]]
    """
    length = (len(codes) - 1) // batch_size
    inputs = np.ascontiguousarray(codes[: batch_size * length].reshape(batch_size, length).T)
    targets = np.ascontiguousarray(codes[1 : batch_size * length + 1].reshape(batch_size, length).T)
    for start in range(0, length, window):
        yield Batch(inputs[start : start + window], targets[start : start + window])


def reading(codes: Labels) -> Iterator[Batch]:
    """Yield the batches of a text that is read as one stream, from its first character to its last."""
    return windows(codes, 1, min(_STEPS, len(codes) - 1))


def sequences(network: RecurrentNetwork, inputs: Sequence[str], outputs: Sequence[str]) -> Batch:
    """Return texts side by side as one batch: the shorter ones are filled up behind their end, and nothing is predicted there.

    Args:
        network: whose alphabet, labels and task encode them.
        inputs: of the network, B of them.
        outputs: what it is to predict for each.
    Raises:
        DataError: for a label that the network does not have.
    """
    given = [network.alphabet.encode(text) for text in inputs]
    if network.task == LAST:
        targets = [np.full(len(text), -1) for text in given]
        for codes, label in zip(targets, outputs, strict=True):
            if label not in network.labels:
                raise DataError(must_be("A label", "one of the network's", label, "Leave out the inputs with another one."))
            codes[-1] = network.labels.index(label)
        return Batch(columns(given, 0), columns(targets, -1))
    wanted = [network.alphabet.encode(text) for text in outputs]
    if network.task in WRITING:
        mark = np.array([network.mark])
        starts = given if network.task == ONE_TO_MANY else [mark] * len(given)
        written = [np.concatenate([start, codes]) for start, codes in zip(starts, wanted, strict=True)]
        ended = [np.concatenate([codes, mark]) for codes in wanted]
        batch = Batch(columns(written, 0), columns(ended, -1))
        return batch if network.task == ONE_TO_MANY else replace(batch, read=columns(given, 0), lengths=_lengths(given))
    return Batch(columns(given, 0), columns(wanted, -1))


def columns(texts: Sequence[Labels], fill: int) -> Labels:
    """Return texts as the columns of an array, (T, B)."""
    filled = np.full((max(map(len, texts)), len(texts)), fill, np.int64)
    for column, codes in enumerate(texts):
        filled[: len(codes), column] = codes
    return filled


def some(batch: Batch, streams: Labels) -> Batch:
    """Return the batch of some of the streams."""

    def cut(part: Labels) -> Labels:
        return np.ascontiguousarray(part[..., streams])

    read, lengths = (None if part is None else cut(part) for part in (batch.read, batch.lengths))
    return Batch(cut(batch.symbols), cut(batch.targets), read, lengths)


def _lengths(texts: Sequence[Labels]) -> Labels:
    return np.array([len(codes) for codes in texts])
