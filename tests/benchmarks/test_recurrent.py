"""Characters a second and bits per character in training recurrent networks, beside PyTorch's nn.RNN on one core.

Both train an Elman network with a softmax on the same text in turn, within one process and on one thread: the same streams,
windows, optimizer (Adam) and limit of the gradient's norm, and the state is carried from window to window. PyTorch gets its
characters one-hot, looked up in a unit matrix. Seconds are those of the training steps, without any scoring. Ratios are medians
of those within each round: a machine drifts from round to round.

The tables: python -m tests.benchmarks.test_recurrent
Their assertions: pytest -m benchmark -n 0 -s tests/benchmarks/test_recurrent.py
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from hpsearch import data
from hpsearch.nn.recurrent import Examples, RecurrentNetwork, RecurrentRecipe, RecurrentTraining, score
from hpsearch.nn.recurrent.batches import windows

pytestmark = pytest.mark.benchmark

TALE = data.tale()
CHARACTERS, ROUNDS, SEEDS = 40_000, 5, 5


@dataclass(frozen=True)
class Setting:
    """Units, streams and window."""

    hidden: int
    batch_size: int
    window: int


SETTINGS = [
    Setting(30, 1, 25),
    Setting(30, 32, 25),
    Setting(100, 1, 25),
    Setting(100, 10, 25),
    Setting(100, 32, 25),
    Setting(128, 32, 50),
    Setting(256, 32, 50),
    Setting(256, 100, 50),
    Setting(512, 64, 50),
]
QUALITY = Setting(100, 32, 25)
RATE, EPOCHS = 0.004, 20


def ours(setting: Setting, text: str, epochs: int, seed: int) -> tuple[float, RecurrentNetwork]:
    """Return the seconds of the steps, and the network after the last of them."""
    rng = np.random.default_rng(seed)
    network = RecurrentNetwork.create(TALE.alphabet, setting.hidden, rng)
    recipe = RecurrentRecipe(RATE, batch_size=setting.batch_size, window=setting.window, epochs=epochs)
    training = RecurrentTraining(network, Examples([text]), recipe, rng, Examples([text[:2]]))
    began = time.perf_counter()
    for _ in training.run():  # which scores two characters after each epoch
        pass
    return time.perf_counter() - began, network


class Pytorch:
    """The same training with torch.nn.RNN."""

    def __init__(self, setting: Setting, text: str, seed: int) -> None:
        import torch

        torch.manual_seed(seed)
        self.torch, self.setting, self.symbols = torch, setting, len(TALE.alphabet)
        self.rnn, self.linear = torch.nn.RNN(self.symbols, setting.hidden), torch.nn.Linear(setting.hidden, self.symbols)
        self.parameters = [*self.rnn.parameters(), *self.linear.parameters()]
        self.eye = torch.eye(self.symbols)
        found = windows(TALE.alphabet.encode(text), setting.batch_size, setting.window)
        self.batches = [(torch.tensor(one.symbols), torch.tensor(one.targets).reshape(-1)) for one in found]

    def train(self, epochs: int) -> float:
        """Return the seconds of the steps."""
        torch = self.torch
        optimizer = torch.optim.Adam(self.parameters, lr=RATE)
        began = time.perf_counter()
        for _ in range(epochs):
            state = torch.zeros(1, self.setting.batch_size, self.setting.hidden)
            for symbols, targets in self.batches:
                outputs, state = self.rnn(self.eye[symbols], state)
                cost = torch.nn.functional.cross_entropy(self.linear(outputs).reshape(-1, self.symbols), targets)
                optimizer.zero_grad()
                cost.backward()
                torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
                optimizer.step()
                state = state.detach()
        return time.perf_counter() - began

    def bits(self, text: str) -> float:
        """Return the bits per character of a text that is read as one stream."""
        torch, codes = self.torch, TALE.alphabet.encode(text)
        with torch.no_grad():
            outputs, _ = self.rnn(self.eye[torch.tensor(codes[:-1])][:, None])
            cost = torch.nn.functional.cross_entropy(self.linear(outputs)[:, 0], torch.tensor(codes[1:]))
        return float(cost) / float(np.log(2.0))


def torch_on_one_core() -> Any:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_num_threads(1)
    return torch


def speeds(setting: Setting) -> tuple[float, float, float]:
    """Return characters a second of ours and of PyTorch, the best of all rounds, and the median ratio."""
    text = TALE.train.inputs[0][: min(CHARACTERS, 400 * setting.batch_size * setting.window)]
    theirs, rows = Pytorch(setting, text, 0), []
    for _ in range(ROUNDS):
        rows.append((len(text) / ours(setting, text, 1, 0)[0], len(text) / theirs.train(1)))
    best = [max(column) for column in zip(*rows, strict=True)]
    return best[0], best[1], statistics.median(one / other for one, other in rows)


def qualities() -> Iterator[tuple[float, float]]:
    """Yield validation bits per character of ours and of PyTorch, for each seed."""
    train, validation = TALE.train.inputs[0], TALE.validation.inputs[0]
    for seed in range(SEEDS):
        _, network = ours(QUALITY, train, EPOCHS, seed)
        theirs = Pytorch(QUALITY, train, seed)
        theirs.train(EPOCHS)
        yield score(network, [validation]).cost, theirs.bits(validation)


def test_bits_per_character_are_those_of_pytorch() -> None:
    """Means over seeds, each from first weights of its own: within 2 %."""
    torch_on_one_core()
    with threadpool_limits(1):
        found = np.array(list(qualities()))
    print(f"\nbits per character, {SEEDS} seeds: ours {found[:, 0]}, PyTorch {found[:, 1]}; means {found.mean(axis=0)}")
    assert found[:, 0].mean() == pytest.approx(found[:, 1].mean(), rel=0.02)


@pytest.mark.parametrize("setting", SETTINGS)
def test_characters_a_second(setting: Setting) -> None:
    """Nothing is asserted about time."""
    torch_on_one_core()
    with threadpool_limits(1):
        mine, theirs, ratio = speeds(setting)
    print(f"\n{setting}: {mine:,.0f} characters a second, PyTorch {theirs:,.0f}; ratio {ratio:.2f}")


def main() -> None:
    """Print both tables."""
    torch = torch_on_one_core()
    print(f"PyTorch {torch.__version__}, NumPy {np.__version__}, load {os.getloadavg()[0]:.1f}")
    print("| units | streams | window | ours, characters/s | PyTorch | ratio |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    with threadpool_limits(1):
        for one in SETTINGS:
            mine, theirs, ratio = speeds(one)
            print(f"| {one.hidden} | {one.batch_size} | {one.window} | {mine:,.0f} | {theirs:,.0f} | {ratio:.2f} |", flush=True)
        found = np.array(list(qualities()))
    means, errors = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    print(f"bits per character after {EPOCHS} epochs, {SEEDS} seeds: ours {means[0]:.4f} +- {errors[0]:.4f}, ", end="")
    print(f"PyTorch {means[1]:.4f} +- {errors[1]:.4f}, ratio {means[0] / means[1]:.4f}")


if __name__ == "__main__":
    main()
