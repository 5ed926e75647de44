"""The training loop: epochs over shuffled mini-batches, resumable after each to the same bits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, pairwise, repeat

import numpy as np

from hpsearch.errors import Diverged, SettingError, must_be
from hpsearch.nn import rows
from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.augment import check_inputs
from hpsearch.nn.averaging import Timeline, WeightAverager, check_keeps_statistics, copy_into
from hpsearch.nn.engines.base import ChunkResult, Rows
from hpsearch.nn.engines.select import engine_of
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network, Score
from hpsearch.nn.normalized import NormalizedNetwork
from hpsearch.nn.optimizers.around import TrackingSteps
from hpsearch.nn.optimizers.full_batch import FullBatchSteps
from hpsearch.nn.optimizers.layer_steps import LayerGroup, LayerSteps
from hpsearch.nn.optimizers.max_norm import MaxNormSteps
from hpsearch.nn.optimizers.penalised_biases import PenalisedBiasesSteps
from hpsearch.nn.optimizers.rules import Optimizer, rule_of
from hpsearch.nn.prediction import check_targets, predicts_numbers
from hpsearch.nn.recipe import Monitors, Recipe, check_layers
from hpsearch.nn.regularizers import L1, decay
from hpsearch.nn.schedules import Gradual
from hpsearch.nn.soft_targets import check_smoothing, smooth
from hpsearch.nn.stack import Stack
from hpsearch.nn.training import checkpoint, layer_state
from hpsearch.nn.training.history import Epoch, Evaluation
from hpsearch.nn.training.iterations import Iteration, IterationCosts
from hpsearch.nn.training.layer_state import LayerState

__all__ = ["Epoch", "Monitors", "Recipe", "Training"]
# Where the network is evaluated after every so many images or more, it is at the end of a chunk.
_AT_CHUNKS = 1000


class Training:
    """The training of one network.

    Args:
        network: trained in place; with the recipe's ``batch_norm`` it is left as it is, and what is trained is a
            `hpsearch.nn.normalized.NormalizedNetwork` that begins with its weights.
        train: inputs (n, d), float32 or float64, and class indices (n,), or soft targets (n, k); read only, x never
            copied as a whole. A third array, (n,), says how much each row counts; its mean is 1.
        recipe: its settings.
        rng: shuffles the rows once an epoch, and draws what dropout leaves out and how images are distorted; nothing else
            is random here.
        validation: data of the same form, for the schedule, the stopping rule and the choice of the kept epoch.
        sample: training data of the same form, to score wherever the validation data are scored; nothing depends on that.
    Raises:
        SettingError: if the recipe needs validation data that are not there, a mini-batch exceeds the training data, or the
            layers of a `hpsearch.nn.stack.Stack` are to be monitored.
        DataError: for rows or labels of another shape or kind, or a label that the network has no output for.

    ``history`` holds one `Epoch` for each epoch done, ``kept`` the network of the best one (without validation: the last).
    What the recipe's monitors ask for is in ``evaluations``, ``iteration_costs`` and ``layer_states``; none of it changes a bit
    of the training. Where the recipe has an averaging, the average is scored and kept; ``best`` is a copy that belongs to
    ``kept``.
    """

    def __init__(
        self,
        network: Network,
        train: Rows,
        recipe: Recipe,
        rng: np.random.Generator,
        validation: Rows | None = None,
        sample: Rows | None = None,
    ) -> None:
        train, validation = _check_data(network, train, recipe, validation)
        network = _network_to_train(network, recipe)
        self.network, self.recipe, self.rng = network, recipe, rng
        self.history: list[Epoch] = []
        self.evaluations: list[Evaluation] = []
        self.layer_states: list[LayerState] = []
        self.best, self.kept_epoch, self.kept_score = network.copy(), 0, Score(math.inf, -1.0)
        self.schedule_memory = recipe.schedule.begin()
        self.stopping_memory = recipe.stopping.begin() if recipe.stopping else ()
        self._train, self._validation, self._sample = train, validation, sample
        samples = len(train[1])
        self._minibatches = -(-samples // recipe.batch_size)
        self.iteration_costs = IterationCosts(recipe.epochs * (1 if recipe.full_batch else self._minibatches))
        self.optimizer = _optimizer_of(network, recipe, samples)
        self._average: WeightAverager | None = None
        if recipe.averaging is not None:
            kept = recipe.freeze if recipe.freeze_epochs is None else 0
            timeline = Timeline(self._minibatches, recipe.epochs, recipe.schedule, kept)
            self.optimizer = self._average = recipe.averaging.follow(network, self.optimizer, timeline)
        self._engine = engine_of(network, train, recipe, self.optimizer, lambda: self.rng)

    @property
    def training_rows(self) -> Rows:
        """The rows that it trains on."""
        return self._train

    @property
    def iterations(self) -> list[Iteration]:
        """The costs of the whole blocks of iterations."""
        return self.iteration_costs.whole

    @property
    def open_iterations(self) -> list[Iteration]:
        """The cost of the last block, where it is not whole."""
        return self.iteration_costs.rest

    @property
    def kept(self) -> Network | Ensemble:
        """The network, or the ensemble, of the kept epoch."""
        return self._select_network(self.kept_epoch, self.best)

    @property
    def steps_per_epoch(self) -> dict[str, int]:
        """How many images and iterations an epoch has."""
        return {"images": len(self._train[1]), "iteration": 1 if self.recipe.full_batch else self._minibatches}

    def _select_network(self, epoch: int, network: Network) -> Network | Ensemble:
        return network.plain if self._average is None else self._average.select_network(epoch, network)

    @property
    def _scored(self) -> Network:
        """The network that is scored and copied: the one that is trained, or the average of its weights."""
        return self.network if self._average is None else self._average.network

    @property
    def rate(self) -> float:
        """The learning rate that the next epoch begins with; 0 when the schedule has ended the training."""
        return next(self._rates())

    @property
    def finished(self) -> bool:
        """Whether the epochs are used up, or the schedule or the stopping rule has ended the training."""
        rule = self.recipe.stopping
        stopped = rule is not None and rule.done(self.stopping_memory)
        return stopped or self._converged or len(self.history) >= self.recipe.epochs or self.rate == 0

    @property
    def _converged(self) -> bool:
        """Whether a full-batch method has converged."""
        return isinstance(self.optimizer, FullBatchSteps) and self.optimizer.converged

    def run(self, until: int | None = None, orders: Iterable[Labels] | None = None) -> Iterator[Epoch]:
        """Train on and yield each epoch as it ends.

        Args:
            until: stop when so many epochs are done in all; None trains to the end of the recipe.
            orders: the order of the rows in each epoch, in place of shuffling.
        Raises:
            Diverged: in the mini-batch where an output left the finite numbers.
        """
        last = self.recipe.epochs if until is None else until
        if not self.history and not self.layer_states:
            self._measure_layers(0)
        given = repeat(None) if orders is None else iter(orders)
        while len(self.history) < last and not self.finished:
            order = next(given)
            order = self.rng.permutation(len(self._train[1])) if order is None else order
            with np.errstate(all="ignore"):  # numbers that are not finite are raised as Diverged
                epoch = self._end(self.rate, self._steps(order), min(last, self.recipe.epochs))
            self.history.append(epoch)
            yield epoch

    def evaluate_last_epoch(self) -> None:
        """Score the last epoch, where a training was interrupted before any was evaluated."""
        if self.history and not self.kept_epoch:
            self._evaluate(len(self.history))

    def state(self) -> dict[str, Array]:
        """Return all that is needed to resume, as copied arrays by name; see `hpsearch.nn.training.checkpoint`."""
        return checkpoint.save(self)

    def restore(self, state: Mapping[str, Array]) -> None:
        """Resume from a state, in this process or another, with the same bits as without the interruption.

        Raises:
            SettingError: if the state belongs to another network or recipe.
        """
        checkpoint.load(self, state)

    def _rates(self) -> Iterator[float]:
        """Return the rate of each mini-batch of the next epoch."""
        schedule, done = self.recipe.schedule, len(self.history)
        rate = self.recipe.learning_rate * schedule.multiplier(self.schedule_memory, done, self.recipe.epochs)
        if not isinstance(schedule, Gradual):
            return repeat(rate)
        return (rate * schedule.at(step) for step in count(done * self._minibatches + 1))

    def _steps(self, order: Labels) -> float:
        """Run one epoch's mini-batches; return the running mean of their cost."""
        if isinstance(self.optimizer, FullBatchSteps):
            cost = self.optimizer.iterate(*self._train)
            if self.recipe.monitors.iterations:
                self.iteration_costs.add([cost])
            return cost
        monitors, total, before = self.recipe.monitors, 0.0, 0
        seen = evaluated = len(self.history) * len(order)
        for result in self._engine.epoch(order, self._rates(), self._pauses(len(order))):
            self._check_outputs(result.z, before)
            steps, _, samples = result.z.shape
            now = seen + steps * samples
            self._evaluate_within(now, now - evaluated)
            evaluated = now
            if not result.complete:
                continue
            before, seen = before + steps, now
            if monitors.training_cost:
                total += self._cost_of(result) * (steps * samples)
            if monitors.iterations:
                self.iteration_costs.add(self._costs_of(result))
        return total / len(order)

    def _pauses(self, rows: int) -> list[int]:
        """Return the mini-batches of the next epoch, by their numbers, after which the network is evaluated within a chunk."""
        every = self.recipe.monitors.images
        if every is None or every >= _AT_CHUNKS or self._validation is None:
            return []
        size = self.recipe.batch_size
        ends = len(self.history) * rows + np.minimum(np.arange(self._minibatches + 1) * size, rows)
        pauses: list[int] = (np.flatnonzero(np.diff(ends // every)) + 1).tolist()
        return pauses

    def _costs_of(self, result: ChunkResult) -> list[float]:
        """Return the mean cost of each mini-batch of a chunk, each sample counted by its weight."""
        each = self.network.cost.each(result.z, result.targets)
        each = each if result.weights is None else each * result.weights
        costs: list[float] = each.mean(axis=-1, dtype=np.float64).tolist()
        return costs

    def _cost_of(self, result: ChunkResult) -> float:
        """Return the mean cost of a chunk, each sample counted by its weight."""
        cost = self.network.cost
        if result.weights is None:
            return cost.mean(result.z, result.targets)
        return float((cost.each(result.z, result.targets) * result.weights).mean())

    def _check_outputs(self, z: Array, before: int) -> None:
        """Raise unless all outputs of a chunk are finite; a call for each mini-batch would cost more than the step."""
        if np.isfinite(z).all():
            return
        rows.check_finite(self._train[0])
        first = int(np.argmin(np.isfinite(z).all(axis=(1, 2)))) + before + 1
        raise self._diverged(first, "an output")

    def _evaluate_within(self, seen: int, new: int) -> None:
        """Score on some validation rows where the last images complete another ``monitors.images``; change nothing."""
        every = self.recipe.monitors.images
        if every is None or self._validation is None or seen // every == (seen - new) // every:
            return
        some = [part[: self.recipe.monitors.rows] for part in self._validation]
        now = self._scored.copy()
        if self._average is None:
            for weights in now.weights:
                np.multiply(weights, self._engine.scale, weights)
        self.evaluations.append(Evaluation(seen, *now.score(*some)))

    def _end(self, rate: float, training_cost: float, last: int) -> Epoch:
        """Score the epoch, keep its weights if they are the best so far, and inform the rules."""
        monitors, number = self.recipe.monitors, len(self.history) + 1
        if not all(np.isfinite(w).all() for w in self.network.weights):
            raise self._diverged(self._minibatches, "a weight")
        if self._average is not None:
            self._average.end_epoch(number)
        due = monitors.due(number, last) or self._converged
        full = self._score(number, self._train) if due and monitors.full_training else None
        sampled = self._score(number, self._sample) if due and self._sample is not None else None
        score = self._evaluate(number) if due else None
        if due:
            self._measure_layers(number)
        return Epoch(
            number,
            rate,
            training_cost if monitors.training_cost else None,
            score.cost if score and monitors.validation else None,
            score.share if score and monitors.validation else None,
            full.cost if full else None,
            full.share if full else None,
            sampled.cost if sampled else None,
            sampled.share if sampled else None,
        )

    def _measure_layers(self, number: int) -> None:
        """Measure the layers of the network that is trained, where that is asked for."""
        rows = self.recipe.monitors.layers
        if rows is None:
            return
        with np.errstate(all="ignore"):
            curves = layer_state.measure(self.network, layer_state.spread_rows(self._train, rows))
        self.layer_states.append(LayerState(number, curves))

    def _score(self, number: int, data: Rows) -> Score:
        """Score what epoch ``number`` ends with."""
        return self._select_network(number, self._scored).score(*data)

    def _evaluate(self, number: int) -> Score | None:
        """Score on the validation data where they are watched or recorded, keep the best weights and inform the rules."""
        wanted = self.recipe.monitors.validation or self.recipe.watches_accuracy
        if self._validation is None or not wanted:
            self._keep(number, Score(math.nan, math.nan))
            return None
        score = self._score(number, self._validation)
        if not math.isfinite(score.cost):
            raise self._diverged(self._minibatches, "the validation cost")
        if self._better(score):
            self._keep(number, score)
        self.schedule_memory = self.recipe.schedule.after(self.schedule_memory, score.merit)
        if self.recipe.stopping:
            self.stopping_memory = self.recipe.stopping.after(self.stopping_memory, score.merit)
        return score

    def _diverged(self, minibatch: int, what: str) -> Diverged:
        where = f"epoch {len(self.history) + 1}, mini-batch {minibatch} of {self._minibatches}"
        return Diverged(f"Training diverged in {where}: {what} is not finite. Lower the learning rate from {self.rate:g}.")

    def _better(self, score: Score) -> bool:
        """Return whether a score beats the kept one; of equal epochs the earlier is kept."""
        if self.recipe.keep == "cost":
            return score.cost < self.kept_score.cost
        return score.merit > self.kept_score.merit

    def _keep(self, number: int, score: Score) -> None:
        self.kept_epoch, self.kept_score = number, score
        copy_into(self.best, self._scored)


def _network_to_train(network: Network, recipe: Recipe) -> Network:
    """Return the network itself, or one that begins with its weights where hidden layers are to be normalised."""
    if not recipe.batch_norm or len(network.weights) == 1:
        if network.statistics:
            check_keeps_statistics("averaging", recipe.averaging)
        return network
    if type(network) is not Network:
        advice = "Put BatchNorm(30) between its layers, above an Affine layer of 30 units."
        raise SettingError(must_be("batch_norm", "a layer of its own in a Stack", recipe.batch_norm, advice))
    return NormalizedNetwork.of(network)


def _optimizer_of(network: Network, recipe: Recipe, samples: int) -> Optimizer:
    """Return the optimizer of a recipe, but for its averaging."""
    if not recipe.freeze and recipe.lower_rate_factor == 1.0:
        return _steps_of(network, recipe, samples, network.weights[:-1])
    if type(network) is not Network:
        advice = "Leave out freeze and lower_rate_factor."
        raise SettingError(must_be("A network with frozen or slow layers", "a Network", "a Stack", advice))
    layers, thaws = len(network.weights), None
    check_layers(recipe, layers)
    if recipe.freeze_epochs is not None:
        thaws = recipe.freeze_epochs * -(-samples // recipe.batch_size)
    groups = []
    for first, end in pairwise(sorted({0, recipe.freeze, layers - 1, layers})):
        if end > recipe.freeze or thaws is not None:
            arrays = network.weights[first:end], network.biases[first:end]
            part = Network(*arrays, network.hidden_function, network.cost_name)
            steps = _steps_of(part, recipe, samples, part.weights[: layers - 1 - first])
            factor = recipe.lower_rate_factor if end < layers else 1.0
            groups.append(LayerGroup(first, steps, factor, 0 if end > recipe.freeze else thaws or 0))
    return LayerSteps(groups)


def _steps_of(network: Network, recipe: Recipe, samples: int, limited: list[Array]) -> Optimizer:
    """Return the optimizer of all layers of a network; ``limited`` are the weights of those that max_norm bounds."""
    l2, l1, penalised = decay(recipe.l2, samples), L1(recipe.l1).pull(samples), network.penalised(recipe.decay_biases)
    optimizer: Optimizer = rule_of(recipe.optimizer).start(network, l2, l1, recipe.momentum)
    if isinstance(optimizer, FullBatchSteps):
        optimizer.penalise(penalised)
    elif penalised and (l2 or l1):
        optimizer = PenalisedBiasesSteps(optimizer, network.biases, penalised, l2, l1)
    if recipe.max_norm is not None:
        optimizer = MaxNormSteps(optimizer, limited, recipe.max_norm)
    if isinstance(network, Stack) and network.statistics:
        optimizer = TrackingSteps(optimizer, network.layers)
    return optimizer


def _check_data(network: Network, train: Rows, recipe: Recipe, validation: Rows | None) -> tuple[Rows, Rows | None]:
    """Return the data as arrays that fit the network and the recipe; NaN in them is found by the training itself."""
    train = _check_rows(train, network)
    check_smoothing(recipe.smoothing, network.cost_name, predicts_numbers(network))
    if recipe.smoothing:
        x, y, *weights = train
        soft = smooth(y, network.sizes[-1], recipe.smoothing, network.dtype)
        train = (x, soft, weights[0]) if weights else (x, soft)
    if recipe.batch_size > len(train[1]) and not recipe.full_batch:
        what = f"at most the {len(train[1])} training samples"
        raise SettingError(must_be("batch_size", what, recipe.batch_size, "Take a smaller mini-batch."))
    if train[0].shape[1] != network.sizes[0]:
        what = f"{train[0].shape[1]}, the columns of the training data"
        raise SettingError(must_be("Inputs of the network", what, network.sizes[0], "Change the first of its sizes."))
    check_inputs(recipe.expansion, network.sizes[0])
    if recipe.monitors.layers is not None and type(network) is not Network:
        advice = "Its layers may be of any kind, and keep something of each pass."
        raise SettingError(must_be("monitor_layers", "left out for a Stack", recipe.monitors.layers, advice))
    if recipe.watches_accuracy and validation is None:
        advice = "Hand it in, or take Constant() and no stopping rule."
        raise SettingError(must_be("validation", "data, for the schedule or the stopping rule", None, advice))
    return train, None if validation is None else _check_rows(validation, network, network.sizes[0])


def _check_rows(data: Rows, network: Network, width: int | None = None) -> Rows:
    x = rows.check_inputs(data[0], width)
    targets = check_targets(data[1], len(x), network)
    return (x, targets) if len(data) == 2 else (x, targets, np.asarray(data[2]))
