"""The documents' comparisons with each contender tuned by its own search: costs, dropout, and a support vector machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hpsearch.analysis.contest import Contest
from hpsearch.analysis.intervals import Interval
from hpsearch.comparison import Comparison, comparison_study
from hpsearch.data import Dataset, mnist
from hpsearch.objectives import TrainNetwork, TrainSVM
from hpsearch.reproductions.figures import AS_PUBLISHED, DIFFERS
from hpsearch.reproductions.reproduction import LEAST, SMOKE, Options, Reproduced, Reproduction, Row
from hpsearch.space import Float, Space
from hpsearch.strategies import Random
from hpsearch.study import Study

NAME = "each-arm-tuned"
CROSS_ENTROPY, QUADRATIC, DROPOUT, SVM = "cross-entropy", "quadratic", "with dropout", "SVM"
TIE = "a tie"
# Who is ahead of whom as published, by how much, and under which settings; none of them was tuned for its own arm.
PUBLISHED = (
    (CROSS_ENTROPY, QUADRATIC, "+0.07 points (all images, 30 hidden)"),
    (DROPOUT, CROSS_ENTROPY, "+0.3 points (all images, 800 hidden)"),
    (CROSS_ENTROPY, SVM, "+4.98 points (1,000 images, gamma 1/784)"),
)


@dataclass(frozen=True)
class Size:
    """How much is run: label behind the study's name, trials of each search, repetitions, epochs, and rows of both parts."""

    label: str
    trials: int
    repetitions: int
    epochs: int = 60
    images: int = 1_000
    validation: int = 5_000


MINUTES = Size("", trials=16, repetitions=10)
FULL = Size("-full", trials=32, repetitions=20, epochs=300)
SMALL = Size(SMOKE, trials=2, repetitions=LEAST, epochs=2, images=200, validation=100)


def size(options: Options) -> Size:
    """Return what the options ask for."""
    if options.full or options.smoke:
        return FULL if options.full else SMALL
    return MINUTES if options.trials is None else Size(f"-{options.trials}", options.trials, repetitions=5)


def contenders(data: Dataset, wanted: Size) -> list[Study]:
    """Return a study of each contender, with its own space; rates of the quadratic cost are tenfold, as in the document."""
    images = len(data.train)
    decay = Float(images * 1e-7, images * 1e-3, log=True)
    rate = Float(0.01, 2.0, log=True)
    every = max(1, wanted.epochs // 20)

    def network(cost: str) -> TrainNetwork:
        return TrainNetwork(data, (30,), cost=cost, epochs=wanted.epochs, monitor_every=every)

    random = Random(wanted.trials)
    return [
        Study(CROSS_ENTROPY, Space(learning_rate=rate, l2=decay), network("cross_entropy"), random),
        Study(QUADRATIC, Space(learning_rate=Float(0.1, 20.0, log=True), l2=decay), network("quadratic"), random),
        Study(DROPOUT, Space(learning_rate=rate, l2=decay, dropout=Float(0.05, 0.6)), network("cross_entropy"), random),
        Study(SVM, Space(C=Float(0.1, 1000.0, log=True), gamma=Float(1e-3, 0.3, log=True)), TrainSVM(data), random),
    ]


def run(options: Options, load: Callable[[], Dataset] = mnist) -> Reproduced:
    """Compare the contenders, and set the published order beside ours."""
    wanted = size(options)
    data = load().head(wanted.images, wanted.validation)
    studies = contenders(data, wanted)
    options.say(f"{len(studies)} contenders, {wanted.trials} random trials each, {wanted.repetitions} repetitions.")
    study = comparison_study(studies, wanted.repetitions, None, "trials", f"{NAME}{wanted.label}", options.seed)
    result = options.result(study, report=False)
    found = Comparison(result)
    files = found.files()
    result.tracker.attach(result.record, files)
    reproduced = Reproduced(rows(found.contest), [*found.conclusions, _limits(wanted)], files, result)
    return reproduced.unjudged() if options.smoke else reproduced


def rows(contest: Contest) -> list[Row]:
    """Return a row per contender with what its searches reach, and a row per published order."""
    reached = [_reached(contest, arm) for arm in contest.arms]
    return [*reached, *(_order(contest, ahead, behind, shown) for ahead, behind, shown in PUBLISHED)]


def _reached(contest: Contest, arm: str) -> Row:
    end = contest.curve(arm)[-1]
    ours = f"{100 * (1 - end.centre):.2f} % (mean of {contest.repetitions} searches, ± {50 * end.width:.2f})"
    return Row(f"best validation accuracy, {arm}", "-", ours, "not published")


def _order(contest: Contest, ahead: str, behind: str, shown: str) -> Row:
    gain = _gain(contest, ahead, behind)
    level = f"{100 * gain.level:.4g} % interval"  # widened for the pairs that are compared side by side
    ours = f"{gain.centre:+.2f} points ({level} {gain.low:+.2f} to {gain.high:+.2f})"
    verdict = AS_PUBLISHED if gain.low > 0 else f"{DIFFERS}: {behind} is ahead" if gain.high < 0 else TIE
    return Row(f"{ahead} over {behind}, each tuned", shown, ours, verdict)


def _gain(contest: Contest, ahead: str, behind: str) -> Interval:
    """Return by how many points of accuracy one contender is ahead of another; their errors are minimised."""
    pair = (ahead, behind) if (ahead, behind) in contest.differences else (behind, ahead)
    found, sign = contest.differences[pair].interval, -100 if pair == (ahead, behind) else 100
    low, high = sorted((sign * found.low, sign * found.high))
    return Interval(low, sign * found.centre, high, found.level)


def _limits(wanted: Size) -> str:
    return (
        f"Each search tries {wanted.trials} settings on {wanted.images:,} images, and chooses by {wanted.validation:,} others."
        " The published figures are those of one seed, and of settings that were not tuned for each arm."
    )


EACH_ARM_TUNED = Reproduction(
    name=NAME,
    claim="A fair comparison tunes each arm separately; the document's own comparisons do not, and say so.",
    source="Nielsen, Neural Networks and Deep Learning, ch. 3",
    run=run,
)
