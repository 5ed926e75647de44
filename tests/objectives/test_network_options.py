"""Distorted images, averages, ensembles, looks within epochs and reduced problems, as options of the objective."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpsearch import Choice, Float, Space, Study, data
from hpsearch.data import Dataset, Part
from hpsearch.errors import SettingError
from hpsearch.nn.augment import Affine, Elastic, Noise
from hpsearch.nn.averaging import MovingAverage, Snapshots, TailAverage
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Network
from hpsearch.nn.plain_data import from_data
from hpsearch.nn.regularizers import WeightCost
from hpsearch.nn.schedules import Cyclic
from hpsearch.objectives import CrossValidate, TrainNetwork
from hpsearch.ports import Context
from hpsearch.strategies import Halving, Random
from hpsearch.testing import ObjectiveContract
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Params
from tests.nn.blobs import CLASSES, blobs

PARAMS: Params = {"learning_rate": 0.5}
CLASSES_OF_DIGITS = 10
DIGITS = data.digits()
OPTIONS: dict[str, dict[str, Any]] = {
    "expansion": {"expansion": Elastic(rotation=5.0)},
    "noise": {"expansion": Noise(0.2)},
    "average": {"averaging": MovingAverage(0.95)},
    "snapshots": {"averaging": Snapshots(), "schedule": Cyclic(2)},
    "members": {"members": 3},
    "members that vote": {"members": 3, "members_vote": True},
    "batch norm": {"batch_norm": True, "dropout": 0.2, "monitor_images": 1000, "monitor_iterations": True},
    "batch norm, snapshots": {"batch_norm": True, "averaging": Snapshots(), "schedule": Cyclic(2), "members": 2},
    "looks": {"monitor_images": 1000},
    "all": {"expansion": Affine(), "averaging": TailAverage(0.3), "members": 2, "monitor_images": 1000, "dropout": 0.2},
}


def train(**settings: Any) -> TrainNetwork:
    return TrainNetwork(DIGITS, **{"hidden": (8,), "epochs": 4, "cost": "log_likelihood", **settings})


def context(budget: int | None = None, state: Any = None, seed: int = 7) -> Context:
    return Context(np.random.default_rng(seed), budget, state)


class TestContractOfAnEnsemble(ObjectiveContract):
    def make(self) -> TrainNetwork:
        return train(members=2, expansion=Affine(), averaging=MovingAverage(0.95))

    def params(self) -> Params:
        return {**PARAMS, "momentum": 0.5, "l2": 1.0}


def test_batch_normalisation_is_exported_as_a_plain_network() -> None:
    objective = train(batch_norm=True, activation="relu")
    exported, outcome = objective.export(PARAMS, context()), objective(PARAMS, context())
    assert [layer["units"] for layer in exported.architecture["layers"]] == [8, DIGITS.classes]
    network = from_data(exported.architecture, exported.weights)
    assert isinstance(network, Network)
    assert 1 - network.accuracy(DIGITS.validation.x, DIGITS.validation.y) == pytest.approx(outcome.value, abs=1e-12)


@pytest.mark.parametrize("name", OPTIONS)
def test_going_on_from_a_state_is_training_through(name: str) -> None:
    objective = train(**OPTIONS[name])
    through, half = objective(PARAMS, context()), objective(PARAMS, context(budget=2))
    assert objective(PARAMS, context(state=half.state, seed=0)) == through
    kept = [objective.network(PARAMS, c).forward(DIGITS.validation.x) for c in (context(), context(state=through.state))]
    assert kept[0].tobytes() == kept[1].tobytes()


def test_the_same_trials_at_any_number_of_workers_and_through_a_halving() -> None:
    """Budgets of 1, 2 and 4 epochs: promoted trials go on from their state, in other processes."""
    study = Study(
        name="options",
        space=Space(
            learning_rate=Float(0.1, 1.0, log=True),
            expansion=Choice(None, Affine(rotation=Float(2.0, 20.0)), Elastic(Float(0.01, 0.1))),  # type: ignore[arg-type]
            averaging=Choice(None, TailAverage(Float(0.1, 0.9))),  # type: ignore[arg-type]
            members=Choice(1, 2),
        ),
        objective=train(),
        strategy=Halving(trials=6, factor=2, min_epochs=1, max_epochs=4),
    )
    runs = [study.run(jobs, tracker=MemoryTracker()) for jobs in (1, 2)]
    assert runs[0].trials == runs[1].trials
    assert all(trial.ok for trial in runs[0].trials)
    assert {trial.budget for trial in runs[0].trials} == {1, 2, 4}


def test_members_beat_the_mean_of_them() -> None:
    outcome = train(members=5, hidden=(6,), epochs=6)(PARAMS, context())
    single = outcome.metrics["single_accuracy"]
    assert outcome.metrics["best_validation_accuracy"] > single
    assert outcome.value == pytest.approx(1 - outcome.metrics["best_validation_accuracy"])
    assert isinstance(train(members=2, epochs=1).network(PARAMS, context()), Ensemble)


def test_each_member_is_the_network_of_a_spawned_generator() -> None:
    objective = train(members=2, epochs=2)
    together = objective.network(PARAMS, context())
    assert isinstance(together, Ensemble)
    for member, rng in zip(together.networks, np.random.default_rng(7).spawn(2), strict=True):
        alone = replace(objective, members=1).network(PARAMS, Context(rng))
        assert alone.forward(DIGITS.validation.x).tobytes() == member.forward(DIGITS.validation.x).tobytes()


def test_an_ensemble_is_cross_validated() -> None:
    outcome = CrossValidate(train(members=2, epochs=1), folds=3)(PARAMS, context())
    assert 0 < outcome.value < 0.6


def test_checks_before_a_search_leave_the_options_out() -> None:
    study = Study(
        "checked",
        Space(learning_rate=Float(0.05, 5.0, log=True)),
        train(**OPTIONS["all"], epochs=1),
        Random(trials=1),
    )
    checks = study.objective.preflight(study.space)  # type: ignore[attr-defined]
    batch = next(checks)
    outcome = study.objective(batch.proposals[0].params, replace(context(), stage=batch.stage))  # type: ignore[operator]
    assert outcome.metrics["passed"] == 1.0


def test_looks_within_epochs_are_every_thousand_images_on_a_hundred_rows() -> None:
    x, y = blobs(5000)
    rows = Dataset("many blobs", Part(x, y), Part(*blobs(300, seed=1)), classes=CLASSES)
    often, plain = (TrainNetwork(rows, hidden=(5,), epochs=2, monitor_images=n)(PARAMS, context()) for n in (1000, None))
    assert [images for images, _ in often.history["accuracy_by_images"]] == list(range(1000, 10_001, 1000))
    assert often.value == plain.value
    assert {name: often.history[name] for name in plain.history} == plain.history  # looking changes nothing
    kept = TrainNetwork(rows, hidden=(5,), epochs=1).network(PARAMS, context())
    part = Part(*(a[:100] for a in (rows.validation.x, rows.validation.y)))
    assert dict(often.history["accuracy_by_images"])[5000] == kept.score(part.x, part.y).accuracy
    assert dict(often.history["cost_by_images"])[5000] == pytest.approx(kept.score(part.x, part.y).cost, rel=1e-5)


def test_looks_are_of_the_true_weights_where_decay_is_lazy() -> None:
    """A decay that would halve all weights within an epoch: the last look of an epoch sees what is scored at its end."""
    x, y = blobs(2000)
    rows = Dataset("blobs", Part(x, y), Part(*blobs(100, seed=1)), classes=CLASSES)
    outcome = TrainNetwork(rows, hidden=(5,), epochs=1, l2=20.0, monitor_images=1000)(PARAMS, context())
    (_, last), (_, end) = outcome.history["cost_by_images"][-1], outcome.history["validation_cost"][-1]
    assert last == pytest.approx(end, rel=1e-4)


@pytest.mark.parametrize(
    "settings", [{"averaging": MovingAverage(0.9)}, {"momentum": 0.9}, {"dropout": 0.3, "expansion": Elastic()}]
)
def test_looking_changes_no_bit(settings: dict[str, Any]) -> None:
    looked, plain = (train(monitor_images=n, **settings).network(PARAMS, context()) for n in (1000, None))
    assert looked.forward(DIGITS.validation.x).tobytes() == plain.forward(DIGITS.validation.x).tobytes()


def test_a_penalty_for_all_rows_decays_alike_on_some() -> None:
    """Of 1,079 rows 100 are used: lambda / n is the same with lambda * 100 / 1079 on 100."""
    rows = len(DIGITS.train)
    rescaled = train(train_size=100, l2=5.0, l1=2.0, rescale_penalty=True)(PARAMS, context())
    by_hand = train(train_size=100, l2=5.0 * 100 / rows, l1=2.0 * 100 / rows)(PARAMS, context())
    assert rescaled == by_hand
    assert rescaled != train(train_size=100, l2=5.0, l1=2.0)(PARAMS, context())
    in_steps = {"l2": WeightCost(5.0 / rows / 2), "train_size": 100}
    assert train(**in_steps, rescale_penalty=True)(PARAMS, context()) == train(**in_steps)(PARAMS, context())
    assert train(l2=5.0, rescale_penalty=True)(PARAMS, context()) == train(l2=5.0)(PARAMS, context())


def test_a_bad_penalty_is_told_as_it_was_given() -> None:
    with pytest.raises(SettingError, match=r"l2 must be a number in \[0, inf\), got -5\.0"):
        train(train_size=100, l2=-5.0, rescale_penalty=True)


def test_options_left_alone_leave_the_record_as_it_was() -> None:
    assert "members" not in repr(train())
    assert repr(train(members=2, expansion=Affine(rotation=5.0))).endswith(
        "expansion=Affine(rotation=5.0, skew=10.0, translation=0.07142857142857142), members=2)"
    )


def test_the_scale_of_noise_is_searched_on_rows_that_are_no_images() -> None:
    x, y = blobs(200)
    objective = TrainNetwork(data.arrays(x, y, test=0), hidden=(4,), epochs=2, learning_rate=0.3)
    space = Space(expansion=Choice(None, Noise(scale=Float(0.05, 0.5, log=True))))  # type: ignore[arg-type]
    result = Study("noise", space, objective, Random(trials=6)).run(1, backend="sequential", tracker=MemoryTracker())
    assert {trial.status for trial in result.trials} == {"finished"}
    assert any("expansion.scale" in trial.params for trial in result.trials)


def test_noise_is_added_to_standardized_columns() -> None:
    x, y = blobs(200)
    rows = data.arrays(1000.0 * x.astype(np.float64) + 1e5, y, test=0)
    assert TrainNetwork(rows, expansion=Noise(), learning_rate=0.3).standardize
    assert TrainNetwork(rows, learning_rate=0.3).standardize


def test_members_that_vote_are_scored_by_their_votes() -> None:
    objective, part = train(members=4, epochs=2), DIGITS.validation
    params = {"learning_rate": 0.1, "members_vote": True}
    network, outcome = objective.network(params, context()), objective(params, context())
    assert isinstance(network, Ensemble)
    votes = np.array([one.predict(part.x) for one in network.networks])
    counts = np.apply_along_axis(np.bincount, 0, votes, minlength=CLASSES_OF_DIGITS)
    chosen = np.where(counts == counts.max(axis=0), network.forward(part.x).T, -1).argmax(axis=0)
    assert outcome.value == pytest.approx(np.mean(chosen != part.y))
    mean = objective({"learning_rate": 0.1}, context())
    assert mean.metrics["best_validation_cost"] == outcome.metrics["best_validation_cost"]
    assert mean.value != outcome.value
    exported = objective.export(params, context())
    assert exported.architecture["vote"] is True
