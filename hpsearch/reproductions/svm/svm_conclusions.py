"""Conclusions from the learning curves of SVM and network, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np

from hpsearch.analysis.crossings import Crossing, Gap, find_crossings, gaps, shared
from hpsearch.analysis.extrapolation import FEWEST_SIZES, Extrapolation, extrapolate, predict_largest
from hpsearch.analysis.intervals import Interval
from hpsearch.analysis.learning_curve import LearningCurve
from hpsearch.reproductions.figures import AS_PUBLISHED, INSIDE
from hpsearch.reproductions.svm.rivals import AUTO, NETWORK, SCALE, SVM
from hpsearch.reproductions.svm.svm_table import PUBLISHED, verdict

Curves = Mapping[str, LearningCurve]
Carried = list[tuple[LearningCurve, list[Extrapolation]]]


def conclusions(found: Curves, fair: Curves, larger: Carried, rng: np.random.Generator) -> list[str]:
    """Return the sentences: agreement, who wins where by either protocol, what more data bring, and the limits."""
    return [
        *_agreement(found),
        f"As published: {_race(found[NETWORK], found[AUTO], rng)}",
        f"With today's default gamma: {_race(found[NETWORK], found[SCALE], rng)}",
        _dependence(found),
        _more_data(found[NETWORK], found[AUTO]),
        f"By equally many trials: {_race(fair[NETWORK], fair[SVM], rng)}",
        *(_larger(*each) for each in larger),
        *(_hindsight(curve) for curve, _ in larger if len(curve.sizes) > FEWEST_SIZES),
        *(_beyond(*each) for each in larger if max(PUBLISHED.get(each[0].name, {0: 0})) > each[0].sizes[-1]),
        _limits(found[NETWORK], fair[NETWORK]),
    ]


def carried(curves: Iterable[LearningCurve], rng: np.random.Generator) -> Carried:
    """Return the curves that have enough sizes to be carried on, each with its extrapolations."""
    return [(curve, extrapolate(curve, rng)) for curve in curves if len(curve.sizes) >= FEWEST_SIZES]


def _agreement(found: Curves) -> list[str]:
    machine = [verdict(found[AUTO], n) == AS_PUBLISHED for n in found[AUTO].sizes if n in PUBLISHED[AUTO]]
    seeds = [verdict(found[NETWORK], n) == INSIDE for n in found[NETWORK].sizes if n in PUBLISHED[NETWORK]]
    return [
        f"SVM with gamma=auto: the published accuracy to 0.01 points at {sum(machine)} of {len(machine)} sizes.",
        f"Network: the published seed lies where one more seed of ours would lie in 95 % of all cases at {sum(seeds)} of"
        f" {len(seeds)} sizes ({0.95 * len(seeds):.1f} expected).",
    ]


def _race(first: LearningCurve, second: LearningCurve, rng: np.random.Generator) -> str:
    parts = [_ahead(first, second, list(group)) for _, group in groupby(gaps(first, second), key=lambda gap: gap.verdict)]
    return f"{'; '.join(parts)}. {_crossed(first, second, find_crossings(first, second, rng))}"


def _ahead(first: LearningCurve, second: LearningCurve, group: Sequence[Gap]) -> str:
    sizes = f"{group[0].size:,}" if len(group) == 1 else f"{group[0].size:,} to {group[-1].size:,}"
    if group[0].verdict == "tie":
        return f"{first.name} and {second.name} are a tie at {sizes} images"
    ahead = first if group[0].verdict == "first" else second
    apart = [f"{100 * abs(gap.interval.centre):.1f}" for gap in group]
    by = apart[0] if len(set(apart)) == 1 else f"{apart[0]} to {apart[-1]}"
    return f"{ahead.name} is ahead at {sizes} images by {by} points"


def _crossed(first: LearningCurve, second: LearningCurve, found: Sequence[Crossing]) -> str:
    sizes = shared(first, second)
    if not found:
        return f"The mean curves do not cross between {sizes[0]:,} and {sizes[-1]:,} images."
    return " ".join(_one_crossing(first, second, each) for each in found)


def _one_crossing(first: LearningCurve, second: LearningCurve, found: Crossing) -> str:
    after = first.name if found.ahead_after == "first" else second.name
    size = found.size
    return (
        f"The mean curves cross near {size.centre:,.0f} images, after which {after} is ahead (95 % of the redrawn curves that"
        f" cross do so between {size.low:,.0f} and {size.high:,.0f}; {found.chance:.0%} cross)."
    )


def _dependence(found: Curves) -> str:
    verdicts = {name: [gap.verdict for gap in gaps(found[NETWORK], found[name])] for name in (AUTO, SCALE)}
    counts = {name: f"at {each.count('first')} of {len(each)} sizes against {name}" for name, each in verdicts.items()}
    said = f"the network is ahead {counts[AUTO]} and {counts[SCALE]}"
    if verdicts[AUTO] == verdicts[SCALE]:
        return f"The published conclusion does not depend on gamma here: {said}."
    return f"The published conclusion depends on gamma, a default that has changed since: {said}."


def _more_data(better: LearningCurve, worse: LearningCurve) -> str:
    """Return the largest set of the better model that the worse one overtakes by having more rows."""
    pairs = [(n, m) for n in better.sizes for m in worse.sizes if m > n and worse.at(m) < better.at(n)]
    if not pairs:
        return f"No larger set lets {worse.name} overtake {better.name} on a smaller one here."
    n = max(n for n, _ in pairs)
    m = min(m for k, m in pairs if k == n)
    return (
        f"More data can beat a better algorithm: {worse.name} with {m:,} images reaches {_percent(1 - worse.at(m))},"
        f" {better.name} with {n:,} only {_percent(1 - better.at(n))}."
    )


def _larger(curve: LearningCurve, found: Sequence[Extrapolation]) -> str:
    last = curve.sizes[-1]
    twice, end = ([each.at(size) for each in found] for size in (2 * last, math.inf))
    between = max(i.centre for i in end) - min(i.centre for i in end)
    compared = "more" if between > float(np.median([i.width for i in end])) else "less"
    names = ", ".join(f"{each.fit.family.name} {_percent(i.centre)}" for each, i in zip(found, end, strict=True))
    return (
        f"More images for the {_who(curve)}: {last:,} leave {_percent(curve.at(last))} errors; {2 * last:,} would leave"
        f" {_range([i.centre for i in twice])} by the family of curves ({_refits(twice)}); and no number fewer than {names}"
        f" ({_refits(end)}), where the families differ {compared} than each doubts itself."
    )


def _hindsight(curve: LearningCurve) -> str:
    missed = ", ".join(f"{name} by {100 * (said - curve.means[-1]):+.2f}" for name, said in predict_largest(curve).items())
    last = f"{curve.sizes[-1]:,}"
    return f"Predicted from the smaller sets, the error of the {_who(curve)} at {last} images is off: {missed} points."


def _beyond(curve: LearningCurve, found: Sequence[Extrapolation]) -> str:
    """Predict the error at the largest published size, where ours end below it."""
    size, known = max(PUBLISHED[curve.name].items())
    said = ", ".join(f"{each.fit.family.name} {_percent(each.at(size).centre)}" for each in found)
    return f"Predicted at {size:,} images for the {curve.name}: {said} errors; published: {100 - known:.2f} %."


def _limits(found: LearningCurve, fair: LearningCurve) -> str:
    return (
        f"All is counted on validation rows ({found.rows:,} as published, {fair.rows:,} that no params were chosen by where"
        " tuned), and on the first images in file order alone: other training images would move every curve, by an amount"
        " that no interval here holds. Nothing follows for other data."
    )


def _range(values: Sequence[float]) -> str:
    return f"{100 * min(values):.2f} to {_percent(max(values))}"


def _who(curve: LearningCurve) -> str:
    return f"{curve.name} (as published)" if curve.name in PUBLISHED else curve.name


def _refits(found: Sequence[Interval]) -> str:
    return f"refits {_range([i.low for i in found] + [i.high for i in found])}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
