"""Transfer from a trained network: much or little data, of a similar or another kind, by several ways of using the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isqrt
from typing import Any

import numpy as np

from hpsearch.analysis.intervals import mean_interval
from hpsearch.analysis.sample import Array
from hpsearch.data import Dataset, Part, digits
from hpsearch.nn import Network, train
from hpsearch.plots.chart import INK, PURPLE
from hpsearch.plots.seeds import COLOURS
from hpsearch.ports import Context, ObjectiveBase
from hpsearch.reproductions.curve_metrics import metric_value
from hpsearch.reproductions.experiment import Experiment, Load
from hpsearch.reproductions.figures import FEWEST, TOO_FEW, Found, Gain, paired
from hpsearch.reproductions.reproduction import Row
from hpsearch.reproductions.views import WithIntervals
from hpsearch.trial import Outcome, Params

SIMILAR, DIFFERENT = "similar", "different"
SCRATCH, FROZEN_FIRST, SLOW = "from scratch", "linear first, then all", "fine-tuned, smaller rate"
LOGISTIC, SVM, NEAREST = "features, logistic", "features, SVM", "features, neighbours"
BOTH, PIXELS = "pixels and features", "pixels, logistic"
NETWORKS: dict[str, dict[str, Any]] = {
    SCRATCH: {},
    FROZEN_FIRST: {"new_layers": 1, "freeze": 1},
    SLOW: {"new_layers": 1, "lower_rate_factor": 0.1},
}
CLASSIFIERS = (LOGISTIC, SVM, NEAREST, BOTH, PIXELS)
METHODS = (*NETWORKS, *CLASSIFIERS)
TASKS = (SIMILAR, DIFFERENT)
SIZES = (3, 10, 30, 100, 300, 1000)
LITTLE, MUCH = "little_accuracy", "much_accuracy"
# Rows per class that are little; much is the largest of the sizes.
FEW = 10
# Training rows that every network sees at least, however often.
SEEN = 20_000
NETWORK: dict[str, Any] = {
    "hidden": (100,),
    "activation": "relu",
    "init": "he",
    "cost": "log_likelihood",
    "learning_rate": 0.1,
}


@dataclass(frozen=True)
class UseNetwork(ObjectiveBase):
    """Use a trained network for new classes or images; the value is the error on evaluation rows with most rows per class.

    Args:
        tasks: the data of each task by its name: those that the network was trained on, and the new ones.
        sizes: rows per class of the new ones, drawn at random; those of fewer rows are among those of more.

    Params: ``task`` and ``method``. Curve: accuracy by rows per class. Metrics: little_accuracy, at ten rows per class, and
    much_accuracy, at the most.
    """

    tasks: tuple[tuple[str, Dataset, Dataset], ...]
    sizes: tuple[int, ...] = SIZES

    @property
    def measure(self) -> str:
        """What the value is."""
        return "error with most rows per class"

    def shrunk(self) -> UseNetwork:
        """Return the same objective with few rows."""
        small = tuple((name, old.at_most(300, 100), new.at_most(300, 100)) for name, old, new in self.tasks)
        return replace(self, tasks=small, sizes=(3, FEW))

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train at every size, and score on the evaluation rows."""
        old, new = {name: data for name, *data in self.tasks}[params["task"]]
        order, seed = _by_class(new.train, context.rng), int(context.rng.integers(2**31))
        most = max(FEW, min(map(len, order)))
        sizes = [size for size in self.sizes if size <= most]
        found = {size: _accuracy(params["method"], old, new, _rows(new.train, order, size), seed) for size in sizes}
        for size, accuracy in found.items():
            context.report(size, accuracy=accuracy)
        metrics = {LITTLE: found[FEW], MUCH: found[sizes[-1]]}
        return Outcome(round(1 - metrics[MUCH], 12), metrics, context.history)


def _by_class(part: Part, rng: np.random.Generator) -> list[Array]:
    """Return the numbers of the rows of each class, in random order."""
    return [rng.permutation(np.flatnonzero(part.y == label)) for label in np.unique(part.y)]


def _rows(part: Part, order: list[Array], size: int) -> Part:
    """Return so many rows of each class."""
    return part.take(np.concatenate([rows[:size] for rows in order]))


