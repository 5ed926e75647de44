"""Texts from a recurrent network: samples at a temperature, and the most probable outputs of sequences.

All of it is computed in float64, whatever the network's dtype: what float32 rounds grows from step to step, and the order of
the sums would decide between two characters. So the exported model writes the same texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.checks import integer, number
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.recurrent.batches import check_inputs, columns, sequences
from hpsearch.nn.recurrent.network import EACH, LAST, TEXT, WRITING, Batch, RecurrentNetwork
from hpsearch.nn.recurrent.passes import Passes

# An output that no mark ends is cut at so many characters.
LONGEST = 200
# So many inputs are read side by side.
_STREAMS = 200


def sample(
    network: RecurrentNetwork, length: int, rng: np.random.Generator, *, start: str = "\n", temperature: float = 1.0
) -> str:
    """Return a text that continues ``start``, drawn one character after the other.

    Args:
        network: of task ``"text"``.
        length: of the text, without the start.
        rng: draws the characters, one number each.
        start: what the network reads first; one character at least.
        temperature: T >= 0: probabilities are softmax(z / T). 1 takes them as they are, less than 1 prefers the likely ones, 0
            takes the most probable one always.
    Raises:
        SettingError: for a network of another task, an empty start, or a setting out of range.
    """
    if network.task != TEXT:
        raise SettingError(must_be("The task of a network that is sampled", repr(TEXT), network.task, "Take predict()."))
    integer("length", length, 0, "Try 200.")
    number("temperature", temperature, 0.0, advice="1.0 takes the probabilities as they are, 0.5 prefers likely characters.")
    if not isinstance(start, str) or not start:
        raise SettingError(must_be("start", "one character at least", start, "Give a text to continue."))
    network = network.astype("float64")
    table, state = network.cell.table(), network.cell.first(1)
    for code in network.alphabet.encode(start).tolist():
        state = network.cell.step(np.array([code]), state, table)
    codes = []
    for _ in range(length):
        code = draw(outputs_of(network, state)[0, :-1], rng.random(), temperature)  # never the symbol of other characters
        codes.append(code)
        state = network.cell.step(np.array([code]), state, table)
    return network.alphabet.decode(codes)


def draw(outputs: Array, at: float, temperature: float) -> int:
    """Return the symbol whose share of softmax(z / T) covers a place in [0, 1).

    >>> draw(np.log([0.25, 0.75]), 0.5, 1.0), draw(np.log([0.25, 0.75]), 0.2, 1.0), draw(np.log([0.25, 0.75]), 0.2, 0.0)
    (1, 0, 1)
    """
    if temperature == 0:
        return int(outputs.argmax())
    z = outputs.astype(np.float64)
    with np.errstate(over="ignore"):  # at a temperature of almost 0
        shares = np.cumsum(np.exp((z - z.max()) / temperature))
    return min(int(np.searchsorted(shares, at * shares[-1], "right")), len(z) - 1)


def outputs_of(network: RecurrentNetwork, state: Array) -> Array:
    """Return V h + c, (B, K), of states, (B, H)."""
    found: Array = state @ network.output.T + network.output_bias
    return found


def states(network: RecurrentNetwork, text: str) -> Array:
    """Return the state after each character of a text, float64, (n, H)."""
    check_inputs([text])
    codes = network.alphabet.encode(text)
    passes = Passes(network.astype("float64"))
    cell = passes.read(Batch(codes[:, None], codes[:, None]))
    return cell.rows.copy()


def predict(network: RecurrentNetwork, inputs: Sequence[str]) -> list[str]:
    """Return the most probable output for each input: the next character, a text, or a label, as the task has it.

    A text is written one character after the other, the most probable one each time, until the mark or `LONGEST` characters.
    """
    check_inputs(inputs)
    network = network.astype("float64")
    found: list[str] = []
    for start in range(0, len(inputs), _STREAMS):
        found += _predict(network, inputs[start : start + _STREAMS])
    return found


def probabilities(network: RecurrentNetwork, inputs: Sequence[str]) -> Array:
    """Return the probability of every symbol, or label, as the next output after each input has been read, float64, (n, K).

    That is the next character of a text, the last one of a ``"many-to-many"`` output, the label, or the first character of an
    output that is written.
    """
    check_inputs(inputs)
    network = network.astype("float64")
    if not len(inputs):
        return np.zeros((0, len(network.output_bias)))
    if network.task in WRITING:
        batch = sequences(network, inputs, ["?"] * len(inputs))
        state = network.cell.step(batch.symbols[0], Passes(network).start(batch), network.cell.table())
    else:
        after, lengths = _after(network, inputs)
        state = after[lengths - 1, np.arange(len(lengths))]
    z = outputs_of(network, state)
    shares: Array = np.exp(z - z.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _after(network: RecurrentNetwork, inputs: Sequence[str]) -> tuple[Array, Labels]:
    """Return the states after every character of each input, (T, B, H), and the lengths of the inputs, (B,)."""
    codes = [network.alphabet.encode(text) for text in inputs]
    filled = columns(codes, 0)
    return Passes(network).read(Batch(filled, filled)).states[1:], np.array([len(one) for one in codes])


def _predict(network: RecurrentNetwork, inputs: Sequence[str]) -> list[str]:
    if network.task in WRITING:
        return _write(network, inputs)
    after, lengths = _after(network, inputs)
    if network.task == EACH:
        best = outputs_of(network, after).argmax(axis=-1)
        return [network.alphabet.decode(best[:length, column].tolist()) for column, length in enumerate(lengths)]
    best = outputs_of(network, after[lengths - 1, np.arange(len(lengths))]).argmax(axis=-1)
    return [network.labels[i] if network.task == LAST else network.alphabet.decode([i]) for i in best.tolist()]


def _write(network: RecurrentNetwork, inputs: Sequence[str]) -> list[str]:
    """Return the outputs that are written until a mark."""
    batch = sequences(network, inputs, ["?"] * len(inputs))
    state, table = Passes(network).start(batch), network.cell.table()
    symbols: Labels = batch.symbols[0]
    written = np.full((LONGEST, len(inputs)), network.mark)
    open_ = np.ones(len(inputs), bool)
    for step in range(LONGEST):
        state = network.cell.step(symbols, state, table)
        symbols = outputs_of(network, state).argmax(axis=1)
        open_ &= symbols != network.mark
        if not open_.any():
            break
        written[step, open_] = symbols[open_]
    return [network.alphabet.decode(column) for column in written.T.tolist()]
