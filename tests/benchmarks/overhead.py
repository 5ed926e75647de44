"""What a trial costs beside its own work: the loop, the record, going on with a long study; against Optuna's MLflow callback.

pip install optuna-integration             # no dependency of hpsearch: the callback that the record is measured against
python -m tests.benchmarks.overhead        # about 12 minutes on an idle machine
python -m tests.benchmarks.overhead long   # 5,000 random and 1,000 Bayesian trials, recorded and taken up: about 10 minutes
python -m tests.benchmarks.overhead record [URI]   # the record alone, in each way: in SQLite, or the database of this URI
python -m tests.benchmarks.overhead far    # trials a second on a server that is 0.1 s away, by one thread and by several

Every figure is the median of repeats that take turns, each in a process of its own; CPU time (of the process and its workers)
stands beside wall-clock time, because it says more on a machine that does other things too.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from hpsearch import Context, Float, Space, Study
from hpsearch.ports import Tracker
from hpsearch.search.progress import Progress
from hpsearch.strategies import Bayesian, Random
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store
from hpsearch.tracking.delivery import retry_queue
from hpsearch.tracking.runs import client_writer
from hpsearch.tracking.store import schema
from tests.tracking.latency import delayed
from tests.tracking.servers import mlflow_server

SPACE = Space(**{f"p{i}": Float(0.0, 1.0) for i in range(4)})
EPOCHS, METRICS = 30, ("training_cost", "validation_cost", "validation_accuracy", "learning_rate")
REPEATS = 5
LONG, BLOCK = 5000, 500
# A study of half-second trials on two workers, and how many pairs of it, recorded and not, are run.
TRIALS, SECONDS, PAIRS = 40, 0.5, 11
Figures = dict[str, float]


@dataclass(frozen=True)
class Train:
    """An objective that reports curves, after sleeping or computing for a while."""

    points: int = 0
    sleep: float = 0.0
    rounds: int = 0

    def __call__(self, params: Mapping[str, float], context: Context) -> float:
        time.sleep(self.sleep)
        turn(self.rounds)
        value = sum(params.values())
        for epoch in range(1, self.points + 1):
            context.report(epoch, **{name: value / (epoch + i) for i, name in enumerate(METRICS)})
        return value


def turn(rounds: int) -> None:
    """Do a fixed amount of work."""
    total = 0.0
    for i in range(rounds):
        total += i * 0.5


def rounds_of(seconds: float, rounds: int = 10_000_000) -> int:
    """Return how many rounds take so long where two workers compute, as the study that is measured will."""
    taken = measured("half_seconds", False, rounds)["wall"] / 1e3 * 2
    return round(rounds * seconds / taken)


class Clock:
    """Wall-clock and CPU seconds, those of ended children included."""

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []

    def __call__(self, progress: Progress | None = None) -> None:
        if progress is None or progress.last is not None:
            self.times.append((time.perf_counter(), cpu()))

    def blocks(self, size: int) -> Figures:
        """Return the CPU milliseconds per trial, block by block."""
        marks = [work for _, work in self.times[::size]]
        return {f"block {i}": (b - a) / size * 1e3 for i, (a, b) in enumerate(pairwise(marks))}

    def per_trial(self, count: int) -> Figures:
        (wall, work), (wall_end, work_end) = self.times[0], self.times[-1]
        return {"wall": (wall_end - wall) / count * 1e3, "cpu": (work_end - work) / count * 1e3}


def cpu() -> float:
    """Return the CPU seconds of this process and its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def run(trials: int, tracker: Tracker, objective: Train, jobs: int = 1, strategy: Any = None) -> Clock:
    """Run a study; return the clock, which ran from its first trial to the end of its record."""
    # A name of its own each time: a database that is given holds the studies of earlier repeats.
    name = f"overhead-{os.getpid()}" if strategy is None else "overhead"
    study, clock = Study(name, SPACE, objective, strategy or Random(trials=trials)), Clock()
    study.run(jobs, backend="loky" if jobs > 1 else "sequential", tracker=tracker, progress=clock, report=False, model=False)
    clock()
    return clock


def loop(folder: Path, jobs: int, trials: int = 1000) -> Figures:
    """An empty objective, nothing recorded."""
    return run(trials, MemoryTracker(), Train(), jobs).per_trial(trials - 1)


def recorded(folder: Path, trials: int = 100) -> Figures:
    """An empty objective that reports curves, recorded in SQLite."""
    return run(trials, MlflowTracker(root=folder), Train(EPOCHS)).per_trial(trials - 1)


