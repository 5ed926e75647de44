"""The watching objective trains as `TrainNetwork` does, and its further curves agree with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import data
from hpsearch.nn.schedules import Constant, Step
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context
from hpsearch.reproductions.fixed_settings import Listed, as_params, space_of
from hpsearch.reproductions.network_objectives import Watched
from hpsearch.study import Study
from hpsearch.tracking.memory import MemoryTracker
from hpsearch.trial import Outcome

SETTINGS = {"hidden": 8, "learning_rate": 0.5, "epochs": 3}


def run(objective: TrainNetwork | Watched) -> Outcome:
    return objective({}, Context(np.random.default_rng(7)))


def test_it_trains_to_the_same_bits() -> None:
    plain = TrainNetwork(data.digits(), **SETTINGS)  # type: ignore[arg-type]
    known, ours = run(plain), run(Watched(plain, training=True))
    assert ours.value == known.value
    assert all(ours.history[name] == curve for name, curve in known.history.items())
    assert ours.metrics["best_epoch"] == known.metrics["best_epoch"]


@pytest.mark.parametrize("size", [None, 300])
def test_training_data_and_penalty_are_those_of_the_last_network(size: int | None) -> None:
    digits = data.digits()
    plain = TrainNetwork(digits, **SETTINGS, l2=2.0, l1=0.5, train_size=size, dtype="float64")  # type: ignore[arg-type]
    rng = np.random.default_rng(7)
    training = plain.plan({}).start(rng)
    list(training.run())
    n = size or len(digits.train)
    part, weights = digits.train.head(n), training.network.weights
    right = (training.network.forward(part.x).argmax(axis=1) == part.y).mean()
    squares, sizes = (sum(float(f(w).sum()) for w in weights) for f in (np.square, np.abs))
    history = run(Watched(plain, training=True)).history
    assert history["full_training_accuracy"][-1] == (3, pytest.approx(right, abs=1e-12))
    assert history["penalty"][-1] == (3, pytest.approx(2.0 / (2 * n) * squares + 0.5 / n * sizes, rel=1e-9))


def test_training_data_are_left_alone_unless_asked_for() -> None:
    assert "full_training_cost" not in run(Watched(TrainNetwork(data.digits(), **SETTINGS))).history  # type: ignore[arg-type]


def test_what_watches_the_test_part_says_so() -> None:
    digits = data.digits()
    watched = Watched(TrainNetwork(digits.for_reproduction(), **SETTINGS))  # type: ignore[arg-type]
    study = Study("seen", space_of([{"hidden": 8}]), watched, Listed(({"hidden": 8},)), question="")
    assert (watched.measure, study.record().tags) == ("test error of the best epoch", {"reproduction": "true"})
    assert Watched(TrainNetwork(digits, **SETTINGS)).measure == "validation error"  # type: ignore[arg-type]


def test_settings_are_tried_as_listed_under_the_same_seeds() -> None:
    settings = ({"hidden": 9, "l2": 5.0}, {"hidden": 8, "l2": 0.0})
    watched = Watched(TrainNetwork(data.digits().head(200, 100), learning_rate=0.5, epochs=1))
    study = Study("listed", space_of(settings), watched, Listed(settings), replicates=2, question="")
    trials = study.run(jobs=1, backend="sequential", tracker=MemoryTracker()).trials
    assert [(trial.params, trial.replicate) for trial in trials] == [(s, r) for s in settings for r in (0, 1)]
    assert study.space.contains({"hidden": 9, "l2": 0.0})
    assert not study.space.contains({"hidden": 10, "l2": 0.0})


def test_rules_in_a_setting_are_named_by_their_labels() -> None:
    settings = [{"schedule": Constant()}, {"schedule": Step(every=1, factor=0.5)}]
    space = space_of(settings)
    named = tuple(as_params(one, space) for one in settings)
    assert named == ({"schedule": "Constant"}, {"schedule": space["schedule"].labels[1]})
    watched = Watched(TrainNetwork(data.digits().head(200, 100), learning_rate=0.5, epochs=2))
    trials = Study("rules", space, watched, Listed(named), question="").run(
        jobs=1, backend="sequential", tracker=MemoryTracker()
    )
    rates = [trial.outcome.history["learning_rate"] for trial in trials.trials if trial.outcome]
    assert rates == [((1, 0.5), (2, 0.5)), ((1, 0.5), (2, 0.25))]
