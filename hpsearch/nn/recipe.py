"""The settings of a training: rates, sizes, schedule, stopping rule, and what is recorded during it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from hpsearch.checks import boolean
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import known
from hpsearch.nn.augment import AnyExpansion, check_expansion
from hpsearch.nn.averaging import Averaging, check_averaging, check_keeps_statistics
from hpsearch.nn.layers.dropout import DROPOUT
from hpsearch.nn.optimizers.full_batch import is_full_batch
from hpsearch.nn.optimizers.max_norm import check_max_norm
from hpsearch.nn.optimizers.rules import MOMENTUM, Rule, check_optimizer
from hpsearch.nn.regularizers import STRENGTH, WeightCost, check_l2
from hpsearch.nn.schedules import Constant, Schedule
from hpsearch.nn.settings import Check, number, refuse_open, whole
from hpsearch.nn.soft_targets import SMOOTHING
from hpsearch.nn.stopping import Stopping

# Settings that a full-batch method cannot use: the value where they are left out, and why.
_LEFT_OUT: dict[str, tuple[Any, str]] = {
    "learning_rate": (1.0, "A line search finds every step."),
    "batch_size": (10, "Every step looks at all rows."),
    "schedule": (Constant(), "There is no learning rate to change."),
    "dropout": (0.0, "The cost must be the same in every evaluation."),
    "input_dropout": (0.0, "The cost must be the same in every evaluation."),
    "l1": (0.0, "The cost must have a derivative everywhere; l2 has."),
    "expansion": (None, "The cost must be the same in every evaluation."),
    "averaging": (None, "There are no steps of which to take an average."),
    "max_norm": (None, "A line search knows of no limit."),
    "batch_norm": (False, "Its statistics are those of mini-batches."),
    "freeze": (0, "It steps along all layers together."),
    "lower_rate_factor": (1.0, "There is no learning rate to lower."),
}

ENGINES = ("auto", "numpy", "numba")

KEEP = ("accuracy", "cost")


@dataclass(frozen=True)
class Monitors:
    """Which curves are recorded, after every epoch or more often; a curve that is not recorded costs nothing.

    Args:
        training_cost: running mean over the epoch's mini-batches, each before its own step: nearly free.
        validation: cost and accuracy on the validation data.
        full_training: cost and accuracy on all training data with the epoch's final weights: one more pass over them.
        every: evaluate on validation and full training data every so many epochs and after the last one; None evaluates after
            the last one only. Schedules and stopping rules that watch accuracy then count evaluations, and the kept epoch is
            one that was evaluated.
        images: evaluate within the epochs too, after every so many training images, at least one mini-batch of them; from 1,000
            images on, at the end of a chunk of mini-batches, which has at most 1,000. No rule sees these evaluations.
        rows: the number of validation rows, the first ones, that these evaluations score.
        iterations: the cost of every mini-batch before its step, in means over blocks of iterations, at most 1,000 of them
            (see `hpsearch.nn.training.iterations`).
        layers: after every evaluated epoch, and before the first, the norms and idle units of each layer, on so many training
            rows (see `hpsearch.nn.training.layer_state`); None does not.
    Raises:
        SettingError: unless ``every``, ``images``, ``layers`` (or None) and ``rows`` are whole numbers >= 1.
    """

    training_cost: bool = True
    validation: bool = True
    full_training: bool = False
    every: int | None = 1
    images: int | None = None
    rows: int = 100
    iterations: bool = False
    layers: int | None = None

    def __post_init__(self) -> None:
        if self.images is not None:
            whole(1, "Give None to evaluate after whole epochs only.")("monitor_images", self.images)
        whole(1, "100 rows are usual.")("rows of an evaluation within an epoch", self.rows)
        if self.every is not None:
            whole(1, "Give None to evaluate after the last epoch only.")("monitor_every", self.every)
        boolean("monitor_iterations", self.iterations, "True records the cost of every mini-batch.")
        if self.layers is not None:
            whole(1, "500 rows are usual.")("monitor_layers", self.layers)

    def due(self, epoch: int, last: int) -> bool:
        """Return whether an epoch is evaluated, in a training that ends with epoch ``last``.

        >>> [epoch for epoch in range(1, 8) if Monitors(every=3).due(epoch, last=7)]
        [3, 6, 7]
        """
        return epoch == last or (self.every is not None and epoch % self.every == 0)


@dataclass(frozen=True)
class Recipe:
    """The settings of a training.

    Args:
        learning_rate: eta > 0, per sample mean: w <- w - eta/m sum grad. 1 with a full-batch method, whose line search finds
            every step.
        l2: lambda >= 0, see `hpsearch.nn.regularizers.L2` for the convention; or a `hpsearch.nn.regularizers.WeightCost`.
        momentum: mu in [0, 1).
        batch_size: m >= 1.
        epochs: what the schedule spans; a training may be run for fewer and resumed later.
        schedule: see `hpsearch.nn.schedules`.
        stopping: see `hpsearch.nn.stopping`, or None.
        keep: the epoch whose weights are kept is the one of best validation ``"accuracy"``, or of lowest ``"cost"``.
        monitors: what is recorded.
        l1: >= 0, see `hpsearch.nn.regularizers.L1` for the convention.
        optimizer: a name in `hpsearch.nn.optimizers.OPTIMIZERS`, or a rule such as ``Adam(beta1=0.8)``. With a full-batch
            method (see `hpsearch.nn.optimizers.full_batch`) an epoch is one iteration.
        dropout: share of the hidden units that each mini-batch leaves out, in [0, 1), see `hpsearch.nn.passes.dropout`.
        input_dropout: the same of the inputs.
        expansion: every row is distorted anew in every epoch, see `hpsearch.nn.augment`; None leaves them as they are.
        averaging: what is scored and kept instead of the last weights, see `hpsearch.nn.averaging`, or None.
        smoothing: share of each target that all classes get alike, in [0, 1), see `hpsearch.nn.soft_targets`; 0.1 is usual. The
            training cost is that of the smoothed targets.
        max_norm: c > 0, the largest norm of the weights into each hidden unit, see `hpsearch.nn.optimizers.MaxNormSteps`; None
            sets no limit.
        decay_biases: whether l1 and l2 apply to biases too.
        batch_norm: whether every hidden layer is normalised over the mini-batch, see `hpsearch.nn.layers.BatchNorm`; it has two
            rows at least then. What is kept is a plain network.
        freeze: the first so many layers keep their weights and biases to the bit, see `hpsearch.nn.optimizers.LayerSteps`.
        freeze_epochs: for so many epochs only, then all layers are trained; None freezes them throughout.
        lower_rate_factor: in (0, 1]: what the learning rate is multiplied by in all layers below the output layer; 0.1 is usual
            where these are taken from a trained network.
        engine: ``"numpy"``, ``"numba"`` where that supports the settings, or ``"auto"``, see `hpsearch.nn.engines`.
    Raises:
        SettingError: for a wrong type, a value out of range, or a schedule with a range still in it.
    """

    learning_rate: float
    l2: float | WeightCost = 0.0
    momentum: float = 0.0
    batch_size: int = 10
    epochs: int = 10
    schedule: Schedule = field(default=Constant())
    stopping: Stopping | None = None
    keep: str = "accuracy"
    monitors: Monitors = field(default=Monitors())
    l1: float = 0.0
    optimizer: str | Rule = "sgd"
    dropout: float = 0.0
    input_dropout: float = 0.0
    expansion: AnyExpansion | None = None
    averaging: Averaging | None = None
    engine: str = "numpy"
    smoothing: float = 0.0
    max_norm: float | None = None
    decay_biases: bool = False
    batch_norm: bool = False
    freeze: int = 0
    freeze_epochs: int | None = None
    lower_rate_factor: float = 1.0

    CHECKS: ClassVar[dict[str, Check]] = {
        "learning_rate": number(0.0, open_low=True, advice="Try 0.1 to 1.0 for sigmoid units."),
        "l2": check_l2,
        "l1": STRENGTH,
        "dropout": DROPOUT,
        "input_dropout": DROPOUT,
        "max_norm": check_max_norm,
        "momentum": MOMENTUM,
        "smoothing": SMOOTHING,
        "batch_size": whole(1, "10 to 100 are usual."),
        "epochs": whole(1, "Give at least one pass over the training data."),
        "freeze": whole(0, "0 freezes none, 1 the first hidden layer."),
        "lower_rate_factor": number(0.0, 1.0, open_low=True, advice="0.1 is usual, and freeze holds layers fixed."),
    }

    def __post_init__(self) -> None:
        for name, check in self.CHECKS.items():
            check(name, getattr(self, name))
        known("keep", self.keep, KEEP)
        known("engine", self.engine, ENGINES)
        boolean("decay_biases", self.decay_biases, "True lets l1 and l2 apply to biases too.")
        boolean("batch_norm", self.batch_norm, "True normalises the hidden layers over each mini-batch.")
        check_optimizer(self.optimizer, self.momentum)
        check_full_batch(self)
        _check_images(self)
        check_rule("schedule", self.schedule, "multiplier", "Constant(), Step(...) or HalveOnPlateau()")
        if self.stopping is not None:
            check_rule("stopping", self.stopping, "done", "NoImprovement(patience=10), SmallGain() or None")
        if self.expansion is not None:
            check_expansion("expansion", self.expansion)
        if self.averaging is not None:
            check_averaging("averaging", self.averaging, self.schedule)
        if self.batch_norm:
            _check_batch_norm(self)
        if self.freeze_epochs is not None:
            _check_freeze_epochs(self)

    @property
    def full_batch(self) -> bool:
        """Whether every step uses all training rows, so that there are no mini-batches."""
        return is_full_batch(self.optimizer)

    @property
    def watches_accuracy(self) -> bool:
        """Whether validation accuracy steers the training."""
        return self.schedule.watches_accuracy or self.stopping is not None


def _check_batch_norm(recipe: Recipe) -> None:
    """Raise for settings that do not go with statistics of mini-batches."""
    check_keeps_statistics("averaging", recipe.averaging)
    if recipe.batch_size < 2:
        advice = "One row has no variance."
        raise SettingError(must_be("batch_size", "at least 2 with batch_norm", recipe.batch_size, advice))
    for name, absent in (("freeze", 0), ("lower_rate_factor", 1.0)):
        if getattr(recipe, name) != absent:
            advice = "The statistics of a frozen or slow layer would still change."
            raise SettingError(must_be(name, f"left out, or {absent}, with batch_norm", getattr(recipe, name), advice))


def _check_freeze_epochs(recipe: Recipe) -> None:
    """Raise for a number of frozen epochs that says nothing."""
    whole(1, "Leave it out to freeze the layers throughout.")("freeze_epochs", recipe.freeze_epochs)
    if not recipe.freeze:
        advice = "In a space, write when={'freeze': 1} behind its range."
        raise SettingError(must_be("freeze_epochs", "left out where freeze is 0", recipe.freeze_epochs, advice))


def check_layers(recipe: Recipe, layers: int) -> None:
    """Raise for more frozen layers than a network of so many layers has hidden ones, and for a factor of no layer's rate."""
    if recipe.freeze >= layers:
        advice = "The output layer is always trained."
        raise SettingError(must_be("freeze", f"at most {layers - 1}, the number of hidden layers", recipe.freeze, advice))
    if recipe.lower_rate_factor != 1.0 and recipe.freeze_epochs is None and recipe.freeze == layers - 1:
        advice = "In a space, write when={'freeze': 0} behind its range."
        constraint = "left out, or 1, where no layer below the output layer is trained"
        raise SettingError(must_be("lower_rate_factor", constraint, recipe.lower_rate_factor, advice))


def _check_images(recipe: Recipe) -> None:
    """Raise where the network would be evaluated more than once in a mini-batch."""
    images = recipe.monitors.images
    if images is not None and images < recipe.batch_size and not recipe.full_batch:
        constraint = f"at least {recipe.batch_size}, the images of one mini-batch"
        raise SettingError(must_be("monitor_images", constraint, images, "No network changes within a mini-batch."))


def check_rule(what: str, rule: object, method: str, examples: str) -> None:
    """Raise unless ``rule`` is a rule without open ranges; a class in place of an object is none."""
    if isinstance(rule, type) or not hasattr(rule, method):
        raise SettingError(must_be(what, f"a {what} rule", rule, f"Take {examples}."))
    refuse_open(what, rule)


def check_full_batch(recipe: Recipe) -> None:
    """Raise for settings that a full-batch method cannot use, where the recipe has one."""
    for name, (absent, reason) in _LEFT_OUT.items() if recipe.full_batch else ():
        if getattr(recipe, name, absent) != absent:
            advice = f"{reason} In a space, write when={{'optimizer': 'sgd'}} behind it."
            raise SettingError(
                must_be(name, f"left out, or {absent}, with {recipe.optimizer!r}", getattr(recipe, name), advice)
            )