def callback(folder: Path, trials: int = 100) -> Figures:
    """The same in Optuna with its MLflow callback, which keeps no curves, on a store of the same journal mode."""
    import optuna
    from optuna_integration import MLflowCallback

    store = Store.open(None, folder)
    return optimize(trials, None, [MLflowCallback(store.uri, mlflow_kwargs={"nested": False})], optuna)


def storage(folder: Path, trials: int = 30) -> Figures:
    """The same in Optuna with MLflow's own storage, and without reports, of which each costs it a call more."""
    import mlflow
    import optuna
    from mlflow.optuna.storage import MlflowStorage

    store = Store.open(None, folder)
    mlflow.set_tracking_uri(store.uri)
    kept = MlflowStorage(store.client.create_experiment("optuna"))
    return optimize(trials, kept, [], optuna)


def optimize(trials: int, kept: Any, callbacks: list[Any], optuna: Any) -> Figures:
    """Run a study of Optuna with the same objective."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    clock, train = Clock(), Train()

    def objective(trial: Any) -> float:
        return train({name: trial.suggest_float(name, 0.0, 1.0) for name in SPACE}, None)  # type: ignore[arg-type]

    study = optuna.create_study(storage=kept, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=1, callbacks=callbacks)
    clock()
    study.optimize(objective, n_trials=trials - 1, callbacks=callbacks)
    clock()
    return clock.per_trial(trials - 1)


def half_seconds(folder: Path, tracked: bool, rounds: int = 0) -> Figures:
    """Trials of half a second that sleep, or do ``rounds`` of work, on two workers."""
    tracker = MlflowTracker(root=folder) if tracked else MemoryTracker()
    train = Train(EPOCHS, 0.0 if rounds else SECONDS, rounds)
    return run(TRIALS, tracker, train, jobs=2).per_trial(TRIALS - 1)


def grow(folder: Path, strategy: str, trials: int) -> Figures:
    """Record a long study; return its cost per trial in all, and the CPU time per trial block by block.

    The search runs ahead of its record by at most a few hundred trials, and the record's work is counted as it is done.
    """
    clock = run(trials, MlflowTracker(root=folder), Train(EPOCHS), strategy=long(strategy, trials))
    return clock.per_trial(trials - 1) | clock.blocks(BLOCK)


def resume(folder: Path, strategy: str, trials: int) -> Figures:
    """Start it again with one trial more; return the seconds to its first new trial, and to its end."""
    began, work, clock = time.perf_counter(), cpu(), Clock()
    tracker = MlflowTracker(root=folder)
    study = Study("overhead", SPACE, Train(EPOCHS), long(strategy, trials + 1))
    result = study.run(1, backend="sequential", tracker=tracker, progress=clock, report=False, model=False)
    assert (result.taken_over, len(result.trials)) == (trials, trials + 1)
    first, end = clock.times[0], time.perf_counter()
    return {"first": first[0] - began, "first_cpu": first[1] - work, "end": end - began}


def long(strategy: str, trials: int) -> Any:
    return Random(trials=trials) if strategy == "random" else Bayesian(trials=trials, batch_size=10)


def written(folder: Path, way: str, points: int, trials: int, uri: str | None) -> Figures:
    """Trials that take no time, recorded in transactions of many, or each by MLflow's client as without a known schema."""
    if way == "client":
        schema.KNOWN_REVISIONS.clear()
    return run(trials, MlflowTracker(uri, folder), Train(points)).per_trial(trials - 1)


def far(folder: Path, threads: int, trials: int) -> Figures:
    """Trials that take no time, on a server whose answers take a tenth of a second more."""
    client_writer.SERVER_THREADS = retry_queue.SERVER_THREADS = threads
    with mlflow_server(Store.open(None, folder).uri, folder) as (address, _), delayed(address, 0.1) as away:
        return run(trials, MlflowTracker(away, folder), Train()).per_trial(trials - 1)


PIECES: dict[str, Callable[..., Figures]] = {
    piece.__name__: piece for piece in (loop, recorded, callback, storage, half_seconds, grow, resume, written, far)
}


