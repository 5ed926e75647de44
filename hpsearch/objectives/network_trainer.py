"""Training plan of a network: the params of a trial resolved once, and what trains, scores and exports by it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.checks import boolean, integer, number
from hpsearch.data import Dataset, Part
from hpsearch.data.encoding import Encoded, balanced_weights, example_rows
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.activations import ACTIVATIONS, check_activation
from hpsearch.nn.arrays import known
from hpsearch.nn.augment import check_inputs
from hpsearch.nn.costs import WITHOUT_PROBABILITIES
from hpsearch.nn.engines.base import Rows
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.initializers import check_init
from hpsearch.nn.network import Network, Score
from hpsearch.nn.optimizers.full_batch import is_full_batch
from hpsearch.nn.plain_data import AnyNetwork, as_data
from hpsearch.nn.recipe import Monitors, Recipe, check_layers
from hpsearch.nn.regularizers import WeightCost
from hpsearch.nn.saved_network import SavedNetwork
from hpsearch.nn.settings import whole, widths
from hpsearch.nn.soft_targets import check_smoothing, check_soft_targets
from hpsearch.nn.start import Start
from hpsearch.nn.table_network import TableNetwork
from hpsearch.nn.training.committee import Committee
from hpsearch.nn.training.layer_state import spread_rows
from hpsearch.nn.training.training import Training
from hpsearch.objectives import reporting
from hpsearch.objectives.scoring import Scoring, labelled, labels_of, response_methods
from hpsearch.objectives.targets import Targets, costs_for, targets_for
from hpsearch.ports import Context, Exported, Predictions
from hpsearch.trial import Outcome

# What the value may be, and the score that the kept epoch is best in.
VALUES = {"error": "accuracy", "cost": "cost"}
_OF_RECIPE = frozenset(item.name for item in fields(Recipe)) - {"keep", "monitors", "engine"}
# The settings that may be params.
PARAMETERS = _OF_RECIPE | {
    "hidden",
    "activation",
    "cost",
    "init",
    "train_size",
    "members",
    "members_vote",
    "class_weight",
    "classes",
    "new_layers",
}


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """One training, resolved: what is trained on which rows, by which recipe, and how it is scored.

    `dataclasses.replace` with other ``data`` or ``settings`` resolves the plan anew.

    Args:
        data: training and validation parts.
        settings: a value for each of `PARAMETERS`; one of another name raises.
        value: what a search minimises, ``"error"`` or ``"cost"``.
        dtype: of the network.
        monitors: the curves to record.
        rescale_penalty: whether l1 and l2 are those for all training rows.
        engine: of the recipe.
        cut: whether the data set was shrunk: then sizes meant for all rows are at most what is left.
        encoded: the encoding of the rows, where ``data`` holds encoded ones; None where they are taken as they are.
        source: the data set as the user has it, for the example of an exported network; None is ``data``.
        scoring: what a search minimises or maximises instead of ``value``.
        sampled: the number of training rows that are scored beside the validation rows; 0 for none.
        reference_batch_size: the mini-batch that the learning rate is meant for; None takes the rate as it is.
        trained: the network whose layers are the first ones; None begins anew.
    Raises:
        SettingError: for a setting that it could not train with; names the setting, the constraint, the value and what to do.

    ``rows`` are those to train on, ``sizes`` the width of every layer, ``targets`` the encoding of classes or numbers,
    ``layers_taken`` how many layers, from the lowest up, begin as those of a trained network.
    """

    data: Dataset
    settings: Mapping[str, Any]
    value: str = "error"
    dtype: str = "float32"
    monitors: Monitors = field(default=Monitors())
    rescale_penalty: bool = False
    engine: str = "numpy"
    cut: bool = False
    encoded: Encoded | None = None
    source: Dataset | None = None
    scoring: Scoring | None = None
    sampled: int = 0
    reference_batch_size: int | None = None
    trained: SavedNetwork | None = None
    rows: Part = field(init=False)
    sizes: tuple[int, ...] = field(init=False)
    recipe: Recipe = field(init=False)
    targets: Targets = field(init=False)
    layers_taken: int = field(init=False)

    def __post_init__(self) -> None:
        _check_names(self.settings)
        if reduced := self.settings["classes"] is not None:
            object.__setattr__(self, "data", of_classes(self.data, self.settings["classes"]))
        settings = _completed(self.settings, len(self.data.train) if self.cut or reduced else None)
        _check_network(settings, self.data)
        _check_probabilities(settings["cost"], self.scoring)
        rows = _training_rows(self.data.train, settings["train_size"])
        weights = training_weights(rows, settings["class_weight"], self.data)
        rows = rows if weights is None else replace(rows, weights=weights)
        recipe = self._recipe(settings, len(rows) / len(self.data.train))
        check_inputs(settings["expansion"], self.data.features)
        if settings["batch_size"] > len(rows) and not recipe.full_batch:
            most, advice = f"at most the {len(rows)} training samples", "Take a smaller mini-batch."
            raise SettingError(must_be("batch_size", most, settings["batch_size"], advice))
        sizes = (self.data.features, *widths(settings["hidden"]), self.data.outputs)
        resolved = {"settings": settings, "rows": rows, "sizes": sizes, "recipe": recipe}
        for name, value in (resolved | {"targets": targets_for(self.data, rows)}).items():
            object.__setattr__(self, name, value)
        check_layers(recipe, len(sizes) - 1)
        object.__setattr__(self, "layers_taken", self._layers_taken())

    def _recipe(self, settings: Mapping[str, Any], share: float) -> Recipe:
        """Return the recipe; ``share`` is that of the training rows that are used."""
        asked = {name: settings[name] for name in _OF_RECIPE}
        if self.reference_batch_size is not None:
            asked["learning_rate"] = self._scaled_rate(asked)
        if self.rescale_penalty:
            for name in ("l1", "l2"):
                Recipe.CHECKS[name](name, asked[name])
                asked[name] = asked[name] if isinstance(asked[name], WeightCost) else asked[name] * share
        keep = VALUES["cost" if self.data.regression else self.value]
        return Recipe(**asked, keep=keep, monitors=self.monitors, engine=self.engine)

    def _scaled_rate(self, settings: Mapping[str, Any]) -> float:
        """Return the rate for this batch size, in proportion to that of the reference."""
        reference = integer("reference_batch_size", self.reference_batch_size, 1, "10 is usual.", other="None")
        if is_full_batch(settings["optimizer"]):
            advice = "A line search finds every step."
            raise SettingError(must_be("reference_batch_size", f"left out with {settings['optimizer']!r}", reference, advice))
        for name in ("learning_rate", "batch_size"):
            Recipe.CHECKS[name](name, settings[name])
        return float(settings["learning_rate"]) * int(settings["batch_size"]) / reference

    @property
    def members(self) -> int:
        """The number of networks whose mean output is scored."""
        return int(self.settings["members"])

    def changed(self, train_rows: int | None = None, **settings: Any) -> TrainingPlan:
        """Return the plan with other settings, and on at most the first ``train_rows`` rows of the training part."""
        data = self.data if train_rows is None else self.data.at_most(train_rows)
        return replace(self, data=data, settings={**self.settings, **settings}, cut=self.cut or train_rows is not None)

    def start(self, rng: np.random.Generator) -> Training:
        """Return the training of a single network, before its first epoch."""
        named = {name: self.settings[name] for name in ("activation", "cost", "init")}
        network = Network.create(self.sizes, rng, **named, dtype=self.dtype)
        network = network if self._begun is None else self._begun.begin(network)
        return Training(network, self.targets.encode(self.rows), self.recipe, rng, self.validation, self.sample)

    def _layers_taken(self) -> int:
        """Return how many layers begin as those of a trained network, or raise where they do not fit."""
        begun, activation = self._begun, self.settings["activation"]
        if begun is None:
            return 0
        begun.check_recipe(self.recipe)
        return begun.layers(self.sizes, ACTIVATIONS[activation] if isinstance(activation, str) else activation)

    @property
    def _begun(self) -> Start | None:
        return Start.of(self.trained, self.settings["new_layers"], same_outputs=not self.data.regression)

    def begin(self, rng: np.random.Generator) -> Training | Committee:
        """Return the training of all members, before its first epoch."""
        if self.members == 1:
            return self.start(rng)
        vote = self.settings["members_vote"]
        return Committee([self.start(one) for one in rng.spawn(self.members)], self.validation, vote)

    @property
    def validation(self) -> Rows:
        """Inputs and targets of the validation part, as the training takes them."""
        return self.targets.encode(self.data.validation)

    @property
    def sample(self) -> Rows | None:
        """Inputs and targets of the training rows that are scored, evenly spread over all; None where there are none.

        They are a view, and rows count as in the validation part: without what ``class_weight`` adds.
        """
        if not self.sampled:
            return None
        return spread_rows(self.targets.encode(self.data.train.head(len(self.rows))), self.sampled)

    def value_of(self, score: Score, network: Network | Ensemble) -> float:
        """Return what a search minimises, of a network with this score on the validation data."""
        return score.cost if self.value == "cost" else self.targets.error(score, self.data.validation, network)


def run(plan: TrainingPlan, context: Context) -> Outcome:
    """Train for ``context.budget`` epochs, or all, from ``context.state`` where there is one, and return the outcome."""
    began = time.perf_counter()
    training = _train(plan, context)
    seconds = time.perf_counter() - began
    score = training.kept_score
    best = plan.targets.metrics(score, plan.data.validation, training.kept)
    metrics = {f"best_validation_{name}": value for name, value in best.items()}
    metrics |= {"best_epoch": float(training.kept_epoch), "epochs": float(training.history[-1].epoch)}
    if isinstance(training, Committee) and not plan.data.regression:
        metrics["single_accuracy"] = training.single_accuracy
    value = plan.value_of(score, training.kept)
    if plan.scoring is not None:
        scores = _scores(plan, plan.scoring, training, plan.data.validation, seconds)
        value, metrics = scores[plan.scoring.decides], metrics | plan.scoring.metrics("best_validation", scores)
    return Outcome(value, metrics, context.history, state=reporting.state(training, context), times=context.times)


def kept_network(plan: TrainingPlan, context: Context) -> AnyNetwork:
    """Return what a trial keeps, in the user's units: from ``context.state``, or trained again to the same bits."""
    network = plan.targets.decode(_train(plan, context).kept)
    return network if plan.encoded is None else TableNetwork(network, plan.encoded.inputs, plan.data.labels)


