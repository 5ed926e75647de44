"""Images, network, search space and grid of the published experiment on mnist basic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from hpsearch import data
from hpsearch.data import Dataset, Part
from hpsearch.nn.initializers import Glorot, Normal, Uniform
from hpsearch.nn.regularizers import WeightCost
from hpsearch.nn.schedules import Anneal
from hpsearch.nn.stopping import NoImprovement
from hpsearch.objectives import TrainNetwork
from hpsearch.reproductions.network_objectives import Evaluated
from hpsearch.space import Choice, Float, Int, Space

# Images to train, to select and to evaluate on, as in mnist basic.
TRAIN, VALIDATION, EVALUATION = 10_000, 2_000, 50_000
_SCALE: Any = Float(0.2, 2.0)
_START: Any = Int(300, 30_000, log=True)
_STRENGTH: Any = Float(3.1e-7, 3.1e-5, log=True)

# Seven hyperparameters, those of the paper without preprocessing: first weights (distribution and scale; their seed is the
# trial's own), width, units, size of mini-batches, rate, start of its annealing, and a weight cost half of the time.
SPACE = Space(
    init=Choice(Uniform(scale=_SCALE), Normal(scale=_SCALE), Glorot("uniform"), Glorot("wide_normal")),
    hidden=Int(18, 1024, log=True),
    activation=Choice("sigmoid", "tanh"),
    batch_size=Choice(20, 100),
    learning_rate=Float(0.001, 10.0, log=True),
    schedule=Choice(Anneal(start=_START)),
    l2=Choice(0.0, WeightCost(_STRENGTH)),
)
# Where a grid has about a hundred points, it must leave most parameters at one value each. Larochelle et al. (2007) varied
# width, rate and penalty by hand; these values are ours, even on a logarithmic scale and set before anything was run.
AXES: dict[str, tuple[Any, ...]] = {
    "hidden": (25, 50, 100, 200, 400),
    "learning_rate": (0.01, 0.03, 0.1, 0.3, 1.0),
    "activation": ("sigmoid", "tanh"),
    "l2": (0.0, 3e-6),
}
FIXED: dict[str, Any] = {"init": Glorot("uniform"), "batch_size": 20, "schedule": Anneal(start=30_000)}


@dataclass(frozen=True)
class Images:
    """Images to train and select on, and those that are only scored."""

    dataset: Dataset
    evaluation: tuple[Part, ...]

    def at_most(self, rows: int, others: int) -> Images:
        """Return the first images alone: so many to train on, and so many of each other part."""
        return Images(self.dataset.at_most(rows, others), tuple(part.head(min(others, len(part))) for part in self.evaluation))


def mnist_basic() -> Images:
    """Return MNIST cut as mnist basic is: 10,000, 2,000 and 50,000 images.

    All come from the training file (in file order, first to train, then to validate) but the last 2,000, which are the first
    of the test part: hence the mark of a reproduction. The published cut is another one, of the same images.
    """
    plain = data.mnist()
    marked = plain.for_reproduction()
    begin, rest = TRAIN + VALIDATION, EVALUATION - (len(plain.train) - TRAIN - VALIDATION) - len(plain.validation)
    evaluation = (_cut(plain.train, begin, len(plain.train)), plain.validation, marked.validation.head(rest))
    train, validation = plain.train.head(TRAIN), _cut(plain.train, TRAIN, begin)
    return Images(Dataset("mnist-basic-reproduction", train, validation, plain.classes, reproduction=True), evaluation)


def _cut(part: Part, begin: int, end: int) -> Part:
    return part.take(slice(begin, end))


def objective(images: Images, epochs: int, patience: int, fixed: Mapping[str, Any] | None = None) -> Evaluated:
    """Return the network of the paper: one hidden layer, softmax outputs, stopped early by its validation error."""
    stopping = NoImprovement(patience)
    settings = {"cost": "log_likelihood", "epochs": epochs, "stopping": stopping, **(fixed or {})}
    return Evaluated(TrainNetwork(images.dataset, **settings), images.evaluation)


def axes(most: int) -> dict[str, tuple[Any, ...]]:
    """Return the values of a grid of at most ``most`` points: every second value of the longest axis is left out until then.

    >>> [len(values) for values in axes(100).values()], [len(values) for values in axes(20).values()]
    ([5, 5, 2, 2], [2, 2, 2, 2])
    """
    found = dict(AXES)
    while prod(map(len, found.values())) > most:
        longest = max(found, key=lambda name: len(found[name]))
        found[longest] = found[longest][::2] if len(found[longest]) > 2 else found[longest][1:]
    return found


def grid_space(values: Mapping[str, tuple[Any, ...]]) -> Space:
    """Return the space of a grid of these values: what it does not vary is `FIXED`."""
    return Space(
        hidden=SPACE["hidden"],
        learning_rate=SPACE["learning_rate"],
        activation=Choice(*values["activation"]),
        l2=Choice(*(WeightCost(value) if value else 0.0 for value in values["l2"])),
    )
