"""What a comparison allows to say, and what it does not, in sentences."""

from __future__ import annotations

from hpsearch.analysis.contest import Contest
from hpsearch.analysis.differences import Difference
from hpsearch.analysis.speedup import SpeedUp


def conclusions(contest: Contest) -> list[str]:
    """Return one sentence per pair of arms, one per speed-up that means something, and the limits of all of them."""
    found = [_verdict(contest, pair, difference) for pair, difference in contest.differences.items()]
    clear = {frozenset(pair) for pair, difference in contest.differences.items() if difference.verdict != "tie"}
    sooner = [_sooner(contest, *each) for each in contest.faster() if frozenset(each[:2]) in clear]
    return [*found, *sooner, _limits(contest)]


def _verdict(contest: Contest, pair: tuple[str, str], difference: Difference) -> str:
    spent, worse = _spent(contest, contest.budgets[-1]), difference.verdict == "worse"
    (ahead, behind), sign = (pair[::-1], 1) if worse else (pair, -1)
    gain, *ends = (sign * each for each in (difference.interval.centre, difference.interval.low, difference.interval.high))
    low, high = sorted(ends)
    noise = f"{_percent(difference.interval.level)} interval {low:.3g} to {high:.3g}, p = {difference.p_value:.2g}"
    share = f"ahead in {contest.chances(ahead, behind)[-1].centre:.0%} of {contest.repetitions} repetitions, ties half"
    if difference.verdict == "tie":
        apart = f"{gain:.3g} in {contest.measure} is inside the noise"
        return f"{ahead} and {behind} are a tie after {spent}: a lead of {apart} ({noise}; {ahead} {share})."
    by = f"{gain:.3g} {'higher' if contest.maximize else 'lower'} in {contest.measure}"
    return f"{ahead} is better than {behind} after {spent}: {by} on average ({noise}; {share})."


def _sooner(contest: Contest, ahead: str, behind: str, found: SpeedUp) -> str:
    needed = found.budget if found.needed is None else found.needed
    high = "no limit" if found.high == float("inf") else f"{found.high:.3g}"
    return (
        f"{ahead} needs {_spent(contest, needed)} for what {behind} reaches after {_spent(contest, found.budget)}:"
        f" a factor of {found.budget / needed:.3g} ({_percent(found.level)} interval {found.low:.3g} to {high})."
    )


def _limits(contest: Contest) -> str:
    return (
        "The repetitions differ in their seeds alone: nothing follows for other data, other objectives, larger budgets,"
        " or for the test set."
    )


def _spent(contest: Contest, amount: float) -> str:
    return f"{amount:.4g} {contest.unit}"


def _percent(level: float) -> str:
    return f"{100 * level:g} %"
