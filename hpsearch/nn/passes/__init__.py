"""Forward and backward passes over mini-batches."""

from hpsearch.nn.passes.backprop import Backprop, FullyConnected, Gradient, Minibatch
from hpsearch.nn.passes.dropout import Rates, ThinnedBackprop
from hpsearch.nn.passes.layered import LayerPasses, affines, as_layer, forward, layers_of, learning

__all__ = [
    "Backprop",
    "FullyConnected",
    "Gradient",
    "LayerPasses",
    "Minibatch",
    "Rates",
    "ThinnedBackprop",
    "affines",
    "as_layer",
    "forward",
    "layers_of",
    "learning",
]
