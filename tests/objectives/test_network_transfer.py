"""Trainings that start from a saved network: bits that are kept, states, members, exports, checks, and what is refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import Choice, Float, Int, Space, Study, data
from hpsearch.analysis.curve_shape import CONTRAST
from hpsearch.errors import DataError, SettingError
from hpsearch.nn import Ensemble, Network, SavedNetwork, save, train
from hpsearch.nn.averaging import MovingAverage
from hpsearch.nn.plain_data import from_data
from hpsearch.objectives import CrossValidate, TrainNetwork, preflight
from hpsearch.ports import Context
from hpsearch.strategies import Halving, Random
from hpsearch.testing import ObjectiveContract
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params

PARAMS: Params = {"learning_rate": 0.5}
DIGITS = data.digits()
LOW, HIGH = DIGITS.only(range(5)), DIGITS.only(range(5, 10))
START = train(DIGITS.only(range(4)).train, hidden=(12, 8), epochs=8)
assert isinstance(START, Network)
OPTIONS: dict[str, dict[str, Any]] = {
    "frozen": {"freeze": 1},
    "frozen, two members": {"freeze": 2, "members": 2},
    "linear layer first": {"freeze": 2, "freeze_epochs": 2, "lower_rate_factor": 0.3},
    "adam, decay": {"freeze": 1, "optimizer": "adam", "learning_rate": 0.01, "l2": 5.0, "max_norm": 2.0},
    "average": {"freeze": 1, "averaging": MovingAverage(0.9), "momentum": 0.5},
    "small rate": {"lower_rate_factor": 0.1},
    "all new": {"new_layers": 3},
}


def objective(**settings: Any) -> TrainNetwork:
    options: dict[str, Any] = {"hidden": (12, 8), "epochs": 4, "start": START, "learning_rate": 0.5, **settings}
    return TrainNetwork(HIGH, **options)


def context(budget: int | None = None, state: Any = None, seed: int = 7) -> Context:
    return Context(np.random.default_rng(seed), budget, state)


def layers(network: Any) -> list[bytes]:
    return [w.tobytes() + b.tobytes() for w, b in zip(network.weights, network.biases, strict=True)]


class TestContractWithAStart(ObjectiveContract):
    def make(self) -> TrainNetwork:
        return objective(freeze=1, lower_rate_factor=0.1)

    def params(self) -> Params:
        return {**PARAMS, "freeze": 1, "l2": 1.0}


@pytest.mark.parametrize("engine", ["numpy", "numba"] if find_spec("numba") else ["numpy"])
@pytest.mark.parametrize("name", [name for name in OPTIONS if "frozen" in name or "freeze" in OPTIONS[name]])
def test_frozen_layers_keep_their_bits_in_what_is_kept_and_exported(name: str, engine: str) -> None:
    one = objective(**OPTIONS[name], engine=engine)
    frozen = 0 if "freeze_epochs" in OPTIONS[name] else OPTIONS[name]["freeze"]
    exported = one.export({}, context())
    for network in (one.network({}, context()), from_data(exported.architecture, exported.weights)):
        for member in network.networks if isinstance(network, Ensemble) else [network]:
            same = [ours == theirs for ours, theirs in zip(layers(member), layers(START), strict=False)]
            assert same[:frozen] == [True] * frozen
            assert same[2] is False
            assert member.sizes == (64, 12, 8, 5)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", OPTIONS)
def test_going_on_from_a_state_is_training_through(name: str) -> None:
    one = objective(**OPTIONS[name])
    through, half = one({}, context()), one({}, context(budget=2))
    assert one({}, context(state=half.state, seed=0)) == through
    kept = [one.network({}, c).forward(HIGH.validation.x) for c in (context(), context(state=through.state))]
    assert kept[0].tobytes() == kept[1].tobytes()


def test_all_layers_new_is_training_from_scratch_under_the_same_seed() -> None:
    assert objective(new_layers=3)({}, context()) == objective(start=None)({}, context())


def test_a_trained_start_is_ahead_of_new_weights_on_few_rows() -> None:
    small = {"train_size": 25, "epochs": 8}
    with_start, scratch = (np.mean([one({}, context(seed=s)).value for s in range(3)]) for one in (
        objective(freeze=1, **small), objective(start=None, **small)))  # fmt: skip
    assert with_start < scratch


def test_the_same_trials_at_any_number_of_workers_and_through_a_halving(tmp_path: Path) -> None:
    """Budgets of 1, 2 and 4 epochs in other processes, where the file is gone."""
    save(START, tmp_path / "net.npz")
    study = Study(
        name="transfer",
        space=Space(
            new_layers=Choice(1, 2, 3),
            freeze=Choice(0, 1),
            lower_rate_factor=Float(0.05, 1.0, log=True),
            learning_rate=Float(0.1, 1.0, log=True),
        ),
        objective=objective(start=tmp_path / "net.npz"),
        strategy=Halving(trials=6, factor=2, min_epochs=1, max_epochs=4),
    )
    (tmp_path / "net.npz").unlink()
    runs = [study.run(jobs, tracker=MemoryTracker()) for jobs in (1, 2)]
    assert runs[0].trials == runs[1].trials
    assert all(trial.ok for trial in runs[0].trials)
    assert {trial.budget for trial in runs[0].trials} == {1, 2, 4}


def test_the_repr_is_by_content_and_says_nothing_of_paths(tmp_path: Path) -> None:
    reprs = []
    for name, network in (("a", START), ("b", START), ("a", train(LOW.train, hidden=(12, 8), epochs=1))):
        save(network, tmp_path / f"{name}.npz")
        reprs.append(repr(objective(start=str(tmp_path / f"{name}.npz"))))
    assert reprs[0] == reprs[1] != reprs[2]
    assert f"start={SavedNetwork.of('start', START)!r}" in reprs[0]
    assert str(tmp_path) not in reprs[0]
    assert "start" not in repr(objective(start=None))


def test_a_worker_gets_the_network_without_a_path(tmp_path: Path) -> None:
    save(START, tmp_path / "net.npz")
    sent = pickle.dumps(objective(start=tmp_path / "net.npz", freeze=1))
    (tmp_path / "net.npz").unlink()
    assert str(tmp_path).encode() not in sent
    assert pickle.loads(sent)({}, context()) == objective(freeze=1)({}, context())


def test_what_is_exported_is_read_by_numpy_and_json_alone(tmp_path: Path) -> None:
    one = objective(freeze=1)
    network = one.network({}, context())
    save(network, tmp_path / "new.npz")
    np.save(tmp_path / "x.npy", HIGH.validation.x)
    program = """