def measured(name: str, *arguments: object, folder: Path | None = None) -> Figures:
    """Measure one piece in a process of its own, in an empty folder unless one is given."""
    with tempfile.TemporaryDirectory() as empty:
        call = [name, str(folder or empty), json.dumps(arguments)]
        done = subprocess.run([sys.executable, "-m", __spec__.name, "piece", *call], stdout=subprocess.PIPE, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def take_turns(pieces: Mapping[str, Sequence[object]], repeats: int = REPEATS) -> dict[str, Figures]:
    """Measure several pieces in turns; return the medians."""
    found: dict[str, list[Figures]] = {label: [] for label in pieces}
    for _ in range(repeats):
        for label, (name, *arguments) in pieces.items():
            found[label].append(measured(str(name), *arguments))
    return {label: {key: median(f[key] for f in figures) for key in figures[0]} for label, figures in found.items()}


def show(figures: Mapping[str, Figures], against: str = "") -> None:
    """Print wall-clock and CPU milliseconds per trial, and their ratio to one of the lines."""
    for label, line in figures.items():
        ratio = ""
        if against:
            ratio = "   x " + " ".join(f"{line[key] / figures[against][key]:.2f} {key}" for key in ("wall", "cpu"))
        print(f"{label:44} {line['wall']:8.2f} ms wall {line['cpu']:8.2f} ms CPU{ratio}", flush=True)


def short() -> None:
    """Print what a trial costs."""
    print("An empty objective, nothing recorded, per trial (at most 2 ms):")
    show(take_turns({"in this process": ["loop", 1], "two workers": ["loop", 2]}))
    print(f"Recorded in SQLite, {EPOCHS} epochs x {len(METRICS)} metrics (at most 1.3 times Optuna's callback):")
    both = {"hpsearch, with its curves": ["recorded"], "Optuna with MLflowCallback, without": ["callback"]}
    slow = take_turns({"Optuna with MlflowStorage, without": ["storage"]}, repeats=1)
    show(take_turns(both) | slow, against="Optuna with MLflowCallback, without")
    rounds = rounds_of(SECONDS)
    for what, work, most in (("sleep", 0, "5 %"), ("compute", rounds, "10 %")):
        print(f"Trials that {what} for half a second, on two workers, recorded against not (at most {most} more):")
        ratios = sorted(pair(work, i % 2 == 0) for i in range(PAIRS))
        print(f"  median of {PAIRS} pairs {median(ratios):.3f}, all:", *(f"{ratio:.2f}" for ratio in ratios), flush=True)


def pair(work: int, recorded_first: bool) -> float:
    """Return how much longer a recorded study takes than one that is not, run one after the other."""
    walls = {tracked: measured("half_seconds", tracked, work)["wall"] for tracked in (recorded_first, not recorded_first)}
    return walls[True] / walls[False]


def lasting() -> None:
    """Print how the cost of a trial grows, and how long a second start takes."""
    for strategy, trials in (("random", LONG), ("bayesian", LONG // 5)):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{trials} {strategy} trials, recorded, with curves; ms per trial:", flush=True)
            grown = measured("grow", strategy, trials, folder=Path(folder))
            blocks = [value for name, value in grown.items() if name.startswith("block")]
            print(f"  {grown['wall']:.1f} wall, {grown['cpu']:.1f} CPU; CPU of each {BLOCK}:", *(f"{b:.1f}" for b in blocks))
            again = measured("resume", strategy, trials, folder=Path(folder))
            print(f"  taken up: first new trial after {again['first']:.1f} s ({again['first_cpu']:.1f} s CPU),", end=" ")
            print(f"end after {again['end']:.1f} s", flush=True)


def record(uri: str | None = None) -> None:
    """Print what the record of a trial costs in each way, and its ratio."""
    for points, trials in ((0, 600), (EPOCHS, 300)):
        print(f"Recorded, {points} points x {len(METRICS)} metrics, per trial (at most {5.0 if points else 1.5} ms CPU):")
        lines = {"by MLflow's client": ["written", "client", points, trials // 4, uri]}
        lines["many in one transaction"] = ["written", "transaction", points, trials, uri]
        show(take_turns(lines, repeats=3), against="by MLflow's client")


def distance() -> None:
    """Print how many trials a second a far server takes (at least 10)."""
    for threads, trials in ((1, 20), (client_writer.SERVER_THREADS, 100)):
        print(f"{threads:2} threads: {1e3 / measured('far', threads, trials)['wall']:.1f} trials a second", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["piece"]:
        print(json.dumps(PIECES[sys.argv[2]](Path(sys.argv[3]), *json.loads(sys.argv[4]))))
    elif sys.argv[1:2] == ["record"]:
        record(*sys.argv[2:3])
    else:
        {"long": lasting, "far": distance}.get("".join(sys.argv[1:]), short)()
