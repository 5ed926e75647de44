"""Objective that trains a small, fully connected network and returns its validation error."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import Any

import numpy as np

from hpsearch.checks import LATER, boolean, integer, recorded_repr, to_python
from hpsearch.data import Dataset, Part
from hpsearch.data.encoding import Encoded, check_plain, encode, reason_to_standardize, say_standardized
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.activations import Activation
from hpsearch.nn.arrays import DTYPES, known
from hpsearch.nn.augment import AnyExpansion, moves_pixels
from hpsearch.nn.averaging import Averaging
from hpsearch.nn.engines.base import NUMBA
from hpsearch.nn.engines.select import prepare, resolve
from hpsearch.nn.initializers import Initializer
from hpsearch.nn.optimizers.full_batch import is_full_batch
from hpsearch.nn.optimizers.rules import Rule
from hpsearch.nn.plain_data import AnyNetwork
from hpsearch.nn.recipe import Monitors
from hpsearch.nn.regularizers import WeightCost
from hpsearch.nn.saved_network import SavedNetwork
from hpsearch.nn.schedules import Constant, Schedule
from hpsearch.nn.settings import widths
from hpsearch.nn.stopping import Stopping
from hpsearch.nn.training.layer_state import ROWS, curve_names
from hpsearch.objectives import network_trainer, preflight
from hpsearch.objectives.idle_settings import idle_settings
from hpsearch.objectives.network_trainer import PARAMETERS, VALUES, TrainingPlan
from hpsearch.objectives.precision import report_merged
from hpsearch.objectives.scoring import Scoring, labels_of, read_scoring
from hpsearch.objectives.targets import costs_for
from hpsearch.objectives.trivial import ScoredTrivialAnswer, TrivialAnswer
from hpsearch.ports import Baseline, Context, Exported, ObjectiveBase, Predictions, Preflight
from hpsearch.space import Domain, Space
from hpsearch.trial import Outcome, Params

# Params that decide how many layers of a trained network are taken.
_LAYERS = {"new_layers", "hidden", "classes"}


@dataclass(frozen=True)
class TrainNetwork(ObjectiveBase):
    """Train a fully connected network; the value is its validation error, 1 - accuracy, at the epoch that was kept.

    On ``data.arrays(X, y, regression=True)`` it predicts numbers with a linear output, and the error is the mean squared error.
    For y of shape (n, q) it predicts q numbers at once, and the error is the mean of theirs.

    Each setting can be fixed here or searched: a param of the same name takes precedence. Never params are ``data``, ``start``,
    ``value``, ``scoring``, ``dtype``, ``standardize``, ``rescale_penalty``, ``reference_batch_size``, ``engine`` and those of
    monitoring.

    Args:
        data: training and validation parts; the test part stays sealed.
        hidden: widths of the hidden layers; a single number is one layer, ``()`` is none.
        activation: of the hidden layers, ``"sigmoid"``, ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"elu"``, ``"maxout"`` or
            ``"linear"``; or a function of `hpsearch.nn.activations` with its setting, such as ``LeakyRelu(leak=0.1)``.
        cost: ``"cross_entropy"`` or ``"quadratic"`` (sigmoid outputs), ``"log_likelihood"`` (softmax outputs),
            ``"hinge"`` (linear outputs, for classes), ``"quadratic_tanh"`` (tanh outputs, with targets of -1 and 1) or
            ``"squared_error"`` (linear outputs); see `hpsearch.nn.costs`. None is cross-entropy for classes, squared error for
            numbers.
        learning_rate: eta > 0; None requires it as a param, where the optimizer has one.
        l2: lambda >= 0, divided by the size of the training set (see `hpsearch.nn.regularizers.L2`), or a ``WeightCost``.
        momentum: mu in [0, 1); of the optimizers, only ``"sgd"`` and ``"nesterov"`` take one.
        batch_size: m, from 1 to the size of the training set.
        schedule: of the learning rate, over all ``epochs`` even if a smaller budget ends the trial earlier.
        epochs: passes over the training data at most.
        init: first weights: ``"scaled"``, ``"large"``, ``"he"``, ``"xavier"`` or ``"glorot"``, or a rule such as
            ``Uniform(scale=0.5)``; see `hpsearch.nn.initializers` for their formulas.
        stopping: a rule that ends the training early, or None.
        value: ``"error"``, which keeps the epoch of best accuracy (for numbers, lowest cost), or ``"cost"``, which keeps the
            epoch of lowest cost and returns that cost (without penalty).
        train_size: train on the first so many rows only; None takes all.
        monitor_every: evaluate on the validation data after every so many epochs and after the last one; None only after the
            last one. Useful for short epochs: scoring 10,000 rows takes as long as training on about 1,000. Curves have these
            epochs only, the kept epoch is one of them, and rules that watch the accuracy count them. A trial resumed from a
            smaller budget equals one trained without a break where that budget is a multiple.
        l1: >= 0, divided by the size of the training set like l2 (see `hpsearch.nn.regularizers.L1`); with l2, the elastic net.
        decay_biases: whether l1 and l2 apply to biases too.
        optimizer: ``"sgd"``, ``"nesterov"``, ``"rmsprop"`` or ``"adam"``; or a rule of `hpsearch.nn.optimizers` with its
            settings, such as ``Adam(beta1=0.8)``. ``"l-bfgs"``, ``"cg"`` and ``"newton-cg"`` use all rows in every step; one
            iteration is an epoch, and learning_rate, batch_size, schedule, l1 and dropout are left out.
        dropout: share of the hidden units that each training step leaves out, in [0, 1); 0.5 is usual. The whole network is
            scored and exported, with nothing left to rescale (see `hpsearch.nn.passes.dropout`).
        input_dropout: the same of the inputs; 0.2 is usual.
        max_norm: c > 0: after every step, the weights into each hidden unit are scaled down to norm c where they are longer
            (see `hpsearch.nn.optimizers.MaxNormSteps`); 2 to 4 are usual, with dropout. None sets no limit.
        batch_norm: whether every hidden layer is normalised over the mini-batch, of two rows at least, and learns a scale and a
            shift (see `hpsearch.nn.layers.BatchNorm` for the formula). A plain network is scored, kept and exported, with the
            running mean and variance folded into its weights and biases. No penalty applies to scale and shift. An epoch takes
            about 2.5 times as long with mini-batches of 10, and 1.2 times with 100.
        expansion: distorts every training row anew in every epoch: ``Affine()`` or ``Elastic()`` of `hpsearch.nn.augment`, for
            square images, or ``Noise()`` for any rows, added after they are standardized; None leaves them as they are. The
            training cost is that of the distorted rows.
        averaging: what is scored, kept and exported instead of the last weights: their ``MovingAverage()`` or
            ``TailAverage()``, or with the schedule `Cyclic` the ``Snapshots()`` of its cycles; see `hpsearch.nn.averaging`.
        members: so many networks are trained, each from other random numbers, and the mean of their outputs is scored; each
            keeps the epoch that is best for itself. Costs as many trainings; the budget is that of one. Curves and best_epoch
            are means over the members, and the metric single_accuracy is their mean accuracy.
        members_vote: whether the class is the one that most members choose, in place of that of the largest mean output; see
            `hpsearch.nn.ensemble.Ensemble`.
        monitor_images: also evaluate within epochs, after every so many training images (at least one mini-batch), on the first
            100 validation rows: curves accuracy_by_images and cost_by_images, by the number of images; see
            `hpsearch.nn.recipe.Monitors`. On MNIST each takes about 0.2 ms, as long as training on 20 to 70 images.
        monitor_training: also score training rows wherever the validation rows are scored: curves training_accuracy and
            sampled_training_cost, to see the gap. True takes as many rows as there are validation rows, a number so many, and
            both at most all; they are evenly spread over the training rows, and always the same. It changes nothing else, and
            takes as long as scoring so many validation rows.
        monitor_iterations: also record the cost of the mini-batches, each before its own step: the curve cost_by_iteration, of
            every one, or means over blocks where there are more than 1,000. It changes nothing else, and takes 3 to 12 % longer
            (up to 20 % with the compiled loop).
        monitor_layers: also measure each layer of the trained network, before the first epoch and wherever the validation rows
            are scored: curves gradient_norm_1, weight_norm_1 and saturated_1 or dead_1 of the first layer, and so on (see
            `hpsearch.nn.training.layer_state`). True takes 500 training rows, evenly spread, a number so many. It changes
            nothing else, and takes 1 to 4 ms each time on MNIST.
        reference_batch_size: learning_rate is meant for mini-batches of so many, and is multiplied by batch_size /
            reference_batch_size: a mini-batch ten times as large takes a step ten times as long. None takes it as it is.
        standardize: whether columns of numbers get mean 0 and deviation 1, texts and categories an input per option, and
            missing values 0 and an input that marks them; all fitted to the training rows and kept with the network, which then
            takes rows as they are. None does so, and says so, for ``data.table``, ``csv``, ``parquet`` and ``arrays`` where a
            column holds texts or gaps, has a mean beyond 10 deviations, or a deviation outside [0.01, 100]; never for images
            that an expansion distorts.
        class_weight: ``"balanced"``, where all classes count alike in training, or a dict of a weight per label; None counts
            rows alike. The weights of rows that the data have are multiplied by it. Of probabilities as targets, a row counts
            for its most probable class.
        rescale_penalty: l1 and l2 are those for all training rows, and are multiplied by train_size / all, so that each step
            decays weights alike at every size: l2 = 5 for 50,000 rows is 0.1 for 1,000. A ``WeightCost`` needs no rescaling.
        dtype: ``"float32"``, or ``"float64"`` at about twice the time. A network of float32 trains on its own copy of rows that
            are float64, and a line in the log says where a column has distinct values that merge.
        engine: ``"auto"`` trains with numba where it is installed (``hpsearch[fast]``), ``"numpy"`` never does, ``"numba"``
            raises without it. Trainings that the compiled loop does not support, or that NumPy does faster, run on NumPy anyway
            (see `hpsearch.nn.engines.select`). Both agree except for rounding; the study records which one it was.
        scoring: what the value is instead, by a scorer of the kept network; ``value`` still says which epoch is kept. As in
            `TuneEstimator`; probabilities are the outputs as shares of their sum, and there are none with
            ``"hinge"`` and ``"quadratic_tanh"``.
        decides: the name of the score that is the value where there are several; the first where left out.
        smoothing: share of each training target that all classes get alike, in [0, 1): of k classes the right one is 1 -
            smoothing (k - 1) / k and the others smoothing / k. 0.1 is usual; for ``"cross_entropy"`` and ``"log_likelihood"``.
            The training cost is that of the smoothed targets, validation costs are of the true ones.
        classes: train and score on the rows of the first so many classes alone, a reduced problem for fast feedback, such as
            two digits of ten (see `hpsearch.strategies.Grow`); None takes all. Sizes beyond their rows are cut.
        start: a trained network, or the path of its file (of `hpsearch.nn.save` or ``hpsearch export NAME best.npz``), whose
            layers are the first ones of every trial. It is read once, here, and belongs to the study by its content, not by
            its path. ``hidden``, ``activation`` and the columns of the data must be those of that network. None begins anew.
        new_layers: so many layers from the top begin with new weights all the same, as many as there are for a training from
            scratch; None is the output layer where the number of classes differs or numbers are predicted, otherwise none.
        freeze: the first so many layers keep their weights and biases to the bit; the output layer is always trained.
        freeze_epochs: for so many epochs only; then all layers are trained: the linear output layer first, then all.
        lower_rate_factor: what the learning rate is multiplied by in all layers below the output layer, in (0, 1]; 0.1 is
            usual with ``start``.
    Raises:
        SettingError: for a setting of wrong type or out of range, or an unknown scorer.

    Metrics of the outcome: best_validation_accuracy, best_validation_cost and best_epoch (counted from 1), all of the kept
    epoch, and epochs (done); with ``scoring`` also best_validation_NAME for each. Curves: training_cost, validation_cost,
    validation_accuracy, learning_rate; what is monitored besides; and, of the untrained network alone,
    first_contrast (see `hpsearch.nn.network.Network.contrast`).

    Numbers are standardised with mean and standard deviation of the training rows, and costs are half their squared errors:
    0.5 for guessing the mean. Errors, and the network that is exported, are in your units. Instead of the accuracy there are
    best_validation_mse and best_validation_r2 (1 - mse / variance), without curves; rules that watch the accuracy watch
    1 / (1 + cost). Of several numbers each is standardised by itself, the cost is the sum of theirs, mse and r2 are means, and
    best_validation_mse_1 and so on are of each.
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
    expansion: AnyExpansion | None = field(default=None, metadata=LATER)
    averaging: Averaging | None = field(default=None, metadata=LATER)
    members: int = field(default=1, metadata=LATER)
    monitor_images: int | None = field(default=None, metadata=LATER)
    rescale_penalty: bool = field(default=False, metadata=LATER)
    standardize: bool | None = field(default=None, metadata={**LATER, "off": False})
    class_weight: Any = field(default=None, metadata=LATER)
    scoring: Any = field(default=None, metadata=LATER)
    monitor_training: bool | int = field(default=False, metadata=LATER)
    classes: int | None = field(default=None, metadata=LATER)
    monitor_iterations: bool = field(default=False, metadata=LATER)
    monitor_layers: bool | int = field(default=False, metadata=LATER)
    reference_batch_size: int | None = field(default=None, metadata=LATER)
    smoothing: float = field(default=0.0, metadata=LATER)
    members_vote: bool = field(default=False, metadata=LATER)
    max_norm: float | None = field(default=None, metadata=LATER)
    decay_biases: bool = field(default=False, metadata=LATER)
    batch_norm: bool = field(default=False, metadata=LATER)
    start: Any = field(default=None, metadata=LATER)
    new_layers: int | None = field(default=None, metadata=LATER)
    freeze: int = field(default=0, metadata=LATER)
    freeze_epochs: int | None = field(default=None, metadata=LATER)
    lower_rate_factor: float = field(default=1.0, metadata=LATER)
    # The engine is a fact of a study, like a version, and no part of its identity. It is chosen where the study is written, so
    # that the workers use the same one.
    engine: str = field(default="auto", repr=False)
    _engine: str = field(init=False, repr=False, compare=False)
    # Whether the data are a small part: then sizes that were meant for all of them are cut too.
    _cut: bool = field(default=False, repr=False, compare=False)
    decides: InitVar[str | None] = field(default=None, kw_only=True)

    __repr__ = recorded_repr

    def __post_init__(self, decides: str | None) -> None:
        object.__setattr__(self, "scoring", read_scoring(self.scoring, decides))
        object.__setattr__(self, "_engine", resolve(self.engine))
        known("value", self.value, tuple(VALUES))
        known("dtype", self.dtype, DTYPES)
        for name in _ROWS_MONITORED:
            object.__setattr__(self, name, _check_monitored(name, getattr(self, name)))
        if not isinstance(self.data, Dataset):
            raise SettingError(
                must_be("TrainNetwork's data", "a Dataset", self.data, "Write data.mnist() or data.arrays(X, y).")
            )
        if self.cost is None:
            object.__setattr__(self, "cost", costs_for(self.data)[0])
        self._decide_standardizing()
        if self.start is not None:
            object.__setattr__(self, "start", SavedNetwork.of("start", self.start))
        # The rate may still be missing here; 1.0 takes its place while the other settings are checked.
        self.check({"learning_rate": 1.0} if self.learning_rate is None else {})
        if self._scoring is not None:
            self._check_scoring(self._scoring)
        if self.dtype == "float32" and self.encoded is None:
            report_merged(self.data)

    def _decide_standardizing(self) -> None:
        """Set `standardize`, so that copies of this objective on parts of the data do as the whole does."""
        undecided = self.standardize is None and not moves_pixels(self.expansion)
        reason = reason_to_standardize(self.data) if undecided else ""
        if reason:
            say_standardized(self.data, reason)
        if self.standardize is None:
            object.__setattr__(self, "standardize", bool(reason))
        boolean("standardize", self.standardize, "Leave it out, and it is decided by the columns.")
        if not self.standardize:
            check_plain(self.data)

    def _check_scoring(self, scoring: Scoring) -> None:
        from hpsearch.objectives.fitted import NetworkClassifier, NetworkRegressor

        kind = NetworkRegressor if self.data.regression else NetworkClassifier
        scoring.check_responses(
            kind, f"a network that predicts {'numbers' if self.data.regression else 'classes'}", self.data.regression
        )

    @property
    def parameters(self) -> frozenset[str]:
        """The names it accepts as params."""
        return PARAMETERS

    @property
    def required(self) -> frozenset[str]:
        """The names that must be searched, since they are not fixed."""
        found = self.learning_rate is not None or is_full_batch(self.optimizer)
        return frozenset() if found else frozenset({"learning_rate"})

    @property
    def encoded(self) -> Encoded | None:
        """The data set with its columns encoded; None where the rows are taken as they are."""
        if not self.standardize and not self.data.train.is_table:
            return None
        return encode(self.data, bool(self.standardize), self.dtype)

    @property
    def source_data(self) -> Dataset:
        """The data set to draw rows from: not encoded yet, since an encoding is fitted to the rows that are drawn."""
        encodes = self.standardize or self.data.train.is_table
        return self.data.as_float32() if self.dtype == "float32" and not encodes else self.data

    @property
    def trained_data(self) -> Dataset:
        """The data set as it is trained on: encoded, or in float32 for a network of float32; made once a data set."""
        return self.source_data if self.encoded is None else self.encoded.data

    @property
    def curves(self) -> tuple[str, ...]:
        """The curves that a trial reports while it runs."""
        epochs = ("learning_rate", "training_cost", "validation_cost", "validation_accuracy")
        names = epochs + (("cost_by_images", "accuracy_by_images") if self.monitor_images else ())
        names += ("sampled_training_cost", "training_accuracy") if self.monitor_training else ()
        names += ("cost_by_iteration",) if self.monitor_iterations else ()
        names += self._curves_of_layers
        return tuple(name for name in names if not (self.data.regression and "accuracy" in name))

    @property
    def measure(self) -> str:
        """What the value is."""
        if self._scoring is not None:
            return f"validation {self._scoring.decides}" if self._scoring.greater_is_better else "fit seconds"
        numbers = self.data.regression and self.value == "error"
        return "validation mean squared error" if numbers else f"validation {self.value}"

    def criterion(self, space: Space) -> str:
        """Return the measure; of a cost with the cost function, or with all of them where the space has several."""
        if self.value != "cost" or self._scoring is not None or self.data.regression:
            return self.measure
        return f"{self.measure} by {space.domains.get('cost') or self.cost or 'cross_entropy'}"

    def idle_settings(self, space: Space) -> list[str]:
        """Return a sentence for each setting that has no effect in any trial, such as max_norm without hidden layers."""
        return idle_settings(self._settings, space, started=self._begins_whole and space.domains.keys().isdisjoint(_LAYERS))

    @property
    def _begins_whole(self) -> bool:
        """Whether all layers begin as those of a trained network, where no param changes them."""
        if self.start is None:
            return False
        plan = self.plan({"learning_rate": 1.0} if self.learning_rate is None else {})
        return plan.layers_taken == len(plan.sizes) - 1

    @property
    def greater_is_better(self) -> bool:
        """Whether larger values are better: of scores, but not of errors and costs."""
        return self._scoring is not None and self._scoring.greater_is_better

    @property
    def timed(self) -> Collection[str]:
        """The metrics that the clock measures."""
        return () if self._scoring is None else self._scoring.timed

    @property
    def _scoring(self) -> Scoring | None:
        found: Scoring | None = self.scoring
        return found

    @property
    def trivial(self) -> TrivialAnswer | ScoredTrivialAnswer | None:
        """The trivial answer for an error or a score; None for a cost, which depends on how sure a network is."""
        if self._scoring is not None:
            return ScoredTrivialAnswer(self._scoring, labels_of(self.data), self.data.regression)
        if self.value != "error":
            return None
        if self.data.regression:
            return TrivialAnswer("mean", lambda y, predicted: float(np.mean((y - predicted) ** 2)))
        return TrivialAnswer("most_frequent", lambda y, predicted: float(np.mean(y != predicted)))

    @property
    def baseline(self) -> Baseline | None:
        """What the trivial answer scores on the validation part."""
        found = self.trivial
        if found is None:
            return None
        data = self.data if self.classes is None else network_trainer.of_classes(self.data, self.classes)
        return found.baseline(data.train.y, data.validation.y, data.validation.weights)

    @property
    def ranges(self) -> dict[str, Domain]:
        """First ranges of params that a space may leave out, where pre-flight checks find the range."""
        return {"learning_rate": preflight.RATES}

    @property
    def facts(self) -> dict[str, str]:
        """The engine, which a study records next to the versions, and what no trial repeats."""
        engine = NUMBA if self._engine == "numba" else self._engine
        return {"engine": engine, **({} if self._scoring is None else self._scoring.facts)}

    def prepare(self) -> None:
        """Load what every trial needs into this process, before the first one runs."""
        prepare(self._engine, self.dtype, self.trained_data.train.dtype)

    def preflight(self, space: Space) -> Preflight:
        """Yield the checks that come before a search; see `hpsearch.objectives.preflight`."""
        return preflight.checks(self._settings, space, started=self.start is not None)

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise for params that it could not train with; trains nothing.

        Raises:
            SettingError: naming the param, the constraint, the value and what to do.
        """
        self.plan(params)

    def plan(self, params: Mapping[str, Any]) -> TrainingPlan:
        """Resolve the params of a trial and the fixed settings.

        Raises:
            SettingError: as `check` does.
        """
        return TrainingPlan(
            self.trained_data,
            self._settings | dict(params),
            value=self.value,
            dtype=self.dtype,
            monitors=self._monitors,
            reference_batch_size=self.reference_batch_size,
            rescale_penalty=self.rescale_penalty,
            engine=self._engine,
            cut=self._cut,
            encoded=self.encoded,
            source=self.data,
            trained=self.start,
            scoring=self._scoring,
            sampled=len(self.data.validation) if self.monitor_training is True else int(self.monitor_training),
        )

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train for ``context.budget`` epochs, or all, from ``context.state`` where there is one."""
        if context.stage in preflight.CHECKS:
            return preflight.check(self.plan(preflight.simplified(params)), context)
        return network_trainer.run(self.plan(params), context)

    def network(self, params: Params, context: Context) -> AnyNetwork:
        """Return what a trial keeps: from ``context.state``, or trained again from the seed to the same bits."""
        return network_trainer.kept_network(self.plan(params), context)

    def test(self, params: Params, context: Context, part: Part) -> dict[str, float]:
        """Score the kept network of a trial on a part: test_accuracy, or test_mse and test_r2; test_error and test_cost.

        With ``scoring`` also ``test_NAME`` for each score.
        """
        return network_trainer.scores_on(self.plan(params), context, part)

    def export(self, params: Params, context: Context) -> Exported:
        """Return what a trial keeps as plain data; its labels are the data set's class names, or the numbers."""
        return network_trainer.exported(self.plan(params), context)

    def predictions(self, params: Params, context: Context) -> Predictions:
        """Return what a trial's kept network predicts for the validation part."""
        return network_trainer.predictions(self.plan(params), context)

    def on_rows(self, rows: int, seed: int) -> TrainNetwork:
        """Return the same objective on a sample of the training rows; sizes beyond them are cut too."""
        if rows == len(self.data.train):
            return self
        return replace(self, data=self.source_data.sample(rows, seed), _cut=True)

    def shrunk(self) -> TrainNetwork:
        """Return the same objective on at most 500 training and 200 validation rows; sizes beyond them are cut too."""
        return replace(self, data=self.data.at_most(500, 200), _cut=True)

    @property
    def _monitors(self) -> Monitors:
        layers = ROWS if self.monitor_layers is True else int(self.monitor_layers)
        return Monitors(
            every=self.monitor_every, images=self.monitor_images, iterations=self.monitor_iterations, layers=layers or None
        )

    @property
    def _curves_of_layers(self) -> tuple[str, ...]:
        """The curves of the layers of the fixed settings; in a search of the layers a trial may have others."""
        if not self.monitor_layers:
            return ()
        activation = self.activation if isinstance(self.activation, str) else self.activation.name
        return tuple(curve_names(activation, len(widths(self.hidden)) + 1))

    @property
    def _settings(self) -> dict[str, Any]:
        """The fixed settings, of which any may be a param instead."""
        return {name: getattr(self, name) for name in PARAMETERS}


# What is monitored on some of the training rows, and the rows that True takes.
_ROWS_MONITORED = {
    "monitor_training": "True takes as many training rows as there are validation rows.",
    "monitor_layers": f"True takes {ROWS} training rows.",
}


def _check_monitored(name: str, value: object) -> bool | int:
    """Return True, False or a number of rows, or raise."""
    plain = to_python(value)
    if plain is True or plain is False:
        return plain
    return integer(name, plain, 1, _ROWS_MONITORED[name], other="True or False")
