"""How often `diagnose` names the fault in curves of twelve fresh data sets, without and with what is recorded of layers.

python -m tests.benchmarks.fresh_faults          # the figures, from the file
python -m tests.benchmarks.fresh_faults make     # plants the faults anew, one process, about ten minutes; needs MNIST

Faults are planted as in `planted_faults`, and with two more: first weights that are bad for ReLU units too, and units that all
die of too high a rate.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from tests.benchmarks.curve_points import with_layers
from tests.benchmarks.curves_of_networks import FILE, History, Labelled, history, read, write
from tests.benchmarks.fresh_data import FRESH
from tests.benchmarks.labelled_curves import accuracy, matrix, strict, table
from tests.benchmarks.planted_faults import ATTEMPTS, PLANTS, RARE, bad_initialisation
from tests.benchmarks.problems import Problem, guessing, problem
from tests.benchmarks.remedies import finite, proved

FRESH_FILE = FILE.with_name("fresh_curves.jsonl.xz")
# Curves of each fault from one data set, the seeds that are tried for them, and those for a fault that never took.
ENOUGH, SEEDS, PATIENCE = 8, 24, 6
DEAD = "dead units"


def dead_units(p: Problem) -> Labelled | None:
    """ReLU units under 8 to 64 times the threshold, whose accuracy stays at chance."""
    rate = p.threshold * p.some(8, 16, 32, 64)
    made = replace(p.good, activation="relu", init="he", momentum=0.0, learning_rate=rate, l2=0.0, epochs=20)
    curves = history(made)
    if not finite(curves) or max(value for _, value in curves["validation_accuracy"]) > guessing(made) + 0.05:
        return None
    return Labelled("rate too high", (), True, made, curves)


FAULTS: dict[str, Callable[[Problem], Labelled | None]] = PLANTS | {
    "bad initialisation": lambda p: bad_initialisation(p, ("sigmoid", "tanh", "relu")),
    DEAD: dead_units,
}


def planted(name: str) -> Iterator[Labelled]:
    """Yield the curves of one data set, by rising seed, until there are enough for each fault or the seeds are used up."""
    count = dict.fromkeys(FAULTS, 0)
    for seed in range(SEEDS):
        wanted = [fault for fault, have in count.items() if have < ENOUGH and (have or seed < PATIENCE or fault == RARE)]
        good = problem(name, seed) if wanted else None
        for fault in wanted if good else ():
            if good and (curve := _first_proved(fault, good)) is not None:
                count[fault] += 1
                yield curve


def _first_proved(fault: str, good: Problem) -> Labelled | None:
    tried = (FAULTS[fault](good) for _ in range(ATTEMPTS))
    return next((curve for found in tried if found is not None and (curve := proved(found)) is not None), None)


def make(file: Path = FRESH_FILE) -> None:
    """Plant all faults, and write the curves with what is recorded of the layers."""
    curves, began = list[Labelled](), time.perf_counter()
    for name in FRESH:
        found = [with_layers(replace(curve, held_out=True)) for curve in planted(name)]
        curves += [curve for curve in found if curve is not None]
        print(f"{name}: {len(found)} curves, {time.perf_counter() - began:.0f} s", flush=True)
        write(curves, file)


def without_layers(history: History) -> History:
    """Return a history as it is where no layer was monitored."""
    parts = ("gradient_norm_", "weight_norm_", "saturated_", "dead_")
    return {name: curve for name, curve in history.items() if not name.startswith(parts)}


def main() -> None:
    """Print both confusion matrices and what they come to."""
    curves = read(FRESH_FILE)
    for what, cut in (("without what is recorded of layers", without_layers), ("with it", dict)):
        shown = [replace(curve, history=cut(curve.history)) for curve in curves]
        counts = matrix(shown)
        lowest = min(row[label] / row.total() for label, row in counts.items() if row.total())
        print(table(counts))
        print(
            f"{what}: {len(shown)} curves, {accuracy(counts):.1%}, lowest {lowest:.1%}; planted label alone {strict(shown):.1%}"
        )


if __name__ == "__main__":
    with threadpool_limits(1):
        make() if sys.argv[1:] == ["make"] else main()
