"""Support vector machine against network by training-set size (Nielsen, ch. 3): as published, and with both tuned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.analysis.learning_curve import LearningCurve
from hpsearch.data import Dataset, mnist
from hpsearch.plots import interactive, still
from hpsearch.plots.learning_curves import learning_curves_chart
from hpsearch.reproductions.reproduction import LEAST, SMOKE, Options, Reproduced, Reproduction
from hpsearch.reproductions.svm import svm_conclusions, svm_table
from hpsearch.reproductions.svm.rivals import AUTO, NETWORK, AsPublished, Rivals, Tuned, curves, space
from hpsearch.search.result import Result
from hpsearch.strategies import Grid, Random
from hpsearch.study import Study

NAME = "svm-vs-network"
SIZES = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
PICTURE, PAGE = "plots/svm_vs_network.png", "svm_vs_network.html"


@dataclass(frozen=True)
class Plan:
    """How much is run.

    Args:
        label: behind the names of the studies, so that plans do not meet in a store.
        sizes, tuned_sizes: of the training sets, for the documents' protocol and where each model is tuned.
        seeds: of the network at each size.
        trials: of each search, the same for both models.
        images: presented to the network by the documents' protocol, and ``tuned_images`` where it is tuned.
        selection: validation rows that params are chosen by; the others are scored on.
    """

    label: str
    sizes: tuple[int, ...]
    tuned_sizes: tuple[int, ...]
    seeds: int
    trials: int
    images: int = 1_500_000
    tuned_images: int = 300_000
    selection: int = 5_000


TEN_MINUTES = Plan("", SIZES[:7], SIZES[:6], seeds=10, trials=16)
SMALL = Plan(SMOKE, SIZES[:2], SIZES[:2], seeds=LEAST, trials=2, images=1_000, tuned_images=1_000, selection=100)
PUBLISHED = Plan("-full", SIZES, SIZES, seeds=20, trials=32, tuned_images=1_500_000)


def plan(options: Options) -> Plan:
    """Return what the options ask for; ``--trials`` also leaves the larger sizes out."""
    if options.full or options.smoke:
        return PUBLISHED if options.full else SMALL
    if options.trials is None:
        return TEN_MINUTES
    return Plan(f"-{options.trials}", SIZES[:5], SIZES[:4], seeds=3, trials=options.trials)


def run(options: Options, load: Callable[[], Dataset] = mnist, wanted: Plan | None = None) -> Reproduced:
    """Run both protocols, and say what came out."""
    wanted = wanted or plan(options)
    data = load()  # first, so that missing data end this before anything runs
    data = data.at_most(500, 200) if options.smoke else data
    options.say(f"1 of 2: as published, sizes {_shown(wanted.sizes)}, {wanted.seeds} seeds of the network.")
    published = _race(options, Rivals(data, AsPublished(wanted.images)), wanted.sizes, wanted, "")
    options.say(f"2 of 2: each model tuned by {wanted.trials} random trials, sizes {_shown(wanted.tuned_sizes)}.")
    chosen = _tuned(options, data, wanted)
    tuned = _race(options, Rivals(data, chosen, wanted.selection), wanted.tuned_sizes, wanted, "-tuned")
    found = _reproduced(options, published, tuned)
    return found.unjudged() if options.smoke else found


def _race(options: Options, rivals: Rivals, sizes: tuple[int, ...], wanted: Plan, which: str) -> Result:
    """Run every model at every size."""
    study = Study(
        name=f"{NAME}{which}{wanted.label}",
        space=space(rivals.protocol, sizes, wanted.seeds),
        objective=rivals,
        strategy=Grid({"seed": wanted.seeds}),
        seed=options.seed,
        question="Which is better at which training-set size, a support vector machine or a small network?",
    )
    return options.result(study)


def _tuned(options: Options, data: Dataset, wanted: Plan) -> Tuned:
    """Search the params of each model at each size, by equally many trials of random search."""
    tuned = Tuned(wanted.tuned_images)
    cells = [(model, size) for size in wanted.tuned_sizes for model in tuned.models]
    chosen = [(model, size, _search(options, data, tuned, model, size, wanted)) for model, size in cells]
    return replace(tuned, chosen=tuple(chosen))


def _search(
    options: Options, data: Dataset, tuned: Tuned, model: str, size: int, wanted: Plan
) -> tuple[tuple[str, float | int], ...]:
    study = Study(
        name=f"{NAME}-{model.lower()}-{size}{wanted.label}",
        space=tuned.space(model, size),
        objective=tuned.open(model, data.head(size, wanted.selection)),
        strategy=Random(wanted.trials),
        seed=options.seed,
        question=f"Which params suit the {model} on {size} images?",
    )
    # A search is one cell of a table here; its own report would take longer than the search.
    return tuple(sorted(options.result(study, report=False).best.params.items()))


def _reproduced(options: Options, published: Result, tuned: Result) -> Reproduced:
    found = _curves(published)
    fair = {model: replace(curve, name=f"tuned {model}") for model, curve in _curves(tuned).items()}
    rng = np.random.default_rng(options.seed)
    carried = svm_conclusions.carried(fair.values(), rng)
    chart = learning_curves_chart(found, fair, svm_table.published_curves(), carried)
    carried += svm_conclusions.carried([found[NETWORK], found[AUTO]], rng)
    files = {PICTURE: still.png(chart), PAGE: interactive.page(chart).encode()}
    published.tracker.attach(published.record, files)
    said = svm_conclusions.conclusions(found, fair, carried, rng)
    return Reproduced([*svm_table.rows(found), *svm_table.tuned_rows(fair, tuned)], said, files, published)


def _curves(result: Result) -> dict[str, LearningCurve]:
    rivals = result.study.objective
    assert isinstance(rivals, Rivals)
    return curves(result.trials, rivals.protocol.models, len(rivals.scored))


def _shown(sizes: tuple[int, ...]) -> str:
    return f"{sizes[0]:,} to {sizes[-1]:,}"


SVM_VS_NETWORK = Reproduction(
    name=NAME,
    claim="A network is ahead of a support vector machine at every training-set size, and more data help both.",
    source="Nielsen, Neural Networks and Deep Learning, ch. 3 (one seed; SVM with C = 1, gamma = 1/784)",
    run=run,
)
