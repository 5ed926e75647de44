"""The two engines: they agree, each is the same to the bit every time, and which one runs is settled by settings and data."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from hpsearch.errors import Diverged, SettingError
from hpsearch.nn import Network, Recipe, Training
from hpsearch.nn.activations import LeakyRelu
from hpsearch.nn.engines.numpy_engine import NumpyEngine
from hpsearch.nn.engines.select import resolve
from hpsearch.nn.regularizers import WeightCost
from hpsearch.nn.schedules import Anneal, HalveOnPlateau
from hpsearch.nn.stopping import NoImprovement

pytest.importorskip("numba", reason="numba is not installed: there is one engine only")
from hpsearch.nn.engines.numba_engine import NumbaEngine

# More columns than one word of the loop has bits, and not a whole number of vectors.
INPUTS, CLASSES = 83, 3
RECIPES = {
    "plain": Recipe(0.05, batch_size=3, epochs=1),
    "decay": Recipe(0.05, l2=5.0, batch_size=3, epochs=1),
    "momentum": Recipe(0.01, momentum=0.8, batch_size=3, epochs=1),
    "both": Recipe(0.01, momentum=0.8, l2=WeightCost(0.01), batch_size=3, epochs=1),
    "folded": Recipe(0.05, l2=1000.0, batch_size=3, epochs=1),  # the scale passes its bound every 25 steps
    "annealed": Recipe(0.05, batch_size=3, epochs=1, schedule=Anneal(start=5)),
}
NETWORKS = {"none": (), "one": (40,), "wide and narrow": (33, 5)}
FUNCTIONS = [
    *product(("sigmoid",), ("cross_entropy", "quadratic", "log_likelihood")),
    *product(("tanh", "relu", LeakyRelu(0.2), "linear"), ("log_likelihood",)),
]


def rows(count: int, seed: int, zeros: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """Return points around one centre a class with most columns 0, float32, and their classes."""
    rng, centres = np.random.default_rng(seed), np.random.default_rng(99).standard_normal((CLASSES, INPUTS))
    labels = rng.integers(0, CLASSES, count)
    x = (centres[labels] + rng.standard_normal((count, INPUTS))) * (rng.random((count, INPUTS)) >= zeros)
    return x.astype(np.float32), labels


def training_of(recipe: Recipe, hidden: tuple[int, ...] = (40,), dtype: str = "float32", **settings: object) -> Training:
    rng = np.random.default_rng(3)
    network = Network.create((INPUTS, *hidden, CLASSES), rng, dtype=dtype, **settings)  # type: ignore[arg-type]
    return Training(network, rows(200, seed=1), recipe, rng, rows(40, seed=2))


def on_numba(recipe: Recipe) -> Recipe:
    return replace(recipe, engine="numba")


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-4), ("float64", 1e-11)])
@pytest.mark.parametrize("functions", FUNCTIONS, ids=str)
@pytest.mark.parametrize("hidden", NETWORKS)
@pytest.mark.parametrize("name", RECIPES)
def test_one_epoch_agrees(name: str, hidden: str, functions: tuple[object, str], dtype: str, bound: float) -> None:
    settings = {"activation": functions[0], "cost": functions[1]}
    both = [training_of(recipe, NETWORKS[hidden], dtype, **settings) for recipe in (RECIPES[name], on_numba(RECIPES[name]))]
    (ours,), (theirs,) = (list(training.run()) for training in both)
    assert ours.training_cost == pytest.approx(theirs.training_cost, abs=bound)
    one, other = (training.state() for training in both)
    assert one.keys() == other.keys()
    for array in one.keys() - {"rng", "history", "schedule", "stopping"}:
        np.testing.assert_allclose(one[array], other[array], atol=bound, err_msg=array)
    assert [type(training._engine) for training in both] == [NumpyEngine, NumbaEngine]


@pytest.mark.parametrize("zeros", [0.0, 1.0])
def test_full_and_empty_rows_agree(zeros: float) -> None:
    results = []
    for engine in ("numpy", "numba"):
        rng = np.random.default_rng(0)
        network = Network.create((INPUTS, 20, CLASSES), rng, dtype="float64")
        list(Training(network, rows(50, 1, zeros), Recipe(0.1, batch_size=4, epochs=1, engine=engine), rng).run())
        results.append(network)
    for one, other in zip(results[0].weights + results[0].biases, results[1].weights + results[1].biases, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-11)


LONG = Recipe(0.1, l2=2.0, momentum=0.8, batch_size=7, epochs=6, schedule=HalveOnPlateau(1), stopping=NoImprovement(5))


@pytest.mark.parametrize("recipe", [LONG, replace(LONG, momentum=0.0)])
@pytest.mark.parametrize("at", [1, 3])
def test_a_break_changes_no_bit(recipe: Recipe, at: int) -> None:
    straight, first, second = (training_of(on_numba(recipe)) for _ in range(3))
    list(straight.run())
    list(first.run(until=at))
    second.restore(first.state())
    list(second.run())
    assert isinstance(second._engine, NumbaEngine)
    ours, theirs = second.state(), straight.state()
    assert all(array.tobytes() == theirs[name].tobytes() for name, array in ours.items())


def test_another_process_gives_the_same_bits() -> None:
    """The machine code comes from the disk there, and was perhaps compiled here."""
    code = (
        "from tests.nn.engines.test_select import *; import hashlib\n"
        "training = training_of(on_numba(LONG)); list(training.run())\n"
        "print(hashlib.sha256(b''.join(a.tobytes() for a in training.state().values())).hexdigest())"
    )
    root = Path(__file__).parents[3]
    said = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root).stdout for _ in range(2)}
    assert len(said) == 1
    assert len(said.pop().strip()) == 64


def test_read_only_and_mapped_data_are_the_same_to_it(tmp_path: Path) -> None:
    x, labels = rows(200, seed=1)
    np.save(tmp_path / "x.npy", x)
    labels.flags.writeable = False
    ends = []
    for data in (x, np.load(tmp_path / "x.npy", mmap_mode="r")):
        rng = np.random.default_rng(0)
        network = Network.create((INPUTS, 5, CLASSES), rng)
        list(Training(network, (data, labels), on_numba(RECIPES["plain"]), rng).run())
        ends.append(network.weights[0])
    np.testing.assert_array_equal(*ends)


def test_an_epoch_does_not_copy_the_data() -> None:
    x, labels = rows(20_000, seed=1)
    rng = np.random.default_rng(0)
    training = Training(Network.create((INPUTS, 5, CLASSES), rng), (x, labels), Recipe(0.1, engine="numba"), rng, (x, labels))
    epochs = training.run()
    next(epochs)
    tracemalloc.start()
    next(epochs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(training._engine, NumbaEngine)
    assert peak < x.nbytes / 10


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_divergence_names_epoch_and_minibatch(momentum: float) -> None:
    recipe = Recipe(1e37, momentum=momentum, epochs=5, engine="numba")
    with pytest.raises(Diverged, match=r"in epoch [12], mini-batch \d+ of 20: .* is not finite\. Lower the learning rate"):
        list(training_of(recipe, activation="relu", cost="log_likelihood").run())


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"dropout": 0.5}, {}),
        ({"l1": 1.0}, {}),
        ({"optimizer": "adam"}, {}),
        ({"optimizer": "nesterov", "momentum": 0.5}, {}),
        ({}, {"activation": "elu"}),
        ({}, {"cost": "hinge"}),
        ({"batch_size": 200}, {"hidden": (400, 400)}),  # dense products, which BLAS does faster
    ],
)
def test_what_it_does_not_know_or_does_slower_runs_on_numpy(changes: dict[str, object], settings: dict[str, object]) -> None:
    training = training_of(replace(on_numba(RECIPES["plain"]), **changes), **settings)  # type: ignore[arg-type]
    assert isinstance(training._engine, NumpyEngine)


def test_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve("auto") == "numba"
    monkeypatch.setitem(sys.modules, "numba", None)  # Python's own way to say that a module is not there
    assert resolve("auto") == resolve("numpy") == "numpy"
    with pytest.raises(SettingError, match=r"engine must be 'auto' or 'numpy' where numba is not installed, got 'numba'\."):
        resolve("numba")


def test_refuses_an_unknown_engine() -> None:
    with pytest.raises(SettingError, match=r"engine must be one of 'auto', 'numpy', 'numba', got 'nunba'\..*'numba'"):
        Recipe(0.1, engine="nunba")
