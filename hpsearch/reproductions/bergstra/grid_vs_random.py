"""Random search against a grid, after Bergstra and Bengio (2012): nine trials, a simulation, and a search on MNIST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hpsearch.reproductions.bergstra import network_search, nine_trials, targets
from hpsearch.reproductions.bergstra.network_space import Images, mnist_basic
from hpsearch.reproductions.reproduction import SMOKE, Options, Reproduced, Reproduction


@dataclass(frozen=True)
class Size:
    """How much is run.

    Args:
        label: behind the names of the studies, so that sizes do not meet in a store.
        repetitions: of the nine trials.
        targets: of each search of the simulation.
        random, grid: trials of the two searches on MNIST; the grid has at most so many.
        epochs, patience: of each training, and after how many without improvement it ends.
    """

    label: str
    repetitions: int
    targets: int
    random: int
    grid: int
    epochs: int
    patience: int


TEN_MINUTES = Size("", 2_000, 2_000, random=128, grid=100, epochs=80, patience=10)
SMALL = Size(SMOKE, 20, 20, random=4, grid=4, epochs=1, patience=1)
PUBLISHED = Size("-full", 10_000, 10_000, random=256, grid=100, epochs=200, patience=20)


def size(options: Options) -> Size:
    """Return what the options ask for; ``--trials`` shrinks the grid too, and trains for fewer epochs."""
    if options.full or options.smoke:
        return PUBLISHED if options.full else SMALL
    if options.trials is None:
        return TEN_MINUTES
    return Size(f"-{options.trials}", 200, 200, options.trials, min(options.trials, 100), epochs=5, patience=5)


def run(options: Options, load: Callable[[], Images] = mnist_basic) -> Reproduced:
    """Run the three studies, the quick ones first."""
    wanted = size(options)
    images = load()  # first, so that missing data end this before anything runs
    images = images.at_most(500, 200) if options.smoke else images
    options.say(f"1 of 3: nine trials, {wanted.repetitions:,} times.")
    nine = nine_trials.run(options, wanted.repetitions, wanted.label)
    options.say(f"2 of 3: the simulation, {wanted.targets:,} targets per search (published: 10,000).")
    hits = targets.run(options, wanted.targets, wanted.label)
    options.say(f"3 of 3: MNIST, {wanted.random} random trials (published: 256) and a grid; up to {wanted.epochs} epochs each.")
    numbers = (wanted.random, wanted.grid, wanted.epochs, wanted.patience)
    found = network_search.search(options, images, *numbers, wanted.label)
    files = {**nine.files, **hits.files, **network_search.files(found, options.full)}
    table = [*nine.rows, *hits.rows, *network_search.rows(found)]
    said = [*nine.conclusions, *hits.conclusions, *network_search.conclusions(found)]
    found.random.tracker.attach(found.random.record, files)
    reproduced = Reproduced(table, said, files, found.random)
    return reproduced.unjudged() if options.smoke else reproduced


GRID_VS_RANDOM = Reproduction(
    name="grid-vs-random",
    claim="Randomly chosen trials are more efficient than trials on a grid, since few parameters matter at a time.",
    source="Bergstra and Bengio (2012), Random search for hyper-parameter optimization, JMLR 13",
    run=run,
)