def _accuracy(method: str, old: Dataset, new: Dataset, rows: Part, seed: int) -> float:
    """Return the accuracy on the evaluation rows after training on some rows by one method."""
    source, test = _source(old), new.validation
    if method in NETWORKS:
        epochs = max(10, -(-SEEN // len(rows)))
        options = dict(NETWORKS[method])
        if method != SCRATCH:
            options["start"] = source
        if method == FROZEN_FIRST:
            options["freeze_epochs"] = epochs // 2
        found = train(rows, epochs=epochs, classes=new.classes, seed=seed, **NETWORK, **options)
        return found.accuracy(test.x, test.y)
    fitted = _classifier(method).fit(_features(method, source, rows.x), rows.y)
    return float(np.mean(fitted.predict(_features(method, source, test.x)) == test.y))


@lru_cache(maxsize=4)
def _source(old: Dataset) -> Network:
    """Return the trained network; once in each process, from one seed, to the same bits."""
    found = train(old.train, epochs=10, **NETWORK)
    assert isinstance(found, Network)
    return found


def _features(method: str, source: Network, x: Array) -> Array:
    """Return what a classifier is given: outputs of the hidden layer, pixels, or both."""
    if method == PIXELS:
        return x
    new = source.features(x, layer=1)
    return np.concatenate([x, new], axis=1) if method == BOTH else new


def _classifier(method: str) -> Any:
    """Return a classifier of scikit-learn's with its usual settings."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    return {SVM: SVC(kernel="linear"), NEAREST: KNeighborsClassifier(1)}.get(method) or LogisticRegression(max_iter=1000)


def in_blocks(data: Dataset) -> Dataset:
    """Return images of 28 by 28 pixels as the 8 by 8 of scikit-learn's digits: a margin of two, and means of 4 by 4 pixels."""
    return replace(data, name=f"{data.name}-8x8", train=_in_blocks(data.train), validation=_in_blocks(data.validation))


def _in_blocks(part: Part) -> Part:
    side = isqrt(part.x.shape[1])
    if side == 8:
        return part
    images = np.pad(part.x.reshape(-1, side, side), ((0, 0), (2, 2), (2, 2)))
    blocks = images.reshape(len(images), 8, (side + 4) // 8, 8, (side + 4) // 8).mean(axis=(2, 4))
    return replace(part, x=np.ascontiguousarray(blocks.reshape(len(images), 64), part.x.dtype))


def use_network(load: Load) -> UseNetwork:
    """Return the objective: MNIST's 0 to 4 for its 5 to 9, and scikit-learn's digits for MNIST at their size."""
    images = load().for_reproduction()
    similar = (SIMILAR, images.only(range(5)), images.only(range(5, 10)))
    return UseNetwork((similar, (DIFFERENT, digits(), in_blocks(images))))


def _name(task: str, method: str) -> str:
    return f"{task}: {method}"


def _settings() -> Mapping[str, Mapping[str, Any]]:
    return {_name(task, method): {"task": task, "method": method} for task in TASKS for method in METHODS}


@dataclass(frozen=True)
class InCell:
    """The accuracy of a method in a cell of the 2 x 2 table, and whether it is the best one there, or as good as that.

    Args:
        what: the row's head.
        published: what the document takes in this cell.
        metric: the accuracy.
        setting: name of the setting it belongs to.
        cell: names of all settings of the cell.
    """

    what: str
    published: str
    metric: str
    setting: str
    cell: tuple[str, ...]

    def row(self, found: Found) -> Row:
        """Return the mean with its interval, and how far it is from the best mean of the cell, seed by seed."""
        ours = [metric_value(trial, self.metric) for trial in found[self.setting]]
        if len(ours) < FEWEST:
            return Row(self.what, self.published, ", ".join(f"{one:.1f} %" for one in ours) or "-", TOO_FEW)
        mean = mean_interval(ours)
        shown = f"{mean.centre:.1f} % (mean of {len(ours)} seeds, ± {mean.width / 2:.1f})"
        return Row(self.what, self.published, shown, self._verdict(found))

    def _verdict(self, found: Found) -> str:
        means = {name: np.mean([metric_value(trial, self.metric) for trial in found[name]]) for name in self.cell}
        best = max(self.cell, key=lambda name: means[name])
        if self.setting == best:
            return "best"
        apart = mean_interval(paired(self.metric, found[self.setting], found[best]))
        return f"worse than the best ({apart.centre:+.1f})" if apart.high < 0 else "as good as the best"


def _figures() -> list[InCell | Gain]:
    figures: list[InCell | Gain] = []
    cells = [(task, amount, metric) for task in TASKS for amount, metric in (("little", LITTLE), ("much", MUCH))]
    for task, amount, metric in cells:
        names = tuple(_name(task, method) for method in METHODS)
        for method, name in zip(METHODS, names, strict=True):
            figures.append(InCell(f"{amount}, {task}: {method}", _CLAIMS[task, amount], metric, name, names))
    for task, amount, metric in cells:
        for one, other in _PAIRS:
            what = f"{amount}, {task}: what {one!r} brings over {other!r}"
            figures.append(Gain(what, metric, _name(task, one), _name(task, other)))
    return figures


# The document's 2 x 2 table.
_CLAIMS = {
    (SIMILAR, "little"): "linear classifier on features",
    (SIMILAR, "much"): "fine-tune",
    (DIFFERENT, "little"): "either, may go wrong",
    (DIFFERENT, "much"): "start from it, fine-tune",
}
_PAIRS = (
    (LOGISTIC, SCRATCH),
    (SLOW, SCRATCH),
    (FROZEN_FIRST, SCRATCH),
    (FROZEN_FIRST, SLOW),
    (SLOW, LOGISTIC),
    (BOTH, LOGISTIC),
)


def _views() -> list[WithIntervals]:
    """Return the panels: the networks above, classifiers on features below, with one colour for each method."""
    label, ends = "accuracy on {} data (%)", {SIMILAR: (50.0, 100.0), DIFFERENT: (40.0, 100.0)}
    colours = dict(zip(METHODS, (*COLOURS, PURPLE, INK), strict=True))
    return [
        WithIntervals(
            "accuracy",
            {_name(task, method): method for method in methods},
            "rows per class",
            label.format(task),
            ends=ends[task],
            colours=tuple(colours[method] for method in methods),
        )
        for methods in ((*NETWORKS, LOGISTIC), CLASSIFIERS)
        for task in TASKS
    ]


TRANSFER = Experiment(
    name="transfer",
    question="How is a trained network best used for other classes or images, of which there are few or many?",
    claim=(
        "Little and similar data: a linear classifier on features, which 5 to 10 images of a class are enough for. Much data:"
        " fine-tune. Little and different: it may go wrong."
    ),
    settings=_settings(),
    objective=use_network,
    figures=_figures(),
    views=_views(),
    seeds=5,
    source="Stanford CS231n, lecture 7 (the 2 x 2 table), after Donahue et al. (2014), DeCAF, and Yosinski et al. (2014)",
)
