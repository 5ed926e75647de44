"""The objective that trains a network: what it answers, refuses, and that state is only a cache."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from hpsearch import Choice, Float, Int, Space, Study, data
from hpsearch.data import Dataset, Part
from hpsearch.errors import Diverged, SettingError
from hpsearch.nn.activations import Elu, LeakyRelu, Maxout
from hpsearch.nn.augment import Affine
from hpsearch.nn.averaging import MovingAverage, Snapshots, TailAverage
from hpsearch.nn.initializers import Uniform
from hpsearch.nn.network import Network
from hpsearch.nn.optimizers.full_batch import LBFGS, NewtonCG
from hpsearch.nn.optimizers.rules import Adam, RMSProp
from hpsearch.nn.regularizers import WeightCost
from hpsearch.nn.schedules import Constant, Cosine, Cyclic, HalveOnPlateau, InverseTime, Linear, Step, WarmUp
from hpsearch.nn.stopping import NoImprovement
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Context, Objective
from hpsearch.strategies import Halving, Random
from hpsearch.testing import ObjectiveContract
from hpsearch.trial import Params
from tests.nn.blobs import CLASSES, blobs

PARAMS: Params = {"learning_rate": 0.5}


def small() -> Dataset:
    return Dataset("blobs", Part(*blobs(600)), Part(*blobs(300, seed=1)), classes=CLASSES)


def train(**settings: Any) -> TrainNetwork:
    return TrainNetwork(small(), **{"hidden": (5,), "epochs": 4, **settings})


def context(budget: int | None = None, state: Any = None) -> Context:
    return Context(np.random.default_rng(7), budget, state)


class TestContract(ObjectiveContract):
    def make(self) -> TrainNetwork:
        return train()

    def params(self) -> Params:
        return {**PARAMS, "momentum": 0.5, "l2": 1.0, "schedule": HalveOnPlateau(2)}


def test_is_an_objective() -> None:
    assert isinstance(train(), Objective)


def test_value_is_the_error_of_the_kept_epoch() -> None:
    objective = train(learning_rate=5.0, epochs=8)
    outcome = objective({}, context())
    accuracies = dict(outcome.history["validation_accuracy"])
    best = max(accuracies.values())
    assert outcome.metrics["best_validation_accuracy"] == best
    assert outcome.metrics["best_epoch"] == min(epoch for epoch, value in accuracies.items() if value == best)
    assert outcome.value == pytest.approx(1 - best)
    assert outcome.metrics["epochs"] == 8
    kept = objective.network({}, context())
    validation = objective.data.validation
    assert accuracy_score(validation.y, kept.predict(validation.x)) == best


def test_value_may_be_the_cost() -> None:
    outcome = train(value="cost", epochs=8)(PARAMS, context())
    assert outcome.value == min(cost for _, cost in outcome.history["validation_cost"])
    assert outcome.value == outcome.metrics["best_validation_cost"]


def test_names_of_metrics_and_curves_do_not_meet() -> None:
    outcome = train()(PARAMS, context())
    curves = {"training_cost", "validation_cost", "validation_accuracy", "learning_rate"}
    assert set(outcome.history) == curves | {"first_contrast"}
    assert set(outcome.metrics) == {"best_validation_accuracy", "best_validation_cost", "best_epoch", "epochs"}


def test_of_the_untrained_network_the_contrast_is_reported_once() -> None:
    """Worked out by hand, unit by unit, from the weights that the seed draws."""
    objective = train()
    done = objective(PARAMS, context())
    (point,) = done.history["first_contrast"]
    x = objective.data.train.x[:500]
    untrained = Network.create((x.shape[1], 5, CLASSES), context().rng)
    hidden = [1 / (1 + np.exp(-(x @ w + b))) for w, b in zip(untrained.weights[0], untrained.biases[0], strict=True)]
    outputs = [sum(w * h for w, h in zip(row, hidden, strict=True)) for row in untrained.weights[1]]
    assert point == (0, pytest.approx(np.mean([np.std(output) for output in outputs]), rel=1e-5))
    assert done.state is not None
    older = {name: array for name, array in done.state.items() if name != "first_contrast"}
    assert "first_contrast" not in objective(PARAMS, context(state=older)).history


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.1),
        ("l2", 50.0),
        ("momentum", 0.9),
        ("batch_size", 50),
        ("schedule", Step(every=1, factor=0.1)),
        ("epochs", 2),
        ("hidden", (4, 3)),
        ("hidden", 3),
        ("activation", "relu"),
        ("init", "large"),
        ("init", Uniform(0.5)),
        ("l2", WeightCost(1e-3)),
        ("cost", "quadratic"),
        ("stopping", NoImprovement(1)),
        ("activation", LeakyRelu(0.2)),
        ("activation", "maxout"),
        ("activation", Maxout(3)),
        ("cost", "squared_error"),
        ("cost", "hinge"),
        ("smoothing", 0.1),
        ("cost", "quadratic_tanh"),
        ("l1", 50.0),
        ("optimizer", "adam"),
        ("optimizer", RMSProp(0.8)),
        ("dropout", 0.5),
        ("input_dropout", 0.5),
        ("schedule", WarmUp(20, Cosine())),
        ("averaging", MovingAverage(0.9)),
        ("averaging", TailAverage(0.2)),
        ("max_norm", 0.5),
        ("batch_norm", True),
        ("members", 2),
        ("hidden", ()),
    ],
)
def test_a_param_goes_before_the_fixed_setting(name: str, value: Any) -> None:
    fixed = train(learning_rate=0.5)
    assert fixed({name: value}, context()) == replace(fixed, **{name: value})({}, context())
    if name != "stopping":
        assert fixed({name: value}, context()) != fixed({}, context())


def test_learning_rate_is_required_unless_fixed() -> None:
    assert train().required == {"learning_rate"}
    assert train(learning_rate=0.1).required == frozenset()
    assert train().required < train().parameters


@pytest.mark.parametrize("value", ["error", "cost"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_going_on_from_a_state_is_training_through(momentum: float, value: str) -> None:
    objective = train(momentum=momentum, schedule=HalveOnPlateau(1), epochs=6, value=value)
    through = objective(PARAMS, context())
    first = objective(PARAMS, context(budget=3))
    second = objective(PARAMS, Context(np.random.default_rng(0), state=first.state))
    assert first.metrics["epochs"] == 3
    assert second == through  # value, metrics, and the curves from the first epoch on
    assert first.state is not None
    assert first.state["history"].shape[0] == 3
    assert {type(array) for array in first.state.values()} == {np.ndarray}


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adam", "dropout": 0.5, "schedule": Cosine()},
        {"optimizer": "nesterov", "momentum": 0.9, "l1": 1.0, "schedule": WarmUp(30, Cyclic(2))},
        {"optimizer": "rmsprop", "input_dropout": 0.2, "l1": 1.0, "l2": 1.0, "activation": Elu(0.5)},
        {"activation": Maxout(3), "dropout": 0.3, "input_dropout": 0.2, "learning_rate": 0.05, "l2": 1.0, "hidden": (4, 3)},
    ],
)
def test_going_on_knows_optimizer_schedule_and_dropout(settings: Params) -> None:
    objective = train(epochs=6)
    params = {**PARAMS, **settings}
    first = objective(params, context(budget=3))
    assert objective(params, Context(np.random.default_rng(0), state=first.state)) == objective(params, context())


def test_a_space_of_optimizers_and_schedules_meets_the_objective() -> None:
    space = Space(
        learning_rate=Float(1e-3, 0.1, log=True),
        optimizer=Choice("sgd", "nesterov", Adam(Float(0.5, 0.95))),  # type: ignore[arg-type]
        momentum=Float(0.5, 0.99, when={"optimizer": ["sgd", "nesterov"]}),
        schedule=Choice(Linear(), WarmUp(Int(5, 20), Choice(Cosine(), InverseTime(Float(0.01, 0.5))))),  # type: ignore[arg-type]
        activation=Choice("elu", LeakyRelu(Float(0.0, 0.3))),  # type: ignore[arg-type]
        dropout=Float(0.0, 0.5),
    )
    for corner in space.corners():
        train().check(space.resolve(corner))
    outcome = train(epochs=1)(space.resolve(space.sample(np.random.default_rng(0))), context())
    assert np.isfinite(outcome.value)


@pytest.mark.parametrize("optimizer", ["l-bfgs", "cg", NewtonCG(1e-4)])
def test_a_full_batch_method_needs_no_rate_and_goes_on_as_trained_through(optimizer: Any) -> None:
    objective = train(optimizer=optimizer, epochs=6, l2=1.0)
    assert objective.required == frozenset()
    first, through = objective({}, context(budget=3)), objective({}, context())
    assert objective({}, Context(np.random.default_rng(0), state=first.state)) == through
    assert through == train(epochs=6, l2=1.0)({"optimizer": optimizer}, context())
    assert through.value < 0.3
    with pytest.raises(SettingError, match=r"learning_rate must be left out, or 1\.0, with .*, got 0\.5\. A line search"):
        objective.check({"learning_rate": 0.5})


def test_a_space_of_gradient_descent_and_full_batch_methods() -> None:
    space = Space(
        optimizer=Choice("sgd", LBFGS(Int(5, 20)), "cg"),  # type: ignore[arg-type]
        learning_rate=Float(0.01, 1.0, log=True, when={"optimizer": "sgd"}),
        batch_size=Choice(10, 20, when={"optimizer": "sgd"}),
        l2=Float(0.1, 10.0, log=True),
    )
    study = Study("methods", space, train(epochs=3), Halving(trials=6, max_epochs=3), seed=0)
    from hpsearch.tracking.memory import MemoryTracker

    runs = [study.run(jobs, tracker=MemoryTracker()) for jobs in (1, 2)]
    assert runs[0].trials == runs[1].trials
    assert all(trial.ok for trial in runs[0].trials)
    assert {str(trial.params["optimizer"])[:5] for trial in runs[0].trials} >= {"LBFGS"}


def test_exports_the_setting_of_its_activation() -> None:
    told = train(activation=LeakyRelu(0.2), hidden=(4, 3)).export(PARAMS, context()).architecture
    assert [layer["activation"] for layer in told["layers"]] == ["leaky_relu", "leaky_relu", "sigmoid"]
    assert told["layers"][0]["settings"] == {"leak": 0.2}


def test_maxout_holds_a_row_of_weights_for_each_piece() -> None:
    objective = train(activation=Maxout(3), hidden=(4, 2))
    network = objective.network(PARAMS, context())
    assert network.sizes == (6, 4, 2, CLASSES)
    assert [w.shape for w in network.weights] == [(12, 6), (6, 4), (CLASSES, 2)]
    told = objective.export(PARAMS, context()).architecture["layers"]
    assert [(layer["units"], layer["activation"]) for layer in told] == [(12, "maxout"), (6, "maxout"), (CLASSES, "sigmoid")]


def test_a_finished_trial_goes_on_to_the_same_outcome() -> None:
    objective = train()
    done = objective(PARAMS, context())
    assert objective(PARAMS, context(budget=4, state=done.state)) == done


def test_a_schedule_spans_the_epochs_not_the_budget() -> None:
    objective = train(schedule=Step(every=2, factor=0.5), epochs=4)
    assert [rate for _, rate in objective(PARAMS, context(budget=3)).history["learning_rate"]] == [0.5, 0.5, 0.25]


def test_it_ends_by_itself_at_the_deadline() -> None:
    late = Context(np.random.default_rng(0), deadline=time.monotonic() - 1)
    assert train()(PARAMS, late).metrics["epochs"] == 1


def test_a_trial_broken_off_before_the_first_look_is_scored() -> None:
    late = Context(np.random.default_rng(7), deadline=time.monotonic() - 1)
    assert train(monitor_every=None)(PARAMS, late).value == train(epochs=1)(PARAMS, context()).value


@pytest.mark.parametrize(("every", "epochs"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (None, [5])])
def test_it_is_scored_every_so_many_epochs_and_after_the_last(every: int | None, epochs: list[int]) -> None:
    often, seldom = (train(epochs=5, monitor_every=n)(PARAMS, context()) for n in (1, every))
    for name, curve in often.history.items():
        assert seldom.history[name] == tuple(point for point in curve if point[0] in (0, *epochs))
    best = max(often.history["validation_accuracy"], key=lambda point: (point[0] in epochs, point[1], -point[0]))
    assert (seldom.metrics["best_epoch"], seldom.metrics["best_validation_accuracy"]) == best


def test_looking_seldom_goes_on_as_trained_through_from_a_multiple() -> None:
    objective = train(epochs=5, monitor_every=2)
    half = objective(PARAMS, context(budget=2))
    assert objective(PARAMS, context(state=half.state)) == objective(PARAMS, context())


def test_divergence_is_raised() -> None:
    with pytest.raises(Diverged, match="epoch 1, mini-batch"):
        train(activation="relu", cost="log_likelihood")({"learning_rate": 1e37}, context())


def test_scores_the_kept_network_on_a_part() -> None:
    objective = train(epochs=6)
    outcome, part = objective(PARAMS, context()), Part(*blobs(200, seed=5))
    again = objective.test(PARAMS, context(), part)
    cached = objective.test(PARAMS, context(state=outcome.state), part)
    assert again == cached
    predicted = objective.network(PARAMS, context()).predict(part.x)
    assert again["test_accuracy"] == accuracy_score(part.y, predicted)
    assert again["test_error"] == pytest.approx(1 - again["test_accuracy"])
    assert set(again) == {"test_accuracy", "test_error", "test_cost"}


def test_shrunk_is_the_same_on_less() -> None:
    shrunk = train().shrunk()
    assert (len(shrunk.data.train), len(shrunk.data.validation)) == (500, 200)
    assert replace(shrunk, data=small()) == train()
    assert len(shrunk.shrunk().data.train) == 500


def test_repr_is_short() -> None:
    assert repr(train()).startswith("TrainNetwork(data=blobs(train=600, validation=300), hidden=(5,), activation=")
    assert len(repr(train())) < 400


def test_mapped_data_give_the_same_outcome(tmp_path: Path) -> None:
    joblib.dump(train(), tmp_path / "objective")
    mapped = joblib.load(tmp_path / "objective", mmap_mode="r")
    assert isinstance(mapped.data.train.x, np.memmap) or isinstance(mapped.data.train.x.base, np.memmap)
    assert mapped(PARAMS, context()) == train()(PARAMS, context())


BAD = [
    ({"learning_rate": 0}, r"learning_rate must be a number in \(0, inf\), got 0\."),
    ({"learning_rate": "0.1"}, r"learning_rate must be a number in \(0, inf\), got '0\.1'\."),
    ({"learning_rate": None}, r"learning_rate must be a number in \(0, inf\), got None\."),
    ({"l2": -1e-3}, r"l2 must be a number in \[0, inf\), got -0\.001\."),
    ({"momentum": 1.0}, r"momentum must be a number in \[0, 1\), got 1\.0\."),
    ({"momentum": -0.5}, r"momentum must be a number in \[0, 1\), got -0\.5\."),
    ({"batch_size": 601}, r"batch_size must be at most the 600 training samples, got 601\."),
    ({"batch_size": 2.5}, r"batch_size must be a whole number >= 1, got 2\.5\."),
    ({"epochs": 0}, r"epochs must be a whole number >= 1, got 0\."),
    ({"members_vote": "hard"}, r"members_vote must be True or False, got 'hard'\."),
    ({"max_norm": 0.0}, r"max_norm must be a number in \(0, inf\), got 0\.0\. Take None for no limit"),
    ({"decay_biases": 1.5}, r"decay_biases must be True or False, got 1\.5\. True lets l1 and l2"),
    ({"batch_norm": True, "batch_size": 1}, r"batch_size must be at least 2 with batch_norm, got 1\. One row has no"),
    ({"members": 0}, r"members must be a whole number >= 1, got 0\."),
    ({"averaging": 0.99}, r"averaging must be an averaging or None, got 0\.99\. Take MovingAverage\(\)"),
    ({"averaging": Snapshots()}, r"schedule must be Cyclic\(\.\.\.\) with Snapshots\(\), got Constant\(\)\."),
    ({"expansion": Affine()}, r"Inputs that an expansion distorts must be those of a square image, such as 784, got 6\."),
    (
        {"expansion": "affine"},
        r"expansion must be an expansion or None, got 'affine'\. Take Affine\(\) or Elastic\(\) for images",
    ),
    ({"smoothing": 1.0}, r"smoothing must be a number in \[0, 1\), got 1\.0\. It is the share that all classes get alike"),
    ({"smoothing": 0.1, "cost": "quadratic"}, r"smoothing must be 0 with cost 'quadratic', got 0\.1\."),
    ({"hidden": (30, 0)}, r"hidden must be a whole number >= 1, got 0\."),
    ({"hidden": "30"}, r"hidden must be a whole number >= 1, got '30'\."),
    ({"activation": "rellu"}, r"activation must be one of .*, got 'rellu'\. .*Did you mean 'relu'\?"),
    ({"activation": LeakyRelu(Float(0.0, 0.5))}, r"activation leak must be a plain value, got Float"),  # type: ignore[arg-type]
    ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\), got 1\.0\. It is the share that is left out"),
    ({"l1": -1}, r"l1 must be a number in \[0, inf\), got -1\."),
    ({"optimizer": "adamw"}, r"optimizer must be one of .*, got 'adamw'\. .*Did you mean 'adam'"),
    ({"optimizer": "adam", "momentum": 0.9}, r"momentum must be 0 with Adam\(.*\), got 0\.9\. Take it out; in a space"),
    (
        {"cost": "log"},
        r"cost must be one of 'cross_entropy', 'quadratic', 'log_likelihood', 'squared_error', .*, got 'log'\.",
    ),
    ({"init": Uniform(Float(0.2, 2.0))}, r"init scale must be a plain value, got Float\(0\.2, 2\.0\)\."),  # type: ignore[arg-type]
    ({"l2": WeightCost(Float(1e-6, 1e-5))}, r"l2 strength must be a plain value, got Float"),  # type: ignore[arg-type]
    ({"init": 1}, r"init must be one of 'large', 'scaled', 'he', 'xavier', 'glorot', got 1\."),
    ({"schedule": None}, r"schedule must be a schedule rule, got None\. Take Constant\(\)"),
    ({"schedule": Constant}, r"schedule must be a schedule rule, got <class"),
    ({"stopping": 10}, r"stopping must be a stopping rule, got 10\. Take NoImprovement"),
    ({"schedule": HalveOnPlateau(patience=Int(2, 10))}, r"schedule patience must be a plain value, got Int\(2, 10\)\."),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("params", "message"), BAD)
def test_refuses_bad_params(params: Params, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        train().check({**PARAMS, **params})


@pytest.mark.parametrize(("settings", "message"), [case for case in BAD if case[0] != {"learning_rate": None}])
def test_refuses_bad_fixed_settings(settings: Params, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        train(**settings)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: train(value="accuracy"), r"value must be one of 'error', 'cost', got 'accuracy'\."),
        (lambda: train(dtype="float16"), r"dtype must be one of 'float32', 'float64', got 'float16'\."),
        (
            lambda: train(monitor_every=0),
            r"monitor_every must be a whole number >= 1, got 0\. Give None to evaluate after the last",
        ),
        (
            lambda: train(monitor_images=0),
            r"monitor_images must be a whole number >= 1, got 0\. Give None to evaluate after whole",
        ),
        (lambda: train().check({"learning_rat": 1}), r"got 'learning_rat'\. .*Did you mean 'learning_rate'\?"),
        (lambda: train().check({}), r"learning_rate must be a number in \(0, inf\), got None\."),
    ],
)
def test_refuses_the_rest(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()


def test_runs_as_a_study_the_same_at_any_number_of_workers() -> None:
    study = Study(
        name="blobs",
        space=Space(
            learning_rate=Float(1e-2, 5.0, log=True),
            batch_size=Choice(10, 50),
            hidden=Choice((5,), (4, 4)),
            schedule=Choice(Constant(), HalveOnPlateau(patience=Int(1, 3))),  # type: ignore[arg-type]
        ),
        objective=TrainNetwork(data.digits(), epochs=2),
        strategy=Random(trials=4),
        seed=0,
    )
    from hpsearch.tracking.memory import MemoryTracker

    runs = [study.run(jobs, tracker=MemoryTracker()) for jobs in (1, 2)]
    assert runs[0].trials == runs[1].trials
    assert all(trial.ok for trial in runs[0].trials)
