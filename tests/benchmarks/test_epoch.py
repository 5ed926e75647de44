"""Samples a second in training, of both engines, beside PyTorch, JAX, scikit-learn and a loop over single samples.

All train the same network on the same images in turn, within one process, on one thread: MNIST where HPSEARCH_DATA_HOME says
where it is, made-up images otherwise. Nothing is asserted about time; cost and errors are printed beside it, so that speed
cannot be bought with less training. Ratios are medians of those within each round: a machine drifts from round to round.

The ratio to quote is the one to the plain PyTorch loop, which sums nothing at all; the other loop adds up its loss with
``.item()``, as many people write it, and as our running cost corresponds to. What is not installed is left out.

The whole table: python -m tests.benchmarks.test_epoch (wall-clock time, for a quiet machine; --cpu for the process's CPU time)
Our own times: pytest -m benchmark -n 0 -s tests/benchmarks/test_epoch.py
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import metadata
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from hpsearch import data
from hpsearch.nn.engines.select import resolve
from hpsearch.search.environment import read_facts, script_folder
from tests.benchmarks.contestants import CLASSES, Contestant, Images, Setting, jax, one_by_one, ours, pytorch, scikit_learn

pytestmark = pytest.mark.benchmark

SAMPLES, INPUTS, ROUNDS, SLOW_ROUNDS, SCORED = 50_000, 784, 7, 1, 10_000
SETTINGS = [
    Setting(30, 10),
    Setting(30, 100),
    Setting(100, 10),
    Setting(100, 100),
    Setting(100, 100, 0.01, 0.9, "relu"),
    Setting(800, 100, 0.1),
    Setting(30, 10, digits=True),
]
PLAIN, SLOW = "PyTorch, plain", "sample by sample"
ENGINES = ["numpy", "numba"] if resolve("auto") == "numba" else ["numpy"]


@cache
def images(digits: bool = False) -> Images:
    """Return digits, MNIST, or random images, four fifths black like MNIST's, whose class a linear rule decides."""
    if digits or os.environ.get("HPSEARCH_DATA_HOME"):
        train = data.digits().train if digits else data.mnist().train
        return train.x, train.y
    rng = np.random.default_rng(0)
    x = rng.random((SAMPLES, INPUTS), np.float32) * (rng.random((SAMPLES, INPUTS), np.float32) < 0.2)
    z = x @ rng.standard_normal((INPUTS, CLASSES), np.float32)
    return x, z.argmax(axis=1).astype(np.int64)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_epoch(setting: Setting, engine: str, benchmark: Any) -> None:
    rows = images(setting.digits)
    contestant = ours(setting, rows, engine)
    benchmark.pedantic(contestant.epoch, rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["samples a second"] = round(len(rows[1]) / benchmark.stats.stats.median)
    benchmark.extra_info["cost"] = contestant.network().mean_cost(rows[0][:SCORED], rows[1][:SCORED])


def contestants(setting: Setting) -> dict[str, Contestant]:
    """Return everybody who is installed and can follow a setting."""
    rows = images(setting.digits)
    makers: dict[str, Callable[[], Contestant]] = {f"hpsearch, {e}": partial(ours, setting, rows, e) for e in ENGINES}
    if importlib.util.find_spec("torch"):
        makers[PLAIN] = partial(pytorch, setting, rows, summing=False)
        makers["PyTorch, .item()"] = partial(pytorch, setting, rows, summing=True)
    if importlib.util.find_spec("jax"):
        makers["JAX, jit and scan"] = partial(jax, setting, rows)
    makers["scikit-learn"] = partial(scikit_learn, setting, rows)
    if (setting.hidden, setting.batch_size) == (30, 10):  # the document's own network; it takes ten seconds an epoch
        makers[SLOW] = partial(one_by_one, setting, rows)
    return {name: make() for name, make in makers.items()}


def race(setting: Setting, clock: Callable[[], float], rounds: int) -> Iterator[str]:
    """Yield a line of the table for each contestant; the slow one runs in the first rounds only."""
    them, rows = contestants(setting), images(setting.digits)
    times: dict[str, list[float]] = {name: [] for name in them}
    repeats = 10 if setting.digits else 1  # an epoch of digits is too short for the clock
    for number in range(rounds + 1):
        for name, contestant in them.items():
            if name == SLOW and number > SLOW_ROUNDS:
                continue
            start = clock()
            for _ in range(repeats):
                contestant.epoch()
            if number:  # the first round warms up
                times[name].append((clock() - start) / repeats)
    for name, contestant in them.items():
        seconds, network = statistics.median(times[name]), contestant.network()
        ratios = [plain / own for plain, own in zip(times.get(PLAIN, []), times[name], strict=False)]
        ratio = f"{statistics.median(ratios):.2f}" if ratios else "-"
        score = network.score(rows[0][:SCORED].astype(network.dtype), rows[1][:SCORED])
        epochs = repeats * (len(times[name]) + 1)
        yield (
            f"| {setting} | {name} | {seconds:.4f} | {len(rows[1]) / seconds:,.0f} | {ratio} | "
            f"{score.cost:.4f} | {score.error:.2%} | {epochs} |"
        )


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--cpu", action="store_true", help="measure the process's CPU time, on a machine that is busy")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    known, day = read_facts(script_folder()), datetime.date.today()
    known |= {name: metadata.version(name) for name in ("torch", "jax") if importlib.util.find_spec(name)}
    versions = ", ".join(
        f"{name} {known[name]}" for name in ("numpy", "numba", "torch", "jax", "scikit-learn") if name in known
    )
    kind = "CPU time of the process" if asked.cpu else "wall-clock time"
    print(f"{day}, {known['cpu']}, {platform.system()}, one thread, {kind}, medians of {asked.rounds} rounds; {versions}\n")
    print("| network | who | s an epoch | samples/s | times as fast as plain PyTorch | cost | training error | after epochs |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with threadpool_limits(1):
        for setting in SETTINGS:
            for line in race(setting, time.process_time if asked.cpu else time.perf_counter, asked.rounds):
                print(line, flush=True)


if __name__ == "__main__":
    main()
