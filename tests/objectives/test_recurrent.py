"""The objective of recurrent networks: contract, searches that resume and continue, artifacts, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import Choice, Context, Float, Int, Space, Study, data
from hpsearch.errors import DataError, SettingError, StudyError
from hpsearch.execution.checkpoints import TrialCheckpoints
from hpsearch.nn.optimizers import Adam
from hpsearch.nn.recurrent import RecurrentNetwork, RecurrentTraining, score, states
from hpsearch.nn.schedules import Constant, Cosine, HalveOnPlateau
from hpsearch.objectives import TrainRNN, recurrent_trial
from hpsearch.objectives.recurrent_trial import stages
from hpsearch.plots.kinds import draw
from hpsearch.plots.still import png
from hpsearch.ports import CheckpointPlace
from hpsearch.strategies import Bayesian, Halving, Random
from hpsearch.testing import ObjectiveContract, table
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Outcome, Params

TALE = data.tale(4000)
OBJECTIVE = TrainRNN(TALE, hidden=12, batch_size=8, epochs=4, sample_length=30)
NUMBERS = [f"{i:03d}" for i in range(60)]
SEQUENCES = {
    "many-to-many": (["hell", "bark", "yell"] * 10, ["ello", "ark.", "ello"] * 10),
    "many-to-one": (NUMBERS, ["even" if int(one) % 2 == 0 else "odd" for one in NUMBERS]),
    "one-to-many": (list("abc") * 10, ["ant", "bee", "cow"] * 10),
    "encoder-decoder": (NUMBERS, [one[::-1] for one in NUMBERS]),
}
SPACE = Space(
    learning_rate=Float(1e-3, 0.03, log=True),
    hidden=Int(6, 20),
    window=Int(5, 30),
    embedding=Choice(None, 4),
    clip=Float(0.5, 10.0, log=True),
    schedule=Choice(Constant(), Cosine(end=0.1), HalveOnPlateau(patience=Int(1, 3))),
    optimizer=Choice("adam", "rmsprop", "sgd"),
    first_state=Choice(False, True),
)


def context(seed: int = 0, budget: int | None = None, state: Any = None) -> Context:
    return Context(np.random.default_rng(seed), budget=budget, state=state)


def sequences(task: str, **settings: Any) -> TrainRNN:
    return TrainRNN(data.sequences(*SEQUENCES[task], task), hidden=12, batch_size=6, learning_rate=0.01, **settings)


class TestText(ObjectiveContract):
    def make(self) -> TrainRNN:
        return replace(OBJECTIVE)

    def params(self) -> Params:
        return {"learning_rate": 0.01, "embedding": 3, "first_state": True}


class TestEncoderDecoder(ObjectiveContract):
    def make(self) -> TrainRNN:
        return sequences("encoder-decoder", epochs=2, value="error")

    def params(self) -> Params:
        return {"hidden": 10}


def test_the_repr_is_its_identity() -> None:
    assert repr(OBJECTIVE) == (
        "TrainRNN(data=tale(train=3200, validation=400), hidden=12, embedding=None, window=None, learning_rate=None, "
        "optimizer='adam', momentum=0.0, clip=5.0, batch_size=8, schedule=Constant(), epochs=4, first_state=False, "
        "value='bits', dtype='float32', sample_length=30, temperature=1.0)"
    )


def test_the_value_is_the_bits_per_character_of_the_kept_network() -> None:
    params = {"learning_rate": 0.01}
    outcome, network = OBJECTIVE(params, context()), OBJECTIVE.network(params, context())
    assert score(network, TALE.validation.inputs) == (outcome.value, outcome.metrics["best_validation_accuracy"])
    curve = [cost for _, cost in outcome.history["validation_cost"]]
    assert outcome.value == min(curve) == curve[int(outcome.metrics["best_epoch"]) - 1]
    assert curve[-1] < curve[0] < np.log2(len(TALE.alphabet))
    assert set(outcome.history) == set(OBJECTIVE.curves)


@pytest.mark.parametrize("params", [{"learning_rate": 0.01}, {"learning_rate": 0.5, "optimizer": "sgd", "momentum": 0.8}])
def test_a_continued_trial_is_that_of_one_training(params: Params) -> None:
    whole = OBJECTIVE(params, context())
    first = OBJECTIVE(params, context(budget=1))
    second = OBJECTIVE(params, context(seed=5, budget=3, state=first.state))
    assert OBJECTIVE(params, context(seed=6, state=second.state)) == whole


def test_a_continued_trial_keeps_samples_that_end_in_nul_characters() -> None:
    one = replace(OBJECTIVE, data=data.text("\0" * 4000), learning_rate=0.01)
    first = one({}, context(budget=1))
    assert one({}, context(seed=5, state=first.state)) == one({}, context())


def test_a_checkpoint_is_taken_up_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every epoch writes one. The first attempt ends in the third epoch, the second begins there and not before."""
    monkeypatch.setattr(recurrent_trial, "CHECKPOINT_SECONDS", 0.0)
    params, reported = {"learning_rate": 0.01, "first_state": True}, list[int]()

    def attempt(last: int) -> Outcome:
        def on_report(step: int, metrics: Mapping[str, float]) -> None:
            reported.append(step)
            if step == last:
                raise RuntimeError("killed")

        checkpoints = TrialCheckpoints(CheckpointPlace(tmp_path / "trial"), 0)
        return OBJECTIVE(params, Context(np.random.default_rng(0), on_report=on_report, checkpoints=checkpoints))

    with pytest.raises(RuntimeError, match="killed"):
        attempt(3)
    drawn: list[int] = []
    monkeypatch.setattr(RecurrentTraining, "_epoch", counted(RecurrentTraining._epoch, drawn))
    again = attempt(0)
    assert len(drawn) == 2  # of four epochs
    assert again == OBJECTIVE(params, context())


