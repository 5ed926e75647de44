"""Faults planted in the training of small networks, each proved by its remedy.

python -m tests.benchmarks.planted_faults 2            # makes all curves anew, on two processes; needs MNIST and Fashion-MNIST
python -m tests.benchmarks.planted_faults 2 hastie     # those of some data sets; the others stay as they are in the file

For each problem (data set, seed, network) a good setting is found first: the threshold of the learning rate, by factors of
two until training cost rises in one of the first epochs or ends far above what a lower rate reached; then the rate and decay
of lowest validation cost, and the epochs they take. A fault is that setting with one thing spoilt. A curve is labelled with
the fault only where undoing it helps by a clear margin, and is healthy only where no remedy helps; what lies between is
thrown away. `remedies` has the margins, and the labels that may be true beside the first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from tests.benchmarks.curve_data import HELD_OUT, TUNED_ON, dataset
from tests.benchmarks.curves_of_networks import History, Labelled, Made, history, read, start, write
from tests.benchmarks.problems import LONGEST, Problem, guessing, problem
from tests.benchmarks.remedies import finite, helps, idle, level, longer, overfits, proved, with_cut

# How often a plant is tried on one problem, with other numbers drawn each time.
ATTEMPTS = 4
# Curves for each label from one data set, and the seeds that are tried for them; a fault that never took in the first few is
# given up, as small and easy data show no plateau.
ENOUGH = {"plateau needing decay": 12}
USUALLY, SEEDS, PATIENCE = 6, 24, 5
# The label that is rare is tried on more seeds.
RARE, MORE = "plateau needing decay", 60


def _plant(label: str, made: Made, curves: History, *also: str) -> Labelled:
    return Labelled(label, also, False, made, curves)


def healthy(p: Problem) -> Labelled | None:
    """No remedy helps: longer, a cut of the rate, a wider network, more decay."""
    made = replace(p.good, epochs=int(p.some(1, 1.5) * p.good.epochs), learning_rate=p.good.learning_rate / p.some(1, 2))
    made = with_cut(made) if p.rng.random() < 0.4 else made
    curves = history(made)
    wider = replace(made, hidden=tuple(3 * width for width in made.hidden))
    decay = max(4 * made.l2, 1e-3 * made.rows)
    remedies = (
        longer(made),
        with_cut(made),
        wider,
        replace(made, l2=decay),
        replace(made, learning_rate=made.learning_rate / 3),
    )
    if overfits(curves, 1.05) or not all(idle(curves, remedy) for remedy in remedies):
        return None
    return _plant("healthy", made, curves)


def overfitting(p: Problem) -> Labelled | None:
    """Few rows, no decay, long; more rows help, and so does stopping earlier."""
    rows = int(p.some(40, 80, 120))
    epochs = int(np.clip(p.some(2, 4) * p.good.epochs, 40, 120))
    made = replace(p.good, rows=rows, l2=0.0, epochs=epochs, batch_size=10, learning_rate=p.threshold / p.some(2, 4))
    curves = history(made)
    if not finite(curves) or not overfits(curves, 1.2):
        return None
    more = replace(made, rows=p.good.rows, epochs=max(1, epochs * rows // p.good.rows))
    return _plant("overfitting", made, curves) if helps(curves, more) else None


def underfitting(p: Problem) -> Labelled | None:
    """Two hidden units or far too much decay; undoing it helps, a cut of the rate does not."""
    if p.rng.random() < 0.5:
        made = replace(p.good, hidden=(int(p.some(1, 2)),), l2=0.0, epochs=min(2 * p.good.epochs, LONGEST))
    else:
        made = replace(p.good, l2=p.some(0.03, 0.06, 0.12) * p.good.rows)
        if made.learning_rate * made.l2 / made.rows > 0.5:
            return None
    curves = history(made)
    if not finite(curves) or not helps(curves, p.good) or helps(curves, with_cut(made)):
        return None
    return _plant("underfitting", made, curves)


def bad_initialisation(p: Problem, activations: Sequence[str] = ("sigmoid", "tanh")) -> Labelled | None:
    """Weights far too large or nearly zero: learning begins late, and begins early with the usual ones."""
    usual = replace(p.good, epochs=LONGEST, l2=0.0, activation=str(p.rng.choice(activations)))
    if p.rng.random() < 0.5:
        made = replace(usual, init="large", spread=p.some(1, 3, 10, 30))
    else:
        usual = replace(usual, hidden=(20, 20, 20)[: int(p.some(2, 3))])
        made = replace(usual, spread=p.some(0.001, 0.01, 0.03, 0.1, 0.3))
    late, early = history(made), history(usual)
    if not finite(late) or not finite(early):
        return None
    chance, top = guessing(made), level(early, "validation_accuracy")
    halfway = chance + 0.5 * (top - chance)
    begins, usually = _reaches(late, halfway), _reaches(early, halfway)
    if begins is None or usually is None or begins - usually < max(3, 0.1 * made.epochs):
        return None
    return _plant("bad initialisation", made, late, *(["overfitting"] if overfits(late, 1.2) else []))


def _reaches(curves: History, accuracy: float) -> int | None:
    return next((step for step, value in curves["validation_accuracy"] if value >= accuracy), None)


def rate_too_high(p: Problem) -> Labelled | None:
    """Four to sixteen times the threshold; also "diverged" where it ends at twice the cost of the untrained network."""
    made = replace(p.good, learning_rate=p.threshold * p.some(4, 8, 16))
    curves = history(made)
    if not finite(curves) or not helps(curves, replace(p.good, epochs=made.epochs)):
        return None
    training = start(made)
    rows = dataset(made.data).train
    untrained = training.network.score(rows.x, rows.y).cost
    also = ["diverged"] if level(curves, "training_cost") > 2 * untrained else []
    return _plant("rate too high", made, curves, *also)


def diverged(p: Problem) -> Labelled | None:
    """Far above the threshold, or so much decay that the weights grow by it: numbers that are not finite."""
    if p.rng.random() < 0.5:
        rate = p.threshold / 2
        made = replace(p.good, learning_rate=rate, l2=p.some(2.1, 2.3, 2.6) * p.good.rows / rate)
    else:
        made = replace(p.good, learning_rate=p.threshold * p.some(16, 64, 256, 1024))
    curves = history(made)
    if finite(curves) or len(curves) == 1:
        return None
    return _plant("diverged", made, curves)


def rate_too_low(p: Problem) -> Labelled | None:
    """A three-hundredth to a three-thousandth of the threshold."""
    made = replace(p.good, learning_rate=p.threshold / p.some(300, 1000, 3000))
    curves = history(made)
    return _plant("rate too low", made, curves) if helps(curves, p.good) else None


def plateau(p: Problem) -> Labelled | None:
    """A constant rate near the threshold; a tenth of it for the last two fifths helps, and more epochs alone do not."""
    made = replace(p.good, learning_rate=p.threshold / p.some(1, 1.4, 2), epochs=int(p.some(1, 1.5, 2) * p.good.epochs))
    curves = history(made)
    if not finite(curves) or overfits(curves, 1.15) or not helps(curves, with_cut(made)):
        return None
    return _plant("plateau needing decay", made, curves) if not helps(curves, longer(made)) else None


def decayed_too_early(p: Problem) -> Labelled | None:
    """The rate is cut after one to three epochs; without the cut it gets better."""
    made = replace(p.good, cut=(int(p.some(1, 2, 3)), p.some(0.1, 0.03, 0.01)))
    curves = history(made)
    return _plant("decayed too early", made, curves) if helps(curves, p.good) else None


def train_longer(p: Problem) -> Labelled | None:
    """The good setting, ended after a fraction of its epochs; twice as many help."""
    made = replace(p.good, epochs=max(5, int(p.good.epochs / p.some(3, 5, 8))))
    curves = history(made)
    return _plant("train longer", made, curves)


PLANTS: dict[str, Callable[[Problem], Labelled | None]] = {
    "bad initialisation": bad_initialisation,
    "diverged": diverged,
    "rate too high": rate_too_high,
    "rate too low": rate_too_low,
    "plateau needing decay": plateau,
    "decayed too early": decayed_too_early,
    "train longer": train_longer,
    "overfitting": overfitting,
    "underfitting": underfitting,
    "healthy": healthy,
}


def planted(name: str) -> Iterator[Labelled]:
    """Yield the curves of one data set, by rising seed, until there are enough for each label or the seeds are used up."""
    count = dict.fromkeys(PLANTS, 0)
    for seed in range(MORE):
        wanted = [label for label, have in count.items() if _wanted(label, have, seed)]
        good = problem(name, seed) if wanted else None
        for label in wanted:
            if good and (curve := _first_proved(label, good)) is not None:
                count[label] += 1
                yield replace(curve, held_out=name in HELD_OUT)
        print(f"{name}, seed {seed}: {list(count.values())}", flush=True)


def _first_proved(label: str, good: Problem) -> Labelled | None:
    tried = (PLANTS[label](good) for _ in range(ATTEMPTS))
    return next((curve for found in tried if found is not None and (curve := proved(found)) is not None), None)


def _wanted(label: str, have: int, seed: int) -> bool:
    soon = seed < (PATIENCE if not have else MORE if label == RARE else SEEDS)
    return soon and have < ENOUGH.get(label, USUALLY)


def _all_of(name: str) -> list[Labelled]:
    return list(planted(name))


def main(jobs: int = 1, names: Sequence[str] = ()) -> None:
    """Plant all faults on the data sets of these names, or all, and write the file."""
    names = names or [*HELD_OUT, *TUNED_ON]
    with ProcessPoolExecutor(jobs, initializer=threadpool_limits, initargs=(1,)) as pool:
        curves = [curve for found in pool.map(_all_of, names) for curve in found]
    write([*curves, *(curve for curve in read() if curve.made.data not in names)])


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1, sys.argv[2:])
