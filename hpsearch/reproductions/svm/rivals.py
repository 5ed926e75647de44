"""Objective whose params are a model and a training-set size; a protocol says how each model is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hpsearch.analysis.learning_curve import LearningCurve
from hpsearch.data import Dataset, Part
from hpsearch.objectives import TrainNetwork, TrainSVM
from hpsearch.ports import Context
from hpsearch.space import Choice, Float, Int, Space
from hpsearch.trial import Outcome, Params, Trial

NETWORK, SVM, AUTO, SCALE = "network", "SVM", "SVM gamma=auto", "SVM gamma=scale"


class Rules(Protocol):
    """Says which models there are, and how each is fitted to a data set; a frozen dataclass whose repr is its record."""

    @property
    def models(self) -> tuple[str, ...]: ...

    def contestant(self, model: str, data: Dataset) -> TrainNetwork | TrainSVM: ...


@dataclass(frozen=True)
class AsPublished:
    """The documents' protocol: sigmoid units, cross-entropy, large first weights, rate 0.5, mini-batches of 10; SVM with C = 1.

    Args:
        images: presented to the network at every size, so that it trains for images / n epochs; 1,500,000 as published.
    Source: Nielsen, Neural Networks and Deep Learning, ch. 3, with the settings of its program for the figure.
    """

    images: int = 1_500_000

    @property
    def models(self) -> tuple[str, ...]:
        """The network, and the SVM with either gamma; the published one is 1/784, today's ``"auto"``."""
        return (NETWORK, AUTO, SCALE)

    def contestant(self, model: str, data: Dataset) -> TrainNetwork | TrainSVM:
        """Return the objective that fits a model to the training part."""
        n = len(data.train)
        if model != NETWORK:
            return TrainSVM(data, C=1.0, gamma=model.partition("=")[2])
        # The published accuracy is that of the last epoch, so that nothing is looked at before.
        epochs = max(1, self.images // n)
        return TrainNetwork(
            data, (30,), learning_rate=0.5, l2=n * 1e-4, batch_size=10, epochs=epochs, init="large", monitor_every=None
        )


@dataclass(frozen=True)
class Tuned:
    """Each model with params of its own for every size.

    Args:
        chosen: (model, size, params as sorted pairs).
        images: presented to the network at every size.
        looks: how often the network is scored on the way; the best of these epochs is kept.
    """

    images: int
    chosen: tuple[tuple[str, int, tuple[tuple[str, Any], ...]], ...] = ()
    looks: int = 20

    @property
    def models(self) -> tuple[str, ...]:
        """The two contenders."""
        return (NETWORK, SVM)

    def open(self, model: str, data: Dataset) -> TrainNetwork | TrainSVM:
        """Return the objective whose params are searched."""
        if model == SVM:
            return TrainSVM(data)
        epochs = max(1, self.images // len(data.train))
        return TrainNetwork(data, epochs=epochs, monitor_every=max(1, epochs // self.looks))

    def contestant(self, model: str, data: Dataset) -> TrainNetwork | TrainSVM:
        """Return the objective with the params that were chosen for it."""
        found = next(params for name, size, params in self.chosen if (name, size) == (model, len(data.train)))
        fixed = {name: getattr(self.open(model, data), name) for name in ("epochs", "monitor_every") if model == NETWORK}
        return TrainNetwork(data, **fixed, **dict(found)) if model == NETWORK else TrainSVM(data, **dict(found))

    def space(self, model: str, size: int) -> Space:
        """Return what is searched: for the network with lambda / n, the decay of one step, from 1e-7 to 1e-3."""
        if model == SVM:
            return Space(C=Float(0.1, 1000.0, log=True), gamma=Float(1e-3, 0.3, log=True))
        decay = Float(size * 1e-7, size * 1e-3, log=True)
        return Space(learning_rate=Float(0.01, 2.0, log=True), l2=decay, hidden=Choice(30, 100))


@dataclass(frozen=True)
class Rivals:
    """Fit one model to the first rows of the training part; the value is its error on validation rows.

    Args:
        data: all rows.
        protocol: how models are fitted.
        selected: so many of the first validation rows were used to choose params; only the others are scored on. With 0,
            all of them are.
    """

    data: Dataset
    protocol: Rules
    selected: int = 0

    parameters = frozenset({"model", "size", "seed"})
    required = frozenset({"model", "size"})
    measure = "validation error"

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Return the error on the rows that are scored on, which no epoch was chosen by."""
        contestant = self.protocol.contestant(params["model"], self.data.head(params["size"], self.selected or None))
        scores = contestant.test({}, context, self.scored)
        return Outcome(round(scores["test_error"], 12), {"validation_accuracy": scores["test_accuracy"]})

    @property
    def scored(self) -> Part:
        """The rows that are scored on."""
        return self.data.validation.take(slice(self.selected, None))


def space(protocol: Rules, sizes: Sequence[int], seeds: int) -> Space:
    """Return every model at every size, the largest first since they take longest, and the network under several seeds."""
    sized = Choice(*sorted(sizes, reverse=True))
    return Space(size=sized, model=Choice(*protocol.models), seed=Int(1, seeds, when={"model": NETWORK}))


def curves(trials: Sequence[Trial], models: Sequence[str], rows: int) -> dict[str, LearningCurve]:
    """Return one learning curve per model, of the trials that finished."""
    found: dict[str, dict[int, list[float]]] = {model: {} for model in models}
    for trial in trials:
        if trial.ok:
            found[trial.params["model"]].setdefault(trial.params["size"], []).append(trial.value)
    return {model: LearningCurve(model, errors, rows) for model, errors in found.items()}
