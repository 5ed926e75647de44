"""Steps of some layers: against differences of the cost, against PyTorch's parameter groups, and what is left alone."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.errors import SettingError
from hpsearch.nn import Network, Recipe, Stack, Training
from hpsearch.nn.activations import Maxout, Relu
from hpsearch.nn.arrays import Array
from hpsearch.nn.averaging import MovingAverage, Snapshots, TailAverage
from hpsearch.nn.engines.numpy_engine import NumpyEngine
from hpsearch.nn.gradcheck import numeric_gradient
from hpsearch.nn.layers import Affine, SoftmaxWithLoss
from hpsearch.nn.optimizers import layer_steps
from hpsearch.nn.regularizers import L2
from hpsearch.nn.schedules import Cyclic
from tests.nn.blobs import CLASSES, INPUTS, blobs

SIZES = (INPUTS, 5, 4, CLASSES)
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "decay": {"l2": 20.0},
    "l1": {"l1": 1.0, "l2": 1.0},
    "penalised biases": {"l2": 5.0, "decay_biases": True},
    "momentum": {"momentum": 0.9, "l2": 5.0},
    "nesterov": {"optimizer": "nesterov", "momentum": 0.9},
    "rmsprop": {"optimizer": "rmsprop", "learning_rate": 0.05, "l2": 1.0},
    "adam": {"optimizer": "adam", "learning_rate": 0.05, "l2": 1.0},
    "dropout": {"dropout": 0.5, "input_dropout": 0.2},
    "max_norm": {"max_norm": 0.3},
    "moving average": {"averaging": MovingAverage(0.9), "l2": 1.0},
    "tail average": {"averaging": TailAverage(0.3)},
    "snapshots": {"averaging": Snapshots(), "schedule": Cyclic(3)},
}


def training_of(dtype: str = "float64", activation: Any = "sigmoid", rows: int = 64, **settings: Any) -> Training:
    rng = np.random.default_rng(3)
    network = Network.create(SIZES, rng, dtype=dtype, activation=activation)
    return Training(network, blobs(rows), Recipe(**{"learning_rate": 0.5, "epochs": 3, **settings}), rng)


def arrays_of(network: Network) -> list[tuple[Array, Array]]:
    return [(w.copy(), b.copy()) for w, b in zip(network.weights, network.biases, strict=True)]


def same_bits(one: tuple[Array, Array], other: tuple[Array, Array]) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def error_of_a_step(activation: Any, freeze: int, factor: float) -> float:
    """Return how far one step of all rows is from the step along differences of the cost, layer by layer, relative."""
    training = training_of(activation=activation, rows=7, batch_size=7, freeze=freeze, lower_rate_factor=factor, l2=2.0)
    network, (x, labels) = training.network, blobs(7)
    before = arrays_of(network)
    slopes = numeric_gradient(lambda: network.mean_cost(x, labels, L2(2.0)), [*network.weights, *network.biases])
    rates = [0.0 if i < freeze else 0.5 * factor if i < 2 else 0.5 for i in range(3)] * 2
    next(training.run())
    after = arrays_of(network)
    moved = [b - a for part in (0, 1) for b, a in zip([p[part] for p in before], [p[part] for p in after], strict=True)]
    wanted = [rate * slope for rate, slope in zip(rates, slopes, strict=True)]
    g, n = (np.concatenate([a.ravel() for a in arrays]) for arrays in (moved, wanted))
    return float(np.linalg.norm(g - n) / (np.linalg.norm(g) + np.linalg.norm(n)))


COMBINATIONS = [(a, k, f) for a, k, f in product(["sigmoid", "tanh", Maxout(2)], [0, 1, 2], [1.0, 0.1]) if k < 2 or f == 1.0]


@pytest.mark.parametrize(("activation", "freeze", "factor"), COMBINATIONS, ids=str)
def test_steps_are_along_the_differences_of_the_cost(activation: Any, freeze: int, factor: float) -> None:
    assert error_of_a_step(activation, freeze, factor) <= 1e-7


def test_finds_planted_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:  # the gradient of every layer but the frozen one goes one layer too low

        def shifted(self: Any, passes: Any, first: int) -> None:
            self.samples, self._passes, self._first = passes.samples, passes, max(0, first - 1)

        patch.setattr(layer_steps._PassesOfLayers, "__init__", shifted)
        with pytest.raises(ValueError, match=r"shape|mismatch|size|dimension|failed"):
            error_of_a_step("sigmoid", 1, 1.0)
    with monkeypatch.context() as patch:  # the rate of the lower layers is not lowered
        steps = layer_steps.LayerSteps.__init__
        patch.setattr(
            layer_steps.LayerSteps, "__init__", lambda self, groups: steps(self, [replace(g, rate_factor=1.0) for g in groups])
        )
        assert error_of_a_step("sigmoid", 0, 0.1) > 1e-2
    with monkeypatch.context() as patch:  # a lazy scale is forgotten
        patch.setattr("hpsearch.nn.optimizers.rules.Descent.fold", lambda self: None)
        assert error_of_a_step("sigmoid", 1, 1.0) > 1e-4


@pytest.mark.parametrize("factor", [1.0, 0.1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["numpy", "numba"] if find_spec("numba") else ["numpy"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_frozen_layers_keep_their_bits_and_others_move(
    settings: dict[str, Any], engine: str, dtype: str, factor: float
) -> None:
    training = training_of(dtype, engine=engine, freeze=1, lower_rate_factor=factor, **settings)
    before = arrays_of(training.network)
    list(training.run())
    kept = training.kept
    for network in [training.network, *getattr(kept, "networks", [kept])]:
        assert [same_bits(*pair) for pair in zip(before, arrays_of(network), strict=True)] == [True, False, False]


@settings(max_examples=25, deadline=None)
@given(
    hidden=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    data=st.data(),
    optimizer=st.sampled_from(["sgd", "adam", "rmsprop"]),
    l2=st.sampled_from([0.0, 30.0]),
)
def test_any_depth_keeps_the_bits_of_its_frozen_layers(hidden: list[int], data: Any, optimizer: str, l2: float) -> None:
    freeze, rng = data.draw(st.integers(0, len(hidden))), np.random.default_rng(0)
    network = Network.create((INPUTS, *hidden, CLASSES), rng)
    before = arrays_of(network)
    list(Training(network, blobs(20), Recipe(0.3, l2=l2, epochs=1, optimizer=optimizer, freeze=freeze), rng).run())
    kept = [same_bits(*pair) for pair in zip(before, arrays_of(network), strict=True)]
    assert kept[:freeze] == [True] * freeze
    assert not kept[-1]


def test_the_compiled_engine_leaves_frozen_layers_to_numpy() -> None:
    assert isinstance(training_of("float32", engine="auto", freeze=1)._engine, NumpyEngine)


@pytest.mark.parametrize("settings", [SETTINGS[name] for name in ("decay", "momentum", "adam", "moving average")], ids=str)
def test_resumes_to_the_same_bits_also_in_the_middle_of_the_frozen_epochs(settings: dict[str, Any]) -> None:
    options = {**settings, "freeze": 1, "freeze_epochs": 2, "epochs": 4, "lower_rate_factor": 0.5}
    whole = training_of(**options)
    list(whole.run())
    for at in (1, 2, 3):
        first, second = training_of(**options), training_of(**options)
        list(first.run(until=at))
        second.restore(first.state())
        list(second.run())
        ours, theirs = second.state(), whole.state()
        assert {name: a.tobytes() for name, a in ours.items()} == {name: a.tobytes() for name, a in theirs.items()}


def test_frozen_epochs_end() -> None:
    training = training_of(freeze=2, freeze_epochs=2, epochs=3)
    before, moved = arrays_of(training.network), []
    for _ in training.run():
        moved.append([not same_bits(*pair) for pair in zip(before, arrays_of(training.network), strict=True)])
    assert moved == [[False, False, True], [False, False, True], [True, True, True]]


@pytest.mark.parametrize("name", ["decay", "momentum", "nesterov", "adam"])
def test_rates_by_layer_are_those_of_parameter_groups_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
    settings = {"learning_rate": 0.5} | SETTINGS[name]
    rate, decay, rows = settings["learning_rate"], settings.get("l2", 0.0), 40
    training = training_of(rows=rows, batch_size=rows, epochs=5, freeze=1, lower_rate_factor=0.1, **settings)
    arrays = [[torch.tensor(a, requires_grad=i > 0) for a in pair] for i, pair in enumerate(arrays_of(training.network))]
    groups = [
        {"params": [arrays[layer][kind]], "lr": rate * factor, "weight_decay": decay / rows if kind == 0 else 0.0}
        for layer, factor in ((1, 0.1), (2, 1.0))
        for kind in (0, 1)
    ]
    optimizer: Any = {
        "adam": lambda: torch.optim.Adam(groups, eps=1e-8),
        "nesterov": lambda: torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True),
        "momentum": lambda: torch.optim.SGD(groups, lr=rate, momentum=0.9),
        "decay": lambda: torch.optim.SGD(groups, lr=rate),
    }[name]()
    x, labels = blobs(rows)
    x, targets = torch.tensor(x, dtype=torch.float64), torch.nn.functional.one_hot(torch.tensor(labels)).double()
    for _ in range(5):
        a = x
        for w, b in arrays[:-1]:
            a = torch.sigmoid(a @ w.T + b)
        z = a @ arrays[-1][0].T + arrays[-1][1]
        cost = torch.nn.functional.binary_cross_entropy_with_logits(z, targets, reduction="sum") / rows
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    list(training.run())
    for ours, theirs in zip(arrays_of(training.network), arrays, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other.detach().numpy(), rtol=1e-6, atol=1e-9)


def test_a_factor_of_one_and_no_frozen_layer_change_no_bit() -> None:
    plain, asked = training_of("float32", l2=1.0), training_of("float32", l2=1.0, freeze=0, lower_rate_factor=1.0)
    assert list(plain.run()) == list(asked.run())
    assert plain.state()["weights_0"].tobytes() == asked.state()["weights_0"].tobytes()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a negative number": ({"freeze": -1}, r"freeze must be a whole number >= 0, got -1\."),
    "a factor above 1": ({"lower_rate_factor": 2}, r"lower_rate_factor must be a number in \(0, 1\], got 2\."),
    "a factor of 0": ({"lower_rate_factor": 0.0}, r"lower_rate_factor must be a number in \(0, 1\], got 0\.0\. .*freeze"),
    "epochs of nothing": ({"freeze_epochs": 2}, r"freeze_epochs must be left out where freeze is 0, got 2\."),
    "no epochs": ({"freeze": 1, "freeze_epochs": 0}, r"freeze_epochs must be a whole number >= 1, got 0\."),
    "all rows": ({"freeze": 1, "optimizer": "cg", "learning_rate": 1.0}, r"freeze must be left out, or 0, with 'cg', got 1\."),
    "normalised": ({"freeze": 1, "batch_norm": True}, r"freeze must be left out, or 0, with batch_norm, got 1\."),
    "too many": ({"freeze": 3}, r"freeze must be at most 2, the number of hidden layers, got 3\. The output layer is always"),
    "no lower layer": (
        {"freeze": 2, "lower_rate_factor": 0.1},
        r"lower_rate_factor must be left out, or 1, where no layer below the output layer is trained, got 0\.1\.",
    ),
}


@pytest.mark.parametrize(("settings", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refuses_in_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=f"^{sentence}"):
        training_of(**settings)


def test_refuses_a_stack() -> None:
    rng = np.random.default_rng(0)
    stack = Stack(Affine.create(INPUTS, 5, rng), Relu(), Affine.create(5, CLASSES, rng), SoftmaxWithLoss())
    with pytest.raises(SettingError, match=r"^A network with frozen or slow layers must be a Network, got 'a Stack'\."):
        Training(stack, blobs(), Recipe(0.5, freeze=1), rng)
