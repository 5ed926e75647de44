"""Objective that trains a small network for a few epochs, and differentiates its cost by the settings of the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hpsearch.checks import boolean, integer
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import known
from hpsearch.nn.network import Network
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.settings import widths
from hpsearch.nn.unrolled import ACTIVATIONS, UnrolledTraining
from hpsearch.objectives.estimator import check_names
from hpsearch.ports import SLOPE, Context, ObjectiveBase
from hpsearch.trial import Outcome, Params

# The settings by which the cost is differentiated.
DIFFERENTIABLE = ("learning_rate", "l2", "momentum")
AGAINST = ("validation", "training")


@dataclass(frozen=True)
class TrainUnrolled(ObjectiveBase):
    """Train a fully connected network for a few epochs in float64; the value is its cost after the last one.

    The metrics ``slope.learning_rate``, ``slope.l2`` and ``slope.momentum`` are the derivatives of that cost by these params,
    so far as they are searched. They are exact, through all steps of the training (see `hpsearch.nn.unrolled`). `FollowSlope`
    searches by them. All derivatives together cost about four trainings.

    Args:
        data: training and validation parts; the test part stays sealed. A small part of a data set is usual.
        hidden: widths of the hidden layers.
        activation: of the hidden layers, ``"sigmoid"`` or ``"tanh"``.
        learning_rate, l2, momentum: as of `TrainNetwork`, each fixed here or a param.
        batch_size: of the mini-batches.
        epochs: of the training; there is one schedule, the constant one.
        init: of the first weights, as of `TrainNetwork`.
        against: the rows whose cost is the value, ``"validation"`` or ``"training"``. Decay does the training cost no good,
            so a search against that ends at the low end of its range: an exercise of the book (studies/decay_on_training.py).
        slopes: whether derivatives are computed; without them a trial takes a fraction of the time.
    Raises:
        SettingError: for a setting of wrong type or out of range, and for data without classes.

    Metrics of the outcome: validation_cost, training_cost and the slopes. Costs are cross-entropies without penalty.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, which names gradient descent on hyperparameters, and the exercise
    on what goes wrong with lambda; Bengio (2000), Gradient-based optimization of hyperparameters, Neural Computation 12.
    """

    data: Dataset
    hidden: int | tuple[int, ...] = (10,)
    activation: str = "sigmoid"
    learning_rate: float | None = None
    l2: float = 0.0
    momentum: float = 0.0
    batch_size: int = 50
    epochs: int = 5
    init: str = "scaled"
    against: str = "validation"
    slopes: bool = True
    # Version 1 had slopes of other last bits.
    version = 2

    def __post_init__(self) -> None:
        if not isinstance(self.data, Dataset):
            advice = "Load one, as in data.digits() or data.arrays(X, y)."
            raise SettingError(must_be("TrainUnrolled's data", "a data set", self.data, advice))
        if self.data.regression:
            advice = "Take TrainNetwork, or data with classes."
            raise SettingError(must_be("The data of TrainUnrolled", "data with classes", self.data, advice))
        widths(self.hidden)
        known("activation", self.activation, tuple(ACTIVATIONS))
        integer("batch_size", self.batch_size, 1, "Try 50.", most=len(self.data.train))
        integer("epochs", self.epochs, 1, "Try 5.")
        known("against", self.against, AGAINST)
        boolean("slopes", self.slopes, "Leave it out for True.")
        self.check({"learning_rate": 1.0} if self.learning_rate is None else {})

    @property
    def parameters(self) -> frozenset[str]:
        """The names it accepts as params."""
        return frozenset(DIFFERENTIABLE)

    @property
    def required(self) -> frozenset[str]:
        """The names that must be searched, since they are not fixed."""
        return frozenset({"learning_rate"}) if self.learning_rate is None else frozenset()

    @property
    def measure(self) -> str:
        """What the value is."""
        return f"{self.against} cost"

    @property
    def greater_is_better(self) -> bool:
        """Whether larger values are better: no, of a cost."""
        return False

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise for params that it could not train with; trains nothing."""
        check_names("TrainUnrolled", params, frozenset(DIFFERENTIABLE))
        for name in DIFFERENTIABLE:
            Recipe.CHECKS[name](name, params.get(name, getattr(self, name)))

    def shrunk(self) -> TrainUnrolled:
        """Return the same objective on at most 500 training and 200 validation rows."""
        data = self.data.at_most(500, 200)
        return replace(self, data=data, batch_size=min(self.batch_size, len(data.train)))

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train, and differentiate by the params."""
        training = self._begin(context.rng)
        settings = {name: float(params.get(name, getattr(self, name))) for name in DIFFERENTIABLE}
        names = [name for name in DIFFERENTIABLE if name in params] if self.slopes else []
        costs, slopes = training.costs_and_slopes(settings, names, self.against)
        metrics = {"validation_cost": costs.validation, "training_cost": costs.training}
        metrics |= {f"{SLOPE}{name}": slope for name, slope in slopes.items()}
        return Outcome(metrics[f"{self.against}_cost"], metrics)

    def _begin(self, rng: np.random.Generator) -> UnrolledTraining:
        """Return a training from first weights and orders of the rows that are drawn here."""
        sizes = (self.data.features, *widths(self.hidden), self.data.classes)
        first = Network.create(sizes, rng, activation=self.activation, init=self.init, dtype="float64")
        rows = len(self.data.train)
        return UnrolledTraining(
            self._encoded(self.data.train), self._encoded(self.data.validation), first.weights, first.biases,
            self.activation, [rng.permutation(rows) for _ in range(self.epochs)], self.batch_size,
        )  # fmt: skip

    def _encoded(self, part: Part) -> tuple[Any, Any]:
        """Return inputs and targets: the probability of each class, or 1 for the right one and 0 elsewhere."""
        soft = part.probabilities
        return part.x.astype(np.float64), np.eye(self.data.classes)[part.y] if soft is None else soft
