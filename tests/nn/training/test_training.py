"""The loop: what it records, keeps, refuses, and that a break changes no bit."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpsearch.errors import Diverged, SettingError
from hpsearch.nn import Monitors, Network, Recipe, Training
from hpsearch.nn.regularizers import WeightCost
from hpsearch.nn.schedules import Anneal, Constant, Cosine, HalveOnPlateau, Step, WarmUp
from hpsearch.nn.stopping import NoImprovement
from tests.nn.blobs import CLASSES, INPUTS, blobs

RECIPES = {
    "plain": Recipe(0.5, epochs=6),
    "everything": Recipe(
        0.3, l2=2.0, momentum=0.8, batch_size=7, epochs=6, schedule=HalveOnPlateau(1), stopping=NoImprovement(5)
    ),
    "decay": Recipe(0.3, l2=20.0, epochs=6, schedule=Step(every=2), keep="cost"),
    "anneal": Recipe(0.5, l2=WeightCost(1e-2), batch_size=7, epochs=6, schedule=Anneal(start=15)),
    "l1": Recipe(0.3, l1=1.0, batch_size=7, epochs=6),
    "elastic net": Recipe(0.3, l2=2.0, momentum=0.8, batch_size=7, epochs=6, l1=1.0),
    "nesterov": Recipe(0.3, l2=2.0, momentum=0.8, batch_size=7, epochs=6, optimizer="nesterov"),
    "rmsprop": Recipe(0.01, l2=2.0, batch_size=7, epochs=6, optimizer="rmsprop", l1=1.0),
    "adam": Recipe(0.01, l2=2.0, batch_size=7, epochs=6, optimizer="adam"),
    "dropout": Recipe(0.3, l2=2.0, batch_size=7, epochs=6, dropout=0.5, input_dropout=0.2),
    "dropout, adam": Recipe(0.01, batch_size=7, epochs=6, optimizer="adam", dropout=0.3, l1=1.0),
    "max-norm": Recipe(0.3, l2=2.0, batch_size=7, epochs=6, momentum=0.5, max_norm=0.5),
    "biases": Recipe(0.3, l2=2.0, l1=1.0, batch_size=7, epochs=6, momentum=0.5, decay_biases=True),
    "batch norm": Recipe(0.3, l2=2.0, batch_size=7, epochs=6, momentum=0.5, batch_norm=True, dropout=0.2),
    "warm": Recipe(0.5, batch_size=7, epochs=6, schedule=WarmUp(25, Cosine())),
    "warm plateau": Recipe(0.5, momentum=0.5, epochs=6, schedule=WarmUp(25, HalveOnPlateau(1))),
}


def training_of(recipe: Recipe, dtype: str = "float32", **settings: str) -> Training:
    rng = np.random.default_rng(3)
    network = Network.create((INPUTS, 5, CLASSES), rng, dtype=dtype, **settings)
    return Training(network, blobs(seed=1), recipe, rng, blobs(40, seed=2))


def assert_same(one: Training, other: Training) -> None:
    """Every array of both states, bit for bit."""
    ours, theirs = one.state(), other.state()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.tobytes() == theirs[name].tobytes(), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_break_changes_no_bit(name: str, at: int, dtype: str) -> None:
    straight, first = training_of(RECIPES[name], dtype), training_of(RECIPES[name], dtype)
    list(straight.run())
    list(first.run(until=at))
    second = training_of(RECIPES[name], dtype)
    second.restore(first.state())
    list(second.run())
    assert second.history == straight.history
    assert_same(second, straight)


def test_the_rate_anneals_with_every_mini_batch() -> None:
    # 64 rows in mini-batches of 16 are four steps an epoch; with a rate that falls from step 6 on, the second epoch begins at
    # step 5 with the full rate, the third at step 9 with 6/9 of it.
    rates = [epoch.learning_rate for epoch in training_of(Recipe(0.9, batch_size=16, epochs=3, schedule=Anneal(start=6))).run()]
    assert rates == pytest.approx([0.9, 0.9, 0.6])
    # One mini-batch an epoch: annealing then is a schedule of epochs, 1, 1/2, 1/3, 1/4.
    by_step = training_of(Recipe(0.9, batch_size=64, epochs=4, schedule=Anneal(start=1)))
    list(by_step.run())
    by_epoch = training_of(Recipe(0.9, batch_size=64, epochs=4, schedule=ByEpoch()))
    list(by_epoch.run())
    for ours, theirs in zip(by_step.network.weights, by_epoch.network.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    constant = training_of(Recipe(0.9, batch_size=16, epochs=3))
    falling = training_of(Recipe(0.9, batch_size=16, epochs=3, schedule=Anneal(start=1)))
    first, second = next(iter(constant.run())), next(iter(falling.run()))
    assert first.learning_rate == second.learning_rate
    assert first.training_cost != second.training_cost  # it fell within the epoch too


class ByEpoch(Constant):
    """The rate of epoch t, counted from 1, is 1/t."""

    def multiplier(self, memory: tuple[float, ...], epoch: int, epochs: int) -> float:
        return 1.0 / (epoch + 1)


def test_a_weight_cost_is_an_l2_in_another_convention() -> None:
    # strength sum w^2 has the gradient 2 strength w, lambda/(2n) sum w^2 has lambda/n w: lambda = 2 n strength, n = 64 here.
    ours, theirs = training_of(Recipe(0.5, l2=WeightCost(0.01), epochs=2)), training_of(Recipe(0.5, l2=1.28, epochs=2))
    list(ours.run())
    list(theirs.run())
    for one, other in zip(ours.network.weights, theirs.network.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_goes_on_in_another_process(tmp_path: Path) -> None:
    straight, first = training_of(RECIPES["everything"]), training_of(RECIPES["everything"])
    list(straight.run())
    list(first.run(until=3))
    np.savez(tmp_path / "state.npz", **first.state())  # type: ignore[arg-type]  # numpy types the names as bool
    code = (
        "import numpy as np, sys; from tests.nn.training.test_training import RECIPES, training_of\n"
        "training = training_of(RECIPES['everything'])\n"
        "training.restore(dict(np.load(sys.argv[1], allow_pickle=False)))\n"
        "list(training.run()); np.savez(sys.argv[2], **training.state())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "state.npz"), str(tmp_path / "end.npz")]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[3])
    end = np.load(tmp_path / "end.npz", allow_pickle=False)
    for name, array in straight.state().items():
        assert array.tobytes() == end[name].tobytes(), name


def test_the_state_is_a_copy() -> None:
    training = training_of(RECIPES["plain"])
    state = training.state()
    before = state["weights_0"].copy()
    list(training.run())
    np.testing.assert_array_equal(state["weights_0"], before)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (replace(RECIPES["plain"], momentum=0.5), r"State must be of this network and recipe, got .*velocity_biases_0"),
        (
            replace(RECIPES["plain"], schedule=HalveOnPlateau()),
            r"State array 'schedule' must be float64 of shape \(3,\)",
        ),
    ],
)
def test_refuses_a_state_of_another_recipe(other: Recipe, message: str) -> None:
    training = training_of(other)
    with pytest.raises(SettingError, match=message):
        training.restore(training_of(RECIPES["plain"]).state())


def test_refuses_a_state_of_another_network() -> None:
    with pytest.raises(SettingError, match=r"State array 'weights_0' must be float64 of shape"):
        training_of(RECIPES["plain"], "float64").restore(training_of(RECIPES["plain"]).state())


def test_it_learns_and_records() -> None:
    training = training_of(replace(RECIPES["plain"], epochs=30, monitors=Monitors(full_training=True)))
    history = list(training.run())
    assert [epoch.epoch for epoch in history] == list(range(1, 31))
    first, last = history[0], history[-1]
    assert last.training_cost is not None
    assert first.training_cost is not None
    assert last.training_cost < first.training_cost / 2
    assert last.full_training_accuracy is not None
    assert last.full_training_accuracy > 0.95
    assert last.full_training_cost == pytest.approx(training.network.mean_cost(*blobs(seed=1)))
    assert last.validation_accuracy == training.network.accuracy(*blobs(40, seed=2))
    assert last.learning_rate == 0.5
    assert training.finished


def test_running_cost_is_the_mean_over_minibatches_before_their_steps() -> None:
    # At a rate next to nothing the weights stand still, and the running mean is the cost of the whole training set.
    training = training_of(replace(RECIPES["plain"], learning_rate=1e-30, batch_size=9), "float64")
    cost = training.network.mean_cost(*blobs(seed=1))
    assert next(training.run()).training_cost == pytest.approx(cost)


def test_what_is_not_monitored_is_not_recorded() -> None:
    training = training_of(replace(RECIPES["plain"], monitors=Monitors(training_cost=False, validation=False)))
    assert next(training.run()).curves == {"learning_rate": 0.5}
    assert training.kept_epoch == 1


@pytest.mark.parametrize("monitors", [Monitors(), Monitors(training_cost=False), Monitors(full_training=True)])
def test_monitors_do_not_change_the_training(monitors: Monitors) -> None:
    watched, plain = training_of(replace(RECIPES["plain"], monitors=monitors)), training_of(RECIPES["plain"])
    list(watched.run()), list(plain.run())
    for ours, theirs in zip(watched.network.weights, plain.network.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("keep", ["accuracy", "cost"])
def test_keeps_the_first_of_the_best_epochs(keep: str) -> None:
    training = training_of(replace(RECIPES["plain"], learning_rate=20.0, epochs=12, keep=keep))
    networks, scores = [], []
    for _ in training.run():
        networks.append(training.network.copy())
        scores.append(training.network.score(*blobs(40, seed=2)))
    values = [-s.accuracy if keep == "accuracy" else s.cost for s in scores]
    best = int(np.argmin(values))
    assert training.kept_epoch == best + 1
    assert training.kept_score == scores[best]
    np.testing.assert_array_equal(training.kept.weights[0], networks[best].weights[0])


def test_the_schedule_spans_all_epochs_even_when_stopped_before() -> None:
    recipe = Recipe(0.5, epochs=6, schedule=Step(every=2, factor=0.5))
    rates = [epoch.learning_rate for epoch in training_of(recipe).run(until=3)]
    assert rates == [0.5, 0.5, 0.25]


@pytest.mark.parametrize("rules", [{"stopping": NoImprovement(2)}, {"schedule": HalveOnPlateau(2, floor=1.0)}])
def test_rules_end_the_training(rules: dict[str, object]) -> None:
    training = training_of(replace(Recipe(1e-9, epochs=50), **rules))  # type: ignore[arg-type]
    assert len(list(training.run())) == 3  # the first epoch sets the mark, two do not beat it
    assert list(training.run()) == []


def test_data_may_be_a_read_only_map(tmp_path: Path) -> None:
    x, labels = blobs(seed=1)
    np.save(tmp_path / "x.npy", x)
    rng = np.random.default_rng(3)
    network = Network.create((INPUTS, 5, CLASSES), rng)
    mapped = (np.load(tmp_path / "x.npy", mmap_mode="r"), labels)
    list(Training(network, mapped, RECIPES["plain"], rng, blobs(40, seed=2)).run())
    plain = training_of(RECIPES["plain"])
    list(plain.run())
    np.testing.assert_array_equal(network.weights[0], plain.network.weights[0])


def test_an_epoch_does_not_copy_the_data() -> None:
    x, labels = blobs(20_000)
    x = np.tile(x, (1, 20))
    rng = np.random.default_rng(0)
    training = Training(Network.create((x.shape[1], 5, CLASSES), rng), (x, labels), Recipe(0.1), rng, (x, labels))
    epochs = training.run()
    next(epochs)
    tracemalloc.start()
    next(epochs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.nbytes / 10


# 1e39 is infinite in float32; 1e37 times a gradient overflows where units are not bounded.
@pytest.mark.parametrize("batch_size", [10, 64])
@pytest.mark.parametrize(("activation", "rate"), [("relu", 1e37), ("tanh", 1e39)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_divergence_names_epoch_and_minibatch(activation: str, rate: float, batch_size: int, momentum: float) -> None:
    recipe = Recipe(rate, momentum=momentum, batch_size=batch_size, epochs=5)
    training = training_of(recipe, activation=activation, cost="log_likelihood")
    wanted = r"Training diverged in epoch [12], mini-batch \d of [17]: .* is not finite\. Lower the learning rate from 1e"
    with pytest.raises(Diverged, match=wanted):
        list(training.run())


def test_divergence_is_found_in_the_minibatch_where_it_happens() -> None:
    x, labels = blobs(seed=1)
    x = x.copy()
    x[37] = 3e38  # finite, and too large to be multiplied
    rng = np.random.default_rng(0)
    network = Network.create((INPUTS, 5, CLASSES), rng, activation="linear", init="large")
    training = Training(network, (x, labels), Recipe(0.1), rng)
    with pytest.raises(Diverged, match=r"in epoch 1, mini-batch 4 of 7: an output"):
        list(training.run(orders=[np.arange(64)]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.0}, r"learning_rate must be a number in \(0, inf\), got 0\.0\."),
        ({"learning_rate": float("inf")}, r"learning_rate must be a number in \(0, inf\), got inf\."),
        ({"l2": -1.0}, r"l2 must be a number in \[0, inf\), got -1\.0\."),
        ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\), got 1\.0\. 1 or more adds speed"),
        ({"batch_size": 0}, r"batch_size must be a whole number >= 1, got 0\."),
        ({"batch_size": 10.0}, r"batch_size must be a whole number >= 1, got 10\.0\."),
        ({"epochs": 0}, r"epochs must be a whole number >= 1, got 0\."),
        ({"keep": "error"}, r"keep must be one of 'accuracy', 'cost', got 'error'\."),
        ({"schedule": Constant}, r"schedule must be a schedule rule, got <class .*Take Constant\(\)"),
        ({"schedule": "step"}, r"schedule must be a schedule rule, got 'step'\."),
        ({"stopping": 5}, r"stopping must be a stopping rule, got 5\. Take NoImprovement"),
    ],
)
def test_refuses_bad_recipes(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        replace(RECIPES["plain"], **changes)  # type: ignore[arg-type]


def test_refuses_what_does_not_fit_the_data() -> None:
    rng = np.random.default_rng(0)
    network = Network.create((INPUTS, 5, CLASSES), rng)
    with pytest.raises(SettingError, match=r"batch_size must be at most the 64 training samples, got 65\."):
        Training(network, blobs(), Recipe(0.1, batch_size=65), rng)
    with pytest.raises(SettingError, match=r"validation must be data, for the schedule or the stopping rule, got None\."):
        Training(network, blobs(), Recipe(0.1, stopping=NoImprovement()), rng)