import json, sys
import numpy as np
with np.load("new.npz", allow_pickle=False) as file:
    layers = json.loads(file["architecture"].item())["layers"]
    a = np.load("x.npy")
    for i, layer in enumerate(layers):
        assert layer["activation"] == "sigmoid"
        a = 1 / (1 + np.exp(-(a @ file[f"weights_{i}"].T + file[f"biases_{i}"])))
assert "hpsearch" not in sys.modules
print(json.dumps(a.argmax(axis=1).tolist()))
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == network.predict(HIGH.validation.x).tolist()


def test_is_cross_validated_and_trained_for_numbers() -> None:
    assert 0 < CrossValidate(objective(freeze=1, epochs=1), folds=3)({}, context()).value < 1
    numbers = data.arrays(DIGITS.train.x, DIGITS.train.x.mean(axis=1), regression=True)
    one = TrainNetwork(numbers, (12, 8), learning_rate=0.05, epochs=2, start=START, freeze=2, standardize=False)
    assert one.plan({}).layers_taken == 2
    assert layers(one.network({}, context()))[:2] == layers(START)[:2]


def test_first_weights_that_are_not_new_have_no_contrast_to_be_judged_by() -> None:
    assert CONTRAST not in objective()({}, context()).history
    assert CONTRAST in objective(new_layers=3)({}, context()).history
    assert CONTRAST in objective(start=None)({}, context()).history


