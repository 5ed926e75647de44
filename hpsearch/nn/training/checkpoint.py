"""Checkpoints: the state of a training as a flat dict of plain arrays, saved and restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.network import Network, Score
from hpsearch.nn.optimizers.rules import Optimizer
from hpsearch.nn.recipe import Recipe
from hpsearch.nn.training import history, layer_state
from hpsearch.nn.training.history import Epoch, Evaluation
from hpsearch.nn.training.iterations import IterationCosts
from hpsearch.nn.training.layer_state import LayerState

_ADVICE = "Train from the start, with the settings that made this state."


class Resumable(Protocol):
    """What is saved and restored of a training, such as a `hpsearch.nn.training.training.Training`."""

    network: Network
    recipe: Recipe
    rng: np.random.Generator
    history: list[Epoch]
    evaluations: list[Evaluation]
    iteration_costs: IterationCosts
    layer_states: list[LayerState]
    best: Network
    kept_epoch: int
    kept_score: Score
    schedule_memory: tuple[float, ...]
    stopping_memory: tuple[float, ...]
    optimizer: Optimizer


def save(training: Resumable) -> dict[str, Array]:
    """Return copies of everything that later epochs depend on, and of what was kept so far.

    ``weights_0``, ``biases_0`` ... of the network; ``kept_weights_0`` ... of the best epoch; what the optimiser remembers,
    such as ``velocity_weights_0`` ... with momentum, and the average where there is one; with batch normalisation
    ``statistics_0`` ..., and gamma and beta among the biases; ``history`` one row an epoch,
    ``looks`` one row an evaluation within epochs; ``iterations``, ``iterations_open`` and ``layers`` what else is monitored;
    ``schedule`` and ``stopping`` what the rules remember; ``kept`` the best
    epoch, its cost and accuracy; ``rng`` the generator.
    """
    arrays = {name: array.copy() for name, array in _in_place(training).items()}
    arrays["history"] = history.to_array(training.history)
    arrays["schedule"] = np.array(training.schedule_memory, np.float64)
    arrays["stopping"] = np.array(training.stopping_memory, np.float64)
    arrays["kept"] = np.array([training.kept_epoch, *training.kept_score], np.float64)
    arrays |= _monitored(training)
    arrays["rng"] = generator_to_array(training.rng)
    return arrays


def load(training: Resumable, state: Mapping[str, Array]) -> None:
    """Restore a training from a saved state.

    Raises:
        SettingError: if the state belongs to another network or recipe; the training is then as it was.
    """
    targets = _in_place(training)
    _check(training, targets, state)
    for name, array in targets.items():
        np.copyto(array, state[name])
    training.history = history.from_array(state["history"])
    training.evaluations = history.evaluations_from_array(state["looks"]) if "looks" in state else []
    if "iterations" in state:
        training.iteration_costs.restore(state["iterations"], state["iterations_open"])
    if "layers" in state:
        names = layer_state.curve_names(training.network.activation.name, len(training.network.weights))
        training.layer_states = layer_state.from_array(state["layers"], names)
    training.schedule_memory = tuple(state["schedule"].tolist())
    training.stopping_memory = tuple(state["stopping"].tolist())
    epoch, cost, accuracy = state["kept"].tolist()
    training.kept_epoch, training.kept_score = int(epoch), Score(cost, accuracy)
    training.rng = generator_from_array(state["rng"])


def _monitored(training: Resumable) -> dict[str, Array]:
    """Return what is recorded within epochs and of layers, where that is asked for."""
    monitors, arrays = training.recipe.monitors, {}
    if monitors.images is not None:
        arrays["looks"] = history.evaluations_to_array(training.evaluations)
    if monitors.iterations:
        arrays |= training.iteration_costs.arrays
    if monitors.layers is not None:
        arrays["layers"] = layer_state.to_array(training.layer_states)
    return arrays


def _in_place(training: Resumable) -> dict[str, Array]:
    """Return the arrays that training writes into, by the name they are saved under."""
    return {**_layers("", training.network), **_layers("kept_", training.best), **training.optimizer.arrays}


def _layers(prefix: str, network: Network) -> dict[str, Array]:
    weights = {f"{prefix}weights_{i}": w for i, w in enumerate(network.weights)}
    biases = {f"{prefix}biases_{i}": b for i, b in enumerate(network.biases)}
    return weights | biases | {f"{prefix}statistics_{i}": a for i, a in enumerate(network.statistics)}


def _check(training: Resumable, targets: Mapping[str, Array], state: Mapping[str, Array]) -> None:
    wanted = {name: (array.shape, array.dtype.name) for name, array in targets.items()}
    wanted["schedule"] = ((len(training.schedule_memory),), "float64")
    wanted["stopping"] = ((len(training.stopping_memory),), "float64")
    names = {*wanted, "history", "kept", "rng", *_monitored(training)}
    if set(state) != names:
        odd = sorted(names ^ set(state))
        raise SettingError(must_be("State", "of this network and recipe", f"differing in {', '.join(odd)}", _ADVICE))
    for name, (shape, dtype) in wanted.items():
        found = (np.shape(state[name]), state[name].dtype.name)
        if found != (shape, dtype):
            raise SettingError(must_be(f"State array {name!r}", f"{dtype} of shape {shape}", found, _ADVICE))


_WORD = 2**64


def generator_to_array(rng: np.random.Generator) -> NDArray[np.uint64]:
    """Return the state of a PCG64 generator, which is what `numpy.random.default_rng` makes, as uint64, (6,).

    Raises:
        SettingError: for a generator of another kind.
    """
    _check_generator(rng)
    state = rng.bit_generator.state
    numbers = (state["state"]["state"], state["state"]["inc"])
    halves = [half for value in numbers for half in divmod(value, _WORD)]
    return np.array([*halves, state["has_uint32"], state["uinteger"]], np.uint64)


def generator_from_array(words: NDArray[np.uint64]) -> np.random.Generator:
    """Return a generator in the state that `generator_to_array` gave.

    >>> first = np.random.default_rng(3)
    >>> second = generator_from_array(generator_to_array(first))
    >>> bool(first.random() == second.random())
    True
    """
    high, low, high_inc, low_inc, has, integer = (int(word) for word in words)
    rng = np.random.default_rng(0)
    numbers = {"state": high * _WORD + low, "inc": high_inc * _WORD + low_inc}
    rng.bit_generator.state = {"bit_generator": "PCG64", "state": numbers, "has_uint32": has, "uinteger": integer}
    return rng


def _check_generator(rng: np.random.Generator) -> None:
    kind = type(rng.bit_generator).__name__
    if kind != "PCG64":
        raise SettingError(must_be("The generator", "a PCG64 one", kind, "Make it with numpy.random.default_rng(seed)."))