def scores_on(plan: TrainingPlan, context: Context, part: Part) -> dict[str, float]:
    """Return the scores of what a trial keeps on a part, by the names they are recorded under."""
    part = part if plan.settings["classes"] is None else part.only(range(plan.data.classes))
    rows = _as_trained(plan, part)
    training = _train(plan, context)
    kept = training.kept
    score = kept.score(*plan.targets.encode(rows))
    scores = {f"test_{name}": value for name, value in plan.targets.metrics(score, rows, kept).items()}
    scores["test_error"] = plan.targets.error(score, rows, kept)
    if plan.scoring is not None:
        found = plan.scoring.metrics("test", _scores(plan, plan.scoring, training, rows, 0.0))
        scores |= {name: value for name, value in found.items() if name not in plan.scoring.timed}
    return scores


def _as_trained(plan: TrainingPlan, part: Part) -> Part:
    """Return a part with its rows as the training takes them."""
    if plan.encoded is not None:
        return plan.encoded.encode(part)
    return part.as_float32() if plan.dtype == "float32" else part


def _scores(
    plan: TrainingPlan, scoring: Scoring, training: Training | Committee, part: Part, seconds: float
) -> dict[str, float]:
    """Return the scores of what is kept on a part, whose rows are as the training takes them."""
    from hpsearch.objectives.fitted import as_estimator, with_labels

    labels = labels_of(plan.data)
    kept = as_estimator(plan.targets.decode(training.kept), plan.data.regression)
    return scoring.scores(with_labels(kept, labels), part, labelled(part.y, labels), seconds)


