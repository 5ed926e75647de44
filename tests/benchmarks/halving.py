"""What successive halving costs and saves: against training every configuration to the end; and 98 % in a minute.

python -m tests.benchmarks.halving           # about 5 minutes on two idle cores; needs MNIST
python -m tests.benchmarks.halving full      # the same on all 50,000 images, ten other seeds: about 15 minutes
python -m tests.benchmarks.halving minute    # the study of one minute under five seeds, on an idle machine
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import sqrt
from statistics import mean, median, stdev

import numpy as np
from scipy.stats import t, wilcoxon

from hpsearch import Context, Float, Space, Study, Trial, data
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Strategy
from hpsearch.strategies import Halving, Random
from hpsearch.tracking import MemoryTracker

EPOCHS, CONFIGURATIONS, SEEDS = 27, 27, range(10)
IMAGES, ALL_IMAGES = 20_000, 50_000
SPACE = Space(
    learning_rate=Float(1e-2, 10.0, log=True),
    l2=Float(1e-1, 1e2, log=True),
    momentum=Float(0.0, 0.95),
)
# Both draw the same configurations under the same seeds, so that the difference is what the rungs threw away.
FULL, HALVING = Random(trials=CONFIGURATIONS), Halving(trials=CONFIGURATIONS, min_epochs=2, max_epochs=EPOCHS)


def epochs(trials: Sequence[Trial]) -> int:
    """Return the epochs trained in all; those of a trial that was gone on with count once."""
    curves = [next(iter(trial.outcome.history.values()), ()) if trial.outcome else () for trial in trials]
    done = [curve[-1][0] if curve else 0 for curve in curves]
    return sum(n - (0 if trial.continues is None else done[trial.continues]) for trial, n in zip(trials, done, strict=True))


def search(strategy: Strategy, objective: TrainNetwork, seed: int) -> tuple[Trial, int]:
    """Return the best trial, and the epochs it took to find it."""
    result = Study("halving", SPACE, objective, strategy, seed=seed).run(2, tracker=MemoryTracker())
    return result.best, epochs(result.trials)


def again(trial: Trial, objective: TrainNetwork, seed: int) -> float:
    """Return the validation error of a winner trained under two new seeds: no longer flattered by having been selected."""
    return mean(objective(trial.params, Context(np.random.default_rng((seed, i)))).value for i in range(2))


def compare(seeds: range = SEEDS, images: int = IMAGES) -> None:
    """Print full training beside halving, found and trained again, and hold halving to what it promises."""
    objective = TrainNetwork(data.mnist().head(images), hidden=(30,), batch_size=100, epochs=EPOCHS)
    found, confirmed, shares = [], [], []
    for seed in seeds:
        (full, most), (halved, few) = search(FULL, objective, seed), search(HALVING, objective, seed)
        errors = again(full, objective, seed), again(halved, objective, seed)
        found.append(halved.value - full.value)
        confirmed.append(errors[1] - errors[0])
        shares.append(few / most)
        print(
            f"seed {seed}: all {1 - full.value:.2%} in {most} epochs, halving {1 - halved.value:.2%} in {few};"
            f" trained again {1 - errors[0]:.2%} and {1 - errors[1]:.2%}",
            flush=True,
        )
    print(f"found: halving loses {interval(found)} (it cannot win: it sees the same trials, or fewer)")
    p = wilcoxon(confirmed, zero_method="zsplit", alternative="greater").pvalue
    print(f"trained again: it loses {interval(confirmed)}, p of being worse {p:.3f}")
    print(f"it takes {mean(shares):.3f} of the epochs (promised: at most .2)")


def interval(values: Sequence[float]) -> str:
    """Return mean and half the width of its 95 % interval, by Student's t."""
    half = t.ppf(0.975, len(values) - 1) * stdev(values) / sqrt(len(values))
    return f"{mean(values):.3%} +- {half:.3%}"


def minute(seeds: range = range(5)) -> None:
    """Print accuracy and wall-clock time of the one-minute study under several seeds, the start of the workers included."""
    from studies.mnist_one_minute import study

    found = []
    for seed in seeds:
        started = time.perf_counter()
        result = replace(study, seed=seed).run(2, tracker=MemoryTracker())
        seconds = time.perf_counter() - started
        found.append(1 - result.best.value)
        print(f"seed {seed}: {found[-1]:.2%} in {seconds:.1f} s, {len(result.trials)} trials, {result.best.params}", flush=True)
    print(f"median {median(found):.2%} (promised: at least 98.0 %)")


if __name__ == "__main__":
    commands = {"minute": minute, "full": partial(compare, range(20, 30), ALL_IMAGES)}
    commands.get(" ".join(sys.argv[1:]), compare)()
