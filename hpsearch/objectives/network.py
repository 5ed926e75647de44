"""The objective that trains a small network and answers with its validation error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from hpsearch.checks import integer
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError, did_you_mean, must_be
from hpsearch.nn.activations import Activation, check_activation
from hpsearch.nn.arrays import DTYPES, known
from hpsearch.nn.augment import Expansion, side_of
from hpsearch.nn.averaging import Averaging
from hpsearch.nn.engines.select import prepare, resolve
from hpsearch.nn.ensemble import Ensemble, as_data
from hpsearch.nn.initializers import Initializer, check_init
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.full_batch import is_full_batch
from hpsearch.nn.optimizers.rules import Rule
from hpsearch.nn.recipe import Monitors, Recipe
from hpsearch.nn.regularizers import WeightCost
from hpsearch.nn.schedules import Constant, Schedule
from hpsearch.nn.settings import whole, widths
from hpsearch.nn.stopping import Stopping
from hpsearch.nn.training.committee import Committee
from hpsearch.nn.training.training import Training
from hpsearch.objectives import preflight, reporting
from hpsearch.objectives.targets import FOR_CLASSES, FOR_NUMBERS, Answers, Classes, Numbers
from hpsearch.ports import Context, Exported, ObjectiveBase, Preflight
from hpsearch.space import Domain, Space
from hpsearch.trial import Outcome, Params

_VALUES = {"error": "accuracy", "cost": "cost"}
# Settings that a repr leaves out at their default, so that what was recorded before there were any stays valid.
_LATER = ("expansion", "averaging", "members", "monitor_images", "rescale_penalty")


@dataclass(frozen=True, repr=False)
class TrainNetwork(ObjectiveBase):
    """Train a fully connected network; the value is its validation error, 1 - accuracy, at the epoch that was kept.

    On ``data.arrays(X, y, regression=True)`` it predicts numbers with a linear output, and the error is the mean squared error.

    Each setting but ``data``, ``value``, ``dtype``, ``rescale_penalty`` and those of monitoring may instead be a param of the
    same name, which then goes first.

    Args:
        data: training and validation parts; the test part stays shut.
        hidden: widths of the hidden layers; a single number is one layer, ``()`` is none.
        activation: of the hidden layers, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"elu"``, ``"maxout"`` or
            ``"linear"``; or a function of `hpsearch.nn.activations` with its setting, such as ``LeakyRelu(leak=0.1)``.
        cost: ``"cross_entropy"`` or ``"quadratic"`` (sigmoid outputs), ``"log_likelihood"`` (softmax outputs) or
            ``"squared_error"`` (linear outputs). None is cross-entropy for classes, squared error for numbers.
        learning_rate: eta > 0; None asks for it as a param, where the optimizer has one.
        l2: lambda >= 0, divided by the size of the training set (see `hpsearch.nn.regularizers.L2`), or a ``WeightCost``.
        momentum: mu in [0, 1); of the optimisers, only ``"sgd"`` and ``"nesterov"`` take one.
        batch_size: m, from 1 to the size of the training set.
        schedule: of the learning rate, over all ``epochs`` also where a smaller budget ends the trial before.
        epochs: passes over the training data at most.
        init: first weights: ``"scaled"``, ``"large"``, ``"he"``, ``"xavier"`` or ``"glorot"``, or a rule such as
            ``Uniform(scale=0.5)``; see `hpsearch.nn.initializers` for their formulas.
        stopping: a rule that ends the training early, or None.
        value: ``"error"``, which keeps the epoch of best accuracy (of numbers, lowest cost), or ``"cost"``, which keeps the one
            of lowest cost and answers with that cost (without penalty).
        train_size: train on the first so many rows only; None takes all.
        monitor_every: score on the validation data after every so many epochs and after the last one; None after the last
            one alone. Worth it where epochs are short: 10,000 rows take as long to score as about 1,000 to train on. Curves
            have these epochs only, the kept epoch is one of them, and rules that watch accuracy count them. A trial that
            goes on from a smaller budget equals one trained through where that budget is a multiple.
        l1: >= 0, divided by the size of the training set like l2 (see `hpsearch.nn.regularizers.L1`); with l2, the elastic net.
        optimizer: ``"sgd"``, ``"nesterov"``, ``"rmsprop"`` or ``"adam"``; or a rule of `hpsearch.nn.optimizers` with its
            settings, such as ``Adam(beta1=0.8)``. ``"l-bfgs"``, ``"cg"`` and ``"newton-cg"`` look at all rows in every step, an
            epoch of theirs is one iteration, and learning_rate, batch_size, schedule, l1 and dropout are left out.
        dropout: share of the hidden units that each training step leaves out, in [0, 1); 0.5 is usual. The whole network is
            scored and exported, with nothing left to rescale (see `hpsearch.nn.passes.dropout`).
        input_dropout: the same of the inputs; 0.2 is usual.
        expansion: distorts every training image anew in every epoch: ``Affine()`` or ``Elastic()`` of `hpsearch.nn.augment`;
            None leaves them as they are. Images are square. Training cost is then that of the distorted ones.
        averaging: what is scored, kept and exported in the place of the last weights: their ``MovingAverage()`` or
            ``TailAverage()``, or with the schedule `Cyclic` the ``Snapshots()`` of its cycles; see `hpsearch.nn.averaging`.
        members: so many networks are trained, from other random numbers each, and the mean of their outputs is scored; each
            keeps the epoch that is best for itself. Costs as many trainings; the budget is that of one. Curves and best_epoch
            are means over the members, and the metric single_accuracy is their mean accuracy.
        monitor_images: also look within epochs, after every so many training images, at the first 100 validation rows:
            curves accuracy_by_images and cost_by_images, by the number of images; see `hpsearch.nn.recipe.Monitors`.
        rescale_penalty: l1 and l2 are those for all training rows, and are multiplied by train_size / all, so that each step
            decays weights alike at every size: l2 = 5 for 50,000 rows is 0.1 for 1,000. A ``WeightCost`` needs none of it.
        dtype: ``"float32"``, or ``"float64"`` at about twice the time.
        engine: ``"auto"`` trains with numba where it is installed (``hpsearch[fast]``), ``"numpy"`` never does, ``"numba"``
            refuses to start without it. Trainings that the compiled loop does not know, or that NumPy does faster, run on
            NumPy all the same (see `hpsearch.nn.engines.select`). Both agree but for rounding; the study records which it was.
    Raises:
        SettingError: for a setting of wrong type or out of range.

    Metrics of the outcome: best_validation_accuracy, best_validation_cost and best_epoch (counted from 1), all of the kept
    epoch, and epochs (done). Curves: training_cost, validation_cost, validation_accuracy, learning_rate; and, of the untrained
    network alone, first_contrast (see `hpsearch.nn.network.Network.contrast`).

    Numbers are told to the network in standard deviations from their mean over the training rows, and costs are half their
    squared errors: 0.5 for guessing the mean. Errors, and the network that is exported, are in your units. In place of the
    accuracy there are best_validation_mse and best_validation_r2 (1 - mse / variance), without curves; rules that watch the
    accuracy watch 1 / (1 + cost).
    """

    data: Dataset
    hidden: int | tuple[int, ...] = (30,)
    activation: str | Activation = "sigmoid"
    cost: str | None = None
    learning_rate: float | None = None
    l2: float | WeightCost = 0.0
    momentum: float = 0.0
    batch_size: int = 10
    schedule: Schedule = field(default=Constant())
    epochs: int = 10
    init: str | Initializer = "scaled"
    stopping: Stopping | None = None
    value: str = "error"
    dtype: str = "float32"
    train_size: int | None = None
    monitor_every: int | None = 1
    l1: float = 0.0
    optimizer: str | Rule = "sgd"
    dropout: float = 0.0
    input_dropout: float = 0.0
    expansion: Expansion | None = None
    averaging: Averaging | None = None
    members: int = 1
    monitor_images: int | None = None
    rescale_penalty: bool = False
    # Neither is part of what the study is: another engine is told as another version would be, not refused. The engine is
    # settled where the study is written, so that the workers do as the study's own process would.
    engine: str = field(default="auto", repr=False)
    _engine: str = field(init=False, repr=False, compare=False)
    # Set where a check has cut the data: sizes meant for all of them are cut likewise.
    _cut: bool = field(default=False, repr=False, compare=False)

    def __repr__(self) -> str:
        shown = [f for f in fields(self) if f.repr and (f.name not in _LATER or getattr(self, f.name) != f.default)]
        return f"TrainNetwork({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in shown)})"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_engine", resolve(self.engine))
        known("value", self.value, tuple(_VALUES))
        known("dtype", self.dtype, DTYPES)
        if not isinstance(self.data, Dataset):
            raise SettingError(
                must_be("TrainNetwork's data", "a Dataset", self.data, "Write data.mnist() or data.arrays(X, y).")
            )
        if self.cost is None:
            object.__setattr__(self, "cost", self._costs[0])
        # The rate may still be missing here; 1.0 stands in for it while the other settings are looked at.
        self.check({"learning_rate": 1.0} if self.learning_rate is None else {})

    @property
    def parameters(self) -> frozenset[str]:
        """The names it accepts as params."""
        return PARAMETERS

    @property
    def required(self) -> frozenset[str]:
        """The names it cannot do without."""
        found = self.learning_rate is not None or is_full_batch(self.optimizer)
        return frozenset() if found else frozenset({"learning_rate"})

    @property
    def measure(self) -> str:
        """What the value is."""
        numbers = self.data.regression and self.value == "error"
        return "validation mean squared error" if numbers else f"validation {self.value}"

    @property
    def ranges(self) -> dict[str, Domain]:
        """First ranges for what a space may leave out where pre-flight checks find the range."""
        return {"learning_rate": preflight.RATES}

    @property
    def facts(self) -> dict[str, str]:
        """What a study records beside the versions: the engine."""
        return {"engine": self._engine}

    def prepare(self) -> None:
        """Load what every trial needs into this process, before the first one."""
        prepare(self._engine, self.dtype)

    def preflight(self, space: Space) -> Preflight:
        """Yield the checks that come before a search; see `hpsearch.objectives.preflight`."""
        return preflight.checks(self, space)

    def check(self, params: Mapping[str, Any]) -> None:
        """Refuse params it could not train with; trains nothing.

        Raises:
            SettingError: naming the param, the constraint, the value and what to do.
        """
        for name in params:
            if name not in PARAMETERS:
                shown = ", ".join(map(repr, sorted(PARAMETERS)))
                advice = f"Take one of these.{did_you_mean(name, PARAMETERS)}"
                raise SettingError(must_be("A param of TrainNetwork", f"one of {shown}", name, advice))
        settings = self._settings(params)
        check_activation(settings["activation"])
        known("cost", settings["cost"], self._costs)
        check_init(settings["init"])
        widths(settings["hidden"])
        whole(1, "1 is a single network, 5 are a usual ensemble.")("members", settings["members"])
        recipe = self._recipe(settings)
        if settings["expansion"] is not None:
            side_of(self.data.features)
        rows = len(self._rows(settings).y)
        if settings["batch_size"] > rows and not recipe.full_batch:
            advice = "Take a smaller mini-batch."
            raise SettingError(must_be("batch_size", f"at most the {rows} training samples", settings["batch_size"], advice))

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train for ``context.budget`` epochs, or all, going on from ``context.state`` where there is one."""
        if context.stage in preflight.CHECKS:
            return preflight.check(self, params, context)
        training = self._train(params, context)
        score, last = training.kept_score, training.history[-1]
        answers = self.answers(params)
        best = answers.metrics(score, self.data.validation)
        metrics = {f"best_validation_{name}": value for name, value in best.items()}
        metrics |= {"best_epoch": float(training.kept_epoch), "epochs": float(last.epoch)}
        if isinstance(training, Committee) and "accuracy" in best:
            metrics["single_accuracy"] = training.single_accuracy
        value = score.cost if self.value == "cost" else answers.error(score)
        return Outcome(value, metrics, context.history, state=reporting.state(training, context))

    def network(self, params: Params, context: Context) -> Network | Ensemble:
        """Return what a trial keeps: from ``context.state``, or trained again from the seed to the same bits."""
        return self.answers(params).unfold(self._train(params, context).kept)

    def test(self, params: Params, context: Context, part: Part) -> dict[str, float]:
        """Score the kept network of a trial on a part: test_accuracy, or test_mse and test_r2; test_error and test_cost."""
        answers = self.answers(params)
        score = self._train(params, context).kept.score(*answers.rows(part))
        scores = {f"test_{name}": value for name, value in answers.metrics(score, part).items()}
        return {**scores, "test_error": answers.error(score)}

    def answers(self, params: Params) -> Answers:
        """Return what answers mean in a trial: those of the rows it trains on give numbers their units."""
        return Numbers.of(self._rows(self._settings(params)).y) if self.data.regression else Classes()

    def export(self, params: Params, context: Context) -> Exported:
        """Return what a trial keeps as plain data; its labels are the data set's class names, or the numbers."""
        network, rows = self.network(params, context), self.data.validation.x[:2]
        labels = list(self.data.class_names or range(self.data.classes))
        told, weights = as_data(network)
        return Exported(told | {"data": repr(self.data), "labels": labels}, weights, rows, network.forward(rows))

    def shrunk(self, train: int = 500, validation: int | None = 200) -> TrainNetwork:
        """Return the same objective on at most so many rows of each part; sizes and mini-batches beyond them are cut too."""
        rows = None if validation is None else min(validation, len(self.data.validation))
        return replace(self, data=self.data.head(min(train, len(self.data.train)), rows), _cut=True)

    def _train(self, params: Params, context: Context) -> Training | Committee:
        training = self._begin(params, context.rng)
        reporting.run(training, context, self.data.train.x)
        return training

    def _begin(self, params: Params, rng: np.random.Generator) -> Training | Committee:
        members = self._settings(params)["members"]
        if members == 1:
            return self._start(params, rng)
        validation = self.answers(params).rows(self.data.validation)
        return Committee([self._start(params, one) for one in rng.spawn(members)], validation)

    def _start(self, params: Params, rng: np.random.Generator) -> Training:
        self.check(params)
        settings = self._settings(params)
        train, validation = self._rows(settings), self.data.validation
        sizes = (train.x.shape[1], *widths(settings["hidden"]), self.data.classes or 1)
        named = {name: settings[name] for name in ("activation", "cost", "init")}
        network = Network.create(sizes, rng, **named, dtype=self.dtype)
        rows = self.answers(params).rows
        return Training(network, rows(train), self._recipe(settings), rng, rows(validation))

    @property
    def _costs(self) -> tuple[str, ...]:
        """The costs that go with the data, the usual one first."""
        return FOR_NUMBERS if self.data.regression else FOR_CLASSES

    def _rows(self, settings: Mapping[str, Any]) -> Part:
        """Return the rows to train on."""
        size, train = settings["train_size"], self.data.train
        if size is None:
            return train
        return train.head(integer("train_size", size, 1, "Leave it out for all rows.", most=len(train)))

    def _settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        settings = {name: getattr(self, name) for name in PARAMETERS} | dict(params)
        if settings["learning_rate"] is None and is_full_batch(settings["optimizer"]):
            settings["learning_rate"] = 1.0
        for name in ("train_size", "batch_size") if self._cut else ():
            settings[name] = min(settings[name], len(self.data.train)) if isinstance(settings[name], int) else settings[name]
        return settings

    def _recipe(self, settings: Mapping[str, Any]) -> Recipe:
        keep = _VALUES["cost" if self.data.regression else self.value]
        monitors = Monitors(every=self.monitor_every, images=self.monitor_images)
        recipe = Recipe(**{name: settings[name] for name in _RECIPE}, keep=keep, monitors=monitors, engine=self._engine)
        if not self.rescale_penalty:
            return recipe
        share = len(self._rows(settings)) / len(self.data.train)
        l2 = recipe.l2 if isinstance(recipe.l2, WeightCost) else recipe.l2 * share
        return replace(recipe, l2=l2, l1=recipe.l1 * share)


_FIXED = {"data", "value", "dtype", "monitor_every", "monitor_images", "rescale_penalty", "engine", "_engine", "_cut"}
PARAMETERS = frozenset(f.name for f in fields(TrainNetwork)) - _FIXED
_RECIPE = frozenset(f.name for f in fields(Recipe)) & PARAMETERS
