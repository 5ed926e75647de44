"""Where the logged network comes from: the state at hand, or the same training once more; and when none is logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import Float, Space, Stop, Study, data
from hpsearch.errors import SettingError, StudyError, TrackingError
from hpsearch.nn import Ensemble, Network, load, save
from hpsearch.objectives import CrossValidate, TrainNetwork
from hpsearch.ports import Context, Exported, StudyRecord
from hpsearch.search.export import BestState
from hpsearch.search.result import Result
from hpsearch.strategies import Halving, Random
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Params, Status, Trial

trainings: list[int] = []


@dataclass(frozen=True)
class Counted(TrainNetwork):
    """Notes every training of this process in ``trainings``."""

    def __call__(self, params: Params, context: Context) -> Outcome:
        trainings.append(1)
        return super().__call__(params, context)


STUDY = Study(
    "counted",
    Space(learning_rate=Float(0.05, 1.0, log=True)),
    Counted(data.digits(), hidden=(8,), epochs=2),
    Random(trials=4),
    seed=3,
)


@pytest.fixture(autouse=True)
def none_so_far() -> None:
    trainings.clear()


def run(study: Study = STUDY, tracker: MemoryTracker | None = None, **options: Any) -> Result:
    options = {"jobs": 1, "backend": "sequential", **options}
    return study.run(tracker=tracker or MemoryTracker(), **options)


def kept(result: Result) -> Exported:
    """Return the one network that the tracker keeps."""
    tracker = result.tracker
    assert isinstance(tracker, MemoryTracker)
    ((number, exported),) = tracker.studies[result.study.name].models.items()
    assert number == result.best.number
    return exported


def accuracy(exported: Exported) -> float:
    """Return the share of validation rows that the exported weights find."""
    count = len(exported.architecture["layers"])
    weights = [np.ascontiguousarray(exported.weights[f"weights_{i}"]) for i in range(count)]
    network = Network(weights, [exported.weights[f"biases_{i}"] for i in range(count)])
    part = data.digits().validation
    return network.accuracy(part.x, part.y)


def forgotten(result: Result) -> MemoryTracker:
    """Return a tracker that holds the trials of a result, as a later process finds them."""
    tracker = MemoryTracker()
    tracker.start(result.study.tracked())
    for trial in result.trials:
        tracker.record(trial)
    tracker.finish("finished", result.trials)
    return tracker


@pytest.mark.parametrize("options", [{}, {"jobs": 2, "backend": "threading"}])
def test_the_state_at_hand_spares_a_training(options: dict[str, Any]) -> None:
    result = run(**options)
    assert len(trainings) == 4
    assert result.model == f"memory:/counted/{result.best.number}"
    assert accuracy(kept(result)) == result.best.outcome.metrics["best_validation_accuracy"]  # type: ignore[union-attr]
    assert kept(result).note == ""


def test_workers_send_the_same_network() -> None:
    alone, workers = kept(run()).weights, kept(run(jobs=2, backend="loky")).weights
    assert all((alone[name] == workers[name]).all() for name in alone)


def test_without_it_the_same_network_is_trained_again() -> None:
    first = run()
    result = run(tracker=forgotten(first))
    assert len(trainings) == 4 + 1
    assert kept(result).note == ""
    assert all((kept(result).weights[name] == array).all() for name, array in kept(first).weights.items())


def test_a_network_that_is_kept_is_left_alone() -> None:
    tracker = MemoryTracker()
    first = run(tracker=tracker)
    assert run(tracker=tracker).model == first.model
    assert len(trainings) == 4


def test_the_table_is_the_same_with_and_without() -> None:
    assert [repr(t.outcome) for t in run().trials] == [repr(t.outcome) for t in run(model=False).trials]
    assert all(t.outcome.state is None for t in run().trials if t.outcome)


def test_the_network_itself_is_at_hand(tmp_path: Path) -> None:
    """From the state that is there, and from the record alone; its file answers alike."""
    first, part = run(), data.digits().validation
    save(first.network(), tmp_path / "best.npz")
    assert len(trainings) == 4
    best = first.best.outcome.metrics["best_validation_accuracy"]  # type: ignore[union-attr]
    assert load(tmp_path / "best.npz").accuracy(part.x, part.y) == best
    again = STUDY.result(forgotten(first)).network()
    assert len(trainings) == 5
    assert all((ours == theirs).all() for ours, theirs in zip(again.weights, first.network().weights, strict=True))


def test_a_training_that_comes_out_differently_is_logged_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """As on a machine whose BLAS rounds otherwise: the record holds a value that cannot be had here."""
    first = run(model=False)
    changed = replace(first.best, outcome=replace(first.best.outcome, value=first.best.value - 1e-9))  # type: ignore[type-var]
    trials = [changed if t.number == changed.number else t for t in first.trials]
    result = replace(first, trials=trials)
    assert result.log_model() == f"memory:/counted/{changed.number}"
    expected = f"Trained again for this model, trial {changed.number} came out differently (value was {changed.value!r}, is now"
    assert kept(result).note.startswith(expected)
    caplog.clear()
    result.network()
    assert caplog.messages == [kept(result).note]


def test_a_trial_that_went_on_with_another_is_exported_too() -> None:
    study = replace(STUDY, strategy=Halving(trials=3, min_epochs=1, max_epochs=3), objective=replace(STUDY.objective, epochs=3))  # type: ignore[type-var]
    first = run(study)
    assert first.best.continues is not None
    again = run(study, forgotten(first))
    assert all((kept(again).weights[name] == array).all() for name, array in kept(first).weights.items())


def test_of_replicates_the_chosen_one_is_exported() -> None:
    """The choice goes by the mean, so the lowest single value, whose state is at hand, may be another setting's."""
    result = run(replace(STUDY, replicates=2))
    assert accuracy(kept(result)) == result.best.outcome.metrics["best_validation_accuracy"]  # type: ignore[union-attr]


