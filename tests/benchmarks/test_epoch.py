"""Seconds for one epoch of training, beside the plain PyTorch loop for the same network where torch can be imported.

Both train the same network on the same images in turn, within one run, on one thread: MNIST where HPSEARCH_DATA_HOME says
where it is, made-up images otherwise. Nothing is asserted about time; the costs are printed beside it, so that speed cannot
be bought with less training.

The ratio to quote is the one to the plain PyTorch loop, which sums nothing at all; the other loop adds up its loss with
``.item()``, as many people write it, and as our running cost corresponds to.
Run: pytest -m benchmark -n 0 -s tests/benchmarks
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from hpsearch import data
from hpsearch.nn import Monitors, Network, Recipe, Training

pytestmark = pytest.mark.benchmark

SAMPLES, INPUTS, CLASSES, ROUNDS = 50_000, 784, 10, 7


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
    """MNIST, or random images, four fifths black like handwritten digits, whose class a linear rule decides."""
    if os.environ.get("HPSEARCH_DATA_HOME"):
        train = data.mnist().train
        return train.x, train.y
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


def pytorch(setting: Setting, images: Images, summing: bool) -> Callable[[], float]:
    """Return the same for PyTorch: nn.Sequential, SGD and a loop over index batches; skip where it is not installed.

    Without ``summing`` the function returns the cost of the last mini-batch.
    """
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, labels = (torch.tensor(part) for part in images)
    targets = torch.nn.functional.one_hot(labels, CLASSES).float()
    activation = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}[setting.activation]()
    layers = (torch.nn.Linear(INPUTS, setting.hidden), activation, torch.nn.Linear(setting.hidden, CLASSES))
    network = torch.nn.Sequential(*layers)
    cost = torch.nn.BCEWithLogitsLoss(reduction="sum")
    optimizer = torch.optim.SGD(network.parameters(), lr=setting.learning_rate, momentum=setting.momentum)

    def epoch() -> float:
        total = 0.0
        for rows in torch.randperm(SAMPLES).split(setting.batch_size):
            optimizer.zero_grad()
            loss = cost(network(x[rows]), targets[rows]) / len(rows)
            loss.backward()
            optimizer.step()
            if summing:
                total += loss.item() * len(rows)
        return total / SAMPLES if summing else loss.item()

    return epoch


def timed(epoch: Callable[[], float]) -> tuple[float, float]:
    """Return seconds and cost of one epoch."""
    start = time.perf_counter()
    cost = epoch()
    return time.perf_counter() - start, cost


@pytest.mark.parametrize("name", SETTINGS)
def test_epoch(name: str, images: Images, benchmark: Any) -> None:
    epoch = ours(SETTINGS[name], images)
    benchmark.extra_info["cost of the last epoch"] = benchmark.pedantic(epoch, rounds=ROUNDS, warmup_rounds=1)


@pytest.mark.parametrize("name", SETTINGS)
def test_epoch_beside_pytorch(name: str, images: Images) -> None:
    epochs = {
        "hpsearch": ours(SETTINGS[name], images),
        "plain PyTorch": pytorch(SETTINGS[name], images, summing=False),
        "PyTorch with .item()": pytorch(SETTINGS[name], images, summing=True),
    }
    for epoch in epochs.values():
        epoch()
    rounds = [{who: timed(epoch) for who, epoch in epochs.items()} for _ in range(ROUNDS)]
    print(f"\n{name}, {'MNIST' if os.environ.get('HPSEARCH_DATA_HOME') else 'made-up images'}")
    for who in epochs:
        seconds = statistics.median(times[who][0] for times in rounds)
        ratio = statistics.median(times[who][0] / times["hpsearch"][0] for times in rounds)
        print(f"  {who:20}  {seconds:.3f} s, {ratio:.2f} times ours, cost {rounds[-1][who][1]:.4f}")
