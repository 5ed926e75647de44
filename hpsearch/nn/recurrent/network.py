"""Recurrent network over symbols: an Elman cell, a softmax output above its states, and an encoder where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.checks import choice, integer
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import DTYPES, Array, Labels, known
from hpsearch.nn.recurrent.alphabet import Alphabet
from hpsearch.nn.recurrent.cell import EMBEDDING, FIRST, Cell, uniform

TEXT, EACH, LAST, ONE_TO_MANY, TRANSLATE = "text", "many-to-many", "many-to-one", "one-to-many", "encoder-decoder"
# What a network reads and writes: the next character of a text; an output for each character; one label for all of them; a
# text for one character; a text for a text, which an encoder reads and a decoder writes.
TASKS = (TEXT, EACH, LAST, ONE_TO_MANY, TRANSLATE)
# Tasks whose output is written one character after the other, until a mark ends it.
WRITING = (ONE_TO_MANY, TRANSLATE)
OUTPUT, OUTPUT_BIAS, ENCODER = "output", "output_bias", "encoder_"


@dataclass(frozen=True, eq=False)
class Batch:
    """Symbols of B streams, one a column, and what is to be predicted after each.

    Args:
        symbols: int64, (T, B), in [0, V).
        targets: int64, (T, B), in [0, K), or -1 where nothing is predicted.
        read: symbols for the encoder, (S, B), or None.
        lengths: how many of them each stream has, (B,).
    """

    symbols: Labels
    targets: Labels
    read: Labels | None = None
    lengths: Labels | None = None


class RecurrentNetwork:
    """An Elman network: states h_t of a cell, and the outputs softmax(V h_t + c).

    Args:
        cell: the cell; the decoder where there is an encoder.
        output: V, (K, H), and c, (K,).
        alphabet: of the characters; tasks that write have one symbol more, a mark at both ends of the output.
        task: one of `TASKS`.
        labels: the outputs of ``"many-to-one"``.
        encoder: the cell whose last state is the first one of ``cell``, or None.

    ``weights`` and ``biases`` are the arrays that are trained. Those named in ``frozen`` keep their bits.
    """

    def __init__(
        self,
        cell: Cell,
        output: tuple[Array, Array],
        alphabet: Alphabet,
        task: str = TEXT,
        labels: tuple[str, ...] = (),
        encoder: Cell | None = None,
        frozen: tuple[str, ...] = (),
    ) -> None:
        self.cell, self.encoder, self.alphabet, self.task, self.labels = cell, encoder, alphabet, task, labels
        self.output, self.output_bias = output
        self.frozen = frozen

    @classmethod
    def create(
        cls,
        alphabet: Alphabet,
        hidden: int,
        rng: np.random.Generator,
        *,
        task: str = TEXT,
        labels: tuple[str, ...] = (),
        embedding: int | None = None,
        first_state: bool = False,
        dtype: str = "float32",
    ) -> RecurrentNetwork:
        """Return a network with random weights, those of the cell drawn first; see `Cell.create`.

        Args:
            alphabet: of the characters.
            hidden: H, units of each cell.
            rng: draws the weights.
            task, labels: see `RecurrentNetwork`.
            embedding: D, numbers that stand for a symbol and are learnt; None for one-hot.
            first_state: whether the state before the first symbol is learnt; it is 0 otherwise.
            dtype: ``"float32"`` or ``"float64"``.
        Raises:
            SettingError: for an unknown task or dtype, a size below 1, or labels that the task does not have.
        """
        choice("task", task, TASKS)
        known("dtype", dtype, DTYPES)
        integer("hidden", hidden, 1, "Try 100.")
        if embedding is not None:
            integer("embedding", embedding, 1, "Try 16.", other="None for one-hot")
        if task == TRANSLATE and first_state:
            advice = "The decoder begins with the last state of the encoder."
            raise SettingError(must_be("first_state", f"False for {task!r}", first_state, advice))
        if task == LAST and len(set(labels)) < max(len(labels), 1):
            raise SettingError(must_be("labels", f"distinct, and one at least for {task!r}", labels, "Give each output."))
        if task != LAST and labels:
            raise SettingError(must_be("labels", f"left out for {task!r}", labels, f"Take {LAST!r}."))
        symbols = len(alphabet) + (task in WRITING)
        outputs = len(labels) if task == LAST else symbols
        cell = Cell.create(symbols, hidden, rng, dtype, embedding, first_state)
        above = uniform(rng, (outputs, hidden), hidden, dtype), uniform(rng, (outputs,), hidden, dtype)
        encoder = Cell.create(symbols, hidden, rng, dtype, embedding, False) if task == TRANSLATE else None
        return cls(cell, above, alphabet, task, labels, encoder)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self.output.dtype

    @property
    def mark(self) -> int:
        """The symbol before the first and behind the last character of an output that is written."""
        return len(self.alphabet)

    @property
    def arrays(self) -> dict[str, Array]:
        """All arrays by name, which are trained in place."""
        encoder = {} if self.encoder is None else self.encoder.arrays
        named = {f"{ENCODER}{name}": array for name, array in encoder.items()}
        return {**self.cell.arrays, OUTPUT: self.output, OUTPUT_BIAS: self.output_bias, **named}

    @property
    def trained(self) -> dict[str, Array]:
        """The arrays that are trained, by name."""
        return {name: array for name, array in self.arrays.items() if name not in self.frozen}

    @property
    def weights(self) -> list[Array]:
        """The matrices that are trained, as optimizers take them."""
        return [array for array in self.trained.values() if array.ndim == 2]

    @property
    def biases(self) -> list[Array]:
        """The vectors that are trained: biases, and the first state where it is learnt."""
        return [array for array in self.trained.values() if array.ndim == 1]

    @property
    def has_embedding(self) -> bool:
        """Whether symbols have an embedding; they are one-hot otherwise."""
        return EMBEDDING in self.cell.arrays

    @property
    def learns_first_state(self) -> bool:
        """Whether the state before the first symbol is learnt."""
        return FIRST in self.cell.arrays

    def copy(self) -> RecurrentNetwork:
        """Return a network of its own arrays."""
        return with_arrays(self, {name: array.copy() for name, array in self.arrays.items()})

    def astype(self, dtype: str) -> RecurrentNetwork:
        """Return a network of copies of the arrays in another dtype."""
        return with_arrays(self, {name: array.astype(dtype) for name, array in self.arrays.items()})


def with_arrays(network: RecurrentNetwork, arrays: dict[str, Array]) -> RecurrentNetwork:
    """Return the network with other arrays of the same names."""
    cell = Cell({name: arrays[name] for name in network.cell.arrays})
    encoder = None if network.encoder is None else Cell({name: arrays[ENCODER + name] for name in network.encoder.arrays})
    above = arrays[OUTPUT], arrays[OUTPUT_BIAS]
    return RecurrentNetwork(cell, above, network.alphabet, network.task, network.labels, encoder, network.frozen)
