"""Averages of weights, snapshots, ensembles: held against plain NumPy, and a break changes no bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import SettingError
from hpsearch.nn import Monitors, Network, Recipe, Training
from hpsearch.nn.averaging import MovingAverage, Snapshots, TailAverage
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.schedules import Cyclic, HalveOnPlateau, WarmUp
from hpsearch.nn.stopping import NoImprovement
from hpsearch.nn.training.committee import Committee
from tests.nn.blobs import CLASSES, INPUTS, blobs

# 64 rows in mini-batches of 16: four steps an epoch.
RECIPE = Recipe(0.5, l2=5.0, batch_size=16, epochs=6)
AVERAGES = {
    "moving": replace(RECIPE, averaging=MovingAverage(0.9)),
    "tail": replace(RECIPE, averaging=TailAverage(0.4), momentum=0.8),
    "snapshots": replace(RECIPE, averaging=Snapshots(), schedule=Cyclic(3)),
    "warm snapshots": replace(
        RECIPE, averaging=Snapshots(), schedule=WarmUp(3, Cyclic(2)), optimizer="adam", learning_rate=0.01
    ),
    "watching": replace(RECIPE, averaging=MovingAverage(0.9), schedule=HalveOnPlateau(1), stopping=NoImprovement(3), l1=1.0),
}


def training_of(recipe: Recipe, seed: int = 3, **settings: str) -> Training:
    rng = np.random.default_rng(seed)
    network = Network.create((INPUTS, 5, CLASSES), rng, **settings)
    return Training(network, blobs(seed=1), recipe, rng, blobs(40, seed=2))


def committee_of(recipe: Recipe, members: int = 3) -> Committee:
    return Committee([training_of(recipe, seed) for seed in range(members)], blobs(40, seed=2))


def weights_after_each_step(recipe: Recipe) -> list[list[np.ndarray]]:
    """What the same training without an average had after every mini-batch, in float64."""
    training, found = training_of(replace(recipe, averaging=None)), []
    optimizer = training.optimizer
    take = optimizer.step

    def step(*given: Any) -> None:
        take(*given)
        scaled = [w * np.float64(optimizer.scale) for w in training.network.weights]
        found.append([a.astype(np.float64) for a in (*scaled, *training.network.biases)])

    optimizer.step = step  # type: ignore[method-assign]
    list(training.run())
    return found


def assert_close(network: Network, wanted: list[np.ndarray]) -> None:
    for ours, theirs in zip([*network.weights, *network.biases], wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


def test_a_moving_average_is_the_plain_mean_first_and_then_forgets() -> None:
    recipe = AVERAGES["moving"]
    training, steps = training_of(recipe), weights_after_each_step(recipe)
    wanted = steps[0]
    for number, arrays in enumerate(steps[1:], start=2):
        share = max(0.1, 1 / number)
        wanted = [(1 - share) * old + share * new for old, new in zip(wanted, arrays, strict=True)]
    list(training.run())
    assert_close(training._scored, wanted)


def test_a_tail_average_is_the_mean_of_the_last_steps() -> None:
    recipe = AVERAGES["tail"]
    training, steps = training_of(recipe), weights_after_each_step(recipe)
    list(training.run())
    tail = steps[int(0.4 * 24) :]  # of 24 mini-batches in all
    assert_close(training._scored, [np.mean(arrays, axis=0) for arrays in zip(*tail, strict=True)])


@pytest.mark.parametrize("name", AVERAGES)
def test_the_steps_are_those_of_a_training_without_it(name: str) -> None:
    recipe = replace(AVERAGES[name], schedule=Cyclic(3), stopping=None)  # nothing that looks at the answers
    averaged, plain = training_of(recipe), training_of(replace(recipe, averaging=None))
    list(averaged.run())
    list(plain.run())
    for ours, theirs in zip(averaged.network.weights, plain.network.weights, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_the_average_is_what_is_scored_and_kept() -> None:
    training = training_of(replace(AVERAGES["moving"], learning_rate=3.0, epochs=10, monitors=Monitors(full_training=True)))
    answers, scores = [], []
    for epoch in training.run():
        answers.append(training._scored.copy())
        scores.append(training._scored.score(*blobs(40, seed=2)))
        assert (epoch.validation_cost, epoch.validation_accuracy) == scores[-1]
        assert epoch.full_training_accuracy == answers[-1].accuracy(*blobs(seed=1))
    best = int(np.argmax([score.accuracy for score in scores]))
    assert training.kept_epoch == best + 1
    kept = training.kept
    assert isinstance(kept, Network)
    np.testing.assert_array_equal(kept.weights[0], answers[best].weights[0])
    assert not np.array_equal(training.network.weights[0], training._scored.weights[0])


def test_snapshots_are_the_networks_at_the_ends_of_whole_cycles() -> None:
    recipe = replace(RECIPE, epochs=8, averaging=Snapshots(), schedule=Cyclic(3))  # cycles of 3 epochs: two whole ones
    training, ends, x = training_of(recipe), [], blobs(40, seed=2)[0]
    for epoch in training.run():
        if epoch.epoch in (3, 6):
            ends.append(training.network.copy())
        answer = np.mean([n.forward(x) for n in ends or [training.network]], axis=0)
        assert epoch.validation_accuracy == np.mean(answer.argmax(axis=1) == blobs(40, seed=2)[1])
    kept = training._select_network(8, training.network)
    assert isinstance(kept, Ensemble)
    assert len(kept.networks) == 2
    np.testing.assert_allclose(kept.forward(x), np.mean([n.forward(x) for n in ends], axis=0), rtol=1e-6)


@pytest.mark.parametrize("name", AVERAGES)
@pytest.mark.parametrize("at", [1, 2, 3, 5])
def test_a_break_changes_no_bit(name: str, at: int) -> None:
    straight, first, second = (training_of(AVERAGES[name]) for _ in range(3))
    list(straight.run())
    list(first.run(until=at))
    second.restore(first.state())
    list(second.run())
    ours, theirs = straight.state(), second.state()
    assert ours.keys() == theirs.keys()
    assert all(ours[key].tobytes() == theirs[key].tobytes() for key in ours)
    x = blobs(40, seed=2)[0]
    assert straight.kept.forward(x).tobytes() == second.kept.forward(x).tobytes()


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic", "log_likelihood", "quadratic_tanh", "hinge"])
def test_an_ensemble_answers_with_the_mean_of_the_outputs(cost: str) -> None:
    """Cost and accuracy by the textbook's formulas from the mean outputs, in float64."""
    members = [Network.create((INPUTS, 5, CLASSES), np.random.default_rng(i), cost=cost, dtype="float64") for i in range(3)]
    ensemble, (x, labels) = Ensemble(members), blobs(2500)
    p, t = np.mean([m.forward(x) for m in members], axis=0), np.eye(CLASSES)[labels]
    outputs = np.clip(p, 1e-300, 1 - 1e-16)  # only the first and the third have a logarithm
    wanted = {
        "hinge": np.maximum(0, p - (p * t).sum(axis=1, keepdims=True) + 1).sum(axis=1).mean() - 1,
        "quadratic_tanh": (np.square(p - (2 * t - 1)).sum(axis=1) / 2).mean(),
        "cross_entropy": -(t * np.log(outputs) + (1 - t) * np.log(1 - outputs)).sum(axis=1).mean(),
        "quadratic": (np.square(p - t).sum(axis=1) / 2).mean(),
        "log_likelihood": -(t * np.log(outputs)).sum(axis=1).mean(),
    }[cost]
    np.testing.assert_allclose(ensemble.forward(x), p)
    np.testing.assert_array_equal(ensemble.predict(x), p.argmax(axis=1))
    score = ensemble.score(x, labels)
    assert score.cost == pytest.approx(wanted, rel=1e-9)
    assert score.accuracy == np.mean(p.argmax(axis=1) == labels)


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
def test_an_ensemble_of_very_sure_networks_stays_finite(cost: str) -> None:
    """One says yes and one says no with z = 1e4: the mean is 1/2, whose cost is ln 2 an output."""
    sure = [Network([np.full((2, 1), 0.0)], [np.array([z, -z])], cost_name=cost) for z in (1e4, -1e4)]
    score = Ensemble(sure).score(np.zeros((4, 1)), np.array([0, 1, 0, 1]))
    assert score.cost == pytest.approx(np.log(2) * (2 if cost == "cross_entropy" else 1))


