"""What a search finds for a number of epochs: FreezeThaw beside Halving, Hyperband, Optuna's TPE with pruning, and Random.

python -m tests.benchmarks.freeze_thaw                                # 8 seeds on three data sets; needs MNIST
python -m tests.benchmarks.freeze_thaw --seeds 3 --sets digits blobs  # a few minutes on an idle core
python -m tests.benchmarks.freeze_thaw --cache FOLDER                 # trainings are kept there, and not repeated

Each contestant trains networks until 40 full trainings of 27 epochs are spent, and its best value is read at 5, 10, 20 and 40.
An epoch that a contestant continues from is not paid again. All train a setting from the same seed. Halving and Hyperband begin
anew, with other draws, when they are through. The value is the best of all epochs so far on the validation part.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from hpsearch import Choice, Context, Float, Int, Outcome, Space, Status, Trial, data
from hpsearch.data import Dataset
from hpsearch.objectives import TrainNetwork
from hpsearch.ports import Proposal, Strategy
from hpsearch.space import Params
from hpsearch.strategies import FreezeThaw, Halving, Hyperband, Random

EPOCHS, BUDGETS = 27, (5, 10, 20, 40)
RUNGS = (1, 3, 9, EPOCHS)
SPACE = Space(
    learning_rate=Float(1e-3, 10.0, log=True),
    momentum=Float(0.0, 0.95),
    l2=Float(1e-3, 1e2, log=True),
    hidden=Int(10, 60, log=True),
    batch_size=Choice(20, 50, 100),
)
# What the best so far was after so many epochs: one pair per trial.
Found = list[tuple[int, float]]


class _Spent(Exception):
    """The budget cannot pay the next trial."""


def _blobs() -> Dataset:
    """Return an artificial data set of ten overlapping classes in 30 dimensions."""
    from sklearn.datasets import make_classification

    x, y = make_classification(
        3000, 30, n_informative=12, n_redundant=8, n_classes=10, n_clusters_per_class=2, class_sep=1.5, random_state=0
    )
    return data.arrays(x.astype(np.float32), y, name="blobs")


SETS: dict[str, tuple[Callable[[], Dataset], str]] = {
    "mnist-5000": (lambda: data.mnist().head(5000, 4000), "error"),
    "digits": (data.digits, "cost"),
    "blobs": (_blobs, "cost"),
}


@dataclass
class Laboratory:
    """Trains settings for one contestant, and counts the epochs.

    Args:
        objective: what trains.
        seed: of all trainings.
        budget: in epochs.
        kept: the values of trainings of earlier runs, by setting and epochs.
    """

    objective: TrainNetwork
    seed: int
    budget: int
    kept: dict[str, float]
    spent: int = 0
    found: Found = field(default_factory=list)
    states: dict[str, tuple[int, Mapping[str, Any]]] = field(default_factory=dict)

    def train(self, params: Params, epochs: int, before: int) -> float:
        """Return the value of a setting after so many epochs, of which ``before`` are paid."""
        if self.spent + epochs - before > self.budget:
            raise _Spent
        self.spent += epochs - before
        key = repr(sorted(params.items()))
        if f"{key} {epochs}" not in self.kept:
            self.kept[f"{key} {epochs}"] = self._value(params, key, epochs)
        value = self.kept[f"{key} {epochs}"]
        self.found.append((self.spent, value))
        return value

    def _value(self, params: Params, key: str, epochs: int) -> float:
        words = np.frombuffer(hashlib.sha256(key.encode()).digest()[:8], np.uint32)
        done, state = self.states.get(key, (0, None))
        rng = np.random.default_rng((self.seed, *words.tolist()))
        outcome = self.objective(params, Context(rng, epochs, state if done <= epochs else None))
        if outcome.state is not None:
            self.states[key] = (epochs, outcome.state)
        return float(outcome.value)


def run_strategy(strategies: Iterator[Strategy], laboratory: Laboratory, seed: int) -> None:
    """Run one strategy after the other until the budget is spent."""
    for turn, strategy in enumerate(strategies):
        search = strategy.search(SPACE, np.random.default_rng((seed, turn)))
        trials: list[Trial] = []
        batch = next(search, None)
        while batch is not None:
            ended = [_trial(len(trials) + i, p, trials, laboratory) for i, p in enumerate(batch.proposals)]
            trials += ended
            try:
                batch = search.send(ended)
            except StopIteration:
                batch = None


def _trial(number: int, proposal: Proposal, trials: Sequence[Trial], laboratory: Laboratory) -> Trial:
    before = 0 if proposal.continues is None else trials[proposal.continues].budget or 0
    value = laboratory.train(proposal.params, proposal.budget or EPOCHS, before)
    status = Status.FINISHED if math.isfinite(value) else Status.DIVERGED
    return Trial(number, proposal.params, "all", status, Outcome(value), proposal.budget, proposal.continues)


def run_optuna(laboratory: Laboratory, seed: int) -> None:
    """Run Optuna's TPE with its HyperbandPruner, which sees each trial at every rung."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3)
    # The pruner assigns brackets by the name, which would be drawn anew each time.
    study = optuna.create_study(study_name=f"seed {seed}", sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner)

    def objective(trial: Any) -> float:
        params = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-3, 10.0, log=True),
            "momentum": trial.suggest_float("momentum", 0.0, 0.95),
            "l2": trial.suggest_float("l2", 1e-3, 1e2, log=True),
            "hidden": trial.suggest_int("hidden", 10, 60, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [20, 50, 100]),
        }
        value = math.inf
        for before, epochs in itertools.pairwise((0, *RUNGS)):
            value = laboratory.train(params, epochs, before)
            trial.report(value, epochs)
            if epochs < EPOCHS and trial.should_prune():
                raise optuna.TrialPruned
        return value

    study.optimize(objective, n_trials=100_000)


