"""Optimisers: gradient steps on mini-batches, and full-batch methods."""

from hpsearch.nn.optimizers.full_batch import FullBatchSteps, is_full_batch
from hpsearch.nn.optimizers.layer_steps import LayerGroup, LayerSteps
from hpsearch.nn.optimizers.max_norm import MaxNormSteps, check_max_norm
from hpsearch.nn.optimizers.penalised_biases import PenalisedBiasesSteps
from hpsearch.nn.optimizers.rules import (
    MOMENTUM,
    OPTIMIZERS,
    SGD,
    Adam,
    Nesterov,
    Optimizer,
    RMSProp,
    Rule,
    check_optimizer,
    rule_of,
    sgd,
)

__all__ = [
    "MOMENTUM",
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "FullBatchSteps",
    "LayerGroup",
    "LayerSteps",
    "MaxNormSteps",
    "Nesterov",
    "Optimizer",
    "PenalisedBiasesSteps",
    "RMSProp",
    "Rule",
    "check_max_norm",
    "check_optimizer",
    "is_full_batch",
    "rule_of",
    "sgd",
]
