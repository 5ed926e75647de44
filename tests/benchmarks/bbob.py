"""How many trials a strategy needs on functions nobody here wrote: BBOB, from the coco-experiment package.

The yardstick is random search's median best of 256 trials; a strategy's score on a function is the median over seeds of
the trials until it is reached (256 where it is not), and over the functions the geometric mean. Run it with

    pip install coco-experiment
    python -m tests.benchmarks.bbob              # Bayesian against plain Optuna, about a minute on one core

or hand `trials_to_target` or `compare` a strategy of your own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from statistics import geometric_mean, median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from hpsearch import Float, Outcome, Space, Status, Trial
from hpsearch.ports import Strategy
from hpsearch.strategies import Random
from hpsearch.trial import Params

FUNCTIONS = (1, 2, 6, 8, 10, 13, 15, 17, 20, 21)
DIMENSION = 5
CAP = 256
SEEDS = range(20)
# Random search's own seeds lie elsewhere, so that no strategy that starts at random meets the very points of the target.
TARGET_SEEDS = range(1000, 1020)
SPACE = Space(**{f"x{i}": Float(-5.0, 5.0) for i in range(DIMENSION)})

# Trials until the target is reached, for one function and one seed.
Count = Callable[[int, float, int], int]


# What a point scores.
Score = Callable[[Params], float]


@cache
def problem(function: int, dimension: int = DIMENSION) -> Any:
    """Return BBOB function ``function`` (1 to 24), instance 1, on the box [-5, 5]^dimension; ``best_value()`` is its least."""
    import cocoex  # type: ignore[import-not-found, import-untyped, unused-ignore]

    return cocoex.BareProblem("bbob", function, dimension, 1)


def value(function: int, params: Mapping[str, float]) -> float:
    """Score one point of `SPACE`."""
    return float(problem(function)(np.array([params[name] for name in SPACE])))


def values(strategy: Strategy, function: int, seed: int, target: float = -np.inf, cap: int = CAP) -> list[float]:
    """Return the values of a strategy's trials in order, up to the one that reaches ``target``, at most ``cap``."""
    return scores(strategy, SPACE, lambda params: value(function, params), seed, target, cap)


def scores(strategy: Strategy, space: Space, score: Score, seed: int, target: float = -np.inf, cap: int = CAP) -> list[float]:
    """Return the scores of a strategy's trials in order, up to the batch that reaches ``target``, at most ``cap``."""
    search = strategy.search(space, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))))
    found: list[float] = []
    batch = next(search, None)
    while batch is not None and len(found) < cap and min(found, default=np.inf) > target:
        trials = []
        for proposal in batch.proposals:
            found.append(score(proposal.params))
            number, outcome = len(found) - 1, Outcome(found[-1])
            trials.append(Trial(number, proposal.params, batch.stage, Status.FINISHED, outcome, proposal.budget))
        try:
            batch = search.send(trials)
        except StopIteration:
            batch = None
    return found[:cap]


def reached(found: list[float], target: float, cap: int = CAP) -> int:
    """Return how many trials it took to get down to ``target``; the cap where it was not reached."""
    return next((i + 1 for i, score in enumerate(found) if score <= target), cap)


def trials_to_target(strategy: Strategy, function: int, target: float, seed: int, cap: int = CAP) -> int:
    """Return the trials a strategy needs on one function until its best value is at most ``target``.

    The strategy should be set to at least ``cap`` trials; one that ends earlier without reaching the target counts as ``cap``.
    """
    return reached(values(strategy, function, seed, target, cap), target, cap)


@cache
def random_target(function: int, trials: int = CAP) -> float:
    """Return the median over 20 seeds of random search's best value of ``trials``."""
    return median(min(values(Random(trials=trials), function, seed)) for seed in TARGET_SEEDS)


def plain_optuna(**settings: Any) -> Count:
    """Return the yardstick: Optuna's TPE as a user would run it, ``TPESampler(seed=seed, **settings)``."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def count(function: int, target: float, seed: int) -> int:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, **settings))

        def objective(trial: optuna.Trial) -> float:
            return value(function, {name: trial.suggest_float(name, -5.0, 5.0) for name in SPACE})

        def stop(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
            if trial.value is not None and trial.value <= target:
                study.stop()

        study.optimize(objective, n_trials=CAP, callbacks=[stop])
        return reached([trial.value or 0.0 for trial in study.trials], target)

    return count


def ours(strategy: Strategy) -> Count:
    """Return the count of one of our strategies."""
    return lambda function, target, seed: trials_to_target(strategy, function, target, seed)


def compare(contestants: Mapping[str, Count], functions: tuple[int, ...] = FUNCTIONS, seeds: range = SEEDS) -> dict[str, float]:
    """Print medians per function and return the geometric mean over the functions, per contestant."""
    print(f"{'trials to random-256, median of ' + str(len(seeds)):40s}", *(f"f{f:<5d}" for f in functions), "mean")
    means = {}
    for name, count in contestants.items():
        row = [median(count(f, random_target(f), seed) for seed in seeds) for f in functions]
        means[name] = geometric_mean(row)
        print(f"{name:40s}", *(f"{trials:<6g}" for trials in row), f"{means[name]:.1f}", flush=True)
    return means


def main() -> None:
    """Hold Bayesian to its two promises and print the table."""
    from hpsearch.strategies import Bayesian

    means = compare(
        {
            "Bayesian": ours(Bayesian(trials=CAP)),
            "Optuna TPESampler(seed)": plain_optuna(),
            "Optuna TPESampler(seed, multivariate)": plain_optuna(multivariate=True),
            "Bayesian, batch_size=4": ours(Bayesian(trials=CAP, batch_size=4)),
        }
    )
    alone, plain, _, batched = means.values()
    print(f"Bayesian / plain Optuna   {alone / plain:.2f}   (promised: at most 1.1)")
    print(f"batch_size=4 / sequential {batched / alone:.2f}   (promised: at most 1.5)")


if __name__ == "__main__":
    main()
