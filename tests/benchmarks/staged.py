"""What coarse-to-fine search is worth: against random search on BBOB, and with the optimum outside the first range.

pip install coco-experiment
python -m tests.benchmarks.staged            # about 4 minutes on one core; needs MNIST
python -m tests.benchmarks.staged full       # all 50,000 images instead of 5,000: about 15 minutes on one core
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from statistics import median

import numpy as np
from scipy.stats import wilcoxon

from hpsearch import Choice, Float, Int, Outcome, Space, Status, Study, Trial, data
from hpsearch.analysis.ranks import holm
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Strategy
from hpsearch.strategies import Random, Staged
from hpsearch.tracking import MemoryTracker
from hpsearch.trial import Params
from tests.benchmarks.bbob import FUNCTIONS, SEEDS, random_target, trials_to_target, values


def against_random(strategy: Strategy, trials: int) -> list[tuple[int, float, float, float, float]]:
    """Return per function: the trials to random's best of 256, both median best values, and the p-value of being worse."""
    rows = []
    for function in FUNCTIONS:
        target = random_target(function)
        count = median(trials_to_target(strategy, function, target, seed) for seed in SEEDS)
        ours = [min(values(strategy, function, seed)) for seed in SEEDS]
        chance = [min(values(Random(trials=trials), function, seed)) for seed in SEEDS]
        worse = wilcoxon(ours, chance, alternative="greater").pvalue
        rows.append((function, count, median(ours), median(chance), float(worse)))
    adjusted = holm([row[-1] for row in rows])
    return [(*row[:-1], p) for row, p in zip(rows, adjusted, strict=True)]


def outside(seed: int, trials: int = 96, decades: float = 1.0) -> float:
    """Return how many decades from the optimum a search ends whose first range ends ``decades`` before it."""
    names = [f"x{i}" for i in range(4)]
    space = Space(rate=Float(1e-4, 1e-2, log=True), **{name: Float(0.0, 1.0) for name in names})

    def error(params: Params) -> float:
        rate = (math.log10(params["rate"]) - (-2 + decades)) ** 2
        return float(rate + sum((params[name] - 0.4) ** 2 for name in names))

    search = Staged(trials=trials).search(space, np.random.default_rng(seed))
    done: list[Trial] = []
    batch = next(search)
    try:
        while True:
            ended = [
                Trial(len(done) + i, p.params, batch.stage, Status.FINISHED, Outcome(error(p.params)))
                for i, p in enumerate(batch.proposals)
            ]
            done += ended
            batch = search.send(ended)
    except StopIteration:
        found = min(done, key=lambda t: t.value)
        return abs(math.log10(found.params["rate"]) - (-2 + decades))


def on_mnist(trials: int, seeds: range, images: int, tested: int) -> list[tuple[float, float]]:
    """Return the best validation error of staged and of random search per seed: four epochs, six parameters."""
    space = Space(
        learning_rate=Float(1e-3, 1e2, log=True),
        l2=Float(1e-3, 1e2, log=True),
        momentum=Float(0.0, 0.99),
        batch_size=Choice(10, 20, 50, 100),
        activation=Choice("sigmoid", "tanh", "relu"),
        hidden=Int(10, 100, log=True, hard=True),
    )
    objective = TrainNetwork(data.mnist().head(images, tested), epochs=4)
    strategies = (Staged(trials=trials, preflight=False), Random(trials=trials))
    rows = []
    for seed in seeds:
        studies = [Study("mnist", space, objective, strategy, seed=seed) for strategy in strategies]
        staged, chance = (s.run(1, backend="sequential", tracker=MemoryTracker()).best.value for s in studies)
        rows.append((staged, chance))
        print(f"  seed {seed}: staged {staged:.4f}, random {chance:.4f}", flush=True)
    return rows


def main() -> None:
    """Print the tables and hold Staged to what it promises."""
    for trials in (96, 48, 256):
        rows = against_random(Staged(trials=trials), trials)
        print(f"Staged(trials={trials}): trials to random's best of 256, best values, p of being worse (Holm)")
        for function, count, ours, chance, p in rows:
            print(f"  f{function:<3d} {count:6g} {ours:12.5g} {chance:12.5g}  {p:.3f}")
        print(f"  median over the functions {median(row[1] for row in rows):g} (promised for 96 trials: at most 96)")
    for decades in (1.0, 2.0):
        misses = sorted(outside(seed, decades=decades) for seed in SEEDS)
        print(f"optimum {decades:g} decades outside: misses it by {median(misses):.2f} decades, at worst {misses[-1]:.2f}")
    report(on_mnist(48, range(16), 5000, 2000))


def report(rows: Sequence[tuple[float, float]]) -> None:
    """Print what the errors on MNIST say."""
    p = wilcoxon(*zip(*rows, strict=True), alternative="greater").pvalue
    medians = [median(column) for column in zip(*rows, strict=True)]
    print(
        f"MNIST, 48 trials, best validation error: staged {medians[0]:.4f}, random {medians[1]:.4f}, p of being worse {p:.3f}"
    )


if __name__ == "__main__":
    report(on_mnist(48, range(10), 50_000, 10_000)) if sys.argv[1:] == ["full"] else main()
