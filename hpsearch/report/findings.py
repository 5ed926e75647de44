"""What a report says about a study in sentences: what the curves show, which ranges were too narrow, what acts together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from hpsearch.analysis.curves import MOST
from hpsearch.analysis.diagnosis import of_trial
from hpsearch.analysis.edges import edges
from hpsearch.analysis.findings import Findings, spread
from hpsearch.analysis.interaction import interactions
from hpsearch.trial import candidates, format_value, rank_candidates

# A share of the differences that is worth a sentence: what is less, chance brings about as well.
WORTH = 0.1
UNTOLD = "not enough to tell"


def safely(verdict: Callable[[Findings], Iterator[str]], findings: Findings) -> list[str]:
    """Return the sentences of a verdict; where it fails, one that says so, as no sentence is worth a report."""
    try:
        return list(verdict(findings))
    except Exception as error:
        return [f"This could not be told: {type(error).__name__}: {error}"]


def curves_say(findings: Findings) -> Iterator[str]:
    """Say what is wrong with the best trial by its curves, and how often each diagnosis was given.

    Curves of a recorded study are fetched one by one, so that of more than 300 trials the 100 best and an even choice of 200
    others are read.
    """
    having = [trial for trial in findings.searching if trial.outcome is not None and trial.outcome.history]
    read = spread(having, findings.ranks, MOST)
    told = [found for trial in read if (found := of_trial(trial)) is not None]
    if not told:
        yield "No trial has curves of a cost over the epochs (training_cost, validation_cost) to be read."
        return
    best = findings.chosen and of_trial(findings.chosen)
    if findings.chosen and best:
        yield f"The best trial, {findings.chosen.number}: {best}"
    counts = Counter(found.label or UNTOLD for found in told).most_common()
    kinds = ", ".join(f"{label} {count}" for label, count in counts)
    part = f", the best and an even choice of the {len(having)} that have some" if len(read) < len(having) else ""
    yield f"Of the curves of {len(told)} trials{part}: {kinds}."


def look_next(findings: Findings) -> Iterator[str]:
    """Say which ranges ended where the best settings lie, and which parameters act together."""
    best = findings.chosen
    if best is None:
        yield findings.why_nothing
        return
    ranked = [candidate.params for candidate in rank_candidates(candidates(findings.trials)) if candidate.params != best.params]
    narrow = edges(findings.space, [best.params, *ranked])
    yield from (edge.advice(edge.name, format_value(edge.value)) for edge in narrow)
    if not narrow:
        yield "No range ended where the best settings lie."
    yield from _together(findings)


def _together(findings: Findings) -> Iterator[str]:
    found = interactions(findings)
    if isinstance(found, str):
        yield found
        return
    for (first, second), share in found.items():
        if share >= WORTH:
            yield (
                f"{first} and {second} act together: {share:.0%} of the differences between trials come from how they are "
                "combined; search them together."
            )
    if not any(share >= WORTH for share in found.values()):
        yield f"No two parameters act together noticeably: no pair explains {WORTH:.0%} more than both do by themselves."