def counted(method: Any, calls: list[int]) -> Any:
    """Return a method that counts its calls."""

    def counting(self: Any) -> Any:
        calls.append(1)
        return method(self)

    return counting


@pytest.mark.parametrize("task", SEQUENCES)
def test_every_task_is_searched_and_tested(task: str) -> None:
    one = sequences(task, epochs=80, value="error")
    study = Study("s", Space(hidden=Int(10, 16)), one, Random(trials=2))
    result = study.run(1, backend="sequential", tracker=MemoryTracker(), progress=None, report=False)
    assert result.best.outcome is not None
    assert 0.0 <= result.best_value <= 1.0
    assert result.best.outcome.artifacts == {}
    assert set(result.test()) == {"test_cost", "test_accuracy", "test_error"}
    assert isinstance(result.network(), RecurrentNetwork)
    if task in ("many-to-many", "one-to-many"):  # every pair of these is in the training part too
        assert result.best_value == 0.0
    assert "No activity of a unit was recorded" in str(draw("unit", result.findings))
    assert draw("weights", result.findings) == "The weights of a recurrent network are not drawn: plot its unit instead."
    with pytest.raises(StudyError, match="Study 's' has no ensemble: its networks are recurrent"):
        result.ensemble(2)


@pytest.mark.parametrize(
    "strategy", [Random(trials=6), Bayesian(trials=8, batch_size=2), Halving(trials=4, max_epochs=4, factor=2)]
)
def test_the_same_trials_at_any_number_of_workers(strategy: Any) -> None:
    study = Study("s", SPACE, OBJECTIVE, strategy, seed=3)
    runs = [study.run(n, backend="threading", tracker=MemoryTracker(), progress=None, report=False) for n in (1, 2)]
    assert table(runs[0].trials) == table(runs[1].trials)
    assert all(trial.ok for trial in runs[0].trials)
    assert set(runs[0].test()) == {"test_cost", "test_accuracy", "test_error"}


def test_samples_are_kept_at_five_stages_and_change_nothing() -> None:
    params = {"learning_rate": 0.01}
    one = replace(OBJECTIVE, epochs=5)
    outcome = one(params, context())
    names = [f"sample-epoch-{epoch:04d}.txt" for epoch in (0, 1, 2, 3, 5)]
    assert list(outcome.artifacts) == [*names, "activity.json"]
    assert all(len(outcome.artifacts[name].decode()) == 30 for name in names)
    without = replace(one, sample_length=0)(params, context())
    assert without.history == outcome.history
    assert list(without.artifacts) == ["activity.json"]
    assert stages(1) == (0, 1)


def test_the_activity_is_that_of_a_unit_of_the_kept_network() -> None:
    params = {"learning_rate": 0.01}
    found = json.loads(OBJECTIVE(params, context()).artifacts["activity.json"])
    seen = states(OBJECTIVE.network(params, context()), found["text"])
    assert TALE.validation.inputs[0].startswith(found["text"])
    np.testing.assert_allclose(found["values"], seen[:, found["unit"]], atol=6e-4)


def test_the_unit_is_drawn() -> None:
    study = Study("s", Space(learning_rate=Float(0.005, 0.01)), OBJECTIVE, Random(trials=1))
    result = study.run(1, backend="sequential", tracker=MemoryTracker(), progress=None, report=False)
    picture = draw("unit", result.findings)
    assert not isinstance(picture, str)
    assert len(png(picture)) > 20_000
    (cells,) = picture.panels[0].layers
    shown = "".join(character for line in zip(*cells.texts, strict=True) for character in line)  # type: ignore[union-attr]
    assert sorted(shown.replace("↵", "\n").replace(" ", "")) == sorted(TALE.validation.inputs[0][:900].replace(" ", ""))


