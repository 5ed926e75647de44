"""Recurrent networks over characters: Elman cells, trained by truncated backpropagation through time.

Shape letters: T steps, B streams or sequences side by side, V symbols, K outputs, D numbers of an embedding, H units.

`RecurrentNetwork` is a network, `RecurrentTraining` trains it by a `RecurrentRecipe`, `sample` draws texts from it, `predict`
returns the outputs of sequences, `states` shows what its units do, `save` and `load` keep it in a file of plain data.
"""

from hpsearch.nn.recurrent.alphabet import OTHER, Alphabet
from hpsearch.nn.recurrent.gradcheck import check_gradient
from hpsearch.nn.recurrent.network import TASKS, Batch, RecurrentNetwork
from hpsearch.nn.recurrent.sampling import predict, sample, states
from hpsearch.nn.recurrent.scoring import score
from hpsearch.nn.recurrent.storage import load, save
from hpsearch.nn.recurrent.training import Examples, RecurrentRecipe, RecurrentTraining

__all__ = [
    "OTHER",
    "TASKS",
    "Alphabet",
    "Batch",
    "Examples",
    "RecurrentNetwork",
    "RecurrentRecipe",
    "RecurrentTraining",
    "check_gradient",
    "load",
    "predict",
    "sample",
    "save",
    "score",
    "states",
]
