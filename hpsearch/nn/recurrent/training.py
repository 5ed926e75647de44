"""Training of a recurrent network: truncated backpropagation through time, resumable after each epoch to the same bits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import numpy as np

from hpsearch.errors import Diverged, SettingError, must_be
from hpsearch.nn.arrays import Array, known
from hpsearch.nn.network import Network, Score
from hpsearch.nn.optimizers.full_batch import is_full_batch
from hpsearch.nn.optimizers.rules import MOMENTUM, Optimizer, Rule, check_optimizer, rule_of
from hpsearch.nn.recipe import check_rule
from hpsearch.nn.recurrent.batches import check_task, check_window, sequences, some, windows
from hpsearch.nn.recurrent.network import TEXT, RecurrentNetwork
from hpsearch.nn.recurrent.passes import Passes
from hpsearch.nn.recurrent.scoring import BITS, score
from hpsearch.nn.schedules import Constant, Gradual, Schedule
from hpsearch.nn.settings import Check, number, whole
from hpsearch.nn.training import history
from hpsearch.nn.training.checkpoint import generator_from_array, generator_to_array
from hpsearch.nn.training.history import Epoch

# What decides on the epoch that is kept.
KEPT = ("cost", "accuracy")
_KEPT, _TRAINED = "kept_", "trained_"


def _check_clip(what: str, value: object) -> None:
    if value is not None:
        number(0.0, open_low=True, advice="5.0 is usual; None does not clip.")(what, value)


@dataclass(frozen=True)
class RecurrentRecipe:
    """The settings of a training.

    Args:
        learning_rate: eta > 0, of the gradient of the mean cost.
        momentum: mu in [0, 1), of ``"sgd"`` and ``"nesterov"``.
        batch_size: streams of a text, or sequences, in a step.
        window: steps that the gradient goes back in a text; sequences are differentiated whole.
        epochs: what the schedule spans; a training may be run for fewer and resumed later.
        schedule: of the learning rate, see `hpsearch.nn.schedules`; rules that watch the accuracy watch 1 / (1 + cost).
        optimizer: a name or a rule of `hpsearch.nn.optimizers`, but for the full-batch methods.
        clip: the largest norm of the whole gradient, which is scaled down to it; None does not clip.
        keep: the epoch that is kept is the one of lowest ``"cost"``, or of best ``"accuracy"``.
    Raises:
        SettingError: for a wrong type or a value out of range.
    """

    learning_rate: float
    momentum: float = 0.0
    batch_size: int = 32
    window: int = 25
    epochs: int = 10
    schedule: Schedule = field(default=Constant())
    optimizer: str | Rule = "adam"
    clip: float | None = 5.0
    keep: str = "cost"

    CHECKS: ClassVar[dict[str, Check]] = {
        "learning_rate": number(0.0, open_low=True, advice="Try 0.002 with 'adam'."),
        "momentum": MOMENTUM,
        "batch_size": whole(1, "32 is usual."),
        "window": whole(1, "25 is usual."),
        "epochs": whole(1, "Give at least one pass over the training text."),
        "clip": _check_clip,
    }

    def __post_init__(self) -> None:
        for name, check in self.CHECKS.items():
            check(name, getattr(self, name))
        check_optimizer(self.optimizer, self.momentum)
        if is_full_batch(self.optimizer):
            advice = "Its steps need the whole text at once. 'adam' is usual."
            raise SettingError(must_be("optimizer", "'sgd', 'nesterov', 'rmsprop' or 'adam'", self.optimizer, advice))
        known("keep", self.keep, KEPT)
        check_rule("schedule", self.schedule, "multiplier", "Constant(), Step(...) or HalveOnPlateau()")


@dataclass(frozen=True)
class Examples:
    """What a network is trained or scored on: one text, or inputs and the output for each."""

    inputs: Sequence[str]
    outputs: Sequence[str] = ()


class RecurrentTraining:
    """The training of one network.

    A text is cut into ``batch_size`` streams of equal length. A step takes one window of each: the gradient goes back to the
    beginning of the window, and the state at its end is carried into the next one. At the beginning of an epoch it is the first
    state. Sequences are shuffled once an epoch, and differentiated whole.

    Args:
        network: trained in place.
        train: texts of its task.
        recipe: the settings.
        rng: shuffles the sequences; nothing else is random here.
        validation: of the same form.
    Raises:
        SettingError: for a text that is too short for the window, or fewer sequences than a batch takes.
        DataError: for texts that do not fit the network's task.

    ``history`` holds one `Epoch` for each epoch done, costs in bits per character; ``kept`` is the network of the best one.
    """

    def __init__(
        self,
        network: RecurrentNetwork,
        train: Examples,
        recipe: RecurrentRecipe,
        rng: np.random.Generator,
        validation: Examples,
    ) -> None:
        self.network, self.recipe, self.rng = network, recipe, rng
        for part in (train, validation):
            check_task(network.task, part.inputs, part.outputs)
        self.history: list[Epoch] = []
        self.kept, self.kept_epoch, self.kept_score = network.copy(), 0, Score(math.inf, -1.0)
        self.schedule_memory = recipe.schedule.begin()
        self._validation, self._passes = validation, Passes(network)
        if network.task == TEXT:
            self._codes = network.alphabet.encode(train.inputs[0])
            check_window(recipe.window, recipe.batch_size, len(self._codes))
            length = (len(self._codes) - 1) // recipe.batch_size
            self._steps = -(-length // recipe.window)
        else:
            self._batch, rows = sequences(network, train.inputs, train.outputs), len(train.inputs)
            if recipe.batch_size > rows:
                raise SettingError(
                    must_be("batch_size", f"at most the {rows} training sequences", recipe.batch_size, "Take a smaller one.")
                )
            self._steps = -(-rows // recipe.batch_size)
        # The rules read weights and biases of a network and nothing else.
        self.optimizer: Optimizer = rule_of(recipe.optimizer).start(cast(Network, network), 0.0, 0.0, recipe.momentum)
        self._step = _Gradient(network, recipe.clip)

    @property
    def rate(self) -> float:
        """The learning rate that the next epoch begins with; 0 when the schedule has ended the training."""
        return self._rate(0)

    @property
    def finished(self) -> bool:
        """Whether the epochs are used up, or the schedule has ended the training."""
        return len(self.history) >= self.recipe.epochs or self.rate == 0

    def run(self, until: int | None = None) -> Iterator[Epoch]:
        """Train on and yield each epoch as it ends.

        Args:
            until: stop when so many epochs are done in all; None trains to the end of the recipe.
        Raises:
            Diverged: where a cost left the finite numbers.
        """
        last = self.recipe.epochs if until is None else until
        while len(self.history) < last and not self.finished:
            rate = self.rate
            with np.errstate(all="ignore"):  # numbers that are not finite are raised as Diverged
                epoch = self._end(rate, self._epoch())
            self.history.append(epoch)
            yield epoch

    def _rate(self, step: int) -> float:
        """Return the rate of a step of the next epoch, counted from 0."""
        schedule, done = self.recipe.schedule, len(self.history)
        rate = self.recipe.learning_rate * schedule.multiplier(self.schedule_memory, done, self.recipe.epochs)
        return rate * schedule.at(done * self._steps + step + 1) if isinstance(schedule, Gradual) else rate

    def _epoch(self) -> float:
        """Run the steps of an epoch; return the mean of their costs, in bits per character."""
        total, count = 0.0, 0
        for step, (cost, predictions) in enumerate(self._costs()):
            if not math.isfinite(cost):
                raise self._diverged(step, "the cost")
            total, count = total + cost * predictions, count + predictions
        self.optimizer.fold()
        return total / count * BITS

    def _costs(self) -> Iterator[tuple[float, int]]:
        """Run the steps of an epoch, and yield the mean cost of each, and of how many predictions."""
        if self.network.task != TEXT:
            order = self.rng.permutation(self._batch.symbols.shape[1])
            for step in range(self._steps):
                batch = some(self._batch, order[step * self.recipe.batch_size : (step + 1) * self.recipe.batch_size])
                cost, found, _ = self._passes.gradient(batch)
                self._descend(found, step)
                yield cost, int((batch.targets >= 0).sum())
            return
        state = None
        for step, batch in enumerate(windows(self._codes, self.recipe.batch_size, self.recipe.window)):
            cost, found, state = self._passes.gradient(batch, state)
            self._descend(found, step)
            yield cost, batch.symbols.size

    def _descend(self, found: dict[str, Array], step: int) -> None:
        self._step.take(found)
        # An optimizer asks for the gradient of a mini-batch, which is one of the whole network here.
        self.optimizer.step(cast(Any, self._step), cast(Any, None), self._rate(step))

    def _end(self, rate: float, training_cost: float) -> Epoch:
        """Score the epoch, keep its weights if they are the best so far, and inform the schedule."""
        found = score(self.network, self._validation.inputs, self._validation.outputs)
        if not math.isfinite(found.cost):
            raise self._diverged(self._steps - 1, "the validation cost")
        if self._better(found):
            self.kept_epoch, self.kept_score = len(self.history) + 1, found
            for name, array in self.network.arrays.items():
                np.copyto(self.kept.arrays[name], array)
        self.schedule_memory = self.recipe.schedule.after(self.schedule_memory, 1.0 / (1.0 + found.cost))
        return Epoch(len(self.history) + 1, rate, training_cost, found.cost, found.accuracy)

    def _better(self, found: Score) -> bool:
        """Return whether a score beats the kept one; of equal epochs the earlier is kept."""
        if self.recipe.keep == "accuracy":
            return (-found.accuracy, found.cost) < (-self.kept_score.accuracy, self.kept_score.cost)
        return found.cost < self.kept_score.cost

    def _diverged(self, step: int, what: str) -> Diverged:
        where = f"epoch {len(self.history) + 1}, step {step + 1} of {self._steps}"
        return Diverged(f"Training diverged in {where}: {what} is not finite. Lower the learning rate from {self.rate:g}.")

    def state(self) -> dict[str, Array]:
        """Return all that is needed to resume, as copied arrays by name."""
        arrays = {name: array.copy() for name, array in self._in_place().items()}
        arrays["history"] = history.to_array(self.history)
        arrays["schedule"] = np.array(self.schedule_memory, np.float64)
        arrays["kept"] = np.array([self.kept_epoch, *self.kept_score], np.float64)
        arrays["rng"] = generator_to_array(self.rng)
        return arrays

    def restore(self, state: Mapping[str, Array]) -> None:
        """Resume from a state, in this process or another, with the same bits as without the interruption.

        Raises:
            SettingError: if the state belongs to another network or recipe; the training is then as it was.
        """
        targets = self._in_place()
        wanted = {name: (array.shape, array.dtype.name) for name, array in targets.items()}
        found = {name: (state[name].shape, state[name].dtype.name) for name in wanted if name in state}
        if wanted != found or not {"history", "schedule", "kept", "rng"} <= set(state):
            advice = "Train from the start, with the settings that made this state."
            raise SettingError(must_be("State", "of this network and recipe", "another one", advice))
        for name, array in targets.items():
            np.copyto(array, state[name])
        self.history = history.from_array(state["history"])
        self.schedule_memory = tuple(state["schedule"].tolist())
        epoch, cost, accuracy = state["kept"].tolist()
        self.kept_epoch, self.kept_score = int(epoch), Score(cost, accuracy)
        self.rng = generator_from_array(state["rng"])

    def _in_place(self) -> dict[str, Array]:
        """Return the arrays that training writes into, by the name they are saved under."""
        trained = {f"{_TRAINED}{name}": array for name, array in self.network.arrays.items()}
        kept = {f"{_KEPT}{name}": array for name, array in self.kept.arrays.items()}
        return {**trained, **kept, **self.optimizer.arrays}


class _Gradient:
    """The gradient of a step, as an optimizer takes it: of the mean cost, so that its samples are one."""

    samples = 1

    def __init__(self, network: RecurrentNetwork, clip: float | None) -> None:
        named = network.trained.items()
        self._names = [name for name, array in named if array.ndim == 2], [name for name, array in named if array.ndim == 1]
        self._clip, self._by = clip, 1.0
        self._found: dict[str, Array] = {}

    def take(self, found: dict[str, Array]) -> None:
        """Take over the gradient by each array, and find what it is to be multiplied by."""
        self._found, self._by = found, 1.0
        if self._clip is not None:
            norm = math.sqrt(sum(float(np.vdot(found[name], found[name])) for names in self._names for name in names))
            self._by = self._clip / norm if norm > self._clip else 1.0

    def accumulate(self, batch: object, into: Any, keep: float, weights_by: float, biases_by: float) -> None:
        """Set each array of ``into`` to ``keep`` times itself plus a multiple of the gradient."""
        places = [*(weights_t.T for weights_t in into.weights_t), *into.biases]
        for name, place in zip(self._names[0] + self._names[1], places, strict=True):
            by = self._by * (weights_by if place.ndim == 2 else biases_by)
            if keep == 0.0:
                np.multiply(self._found[name], by, place)
            else:
                if keep != 1.0:
                    np.multiply(place, keep, place)
                place += self._found[name] * by
