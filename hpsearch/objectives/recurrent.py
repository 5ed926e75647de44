"""Objective that trains a recurrent network over characters and returns its validation bits per character."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from hpsearch.checks import boolean, integer, number, recorded_repr
from hpsearch.data.texts import TextPart, Texts
from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import DTYPES, known
from hpsearch.nn.optimizers.rules import Rule
from hpsearch.nn.recurrent import batches, sampling, storage
from hpsearch.nn.recurrent.network import TEXT, TRANSLATE, RecurrentNetwork
from hpsearch.nn.recurrent.scoring import score
from hpsearch.nn.recurrent.training import RecurrentRecipe
from hpsearch.nn.schedules import Constant, Schedule
from hpsearch.objectives.estimator import check_names
from hpsearch.objectives.recurrent_trial import RecurrentTrial, activity
from hpsearch.ports import Context, Exported, ObjectiveBase
from hpsearch.space import Space
from hpsearch.trial import Outcome, Params

VALUES = {"bits": "cost", "error": "accuracy"}
_OF_RECIPE = ("learning_rate", "momentum", "batch_size", "window", "epochs", "schedule", "optimizer", "clip")
# The settings that may be params.
PARAMETERS = frozenset({"hidden", "embedding", "first_state", *_OF_RECIPE})
WINDOW = 25
# The file of a unit's activity, which `hpsearch plot NAME unit` draws, and the characters that it covers.
ACTIVITY, _CHARACTERS = "activity.json", 900


@dataclass(frozen=True)
class TrainRNN(ObjectiveBase):
    """Train a recurrent network over characters; the value is its validation cost in bits per character, at the epoch kept.

    The network is an Elman cell, h_t = tanh(W e(x_t) + U h_(t-1) + b), with a softmax above it. On ``data.text`` it predicts
    the next character, and is trained by truncated backpropagation through time; on ``data.sequences`` it predicts the output
    for each input, and is differentiated through the whole of it. See `hpsearch.nn.recurrent`.

    Each setting can be fixed here or searched: a param of the same name takes precedence. Never params are ``data``, ``value``,
    ``dtype`` and those of the samples.

    Args:
        data: training and validation texts, such as ``data.text("book.txt")`` or ``data.tale()``; the test part stays sealed.
        hidden: H, units of the cell; with an encoder, of either cell.
        embedding: numbers that stand for a character and are learnt; None for one-hot characters.
        window: steps that the gradient goes back in a text, at most the length of a stream; None is 25. The state is carried
            from window to window. Sequences have none.
        learning_rate: eta > 0; None requires it as a param. 0.002 is usual with ``"adam"``.
        optimizer: ``"sgd"``, ``"nesterov"``, ``"rmsprop"`` or ``"adam"``; or a rule such as ``Adam(beta1=0.8)``.
        momentum: mu in [0, 1), of ``"sgd"`` and ``"nesterov"``.
        clip: the largest norm of the gradient of a step, which is scaled down to it; None does not clip.
        batch_size: streams of the text that are read side by side, or sequences in a step.
        schedule: of the learning rate, over all ``epochs`` even if a smaller budget ends the trial earlier.
        epochs: passes over the training text at most.
        first_state: whether the state before the first character is learnt; it is 0 otherwise. Not with an encoder.
        value: ``"bits"``, which keeps the epoch of fewest bits per character, or ``"error"``, 1 - accuracy, which keeps the
            epoch of best accuracy. The accuracy is the share of next characters that are right; of sequences, of outputs that
            are wholly right.
        dtype: ``"float32"`` or ``"float64"``.
        sample_length: characters of each sample; 0 keeps none.
        temperature: of the samples, see `hpsearch.nn.recurrent.sample`.
    Raises:
        SettingError: for a setting of wrong type or out of range, or a text that is too short for the window.

    Metrics of the outcome: best_validation_cost (bits per character), best_validation_accuracy and best_epoch, of the kept
    epoch, and epochs (done). Curves: training_cost, validation_cost, validation_accuracy, learning_rate, costs in bits.
    Artifacts, of a text: samples at five stages, before the first epoch and after an eighth, a quarter, a half and all of
    ``epochs``, as ``sample-epoch-0010.txt``; and ``activity.json``, what one unit of the kept network does over the beginning
    of the validation text: the one that changes most slowly. `hpsearch plot NAME unit` draws it.
    """

    data: Texts
    hidden: int = 100
    embedding: int | None = None
    window: int | None = None
    learning_rate: float | None = None
    optimizer: str | Rule = "adam"
    momentum: float = 0.0
    clip: float | None = 5.0
    batch_size: int = 32
    schedule: Schedule = field(default=Constant())
    epochs: int = 10
    first_state: bool = False
    value: str = "bits"
    dtype: str = "float32"
    sample_length: int = 300
    temperature: float = 1.0
    # Whether the data set is a small part: then sizes that were meant for all of it are cut too.
    _cut: bool = field(default=False, repr=False, compare=False)

    __repr__ = recorded_repr

    def __post_init__(self) -> None:
        if not isinstance(self.data, Texts):
            advice = "Write data.text(TEXT) or data.sequences(inputs, outputs, task)."
            raise SettingError(must_be("TrainRNN's data", "texts", self.data, advice))
        known("value", self.value, tuple(VALUES))
        known("dtype", self.dtype, DTYPES)
        integer("sample_length", self.sample_length, 0, "300 is usual, 0 keeps no samples.")
        number("temperature", self.temperature, 0.0, advice="1.0 draws by the probabilities as they are.")
        self.check({"learning_rate": 1.0} if self.learning_rate is None else {})

    @property
    def parameters(self) -> frozenset[str]:
        """The names it accepts as params."""
        return PARAMETERS

    @property
    def required(self) -> frozenset[str]:
        """The names that must be searched, since they are not fixed."""
        return frozenset() if self.learning_rate is not None else frozenset({"learning_rate"})

    @property
    def curves(self) -> Collection[str]:
        """The curves that a trial reports while it runs."""
        return ("learning_rate", "training_cost", "validation_cost", "validation_accuracy")

    def idle_settings(self, space: Space) -> list[str]:
        """Return a sentence for each setting of the samples that has no effect."""
        defaults = {one.name: one.default for one in fields(self)}
        changed = [name for name in ("sample_length", "temperature") if getattr(self, name) != defaults[name]]
        if self.data.task != TEXT:
            return [f"{name} has no effect: only a long text has samples." for name in changed]
        idle = self.sample_length == 0 and "temperature" in changed
        return ["temperature has no effect: sample_length is 0."] if idle else []

    @property
    def measure(self) -> str:
        """What the value is."""
        if self.value == "bits":
            return "validation bits per character"
        return "validation error of characters" if self.data.task == TEXT else "validation error of outputs"

    @property
    def greater_is_better(self) -> bool:
        """Whether larger values are better: no."""
        return False

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise for params that it could not train with; trains nothing."""
        self._resolve(params)

    def _resolve(self, params: Mapping[str, Any]) -> tuple[dict[str, Any], RecurrentRecipe]:
        """Return all settings of a trial, and the recipe of its training."""
        check_names("TrainRNN", params, PARAMETERS)
        found = {name: getattr(self, name) for name in PARAMETERS} | dict(params)
        integer("hidden", found["hidden"], 1, "100 is usual.")
        if found["embedding"] is not None:
            integer("embedding", found["embedding"], 1, "16 is usual.", other="None for one-hot characters")
        boolean("first_state", found["first_state"], "True learns the state before the first character.")
        if found["first_state"] and self.data.task == TRANSLATE:
            advice = "The decoder begins with the last state of the encoder."
            raise SettingError(must_be("first_state", f"False for task {TRANSLATE!r}", True, advice))
        return found, self._recipe(found)

    def _recipe(self, found: Mapping[str, Any]) -> RecurrentRecipe:
        asked = {name: found[name] for name in _OF_RECIPE}
        is_text, size = self.data.task == TEXT, len(self.data.train)
        if asked["window"] is not None and not is_text:
            advice = "Leave it out: sequences are differentiated whole."
            raise SettingError(must_be("window", f"None for task {self.data.task!r}", asked["window"], advice))
        asked["window"] = WINDOW if asked["window"] is None else asked["window"]
        if self._cut:
            asked = _cut_sizes(asked, size, is_text)
        recipe = RecurrentRecipe(**asked, keep=VALUES[self.value])
        if is_text:
            batches.check_window(recipe.window, recipe.batch_size, size)
        elif recipe.batch_size > size:
            what = f"at most the {size} training sequences"
            raise SettingError(must_be("batch_size", what, recipe.batch_size, "Take a smaller one."))
        return recipe

    def __call__(self, params: Params, context: Context) -> Outcome:
        """Train for ``context.budget`` epochs, or all, from ``context.state`` where there is one."""
        trained = self._trial(params, context)
        trained.run()
        training = trained.training
        cost, accuracy = training.kept_score
        metrics = {"best_validation_cost": float(cost), "best_validation_accuracy": float(accuracy)}
        metrics |= {"best_epoch": float(training.kept_epoch), "epochs": float(len(training.history))}
        value = float(cost) if self.value == "bits" else 1.0 - float(accuracy)
        artifacts = {f"sample-epoch-{epoch:04d}.txt": text.encode() for epoch, text in trained.samples.items()}
        if self.data.task == TEXT:
            artifacts[ACTIVITY] = activity(training.kept, self.data.validation.inputs[0][:_CHARACTERS])
        state = trained.state()
        return Outcome(value, metrics, context.history, artifacts, state=state, times=context.times)

    def _trial(self, params: Params, context: Context) -> RecurrentTrial:
        found, recipe = self._resolve(params)
        settings = {name: found[name] for name in ("hidden", "embedding", "first_state")} | {"dtype": self.dtype}
        return RecurrentTrial(self.data, settings, recipe, context, (self.sample_length, self.temperature))

    def network(self, params: Params, context: Context) -> RecurrentNetwork:
        """Return what a trial keeps: from ``context.state``, or trained again from the seed to the same bits."""
        trained = self._trial(params, context)
        trained.run()
        return trained.training.kept

    def test(self, params: Params, context: Context, part: TextPart) -> dict[str, float]:
        """Score the kept network of a trial on a part: test_cost, in bits per character, and test_accuracy."""
        found = score(self.network(params, context), part.inputs, part.outputs)
        return {"test_cost": float(found.cost), "test_accuracy": float(found.accuracy), "test_error": 1 - float(found.accuracy)}

    def export(self, params: Params, context: Context) -> Exported:
        """Return what a trial keeps as plain data; its example are two texts, as the exported model reads them."""
        import pandas  # MLflow, which takes the example, brings it

        network = self.network(params, context)
        description, arrays = storage.as_data(network)
        given = self.data.validation.inputs
        example = [given[0][:20], given[0][:10]] if network.task == TEXT else [given[0], given[-1]]
        outputs = sampling.probabilities(network, example)
        told = {"data": repr(self.data), "inputs": [{"name": "text"}]}
        return Exported(description | told, arrays, pandas.DataFrame({"text": example}), outputs)

    def shrunk(self) -> TrainRNN:
        """Return the same objective on at most 5,000 characters or 500 sequences; sizes beyond them are cut too."""
        sizes = (5000, 1000) if self.data.task == TEXT else (500, 200)
        return replace(self, data=self.data.at_most(*sizes), _cut=True)


def _cut_sizes(asked: dict[str, Any], size: int, is_text: bool) -> dict[str, Any]:
    """Return batch size and window that fit a small part."""
    for name in ("batch_size", "window"):
        RecurrentRecipe.CHECKS[name](name, asked[name])
    streams = min(asked["batch_size"], max((size - 1) // 10, 1) if is_text else size)
    return {**asked, "batch_size": streams, "window": min(asked["window"], max((size - 1) // streams, 1))}