def exported(plan: TrainingPlan, context: Context) -> Exported:
    """Return what a trial keeps as plain data, with two validation rows as its example."""
    network, data = kept_network(plan, context), plan.data
    labels = list((data.labels if plan.encoded is not None else data.class_names) or range(data.classes))
    architecture, weights = as_data(network)
    rows = example_rows((plan.source or data).validation) if plan.encoded is not None else data.validation.x[:2]
    return Exported(architecture | {"data": repr(data), "labels": labels}, weights, rows, network.forward(rows))


def predictions(plan: TrainingPlan, context: Context) -> Predictions:
    """Return what a trial keeps predicts for the validation part."""
    from hpsearch.objectives.fitted import as_estimator, predict_part

    # The rows are as the training takes them; what is exported takes those of a table as the user has them.
    kept = as_estimator(plan.targets.decode(_train(plan, context).kept), plan.data.regression)
    return predict_part(kept, plan.data, plan.data.validation)


def _train(plan: TrainingPlan, context: Context) -> Training | Committee:
    training = plan.begin(context.rng)
    reporting.run(training, context, None if plan.layers_taken else plan.data.train.x)
    return training


def _check_names(settings: Mapping[str, Any]) -> None:
    for name in settings:
        if name not in PARAMETERS:
            known("A param of TrainNetwork", name, tuple(sorted(PARAMETERS)))


