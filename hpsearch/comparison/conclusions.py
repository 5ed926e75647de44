"""Conclusions of a comparison as data, and their sentences: which contender is better, by how much, and how much sooner."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hpsearch.analysis.contest import Contest
from hpsearch.analysis.differences import Difference
from hpsearch.analysis.intervals import Interval
from hpsearch.analysis.speedup import SpeedUp

LIMITS = (
    "The repetitions differ only in their seeds: nothing follows for other data, other objectives, larger budgets, or the"
    " test set."
)


@dataclass(frozen=True)
class Outrun:
    """One contender against another at the full budget.

    Args:
        ahead: the contender of the better mean.
        behind: the other one.
        clear: whether the difference is beyond the noise; else the two are a tie.
        gain: how much better ``ahead`` is on average, positive in either direction, with its interval.
        p_value: of the paired t test, adjusted for the number of pairs.
        share: the share of repetitions in which ``ahead`` is ahead; ties count half.
        sooner: how much sooner ``ahead`` reaches what ``behind`` ends with; None for a tie.
    """

    ahead: str
    behind: str
    clear: bool
    gain: Interval
    p_value: float
    share: float
    sooner: SpeedUp | None = None


def conclude(contest: Contest) -> list[Outrun]:
    """Return what follows from a comparison, one conclusion per pair of contenders."""
    return [_outrun(contest, pair, difference) for pair, difference in contest.differences.items()]


def _outrun(contest: Contest, pair: tuple[str, str], difference: Difference) -> Outrun:
    found, clear = difference.interval, difference.verdict != "tie"
    if found.centre <= 0:  # values are minimised: the first one is ahead
        (ahead, behind), gain = pair, Interval(-found.high, -found.centre, -found.low, found.level)
    else:
        (ahead, behind), gain = pair[::-1], found
    sooner = contest.speed_up(ahead, behind) if clear else None
    share = contest.chances(ahead, behind)[-1].centre
    return Outrun(ahead, behind, clear, gain, difference.p_value, share, sooner)


def describe(contest: Contest) -> list[str]:
    """Return the conclusions of a comparison as sentences: who is better, who is sooner, and the limits of both."""
    found = conclude(contest)
    return [*(_who(contest, each) for each in found), *_sooner(contest, found), LIMITS]


def _who(contest: Contest, found: Outrun) -> str:
    after, gain = _spent(contest, contest.budgets[-1]), found.gain
    noise = f"{_percent(gain.level)} interval {gain.low:.3g} to {gain.high:.3g}, p = {found.p_value:.2g}"
    share = f"ahead in {found.share:.0%} of {contest.repetitions} repetitions, ties count half"
    if not found.clear:
        return (
            f"{found.ahead} and {found.behind} are a tie after {after}: a lead of {gain.centre:.3g} in {contest.measure}"
            f" is within the noise ({noise}; {found.ahead} {share})."
        )
    by = f"{gain.centre:.3g} {'higher' if contest.maximize else 'lower'} in {contest.measure}"
    return f"{found.ahead} is better than {found.behind} after {after}: {by} on average ({noise}; {share})."


def _sooner(contest: Contest, conclusions: list[Outrun]) -> Iterator[str]:
    for found in conclusions:
        if (sooner := found.sooner) is not None:
            needed = sooner.budget if sooner.needed is None else sooner.needed
            high = "no limit" if sooner.high == math.inf else f"{sooner.high:.3g}"
            yield (
                f"{found.ahead} needs {_spent(contest, needed)} for what {found.behind} reaches after"
                f" {_spent(contest, sooner.budget)}: a factor of {sooner.budget / needed:.3g}"
                f" ({_percent(sooner.level)} interval {sooner.low:.3g} to {high})."
            )


def _spent(contest: Contest, amount: float) -> str:
    return f"{amount:.4g} {contest.unit}"


def _percent(level: float) -> str:
    return f"{100 * level:g} %"
