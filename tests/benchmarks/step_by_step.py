"""What choosing step by step finds for a number of trainings: InTurn, Grow and find_rate beside Random and GaussianProcess.

python -m tests.benchmarks.step_by_step                                 # 10 seeds on four sets of images; needs MNIST
python -m tests.benchmarks.step_by_step --seeds 3 --sets digits shapes  # a few minutes on an idle core

Each contestant spends as many epochs over all training rows as 32 trainings of ten epochs take; an epoch over a part of the
rows counts as that part. What `find_rate` and the small problems of `Grow` cost is counted. The best validation cost is read
after 8, 16 and 32 trainings. Contestants are paired by the seed of their studies.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from hpsearch import Choice, Float, Space, Study, Trial, data
from hpsearch.analysis import mean_interval
from hpsearch.data import Dataset
from hpsearch.nn import find_rate
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import GaussianProcess, Grow, InTurn, Random
from hpsearch.tracking import MemoryTracker

EPOCHS, BUDGET, READ_AT = 10, 32, (8, 16, 32)
# What was spent, in trainings on all rows, and the validation cost of the trial that spent it, infinite if it does not count.
Spent = list[tuple[float, float]]


def shapes(rows: int = 3000, seed: int = 0) -> Dataset:
    """Return drawn images of 16 x 16: ten shapes, shifted, of several sizes and brightnesses, under noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 10
    return data.arrays(np.array([_shape(int(kind), rng) for kind in y], np.float32), y, name="shapes")


def _shape(kind: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return one image, as a row."""
    down, across = np.mgrid[0:16, 0:16] - 7.5 - rng.uniform(-2.5, 2.5, (2, 1, 1))
    size = rng.uniform(3.5, 5.5)
    far, square = np.hypot(down, across), np.maximum(abs(down), abs(across))
    inside, thin = square < size, 1.1
    drawn = [
        far < size,
        abs(far - size) < thin,
        inside,
        abs(square - size) < thin,
        (abs(down) < thin) & inside,
        (abs(across) < thin) & inside,
        ((abs(down) < thin) | (abs(across) < thin)) & inside,
        (abs(down - across) < 1.4 * thin) & inside,
        ((abs(down - across) < 1.4 * thin) | (abs(down + across) < 1.4 * thin)) & inside,
        (abs(across) < (down + size) / 2) & inside,
    ][kind]
    return (rng.uniform(0.3, 1.0) * drawn + rng.normal(0.0, 0.35, (16, 16))).ravel()


SETS: dict[str, Callable[[], Dataset]] = {
    "digits": data.digits,
    "mnist-1000": lambda: data.mnist().head(1000, 2000),
    "mnist-5000": lambda: data.mnist().head(5000, 2000),
    "shapes": shapes,
}


@dataclass(frozen=True)
class Problem:
    """A data set, and the network whose rate, decay and batch size are searched."""

    data: Dataset

    def objective(self) -> TrainNetwork:
        """Return the network of 30 hidden units; ten epochs, and the value is the validation cost."""
        return TrainNetwork(self.data, hidden=(30,), epochs=EPOCHS, value="cost", rescale_penalty=True)

    def space(self, low: float = 1e-3, high: float = 10.0) -> Space:
        """Return the space, with other ends of the rates where they are given."""
        return Space(learning_rate=Float(low, high, log=True), l2=Float(1e-3, 100.0, log=True), batch_size=Choice(10, 20, 50))

    def run(self, study: Study) -> list[Trial]:
        """Return the trials of a study, run one after the other without a record."""
        return list(study.run(1, backend="sequential", tracker=MemoryTracker(), progress=None, report=False).trials)


def plain(problem: Problem, strategy: Random | InTurn | GaussianProcess, seed: int) -> Spent:
    """Search the space as it is."""
    trials = problem.run(Study("s", problem.space(), problem.objective(), strategy, seed=seed))
    return [(1.0, trial.value if trial.ok else math.inf) for trial in trials]


def grown(problem: Problem, seed: int) -> Spent:
    """Search two classes of an eighth of the rows, then half of the rows, then all; the last stage has what is left."""
    rows = len(problem.data.train)
    sizes = (rows // 8, rows // 2, rows)
    small = 16 * (1 / 8 + 1 / 2)
    space = Space(**dict(problem.space().declared), classes=Choice(2, problem.data.classes), train_size=Choice(*sizes))
    strategy = Grow(("classes", "train_size"), trials=round(BUDGET - small), reduced=16, preflight=False)
    trials = problem.run(Study("s", space, problem.objective(), strategy, seed=seed))
    return [(t.params["train_size"] / rows, math.inf if t.is_preflight or not t.ok else t.value) for t in trials]


def from_rate(problem: Problem, seed: int) -> Spent:
    """Find the rate on an eighth of the rows, and draw from two decades around it."""
    part = problem.data.head(len(problem.data.train) // 8).train
    found = find_rate((part.x, part.y), hidden=(30,), batch_size=20, seed=3 * seed)
    spent = len(found.curves) * 5 / EPOCHS / 8
    space = problem.space(*found.range)
    trials = problem.run(Study("s", space, problem.objective(), Random(max(round(BUDGET - spent), 1)), seed=seed))
    return [(spent, math.inf), *((1.0, trial.value if trial.ok else math.inf) for trial in trials)]


CONTESTANTS: dict[str, Callable[[Problem, int], Spent]] = {
    "Random": lambda problem, seed: plain(problem, Random(BUDGET), seed),
    "find_rate, Random": from_rate,
    "InTurn": lambda problem, seed: plain(problem, InTurn(trials=BUDGET, preflight=False), seed),
    "Grow": grown,
    "GaussianProcess": lambda problem, seed: plain(problem, GaussianProcess(BUDGET), seed),
}


def best_at(spent: Spent, budget: float) -> float:
    """Return the best validation cost after so many trainings, infinite where there is none yet."""
    total, best = 0.0, math.inf
    for share, value in spent:
        total += share
        if total > budget + 0.5:
            break
        best = min(best, value)
    return best


def compare(name: str, seeds: int, contestants: Sequence[str]) -> list[str]:
    """Return the rows of one data set: the mean best cost at each budget, and the ratio to Random's with its interval."""
    problem = Problem(SETS[name]())
    found = {one: [CONTESTANTS[one](problem, seed) for seed in range(seeds)] for one in contestants}
    rows = []
    for one in contestants:
        costs = [mean(best_at(spent, budget) for spent in found[one]) for budget in READ_AT]
        pairs = zip(found[one], found["Random"], strict=True)
        ratios = [math.log(best_at(ours, BUDGET) / best_at(theirs, BUDGET)) for ours, theirs in pairs]
        apart = "1" if one == "Random" else _ratio(ratios)
        rows.append(f"| {name} | {one} | {' | '.join(f'{cost:.4f}' for cost in costs)} | {apart} |")
    return rows


def _ratio(logarithms: Sequence[float]) -> str:
    found = mean_interval(logarithms)
    low, centre, high = (math.exp(end) for end in (found.low, found.centre, found.high))
    verdict = "better" if high < 1 else "worse" if low > 1 else "no difference"
    return f"{centre:.3f} ({low:.3f} to {high:.3f}): {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    options = parser.parse_args()
    print(f"| images | contestant | cost after {' | '.join(map(str, READ_AT))} | ratio to Random (95 % interval) |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in options.sets:
        for row in compare(name, options.seeds, list(CONTESTANTS)):
            print(row, flush=True)


if __name__ == "__main__":
    main()
