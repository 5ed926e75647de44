"""Layers to compose freely, with forward and backward passes; `hpsearch.nn.stack.Stack` combines them.

Arrays hold one sample a column, as everywhere inside the network. The functions of `hpsearch.nn.activations` are layers by
themselves: a stack wraps each in `Elementwise` or `MaxoutLayer`. The mathematics is there and in `hpsearch.nn.costs` only.
"""

from hpsearch.nn.layers.activation import Elementwise, MaxoutLayer
from hpsearch.nn.layers.affine import Affine
from hpsearch.nn.layers.batch_norm import BatchNorm
from hpsearch.nn.layers.dropout import Dropout
from hpsearch.nn.layers.layer import Layer, LearningLayer
from hpsearch.nn.layers.loss import (
    HingeLoss,
    LinearWithQuadratic,
    LinearWithSquaredErrors,
    Loss,
    SigmoidWithCrossEntropy,
    SigmoidWithQuadratic,
    SoftmaxWithLoss,
    TanhWithQuadratic,
)

__all__ = [
    "Affine",
    "BatchNorm",
    "Dropout",
    "Elementwise",
    "HingeLoss",
    "Layer",
    "LearningLayer",
    "LinearWithQuadratic",
    "LinearWithSquaredErrors",
    "Loss",
    "MaxoutLayer",
    "SigmoidWithCrossEntropy",
    "SigmoidWithQuadratic",
    "SoftmaxWithLoss",
    "TanhWithQuadratic",
]
