"""Layers to compose freely, forward and backward, one a file; `hpsearch.nn.stack.Stack` puts them together.

Arrays hold one sample a column, as everywhere inside the network. The functions of `hpsearch.nn.activations` are layers by
themselves: a stack wraps each in `Elementwise` or `MaxoutLayer`. The mathematics stands there and in `hpsearch.nn.costs` alone.
"""

from hpsearch.nn.layers.affine import Affine
from hpsearch.nn.layers.dropout import Dropout
from hpsearch.nn.layers.elementwise import Elementwise
from hpsearch.nn.layers.layer import Layer
from hpsearch.nn.layers.loss import LinearWithQuadratic, Loss, SigmoidWithCrossEntropy, SigmoidWithQuadratic, SoftmaxWithLoss
from hpsearch.nn.layers.maxout import MaxoutLayer

__all__ = [
    "Affine",
    "Dropout",
    "Elementwise",
    "Layer",
    "LinearWithQuadratic",
    "Loss",
    "MaxoutLayer",
    "SigmoidWithCrossEntropy",
    "SigmoidWithQuadratic",
    "SoftmaxWithLoss",
]
