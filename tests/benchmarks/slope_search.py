"""Descent on derivatives of a training beside searches without them, at equal seconds of computing.

python -m tests.benchmarks.slope_search             # 10 seeds on two data sets and two spaces, four minutes; needs MNIST
python -m tests.benchmarks.slope_search --seeds 3

`FollowSlope` has 32 trials with their derivatives. The others train the same networks without derivatives, until as many
seconds are spent. The best validation cost is compared, paired by seed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import mean

from hpsearch import Float, Space, Study, Trial, data
from hpsearch.analysis import mean_interval
from hpsearch.data import Dataset
from hpsearch.objectives import TrainUnrolled
from hpsearch.ports import Strategy
from hpsearch.strategies import FollowSlope, GaussianProcess, Random
from hpsearch.tracking import MemoryTracker

TRIALS, MOST = 32, 320
SETS: dict[str, Callable[[], Dataset]] = {
    "digits": lambda: data.digits().head(500, 300),
    "mnist-500": lambda: data.mnist().head(500, 1000),
}
SPACES = {
    "rate, decay": Space(learning_rate=Float(1e-2, 30.0, log=True), l2=Float(1e-3, 100.0, log=True)),
    "rate, decay, momentum": Space(
        learning_rate=Float(1e-2, 30.0, log=True), l2=Float(1e-3, 100.0, log=True), momentum=Float(0.0, 0.95)
    ),
}
OTHERS: dict[str, Callable[[], Strategy]] = {
    "Random": lambda: Random(MOST),
    "GaussianProcess": lambda: GaussianProcess(MOST // 4),
}


def trials_of(objective: TrainUnrolled, space: Space, strategy: Strategy, seed: int) -> list[Trial]:
    """Return the trials of a study, run one after the other without a record."""
    study = Study("s", space, objective, strategy, seed=seed)
    return list(study.run(1, backend="sequential", tracker=MemoryTracker(), progress=None, report=False).trials)


def best_within(trials: Sequence[Trial], seconds: float) -> tuple[float, int]:
    """Return the best value of the trials that so many seconds pay, and their number."""
    spent, values = 0.0, []
    for trial in trials:
        spent += trial.seconds
        if spent > seconds and values:
            break
        values.append(trial.value if trial.ok else math.inf)
    return min(values), len(values)


def rows(name: str, label: str, seeds: int) -> list[str]:
    """Return the rows of the table of one data set and one space."""
    objective, space = TrainUnrolled(SETS[name](), hidden=(10,), epochs=5), SPACES[label]
    own = [trials_of(objective, space, FollowSlope(TRIALS), seed) for seed in range(seeds)]
    seconds = [sum(trial.seconds for trial in trials) for trials in own]
    ours = [best_within(trials, math.inf)[0] for trials in own]
    found = [f"| {name} | {label} | FollowSlope | {TRIALS} | {mean(ours):.4f} | 1 |"]
    for other, strategy in OTHERS.items():
        each = [
            best_within(trials_of(replace(objective, slopes=False), space, strategy(), seed), seconds[seed])
            for seed in range(seeds)
        ]
        ratio = mean_interval([math.log(mine / theirs) for mine, (theirs, _) in zip(ours, each, strict=True)])
        low, centre, high = (math.exp(end) for end in (ratio.low, ratio.centre, ratio.high))
        count = mean(number for _, number in each)
        best = mean(value for value, _ in each)
        found.append(f"| {name} | {label} | {other} | {count:.0f} | {best:.4f} | {centre:.3f} ({low:.3f} to {high:.3f}) |")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    print("| data | searched | contestant | trials | best validation cost | FollowSlope's as a ratio of it (95 % interval) |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in SETS:
        for label in SPACES:
            for row in rows(name, label, options.seeds):
                print(row, flush=True)


if __name__ == "__main__":
    main()