def contestants(budget: int) -> dict[str, Callable[[Laboratory, int], None]]:
    """Return all contestants by name."""

    def again(make: Callable[[], Strategy]) -> Callable[[Laboratory, int], None]:
        return lambda laboratory, seed: run_strategy((make() for _ in itertools.count()), laboratory, seed)

    return {
        "FreezeThaw": again(lambda: FreezeThaw(epochs=budget, max_epochs=EPOCHS)),
        "Halving": again(lambda: Halving(max_epochs=EPOCHS)),
        "Hyperband": again(lambda: Hyperband(max_epochs=EPOCHS)),
        "TPE + pruner": run_optuna,
        "Random": again(lambda: Random(trials=1000)),
    }


def search(name: str, run: Callable[[Laboratory, int], None], objective: TrainNetwork, seed: int, cache: Path | None) -> Found:
    """Return what a contestant finds under one seed."""
    kept = _read(cache)
    laboratory = Laboratory(objective, seed, BUDGETS[-1] * EPOCHS, kept)
    with suppress(_Spent):
        run(laboratory, seed)
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(kept))
    return laboratory.found


def _read(cache: Path | None) -> dict[str, float]:
    return json.loads(cache.read_text()) if cache is not None and cache.exists() else {}


def at(found: Found, trainings: int) -> float:
    """Return the best value that so many full trainings paid for; NaN counts as none."""
    return min(value for spent, value in found if spent <= trainings * EPOCHS and not math.isnan(value))


def compare(sets: Sequence[str], seeds: range, cache: Path | None) -> None:
    """Run everything, and print means and paired tests."""
    results: dict[tuple[str, int, int], dict[str, float]] = {}
    for name in sets:
        make, value = SETS[name]
        objective = TrainNetwork(make(), value=value, epochs=EPOCHS)
        for seed in seeds:
            started = time.process_time()
            for who, run in contestants(BUDGETS[-1] * EPOCHS).items():
                file = None if cache is None else cache / f"{name}-{seed}-{who.replace(' ', '')}.json"
                found = search(who, run, objective, seed, file)
                for budget in BUDGETS:
                    results.setdefault((name, seed, budget), {})[who] = at(found, budget)
            values = {n: [round(v, 4) for v in results[name, seed, n].values()] for n in BUDGETS}
            print(f"{name}, seed {seed}: {values}; {time.process_time() - started:.0f} s of CPU time", flush=True)
        print_means(results, name, seeds)
    print_tests(results)


def print_means(results: Mapping[tuple[str, int, int], Mapping[str, float]], name: str, seeds: range) -> None:
    """Print one row per budget."""
    names = list(results[name, seeds[0], BUDGETS[0]])
    print(f"\n| {name}, mean of {len(seeds)} seeds | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for budget in BUDGETS:
        means = [mean(results[name, seed, budget][who] for seed in seeds) for who in names]
        print(f"| {budget} trainings | {' | '.join(f'{one:.4f}' for one in means)} |")
    print(flush=True)


def print_tests(results: Mapping[tuple[str, int, int], Mapping[str, float]]) -> None:
    """Print Wilcoxon's test of FreezeThaw against each other contestant, the logarithms of all data sets and seeds pooled."""
    names = list(next(iter(results.values())))[1:]
    print("Two-sided p of Wilcoxon's test on log ratios (mean ratio in brackets), all data sets and seeds pooled:")
    print(f"\n| | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for budget in BUDGETS:
        rows = [values for (_, _, own), values in results.items() if own == budget]
        cells = []
        for who in names:
            ratios = np.array([math.log(max(row["FreezeThaw"], 1e-9) / max(row[who], 1e-9)) for row in rows])
            p = float(wilcoxon(ratios).pvalue) if ratios.any() else 1.0
            cells.append(f"{p:.3f} ({math.exp(ratios.mean()):.3f})")
        print(f"| {budget} trainings | {' | '.join(cells)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    compare(asked.sets, range(asked.first, asked.first + asked.seeds), asked.cache)