def test_ensembles_within_one_are_taken_apart() -> None:
    nets = [Network.create((INPUTS, CLASSES), np.random.default_rng(i)) for i in range(3)]
    assert Ensemble([nets[0], Ensemble(nets[1:])]).networks == nets


def test_a_committee_trains_each_member_as_alone() -> None:
    recipe = replace(RECIPE, stopping=NoImprovement(2), epochs=12)
    together, alone = committee_of(recipe), [training_of(recipe, seed) for seed in range(3)]
    list(together.run())
    for member, single in zip(together.members, alone, strict=True):
        list(single.run())
        assert member.history == single.history
    assert len({len(member.history) for member in together.members}) > 1  # some ended before the others
    assert len(together.history) == min(len(single.history) for single in alone)
    accuracies = [[epoch.validation_accuracy for epoch in single.history[: len(together.history)]] for single in alone]
    assert [epoch.validation_accuracy for epoch in together.history] == pytest.approx(np.mean(accuracies, axis=0).tolist())
    x, labels = blobs(40, seed=2)
    outputs = np.mean([single.kept.forward(x) for single in alone], axis=0)
    assert together.kept_score.accuracy == np.mean(outputs.argmax(axis=1) == labels)
    assert together.single_accuracy == pytest.approx(np.mean([single.kept_score.accuracy for single in alone]))


@pytest.mark.parametrize("name", AVERAGES)
def test_a_break_of_a_committee_changes_no_bit(name: str) -> None:
    straight, first, second = (committee_of(AVERAGES[name], 2) for _ in range(3))
    list(straight.run())
    list(first.run(until=3))
    second.restore(first.state())
    list(second.run())
    assert second.history == straight.history
    ours, theirs = straight.state(), second.state()
    assert all(ours[key].tobytes() == theirs[key].tobytes() for key in ours)


def test_refuses_the_state_of_another_number_of_members() -> None:
    with pytest.raises(SettingError, match=r"State must be of 2 members, got"):
        committee_of(RECIPE, 2).restore(committee_of(RECIPE, 3).state())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MovingAverage(1.0), r"MovingAverage decay must be a number in \(0, 1\), got 1\.0\. 0\.99 looks back"),
        (lambda: TailAverage(1.0), r"TailAverage start must be a number in \[0, 1\), got 1\.0\."),
        (
            lambda: replace(RECIPE, averaging=Snapshots()),
            r"schedule must be Cyclic\(\.\.\.\) with Snapshots\(\), got Cons",
        ),
        (lambda: replace(RECIPE, averaging=MovingAverage), r"averaging must be an averaging or None, got <class .*Take Moving"),  # type: ignore[arg-type]
        (lambda: replace(RECIPE, averaging=0.99), r"averaging must be an averaging or None, got 0\.99\."),  # type: ignore[arg-type]
    ],
)
def test_refuses_bad_settings(make: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()
