"""Scores of a recurrent network: bits per character, and the share of outputs that are right."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpsearch.errors import DataError, must_be
from hpsearch.nn.network import Score
from hpsearch.nn.recurrent.batches import check_task, reading, sequences
from hpsearch.nn.recurrent.network import TEXT, RecurrentNetwork
from hpsearch.nn.recurrent.passes import Passes
from hpsearch.nn.recurrent.sampling import predict

BITS = 1.0 / math.log(2.0)
# So many sequences are read side by side: all states of them are in memory at once.
_SIDE_BY_SIDE = 500


def score(network: RecurrentNetwork, inputs: Sequence[str], outputs: Sequence[str] = ()) -> Score:
    """Return the cost in bits per character, and the accuracy.

    A text is read from its first character to its last, each predicted from all before it; the accuracy is the share of
    characters that were the most probable one. For other tasks the cost is the mean over all characters of all outputs, the
    mark at the end among them, each predicted from the right ones before it; the accuracy is the share of inputs whose whole
    output, as `hpsearch.nn.recurrent.predict` returns it, is right.

    Args:
        network: of any task.
        inputs: one text for task ``"text"``.
        outputs: one for each input; none for task ``"text"``.
    Raises:
        DataError: for texts that do not fit the task, a label that the network does not have, or a text of a single character,
            which predicts nothing.
    """
    check_task(network.task, inputs, outputs)
    if network.task == TEXT:
        return _score_text(network, inputs[0])
    costs = []
    for start in range(0, len(inputs), _SIDE_BY_SIDE):
        some = slice(start, start + _SIDE_BY_SIDE)
        costs.append(Passes(network).forward(sequences(network, inputs[some], outputs[some]))[:2])
    count = sum(predictions for _, predictions in costs)
    cost = math.fsum(mean * (predictions / count) for mean, predictions in costs)
    right = [found == wanted for found, wanted in zip(predict(network, inputs), outputs, strict=True)]
    return Score(cost * BITS, sum(right) / len(right))


def _score_text(network: RecurrentNetwork, text: str) -> Score:
    if len(text) < 2:
        raise DataError(must_be("A text that is scored", "of two characters at least", text, "Give a longer one."))
    passes, state = Passes(network), network.cell.first(1)
    total, right, count = 0.0, 0, 0
    for batch in reading(network.alphabet.encode(text)):
        cost, guessed, targets, state = passes.predict(batch, state)
        total, right, count = total + cost * len(targets), right + int((guessed == targets).sum()), count + len(targets)
    return Score(total / count * BITS, right / count)
