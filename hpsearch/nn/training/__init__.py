"""The training loop, its checkpoints and its history."""

from hpsearch.nn.recipe import Monitors, Recipe
from hpsearch.nn.training.committee import Committee
from hpsearch.nn.training.history import Epoch
from hpsearch.nn.training.training import Training

__all__ = [
    "Committee",
    "Epoch",
    "Monitors",
    "Recipe",
    "Training",
]