def nothing(params: Params) -> float:
    return float(params["learning_rate"])


class Failing(Counted):
    def __call__(self, params: Params, context: Context) -> Outcome:
        raise ValueError("planted")


@pytest.mark.parametrize(
    "objective",
    [nothing, CrossValidate(TrainNetwork(data.digits(), hidden=(8,), epochs=1), folds=2), Failing(data.digits(), epochs=1)],
)
def test_where_there_is_no_network_nothing_is_said(objective: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert run(replace(STUDY, objective=objective)).model is None
    assert caplog.messages == []


def test_one_that_asks_for_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StudyError, match=r"Study 'counted' has no network: its objective has no export"):
        run(replace(STUDY, objective=nothing)).log_model()
    with pytest.raises(StudyError, match=r"Study 'counted' has no network: its objective has no export"):
        run(replace(STUDY, objective=nothing)).network()


def test_it_can_be_left_out_and_done_later() -> None:
    result = run(model=False)
    assert result.model is None
    assert isinstance(result.tracker, MemoryTracker)
    assert result.tracker.studies["counted"].models == {}
    assert result.log_model() == f"memory:/counted/{result.best.number}"


def test_a_study_whose_time_is_up_is_not_held_up(caplog: pytest.LogCaptureFixture) -> None:
    study = replace(STUDY, stop=Stop(seconds=600.0))
    first = run(study)
    assert first.model is not None  # its state was at hand
    long = replace(first, trials=[replace(trial, seconds=61.0) for trial in first.trials])
    again = run(study, forgotten(long))
    assert again.model is None
    assert caplog.messages == ["The best network was not logged: training it again takes 61 s, and the time is up."]
    assert run(study, forgotten(long), model=True).model == first.model
    assert run(study, forgotten(first)).model == first.model


class Away(MemoryTracker):
    def keep_model(self, record: StudyRecord, trial: Trial, export: Callable[[], Exported]) -> str:
        raise TrackingError("The store is away.")


def test_a_store_that_went_away_does_not_fail_the_study(caplog: pytest.LogCaptureFixture) -> None:
    result = run(tracker=Away())
    assert (len(result.trials), result.model) == (4, None)
    assert caplog.messages == ["The best network was not logged: The store is away."]


class Broken(Counted):
    def export(self, params: Params, context: Context) -> Exported:
        raise RuntimeError("planted")


def test_an_export_that_fails_does_not_fail_the_study(caplog: pytest.LogCaptureFixture) -> None:
    result = run(replace(STUDY, objective=Broken(data.digits(), hidden=(8,), epochs=2)))
    assert (len(result.trials), result.model) == (4, None)
    assert caplog.messages == ["The best network was not logged: RuntimeError: planted"]


def test_the_state_kept_is_that_of_the_earliest_of_the_best() -> None:
    best = BestState()
    for number, value, status in (
        (3, 0.5, Status.FINISHED),
        (1, 0.5, Status.FINISHED),
        (0, 0.1, Status.FAILED),
        (2, 0.6, Status.FINISHED),
    ):
        best.update(Trial(number, {}, "all", status, Outcome(value, state={"n": number})))
    best.update(Trial(4, {}, "pre-flight: overfit", Status.FINISHED, Outcome(0.0, state={"n": 4})))
    assert (best.number, best.state) == (1, {"n": 1})


def test_the_networks_of_the_best_trials_are_an_ensemble(tmp_path: Path) -> None:
    result, part = run(), data.digits().validation
    ranked = sorted(result.trials, key=lambda trial: trial.value)[:3]
    trainings.clear()
    found = result.ensemble(3)
    assert isinstance(found, Ensemble)
    assert len(trainings) == 2  # the state of the best one is at hand
    for network, trial in zip(found.networks, ranked, strict=True):
        assert network.score(part.x, part.y).error == trial.value
    outputs = np.mean([network.forward(part.x) for network in found.networks], axis=0)
    assert found.score(part.x, part.y).accuracy == np.mean(outputs.argmax(axis=1) == part.y)
    save(result.ensemble(3, vote=True), tmp_path / "three.npz")
    again = load(tmp_path / "three.npz")
    assert isinstance(again, Ensemble)
    assert again.vote
    assert again.votes(part.x).sum(axis=1).tolist() == [3] * len(part)


def test_a_training_that_was_continued_counts_once() -> None:
    strategy = Halving(trials=4, min_epochs=1, max_epochs=4, factor=2)
    study = replace(STUDY, name="rungs", strategy=strategy, objective=replace(STUDY.objective, epochs=4))  # type: ignore[type-var]
    result = run(study)
    assert len(result.trials) > 4
    found = result.ensemble(4)
    assert isinstance(found, Ensemble)
    assert len({network.weights[0].tobytes() for network in found.networks}) == 4
    with pytest.raises(SettingError, match=r"members must be a whole number in \[1, 4\], got 5\. Take as many as finished"):
        result.ensemble(5)


def test_there_is_no_ensemble_without_networks() -> None:
    study = Study("plain", Space(x=Float(0, 1)), lambda params: params["x"], Random(trials=2))
    with pytest.raises(StudyError, match="has no network"):
        run(study).ensemble(2)
