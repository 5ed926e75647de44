"""Learning curves of small networks, each with all it takes to make it again; and the file they are kept in."""

from __future__ import annotations

import json
import lzma
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.analysis.curve_shape import CONTRAST
from hpsearch.errors import Diverged
from hpsearch.nn.network import Network
from hpsearch.nn.recipe import Monitors, Recipe
from hpsearch.nn.schedules import Memory
from hpsearch.nn.training.training import Rows, Training
from hpsearch.trial import Curve
from tests.benchmarks.curve_data import dataset

FILE = Path(__file__).parents[1] / "analysis" / "labelled_curves.jsonl.xz"
# Digits that are kept of a number; the rules look at differences of per cents.
DIGITS = 5

History = dict[str, Curve]


@dataclass(frozen=True)
class Cut:
    """The rate is multiplied by ``factor`` once, after ``epoch`` epochs."""

    epoch: int
    factor: float
    watches_accuracy = False

    def begin(self) -> Memory:
        return ()

    def multiplier(self, memory: Memory, epoch: int, epochs: int) -> float:
        return self.factor if epoch >= self.epoch else 1.0

    def after(self, memory: Memory, accuracy: float) -> Memory:
        return memory


@dataclass(frozen=True)
class Made:
    """How a curve was made: ``seed`` draws the rows, the first weights and the order; ``spread`` multiplies the weights."""

    data: str
    rows: int
    seed: int
    hidden: tuple[int, ...]
    activation: str
    cost: str
    batch_size: int
    momentum: float
    learning_rate: float
    epochs: int
    l2: float = 0.0
    init: str = "scaled"
    spread: float = 1.0
    cut: tuple[int, float] = (10**9, 1.0)


@dataclass(frozen=True)
class Labelled:
    """A curve with its true label, and further labels that are true of it too."""

    label: str
    also: tuple[str, ...]
    held_out: bool
    made: Made
    history: History


def start(made: Made, monitors: Monitors | None = None) -> Training:
    """Return the training of a curve before its first epoch."""
    rng, source = np.random.default_rng(made.seed), dataset(made.data)
    rows = rng.permutation(len(source.train))[: made.rows]
    train: Rows = (source.train.x[rows], source.train.y[rows])
    sizes = (source.features, *made.hidden, source.classes)
    network = Network.create(sizes, rng, activation=made.activation, cost=made.cost, init=made.init)
    for weights in network.weights:
        weights *= np.float32(made.spread)
    recipe = Recipe(made.learning_rate, made.l2, made.momentum, made.batch_size, made.epochs, Cut(*made.cut), keep="cost")
    recipe = recipe if monitors is None else replace(recipe, monitors=monitors)
    return Training(network, train, recipe, rng, (source.validation.x, source.validation.y))


@lru_cache(maxsize=200)
def history(made: Made) -> History:
    """Train and return the curves; where training diverges, the last point of the training cost is NaN."""
    training = start(made)
    points: dict[str, list[tuple[int, float]]] = {CONTRAST: [(0, contrast(training.network, made))]}
    try:
        for epoch in training.run():
            for name, value in epoch.curves.items():
                points.setdefault(name, []).append((epoch.epoch, rounded(value)))
    except Diverged:
        points.setdefault("training_cost", []).append((len(training.history) + 1, math.nan))
    return {name: tuple(curve) for name, curve in points.items()}


def contrast(untrained: Network, made: Made) -> float:
    """Return what `TrainNetwork` reports of an untrained network."""
    return rounded(untrained.contrast(dataset(made.data).train.x[:500]))


def rounded(value: float) -> float:
    """Return a number with the digits that are kept."""
    return float(f"{value:.{DIGITS}g}")


def write(curves: Sequence[Labelled], file: Path = FILE) -> None:
    """Write curves as lines of JSON; the same curves give the same bytes."""
    with lzma.open(file, "wb", preset=9) as out:
        for curve in curves:
            values = {name: [value for _, value in points] for name, points in curve.history.items()}
            line = asdict(curve) | {"history": values}
            out.write((json.dumps(line, separators=(",", ":")) + "\n").encode())


def read(file: Path = FILE) -> list[Labelled]:
    """Return the curves of a file."""
    with lzma.open(file, "rt") as lines:
        return [_labelled(json.loads(line)) for line in lines]


def _labelled(line: dict[str, Any]) -> Labelled:
    made = line["made"]
    made |= {"hidden": tuple(made["hidden"]), "cut": tuple(made["cut"])}
    curves = {name: tuple(enumerate(values, name != CONTRAST)) for name, values in line["history"].items()}
    return Labelled(line["label"], tuple(line["also"]), line["held_out"], Made(**made), curves)
