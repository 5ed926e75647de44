"""Pre-flight checks: silent on a sound network, one plain sentence for each planted bug."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas
import pytest

import hpsearch.nn.network
from hpsearch import Auto, Choice, Float, Int, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.objectives.preflight import CHANCE, CHECKS, INITIAL, OVERFIT, RATE, RATES, guessing
from hpsearch.search.result import Result
from hpsearch.strategies import Random, Staged
from hpsearch.testing import table
from hpsearch.tracking import MemoryTracker

DIGITS = data.digits()
SPACE = Space(l2=Float(1e-2, 10.0, log=True), batch_size=Choice(10, 20), hidden=Int(10, 40))


def study(objective: TrainNetwork, space: Space = SPACE, seed: int = 0) -> Study:
    return Study("preflight", space, objective, Staged(trials=12), seed=seed)


def run(objective: TrainNetwork, space: Space = SPACE, seed: int = 0) -> Result:
    return study(objective, space, seed).run(1, backend="sequential", tracker=MemoryTracker())


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood", "quadratic", "hinge", "quadratic_tanh"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
def test_a_sound_network_passes_and_gets_its_rates(cost: str, activation: str) -> None:
    result = run(TrainNetwork(DIGITS, epochs=1, cost=cost, activation=activation))
    stages = list(dict.fromkeys(t.stage for t in result.trials))
    assert stages == [INITIAL, RATE, OVERFIT, CHANCE, "coarse", "fine", "finer"]
    coarse = [t.params["learning_rate"] for t in result.trials if t.stage == "coarse"]
    # The hinge sums over all wrong classes: its gradient is the largest, and its rates are lower.
    assert (1e-4 if cost == "hinge" else 1e-3) <= min(coarse) < max(coarse) <= 100
    assert max(coarse) / min(coarse) <= 1000
    assert not result.best.is_preflight


def test_the_rates_of_a_user_stay() -> None:
    space = Space(**dict(SPACE.declared), learning_rate=Float(0.2, 0.4, log=True))
    result = run(TrainNetwork(DIGITS, epochs=1), space)
    assert all(0.2 <= t.params["learning_rate"] <= 0.4 for t in result.trials if t.stage == "coarse")


def test_a_range_is_added_only_where_checks_can_find_it() -> None:
    objective = TrainNetwork(DIGITS, epochs=1)
    assert study(objective).space["learning_rate"] == RATES
    with pytest.raises(ValueError, match="'learning_rate' of TrainNetwork must be in the space or fixed"):
        Study("random", SPACE, objective, Random(trials=2))
    with pytest.raises(ValueError, match="'learning_rate' of TrainNetwork must be in the space or fixed"):
        Study("staged", SPACE, objective, Staged(trials=12, preflight=False))


def test_large_initial_weights_skip_the_initial_cost() -> None:
    stages = {t.stage for t in run(TrainNetwork(DIGITS, epochs=1, init="large")).trials}
    assert INITIAL not in stages
    assert RATE in stages


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_labels_are_found_by_the_last_check_alone(seed: int) -> None:
    part = replace(DIGITS.train, y=np.random.default_rng(seed).permutation(DIGITS.train.y))
    result = run(TrainNetwork(replace(DIGITS, train=part), epochs=1), seed=seed)
    assert result.trials[-1].stage == CHANCE
    assert "validation accuracy after two epochs is" in result.notes[-1]
    assert result.notes[-1].endswith("Look whether the labels belong to their rows.")


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_dead_units_are_found(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = hpsearch.nn.network.draw

    def dead(*settings: Any) -> Any:
        biases, weights = draw(*settings)
        biases[0] -= 1000
        return biases, weights

    monkeypatch.setattr(hpsearch.nn.network, "draw", dead)
    result = run(TrainNetwork(DIGITS, epochs=1, activation=activation))
    assert result.trials[-1].stage == OVERFIT
    assert "of 50 training rows were learnt in 500 epochs, and all of them should be" in result.notes[-1]


METHODS = {
    "no rate": (Space(l2=Float(1e-2, 10.0, log=True)), TrainNetwork(DIGITS, epochs=3, optimizer="l-bfgs")),
    "a rate for some": (
        Space(
            optimizer=Choice("sgd", "l-bfgs", "cg"),
            learning_rate=Float(0.05, 1.0, log=True, when={"optimizer": "sgd"}),
            batch_size=Choice(10, 20, when={"optimizer": "sgd"}),
        ),
        TrainNetwork(DIGITS, epochs=3),
    ),
}


@pytest.mark.parametrize(("space", "objective"), METHODS.values(), ids=METHODS)
def test_full_batch_methods_need_no_rate(space: Space, objective: TrainNetwork) -> None:
    result = run(objective, space)
    assert list(dict.fromkeys(t.stage for t in result.trials)) == [INITIAL, RATE, OVERFIT, CHANCE, "coarse", "fine", "finer"]
    assert all(t.ok for t in result.trials)


def test_inputs_that_were_not_scaled_are_found() -> None:
    part = replace(DIGITS.train, x=DIGITS.train.x * 1000)
    result = run(TrainNetwork(replace(DIGITS, train=part), epochs=1, activation="relu"))
    assert len(result.trials) == 1
    assert "The search ends before it begins: the untrained network costs" in result.notes[-1]


def test_a_rate_a_thousand_times_too_high_is_found() -> None:
    fixed = run(TrainNetwork(DIGITS, epochs=1, learning_rate=500.0))
    assert fixed.notes[-1].endswith("does not fall at the learning rate 500. Try a tenth of it, or look at the first weights.")
    space = Space(**dict(SPACE.declared), learning_rate=Float(1e3, 1e4, log=True))
    ranged = run(TrainNetwork(DIGITS, epochs=1), space)
    assert "and the range begins at 1000. Lower the range" in ranged.notes[-1]
    assert {t.stage for t in ranged.trials} == {INITIAL, RATE}


def test_every_check_leaves_its_verdict() -> None:
    checks = [t for t in run(TrainNetwork(DIGITS, epochs=1)).trials if t.is_preflight]
    verdicts = [bytes(t.outcome.artifacts["verdict.txt"]).decode() for t in checks if t.outcome]
    assert len(verdicts) == len(checks)
    assert all(text.startswith(("passed: ", "failed: ")) for text in verdicts)


def test_checks_are_the_same_at_any_number_of_workers() -> None:
    one = study(TrainNetwork(DIGITS, epochs=1))
    alone = one.run(1, backend="sequential", tracker=MemoryTracker())
    assert table(one.run(2, tracker=MemoryTracker()).trials) == table(alone.trials)


def test_guessing_costs_what_the_books_say() -> None:
    """CS231n gives log C; ten sigmoid outputs at one half cost 10 ln 2 = 6.93 and, squared, 1.25; hinge: C - 1."""
    costs = [guessing(name, 10) for name in ("log_likelihood", "cross_entropy", "quadratic", "hinge", "quadratic_tanh")]
    assert costs == pytest.approx([2.302585, 6.931472, 1.25, 9.0, 5.0])


def test_checks_and_smoke_cut_sizes_with_the_data() -> None:
    objective = TrainNetwork(data.digits(), train_size=1000, batch_size=600, epochs=1, learning_rate=0.5)
    assert objective.shrunk().check({"train_size": 1050}) is None
    space = Space(learning_rate=Float(0.01, 10.0, log=True), train_size=Choice(1000, 1050))
    study = Study("cut", space, objective, Staged(trials=12))
    small = study.smoke().run(jobs=1, backend="sequential", tracker=MemoryTracker())
    assert [trial.error for trial in small.trials] == [None, None]
    checks = [t for t in study.run(jobs=1, backend="sequential", tracker=MemoryTracker()).trials if t.stage in CHECKS]
    assert checks
    assert not [trial.error for trial in checks if trial.error]


def test_rows_of_a_table_that_few_columns_do_not_tell_apart_are_no_bug() -> None:
    """Two columns with gaps leave equal rows of different classes, and a rare class is hardly seen in two epochs."""
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"city": rng.choice(["Rome", "Oslo", None], 400), "age": rng.integers(20, 30, 400).astype(float)})
    frame["buys"] = np.where(rng.random(400) < 0.12 + 0.3 * (frame["city"] == "Oslo"), "yes", "no")
    objective = TrainNetwork(data.table(frame, target="buys"), epochs=2)
    study = Study("shop", Space(learning_rate=Float(0.01, 1.0, log=True)), objective, Auto(trials=2))
    result = study.run(backend="sequential", tracker=MemoryTracker())
    passed = {t.stage for t in result.trials if t.is_preflight and t.outcome is not None and t.outcome.metrics["passed"]}
    assert passed == {INITIAL, RATE, OVERFIT, CHANCE}
    assert result.best.ok
