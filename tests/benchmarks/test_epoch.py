"""Seconds for one epoch of training, beside the plain PyTorch loop for the same network where torch can be imported.

Both train the same network on the same made-up images in turn, within one run, on one thread. Nothing is asserted about
time; the costs are printed beside it, so that speed cannot be bought with less training.
Run: pytest -m benchmark -s tests/benchmarks
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from hpsearch.nn import Monitors, Network, Recipe, Training

pytestmark = pytest.mark.benchmark

SAMPLES, INPUTS, CLASSES, PAIRS = 50_000, 784, 10, 7


@dataclass(frozen=True)
class Setting:
    """A network and a recipe that both sides can follow."""

    hidden: int
    batch_size: int
    momentum: float
    activation: str
    learning_rate: float


SETTINGS = {
    "30 sigmoid, batch 10": Setting(30, 10, 0.0, "sigmoid", 0.5),
    "100 relu, batch 100, momentum": Setting(100, 100, 0.9, "relu", 0.01),
}
Images = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def images() -> Images:
    """Random images, four fifths black like handwritten digits, whose class a noisy linear rule decides."""
    rng = np.random.default_rng(0)
    x = rng.random((SAMPLES, INPUTS), np.float32) * (rng.random((SAMPLES, INPUTS), np.float32) < 0.2)
    z = x @ rng.standard_normal((INPUTS, CLASSES), np.float32)
    return x, z.argmax(axis=1).astype(np.int64)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def ours(setting: Setting, images: Images) -> Callable[[], float]:
    """Return a function that trains one more epoch and returns its mean cost."""
    rng = np.random.default_rng(0)
    network = Network.create((INPUTS, setting.hidden, CLASSES), rng, activation=setting.activation)
    recipe = Recipe(
        setting.learning_rate,
        momentum=setting.momentum,
        batch_size=setting.batch_size,
        epochs=1000,
        monitors=Monitors(validation=False),
    )
    epochs = Training(network, images, recipe, rng).run()
    return lambda: float(next(epochs).training_cost or 0.0)


def pytorch(setting: Setting, images: Images) -> Callable[[], float]:
    """Return the same for PyTorch: nn.Sequential, SGD and a loop over index batches; skip where it is not installed."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, labels = (torch.from_numpy(part) for part in images)
    targets = torch.nn.functional.one_hot(labels, CLASSES).float()
    activation = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}[setting.activation]()
    layers = (torch.nn.Linear(INPUTS, setting.hidden), activation, torch.nn.Linear(setting.hidden, CLASSES))
    network = torch.nn.Sequential(*layers)
    cost = torch.nn.BCEWithLogitsLoss(reduction="sum")
    optimizer = torch.optim.SGD(network.parameters(), lr=setting.learning_rate, momentum=setting.momentum)

    def epoch() -> float:
        total = torch.zeros(())
        for rows in torch.randperm(SAMPLES).split(setting.batch_size):
            optimizer.zero_grad()
            loss = cost(network(x[rows]), targets[rows]) / len(rows)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        return float(total) / SAMPLES

    return epoch


def timed(epoch: Callable[[], float]) -> tuple[float, float]:
    """Return seconds and cost of one epoch."""
    start = time.perf_counter()
    cost = epoch()
    return time.perf_counter() - start, cost


@pytest.mark.parametrize("name", SETTINGS)
def test_epoch(name: str, images: Images, benchmark: Any) -> None:
    epoch = ours(SETTINGS[name], images)
    benchmark.extra_info["cost of the last epoch"] = benchmark.pedantic(epoch, rounds=PAIRS, warmup_rounds=1)


@pytest.mark.parametrize("name", SETTINGS)
def test_epoch_beside_pytorch(name: str, images: Images) -> None:
    mine, theirs = ours(SETTINGS[name], images), pytorch(SETTINGS[name], images)
    mine(), theirs()
    pairs = [(timed(mine), timed(theirs)) for _ in range(PAIRS)]
    ratio = statistics.median(t[0] / m[0] for m, t in pairs)
    seconds = [statistics.median(pair[side][0] for pair in pairs) for side in (0, 1)]
    costs = [pairs[-1][side][1] for side in (0, 1)]
    print(f"\n{name}: {seconds[0]:.3f} s against {seconds[1]:.3f} s in PyTorch, ratio {ratio:.1f}; ", end="")
    print(f"cost of the last epoch {costs[0]:.4f} and {costs[1]:.4f}")
