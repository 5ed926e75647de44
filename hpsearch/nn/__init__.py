"""Small networks in NumPy: layers of units, costs, initialisers, and a training loop that is fast on one core.

Shape letters, used throughout: n samples, d inputs, h units of a layer, k classes, m samples of a mini-batch. Weights of a
layer have shape (units, inputs), as in the literature. Data come one sample a row, (n, d); inside the network a sample is a
*column*, (h, m), because the matrix products of small mini-batches are fastest in that order.
Costs are means over the samples and hold no penalty unless a regularizer is passed.

`train` makes a network of rows and labels in one call, `find_rate` finds a learning rate for it, `save` and `load` keep it in a
file. `Network` is fully connected and fast, `Stack` composes `hpsearch.nn.layers` freely; `Training`, the loop itself, trains
either. `hpsearch.nn.recurrent` has recurrent networks over characters.
"""

from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network, Score
from hpsearch.nn.rate import FoundRate, find_rate
from hpsearch.nn.saved_network import SavedNetwork
from hpsearch.nn.stack import Stack
from hpsearch.nn.storage import load, save
from hpsearch.nn.train import train
from hpsearch.nn.training.training import Epoch, Monitors, Recipe, Training

__all__ = [
    "Ensemble",
    "Epoch",
    "FoundRate",
    "Monitors",
    "Network",
    "Recipe",
    "SavedNetwork",
    "Score",
    "Stack",
    "Training",
    "find_rate",
    "load",
    "save",
    "train",
]
