"""Grid search and random search over the network of the paper, on MNIST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.analysis.efficiency import Best, Box, Scores, efficiency_curve, experiment
from hpsearch.analysis.intervals import share_interval
from hpsearch.plots import interactive, still
from hpsearch.plots.efficiency import efficiency_chart
from hpsearch.reproductions.bergstra.network_space import FIXED, SPACE, Images, axes, grid_space, objective
from hpsearch.reproductions.network_objectives import ERROR
from hpsearch.reproductions.reproduction import Options, Row
from hpsearch.search.result import Result
from hpsearch.strategies import Grid, Random
from hpsearch.study import Study
from hpsearch.trial import Trial

# Test accuracy on mnist basic: the grid, and medians of random experiments by their number of trials.
GRID_REFERENCE = 0.9531
REFERENCE: Mapping[int, float] = {1: 0.9354, 2: 0.9403, 4: 0.9450, 8: 0.9466, 16: 0.9469, 32: 0.9496}
# Published experiments of eight trials that reached the grid, on this data set. The paper's headline holds on six of eight.
REACHED_REFERENCE = "0 of 8"
# A median of few experiments, on another cut of the images: within one point is called as published.
POINT = 0.01
_EIGHT = 8


@dataclass(frozen=True)
class Searches:
    """The two searches and what they say; errors are those of the evaluation images."""

    random: Result
    grid: Result
    boxes: tuple[Box, ...]
    best_of_grid: Best

    @property
    def reached(self) -> tuple[int, int]:
        """How many experiments of eight trials were at least as good as the grid, and how many there were."""
        tried = [best for box in self.boxes if box.trials == _EIGHT for best in box.experiments]
        return sum(best.mean <= self.best_of_grid.mean for best in tried), len(tried)

    def needed(self, slack: float = 0.0) -> int | None:
        """Return from how many random trials on the median experiment is as good as the grid, but for ``slack``; or None."""
        good = [box.trials for box in self.boxes if box.numbers[2] <= self.best_of_grid.mean + slack]
        worse = [box.trials for box in self.boxes if box.trials not in good]
        return next((trials for trials in good if trials > max(worse, default=0)), None)


def search(options: Options, images: Images, trials: int, grid_trials: int, epochs: int, patience: int, label: str) -> Searches:
    """Run both studies and work out the efficiency curve."""
    values = axes(grid_trials)
    points = {name: values[name] for name in ("hidden", "learning_rate")}
    asked = f"{epochs} epochs at most, on {len(images.dataset.train):,} images of MNIST"
    grid = Study(
        f"grid-vs-random-network-grid{label}",
        grid_space(values),
        objective(images, epochs, patience, FIXED),
        Grid(points),
        options.seed,
        question=f"Which width, rate, activation and penalty suit one hidden layer, on a grid? ({asked})",
    )
    random = Study(
        f"grid-vs-random-network{label}",
        SPACE,
        objective(images, epochs, patience),
        Random(trials),
        options.seed,
        question=f"How many random trials over seven hyperparameters are as good as a grid? ({asked})",
    )
    on_grid, at_random = options.result(grid), options.result(random)
    rng = np.random.default_rng(np.random.SeedSequence(options.seed))
    best = experiment(scores(on_grid.trials, images), rng)
    return Searches(at_random, on_grid, efficiency_curve(scores(at_random.trials, images), rng), best)


def scores(trials: Sequence[Trial], images: Images) -> Scores:
    """Return validation and evaluation errors in order; a trial that diverged counts as one that guesses."""
    guess = 1 - 1 / images.dataset.classes
    pairs = [(t.value, t.outcome.metrics[ERROR]) if t.ok and t.outcome else (guess, guess) for t in trials]
    rows = sum(map(len, images.evaluation))
    return Scores.of_errors([v for v, _ in pairs], [e for _, e in pairs], len(images.dataset.validation), rows)


def rows(found: Searches) -> list[Row]:
    """Return published figures beside ours."""
    grid = 1 - found.best_of_grid.mean
    what = f"MNIST, grid of {len(found.grid.trials)} trials (published: about 100)"
    table = [Row(what, f"{GRID_REFERENCE:.4f}", _with_error(found.best_of_grid), _verdict(grid, GRID_REFERENCE))]
    table += [_median_row(box) for box in found.boxes if box.trials in REFERENCE]
    if found.reached[1]:
        reached, tried = found.reached
        ours = f"{reached} of {tried}"
        verdict = "as published, most do not" if 2 * reached < tried else "differs, at least half do"
        table.append(Row("experiments of 8 random trials that reach the grid", REACHED_REFERENCE, ours, verdict))
    return table


def _median_row(box: Box) -> Row:
    _, first, middle, third, _ = (1 - number for number in box.numbers)
    plural = "s" * (box.trials > 1)
    what = f"MNIST, median of {len(box.experiments)} random experiments of {box.trials} trial{plural}"
    ours = f"{middle:.4f} (half of them {third:.4f} to {first:.4f})"
    return Row(what, f"{REFERENCE[box.trials]:.4f}", ours, _verdict(middle, REFERENCE[box.trials]))


def _with_error(best: Best) -> str:
    return f"{1 - best.mean:.4f} ± {best.variance**0.5:.4f}"


def _verdict(ours: float, published: float) -> str:
    off = f"{100 * (ours - published):+.2f} points"
    return f"as published ({off})" if abs(ours - published) <= POINT else f"differs ({off})"


def conclusions(found: Searches) -> list[str]:
    """Return what may be concluded: what was found, and how far the paper's headline holds here."""
    trials, grid = len(found.random.trials), len(found.grid.trials)
    failed = sum(not trial.ok for trial in found.random.trials)
    ranges = (
        "The random search ranges over seven hyperparameters and several decades, the grid over four within what is usual; "
        f"{failed} of {trials} random trials failed and count as guesses."
    )
    return [*_headline(found, grid), _needed(found, grid), ranges]


def _needed(found: Searches, grid: int) -> str:
    error = found.best_of_grid.variance**0.5
    whole, near = (f"from {n} trials on" if n else "at no size" for n in (found.needed(), found.needed(error)))
    return (
        f"The median random experiment is as good as the grid of {grid} {whole}, and within the standard error of the grid's "
        f"own score ({error:.4f}) {near} (of up to {found.boxes[-1].trials})."
    )


def _headline(found: Searches, grid: int) -> list[str]:
    reached, tried = found.reached
    if not tried:
        return []
    sure, few = share_interval(reached / tried, tried), "does not hold" if 2 * reached < tried else "holds"
    return [
        f"On MNIST {reached} of {tried} experiments of 8 random trials are as good as the grid of {grid} (95 % interval of the "
        f"share: {sure.low:.2f} to {sure.high:.2f}; published on this data set: {REACHED_REFERENCE}). That a handful of random "
        f"trials does as well as a grid {few} here."
    ]


def files(found: Searches, full: bool) -> dict[str, bytes]:
    """Return the picture, still and interactive."""
    size = "the published size" if full else "the small version"
    title = f"Random search against a grid: a network on 10,000 images of MNIST ({size})"
    chart = efficiency_chart(found.boxes, found.best_of_grid, len(found.grid.trials), REFERENCE, GRID_REFERENCE, title)
    return {"plots/efficiency.png": still.png(chart), "plots/efficiency.html": interactive.page(chart).encode()}
