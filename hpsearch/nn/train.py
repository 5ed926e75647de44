"""Training of a network in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from hpsearch.checks import choice
from hpsearch.errors import DataError, SettingError, must_be
from hpsearch.nn import rows
from hpsearch.nn.activations import Activation
from hpsearch.nn.arrays import DTYPES, Array, Labels, known
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.initializers import Initializer
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.full_batch import is_full_batch
from hpsearch.nn.prediction import SEVERAL
from hpsearch.nn.recipe import Recipe, check_layers
from hpsearch.nn.saved_network import SavedNetwork, Source
from hpsearch.nn.settings import whole, widths
from hpsearch.nn.soft_targets import check_soft_targets, is_soft
from hpsearch.nn.start import Start
from hpsearch.nn.training.history import Evaluation
from hpsearch.nn.training.iterations import Iteration
from hpsearch.nn.training.layer_state import LayerState
from hpsearch.nn.training.training import Training

_SETTINGS = tuple(item.name for item in fields(Recipe))
_OWN = ("validation", "hidden", "activation", "cost", "init", "dtype", "classes", "seed", "report", "start", "new_layers")
_NAMES = (*_OWN, *_SETTINGS)
# More outputs than any memory holds; a larger label is an id, no class index.
_MOST_CLASSES = 10**7


class Part(Protocol):
    """Rows and their labels, such as ``data.digits().train``."""

    @property
    def x(self) -> Array: ...

    @property
    def y(self) -> Labels: ...


Rows = Part | tuple[ArrayLike, ArrayLike]


def train(
    data: Rows,
    validation: Rows | None = None,
    *,
    learning_rate: float | None = None,
    hidden: int | tuple[int, ...] | None = None,
    activation: str | Activation | None = None,
    cost: str = "cross_entropy",
    init: str | Initializer = "scaled",
    dtype: str = "float32",
    classes: int | None = None,
    seed: int = 0,
    report: Callable[[Any], object] | None = None,
    start: Source | SavedNetwork | None = None,
    new_layers: int | None = None,
    **settings: Any,
) -> Network | Ensemble:
    """Train a network of fully connected layers and return it, with ``averaging=Snapshots()`` an ensemble of several.

    With validation rows it is returned as it was after its best epoch.

    Args:
        data: rows to learn from, a part of a data set or a pair of x, (n, d), and class indices y, (n,). Or y of floats,
            (n, k): the probability of each class, see `hpsearch.nn.soft_targets`; with the cost ``"squared_errors"`` numbers to
            be predicted, which are best standardized.
        validation: rows of the same form that say which epoch is best. Score on them; a test set is for the very end.
        learning_rate: see `Recipe`; None is 0.5, and leaves it to a full-batch method to find its steps.
        hidden: widths of the hidden layers; a single number is one layer, ``()`` is none, None is one of 30.
        activation: of the hidden units, see `hpsearch.nn.activations`; None is ``"sigmoid"``.
        cost: see `hpsearch.nn.costs`.
        init: how the weights start, see `hpsearch.nn.initializers`.
        dtype: ``"float32"`` or ``"float64"``.
        classes: k; one more than the highest label of ``data`` where left out.
        seed: decides the first weights and the order of the rows; the same seed gives the same network to the bit.
        report: called with every `Epoch` as it ends; ``print`` shows the curve. With ``monitors=Monitors(iterations=True)``,
            ``images`` or ``layers`` it is called before that with what was recorded within the epoch: each
            `hpsearch.nn.training.Iteration`, `Evaluation` and `LayerState`.
        start: a trained network, or the path of its file, whose layers are the first ones of this; see `new_layers`. Then
            ``hidden`` and ``activation`` are those of that network where they are left out.
        new_layers: so many layers from the top begin with new weights; None is the output layer where ``start`` has another
            number of outputs or the cost is one of numbers, otherwise none.
        settings: everything else that a `Recipe` takes, such as ``epochs=20``, ``momentum=0.9`` or ``l2=1.0``.
    Raises:
        DataError: for rows or labels that a network cannot learn from.
        SettingError: for a setting of an unknown name, a wrong type or out of range.
        Diverged: where the numbers left the finite ones; a lower learning rate helps.

    >>> x, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 10, [0, 1, 1, 0] * 10
    >>> network = train((x, y), hidden=4, activation="tanh", epochs=200)
    >>> network.predict(x[:4]).tolist()
    [0, 1, 1, 0]
    """
    if report is not None and not callable(report):
        raise SettingError(must_be("report", "a function of an Epoch", report, "Try report=print."))
    training = prepare(
        data, validation, learning_rate=learning_rate, hidden=hidden, activation=activation, cost=cost, init=init, dtype=dtype,
        classes=classes, seed=seed, start=start, new_layers=new_layers, **settings,
    )  # fmt: skip
    recorded = _Recorded(training)
    for epoch in training.run():
        if report is not None:
            for one in (*recorded.new(), epoch):
                report(one)
    if report is not None:
        for block in training.open_iterations:
            report(block)
    return training.kept


class _Recorded:
    """What the monitors of a training record within its epochs, each once."""

    def __init__(self, training: Training) -> None:
        self._training, self._seen = training, [0, 0, 0]

    def new(self) -> list[Iteration | Evaluation | LayerState]:
        """Return what was recorded since the last call."""
        lists = (self._training.iterations, self._training.evaluations, self._training.layer_states)
        seen, self._seen = self._seen, [len(recorded) for recorded in lists]
        return [*lists[0][seen[0] :], *lists[1][seen[1] :], *lists[2][seen[2] :]]


def prepare(
    data: Rows,
    validation: Rows | None = None,
    *,
    learning_rate: float | None = None,
    hidden: int | tuple[int, ...] | None = None,
    activation: str | Activation | None = None,
    cost: str = "cross_entropy",
    init: str | Initializer = "scaled",
    dtype: str = "float32",
    classes: int | None = None,
    seed: int = 0,
    start: Source | SavedNetwork | None = None,
    new_layers: int | None = None,
    **settings: Any,
) -> Training:
    """Return the training that `train` runs, before its first epoch."""
    usual = 1.0 if is_full_batch(settings.get("optimizer")) else 0.5
    recipe = _recipe({"learning_rate": usual if learning_rate is None else learning_rate, **settings})
    known("dtype", dtype, DTYPES)
    x, y = _rows("data", data, dtype, cost)
    chosen = None if validation is None else _rows("validation", validation, dtype, cost)
    whole(0, "It decides the first weights and the order of the rows.")("seed", seed)
    rng = np.random.default_rng(seed)
    begun = Start.of(start, new_layers, same_outputs=cost != SEVERAL)
    if begun is not None:
        begun.check_recipe(recipe)
        hidden = begun.network.sizes[1:-1] if hidden is None else hidden
        activation = begun.network.hidden_function if activation is None else activation
    sizes = (x.shape[1], *widths((30,) if hidden is None else hidden), _classes(y, classes))
    check_layers(recipe, len(sizes) - 1)
    network = Network.create(sizes, rng, activation=activation or "sigmoid", cost=cost, init=init, dtype=dtype)
    return Training(network if begun is None else begun.begin(network), (x, y), recipe, rng, chosen)


def _recipe(settings: dict[str, Any]) -> Recipe:
    for name in settings:
        choice("A setting of train", name, _NAMES)
    return Recipe(**settings)


def _rows(what: str, given: Rows, dtype: str, cost: str) -> tuple[Array, Array]:
    """Return x in the network's dtype, not copied where it has it already, and y."""
    if isinstance(given, tuple) and len(given) == 2:
        x, y = given
    elif hasattr(given, "x") and hasattr(given, "y"):
        soft = getattr(given, "probabilities", None)  # which a part of `hpsearch.data` has
        x, y = given.x, given.y if soft is None else soft
    else:
        advice = "Hand in (x, y), or a part such as data.digits().train."
        raise DataError(must_be(what, "a part of a data set or a pair (x, y)", type(given).__name__, advice))
    checked = rows.check_inputs(x)
    with np.errstate(over="ignore"):  # what the dtype cannot hold becomes infinite, which raises below
        checked = np.ascontiguousarray(checked, dtype)
    rows.check_finite(checked)
    if cost == SEVERAL:
        return checked, rows.as_array("y", y)  # which the training checks
    if hasattr(y, "__len__") and is_soft(targets := rows.as_array("y", y)):
        return checked, check_soft_targets(targets, len(checked), targets.shape[1], cost)
    return checked, rows.check_labels(y, len(checked))


def _classes(y: Array, classes: int | None) -> int:
    """Return the number of outputs."""
    if y.ndim == 2:
        if classes not in (None, y.shape[1]):
            raise DataError(must_be("y", f"of {classes} columns, one a class", y.shape[1], "Leave classes out."))
        return int(y.shape[1])
    whole(2, "Give the number of classes, one more than the highest label.")("classes", 2 if classes is None else classes)
    found = int(y.max()) + 1 if classes is None else classes
    if found < 2:
        raise DataError(must_be("Labels", "of at least 2 classes", found, "Add rows of another class, or say classes=2."))
    if found > _MOST_CLASSES:
        advice = "Number the classes from 0 on: y = np.unique(y, return_inverse=True)[1]."
        raise DataError(must_be("Labels", f"of at most {_MOST_CLASSES:,} classes", found, advice))
    return found