def _completed(settings: Mapping[str, Any], rows: int | None) -> dict[str, Any]:
    """Return the settings with a rate for methods that need none, and sizes of at most ``rows`` where that is given."""
    full = dict(settings)
    if full["learning_rate"] is None and is_full_batch(full["optimizer"]):
        full["learning_rate"] = 1.0
    for name in ("train_size", "batch_size") if rows is not None else ():
        full[name] = min(full[name], rows) if isinstance(full[name], int) else full[name]
    return full


def _check_network(settings: Mapping[str, Any], data: Dataset) -> None:
    check_activation(settings["activation"])
    known("cost", settings["cost"], costs_for(data))
    check_smoothing(settings["smoothing"], settings["cost"], data.regression)
    for part in (data.train, data.validation):
        if part.probabilities is not None:
            check_soft_targets(part.probabilities, len(part), data.classes, settings["cost"])
    check_init(settings["init"])
    widths(settings["hidden"])
    whole(1, "1 is a single network, 5 are a usual ensemble.")("members", settings["members"])
    boolean("members_vote", settings["members_vote"], "True lets each member have one vote.")
    if settings["members_vote"] and data.regression:
        advice = "The mean of the members is predicted."
        raise SettingError(must_be("members_vote", "False where numbers are predicted", True, advice))


def _check_probabilities(cost: str, scoring: Scoring | None) -> None:
    """Raise for scores of probabilities where the outputs are none."""
    if scoring is None or cost not in WITHOUT_PROBABILITIES:
        return
    for name, scorer in scoring.scorers.items():
        if response_methods(scorer) == ("predict_proba",):
            advice = "Take 'log_likelihood', or a scorer of predictions."
            raise SettingError(must_be(f"cost with scoring {name!r}", "one whose outputs are probabilities", cost, advice))


def of_classes(data: Dataset, count: Any) -> Dataset:
    """Return the training and validation rows of the first so many classes; made once and kept with the data set.

    Raises:
        SettingError: for another number than 2 to all, and for data without classes.
    """
    if data.regression:
        advice = "Leave it out: these data have numbers to predict."
        raise SettingError(must_be("classes", "used with data that have classes", count, advice))
    integer("classes", count, 2, "Leave it out for all.", most=data.classes)
    kept: dict[int, Dataset] = data.__dict__.setdefault("_of_classes", {data.classes: data})
    if count not in kept:
        kept[count] = replace(data, test=None).only(range(count))
    return kept[count]


def training_weights(rows: Part, class_weight: Any, data: Dataset) -> NDArray[np.float64] | None:
    """Return how much each row counts in the training, with mean 1; None where all count alike.

    Raises:
        SettingError: for another class weight than None, ``"balanced"`` and a dict of a weight per label.
    """
    if class_weight is None and rows.weights is None:
        return None
    weights = np.ones(len(rows)) if rows.weights is None else rows.weights
    if class_weight is not None:
        weights = weights * _by_class(rows, class_weight, data)[rows.y]
    if not weights.any():
        advice = "Take more rows, or spread the weights."
        raise SettingError(must_be(f"Weights of the {len(rows)} training rows", "above 0 somewhere", 0.0, advice))
    return np.asarray(weights / weights.mean(), np.float64)


def _by_class(rows: Part, class_weight: Any, data: Dataset) -> NDArray[np.float64]:
    """Return the weight of each class."""
    constraint, advice = "None, 'balanced' or a dict of a weight per label", "Write it as in class_weight='balanced'."
    if data.regression:
        raise SettingError(must_be("class_weight", "left out where numbers are predicted", class_weight, "Leave it out."))
    if isinstance(class_weight, str) and class_weight == "balanced":
        return balanced_weights(rows.y, data.classes)
    labels = list(data.labels or data.class_names or range(data.classes))
    if not isinstance(class_weight, Mapping) or not set(class_weight) <= set(labels):
        raise SettingError(must_be("class_weight", constraint, class_weight, advice))
    for label, weight in class_weight.items():
        number(f"class_weight of {label!r}", weight, 0.0, advice="Take 1.0 for a class that counts as usual.")
    found = np.array([float(class_weight.get(label, 1.0)) for label in labels])
    if not found[rows.y].any():
        raise SettingError(must_be("class_weight", "above 0 for some class of the training rows", class_weight, advice))
    return found


def _training_rows(train: Part, size: Any) -> Part:
    if size is None:
        return train
    return train.head(integer("train_size", size, 1, "Leave it out for all rows.", most=len(train)))