def test_an_option_is_passed_on() -> None:
    params = {"learning_rate": 0.01}
    base = OBJECTIVE(params, context()).value
    for changed in ({"dtype": "float64"}, {"clip": 0.01}, {"optimizer": Adam(beta1=0.5)}, {"batch_size": 4}, {"window": 5}):
        assert replace(OBJECTIVE, **changed)(params, context()).value != base
    assert replace(OBJECTIVE, temperature=0.1)(params, context()).value == base


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"data": "hello"}, "TrainRNN's data must be texts, got 'hello'"),
        ({"data": data.digits()}, "TrainRNN's data must be texts, got digits"),
        (
            {"window": 400},
            r"window must be a whole number in \[1, 399\], got 400. It is at most the",
        ),
        ({"batch_size": 200}, r"window must be a whole number in \[1, 15\], got 25"),
        ({"batch_size": 5000}, r"batch_size must be a whole number in \[1, 3199\], got 5000"),
        ({"hidden": 0}, "hidden must be a whole number >= 1, got 0"),
        ({"hidden": (10, 10)}, r"hidden must be a whole number >= 1, got \(10, 10\)"),
        ({"embedding": 0}, "embedding must be a whole number >= 1, or None for one-hot characters, got 0"),
        ({"value": "bit"}, "value must be one of 'bits', 'error', got 'bit'"),
        ({"first_state": 1}, "first_state must be True or False, got 1"),
        ({"optimizer": "cg"}, "optimizer must be 'sgd', 'nesterov', 'rmsprop' or 'adam', got 'cg'"),
        ({"clip": -1.0}, "clip must be a number in .*, got -1.0"),
        ({"sample_length": -1}, "sample_length must be a whole number >= 0, got -1"),
        ({"temperature": "hot"}, "temperature must be a number in .*, got 'hot'"),
        ({"epochs": 0}, "epochs must be a whole number >= 1, got 0"),
        ({"dtype": "float16"}, "dtype must be one of 'float32', 'float64', got 'float16'"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        replace(OBJECTIVE, **settings)


def test_settings_without_effect_are_refused() -> None:
    with pytest.raises(SettingError, match=r"window must be None for task 'many-to-one', got 25\. Leave it out"):
        sequences("many-to-one", window=25)
    with pytest.raises(SettingError, match="first_state must be False for task 'encoder-decoder', got True"):
        sequences("encoder-decoder", first_state=True)
    with pytest.raises(SettingError, match="batch_size must be at most the 18 training sequences, got 20"):
        replace(sequences("many-to-many"), batch_size=20)


def test_settings_of_samples_without_effect_are_said_in_a_sentence() -> None:
    of_samples, space = {"sample_length": 50, "temperature": 0.5}, Space(learning_rate=Float(0.01, 0.1))
    alone = "has no effect: only a long text has samples."
    assert sequences("many-to-one", **of_samples).idle_settings(space) == [f"sample_length {alone}", f"temperature {alone}"]
    none = replace(OBJECTIVE, sample_length=0, temperature=0.5)
    assert none.idle_settings(space) == ["temperature has no effect: sample_length is 0."]
    assert [one.idle_settings(space) for one in (sequences("many-to-one"), replace(OBJECTIVE, temperature=0.5))] == [[], []]


def test_bad_params_are_refused_before_the_first_trial() -> None:
    with pytest.raises(StudyError, match=r"Unknown parameter 'widow' for TrainRNN; .* Did you mean 'window'\?"):
        Study("s", Space(widow=Int(1, 3)), replace(OBJECTIVE, learning_rate=0.01), Random(trials=1)).run(
            1, tracker=MemoryTracker(), progress=None
        )
    with pytest.raises(StudyError, match=r"Parameter .learning_rate. of TrainRNN must be in the space or fixed"):
        Study("s", Space(window=Int(1, 3)), OBJECTIVE, Random(trials=1)).run(1, tracker=MemoryTracker(), progress=None)
    with pytest.raises(SettingError, match=r"window must be a whole number in \[1, 399\], got"):
        Study("s", Space(learning_rate=Float(0.01, 0.1), window=Int(390, 500)), OBJECTIVE, Random(trials=20)).run(
            1, tracker=MemoryTracker(), progress=None
        )


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(DataError, match="The text must be not empty, got ''"):
        TrainRNN(data.text(""))


def test_a_smoke_test_takes_a_part() -> None:
    long = TrainRNN(data.tale(20_000), window=400, learning_rate=0.01, epochs=1, sample_length=0)
    small = long.shrunk()
    assert len(small.data.train) == 5000
    assert np.isfinite(small({}, context()).value)


def test_a_smoke_test_takes_no_label_that_its_training_part_lacks() -> None:
    """Of 4,000 inputs 10 have a rare label; at this seed none is among the first 500 to train on, but one to validate on is."""
    labels = ["rare" if i % 400 == 0 else "usual" for i in range(4000)]
    found = data.sequences([str(i) for i in range(4000)], labels, "many-to-one", seed=1)
    assert "rare" in found.validation.outputs[:200]
    small = TrainRNN(found, hidden=4, learning_rate=0.01, epochs=1).shrunk()
    assert (small.data.labels, len(small.data.train), len(small.data.validation)) == (("usual",), 500, 200)
    assert np.isfinite(small({}, context()).value)
