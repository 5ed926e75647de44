"""What a trial on MNIST adds to its worker's memory, with either engine: python -m tests.benchmarks.memory

Two loky workers run trials of [784, 30, 10] and [784, 100, 10]. Counted are the pages that belong to the worker alone, without
those of the data set's map, which all workers share. Once a worker: what loading the engine takes. A trial: the most that it
had at any moment beyond what its worker had before it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil

from hpsearch import Choice, Context, Float, Space, Study, data
from hpsearch.nn.engines.select import resolve
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

TRIALS, EPOCHS, EVERY = 12, 2, 0.02
_loading: list[float] = []


def private() -> float:
    """Return the megabytes of this process that no other shares and that are not mapped data."""
    maps = psutil.Process().memory_maps()
    return sum(m.private_clean + m.private_dirty for m in maps if "joblib" not in m.path) / 1e6


@dataclass(frozen=True)
class Weighed:
    """Another objective whose trials are weighed; not a dataclass with ``data``, so that nothing else is sent to workers."""

    objective: TrainNetwork = field(repr=False)

    def prepare(self) -> None:
        """Load the engine, and note what that took the first time."""
        before = private()
        self.objective.prepare()
        _loading[:] = _loading or [private() - before]

    def __call__(self, params: Mapping[str, Any], context: Context) -> dict[str, float]:
        """Run a trial; its value is the most megabytes it added."""
        with _peak() as found:
            self.objective(params, context)
        return {"value": max(found) - found[0], "engine": _loading[0]}


@contextmanager
def _peak() -> Iterator[list[float]]:
    found, done = [private()], threading.Event()

    def watch() -> None:
        while not done.wait(EVERY):
            found.append(private())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
        found.append(private())


def main() -> None:
    """Print a line for each engine."""
    space = Space(learning_rate=Float(0.1, 1.0), hidden=Choice(30, 100), momentum=Choice(0.0, 0.9))
    print("| engine | once a worker, MB | a trial, MB: median | most |\n| --- | ---: | ---: | ---: |")
    for engine in ["numpy", "numba"] if resolve("auto") == "numba" else ["numpy"]:
        objective = Weighed(TrainNetwork(data.mnist(), epochs=EPOCHS, engine=engine))
        study = Study(f"memory-{engine}", space, objective, Random(TRIALS), seed=0)
        trials = study.run(jobs=2, tracker=MemoryTracker(), report=False).trials
        added = sorted(trial.value for trial in trials)
        once = max(trial.outcome.metrics["engine"] for trial in trials if trial.outcome)
        print(f"| {engine} | {once:.0f} | {added[len(added) // 2]:.1f} | {added[-1]:.1f} |")


if __name__ == "__main__":
    main()
