"""Nine trials on a grid and nine at random, where one of two parameters matters: the drawing of the paper, computed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.analysis.intervals import Interval
from hpsearch.plots.success import nine_trials_figure
from hpsearch.ports import Context, Strategy
from hpsearch.reproductions.reproduction import Options, Reproduced, Row
from hpsearch.search.result import Result
from hpsearch.space import Choice, Float, Space
from hpsearch.strategies import Grid, Random
from hpsearch.study import Study
from hpsearch.trial import Outcome, Params, Trial, format_value

_NAME = "grid-vs-random-nine"
SPACE = Space(x=Float(0.0, 1.0), y=Float(0.0, 1.0))
# Both spend nine trials; the grid has the centres of nine equal cells.
ARMS: dict[str, Strategy] = {"grid": Grid(points=3, spacing="cells"), "random": Random(trials=9)}


@dataclass(frozen=True)
class Hill:
    """Minus f(x, y) = g(x) + h(y), with g a bump of height 1 and h one of height ``small``; ``top`` is where f is largest.

    >>> Hill()({"x": 0.3, "y": 0.6})
    -1.1
    """

    top: tuple[float, float] = (0.3, 0.6)
    small: float = 0.1
    width: float = 0.12

    def important(self, x: float) -> float:
        """Return g(x)."""
        return math.exp(-(((x - self.top[0]) / self.width) ** 2) / 2)

    def unimportant(self, y: float) -> float:
        """Return h(y)."""
        return self.small * math.exp(-(((y - self.top[1]) / self.width) ** 2) / 2)

    def __call__(self, params: Params) -> float:
        return -self.important(params["x"]) - self.unimportant(params["y"])


@dataclass(frozen=True)
class Repeat:
    """Nine trials again and again, with the top of the hill anywhere in the square: how near does the best one come?

    The value is the mean distance, along the important parameter, from the best trial to the top.
    """

    repetitions: int = 2000
    measure = "mean distance to the optimum"

    def __call__(self, params: Params, context: Context) -> Outcome:
        found = np.array([self._distance(ARMS[params["strategy"]], context.rng) for _ in range(self.repetitions)])
        error = float(found.std(ddof=1) / math.sqrt(len(found)))
        return Outcome(float(found.mean()), {"standard_error": error, "median_distance": float(np.median(found))})

    def _distance(self, strategy: Strategy, rng: np.random.Generator) -> float:
        hill = Hill((float(rng.random()), float(rng.random())))
        points = [proposal.params for proposal in next(strategy.search(SPACE, rng)).proposals]
        best: float = min(points, key=hill)["x"]
        return abs(best - hill.top[0])


def run(options: Options, repetitions: int, label: str) -> Reproduced:
    """Run the studies, whose names end in ``label``; return rows of the table, conclusions, and the picture."""
    question = "Nine trials with one parameter that matters and one that hardly does: "
    results: dict[str, Result] = {}
    for name, strategy in ARMS.items():
        asked = f"{question}how many values of it does a {name} search try?"
        study = Study(f"{_NAME}-{name}{label}", SPACE, Hill(), strategy, options.seed, question=asked)
        results[name] = options.result(study)
    asked = f"{question}how near does the best one come, wherever the optimum lies?"
    again = Study(
        f"{_NAME}-again{label}", Space(strategy=Choice(*ARMS)), Repeat(repetitions), Grid(), options.seed, question=asked
    )
    near = {str(trial.params["strategy"]): _interval(trial) for trial in options.result(again).trials if trial.ok}
    trials = {name: result.trials for name, result in results.items()}
    picture = nine_trials_figure(trials, Hill().important, Hill().unimportant)
    rows = [_distinct_row(trials), _near_row(near, repetitions)]
    return Reproduced(rows, [_conclusion(trials, near)], {"plots/nine-trials.png": picture})


def distinct(trials: Sequence[Trial]) -> int:
    """Return how many values of the important parameter were tried."""
    return len({trial.params["x"] for trial in trials})


def _interval(trial: Trial) -> Interval:
    assert trial.outcome is not None
    margin = 1.96 * trial.outcome.metrics["standard_error"]  # thousands of repetitions: Student's t is the normal law
    return Interval(trial.value - margin, trial.value, trial.value + margin)


def _distinct_row(trials: Mapping[str, Sequence[Trial]]) -> Row:
    ours = {name: distinct(found) for name, found in trials.items()}
    verdict = "as published" if ours == {"grid": 3, "random": 9} else "differs"
    what = "values of the important parameter in 9 trials, grid / random"
    return Row(what, "3 / 9", " / ".join(map(str, ours.values())), verdict)


def _near_row(near: Mapping[str, Interval], repetitions: int) -> Row:
    ours = " / ".join(f"{format_value(i.centre)} (± {i.width / 2:.1g})" for i in near.values())
    apart = near["random"].high < near["grid"].low
    verdict = "random comes nearer, as published" if apart else "no difference outside the noise"
    return Row(f"mean distance to its optimum, {repetitions:,} hills, grid / random", "random nearer (drawn)", ours, verdict)


def _conclusion(trials: Mapping[str, Sequence[Trial]], near: Mapping[str, Interval]) -> str:
    grid, random = (distinct(trials[name]) for name in ARMS)
    factor = near["grid"].centre / near["random"].centre
    return (
        f"Nine trials try {grid} values of the parameter that matters on a grid and {random} at random; the best of them ends "
        f"{factor:.2f} times as far from the optimum on the grid as at random."
    )