def test_checks_before_a_search_pass_with_frozen_layers_and_skip_the_first_cost() -> None:
    """A trained network does not guess, and a narrow frozen layer cannot learn all rows by heart: neither is a bug."""
    study = Study("checked", Space(learning_rate=Float(0.01, 10.0, log=True)), objective(freeze=2), Random(trials=1))
    stages: list[str] = []
    checks = study.objective.preflight(study.space)  # type: ignore[attr-defined]
    sent = None
    while True:
        try:
            batch = checks.send(sent)
        except StopIteration as end:
            searched = end.value
            break
        stages.append(batch.stage)
        assert batch.proposals, batch.note
        sent = [_run(study.objective, p, batch.stage, i) for i, p in enumerate(batch.proposals)]
    assert isinstance(searched, Space)  # None would say that a bug was found
    assert stages == [preflight.RATE, preflight.OVERFIT, preflight.CHANCE]


def _run(one: Any, proposal: Any, stage: str, number: int) -> Any:
    from hpsearch.trial import Status, Trial

    outcome = one(proposal.params, replace(context(), stage=stage))
    return Trial(number, proposal.params, stage=stage, status=Status.FINISHED, outcome=outcome)


def test_a_searched_width_other_than_that_of_the_start_is_refused_before_the_first_trial() -> None:
    with pytest.raises(SettingError, match=r"hidden must be \(12, 8\), as in the network of start, got \(20, 8\)\."):
        Study("wide", Space(hidden=Choice((12, 8), (20, 8))), objective(), Random(trials=4))


def test_a_range_of_frozen_layers_beyond_the_network_is_refused_before_the_first_trial() -> None:
    with pytest.raises(SettingError, match=r"freeze must be at most 2, the number of hidden layers, got 3\."):
        Study("deep", Space(freeze=Int(0, 3)), objective(), Random(trials=8))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "too many frozen": ({"freeze": 3}, r"freeze must be at most 2, the number of hidden layers, got 3\. The output layer is"),
    "another shape": ({"hidden": 30}, r"hidden must be \(12, 8\), as in the network of start, got \(30,\)\. Layers above may"),
    "another activation": ({"activation": "relu"}, r"activation must be 'sigmoid', as in the network of start, got 'relu'\."),
    "normalised": ({"batch_norm": True}, r"batch_norm must be False with start, got True\. A saved network has its norm"),
    "no network": ({"start": 7}, r"start must be a network, or the path of a saved one, got 7\. Write start='net\.npz'\."),
    "new beside nothing": ({"start": None, "new_layers": 1}, r"new_layers must be left out without start, got 1\."),
    "an ensemble": ({"start": Ensemble([START, START])}, r"start must be a single network that takes rows as they are, got"),
    "full batches": ({"freeze": 1, "optimizer": "l-bfgs", "learning_rate": None}, r"freeze must be left out, or 0, with 'l-bf"),
}


@pytest.mark.parametrize(("settings", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refuses_in_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=f"^{sentence}"):
        objective(**settings)


def test_refuses_other_columns_and_files_that_are_none(tmp_path: Path) -> None:
    other = Network.create((10, 12, 8, 5), np.random.default_rng(0))
    with pytest.raises(SettingError, match=r"^Columns of the data must be 10, as in the network of start, got 64\. Scale"):
        objective(start=other)
    with pytest.raises(DataError, match=r"^Network file '.*' must be one of plain arrays and JSON, got 'No such file"):
        objective(start=tmp_path / "missing.npz")
    (tmp_path / "net.npz").write_bytes(b"no network")
    with pytest.raises(DataError, match=r"^Network file '.*' must be one of plain arrays and JSON, got 'another kind of"):
        objective(start=tmp_path / "net.npz")
