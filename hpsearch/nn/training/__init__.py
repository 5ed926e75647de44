"""The training loop, its checkpoints and its history."""

from hpsearch.nn.recipe import Monitors, Recipe
from hpsearch.nn.training.committee import Committee
from hpsearch.nn.training.history import Epoch, Evaluation
from hpsearch.nn.training.iterations import Iteration
from hpsearch.nn.training.layer_state import LayerState
from hpsearch.nn.training.training import Training

__all__ = [
    "Committee",
    "Epoch",
    "Evaluation",
    "Iteration",
    "LayerState",
    "Monitors",
    "Recipe",
    "Training",
]
